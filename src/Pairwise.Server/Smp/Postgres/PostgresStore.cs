using Microsoft.Extensions.Logging;
using Npgsql;
using Pairwise.Server.Smp.Logs;
using Pairwise.Server.Smp.Store;

namespace Pairwise.Server.Smp.Postgres;

/// <summary>What loading a database came to. Counts only.</summary>
/// <param name="Queues">Queues that are there.</param>
/// <param name="Services">Services that are there.</param>
/// <param name="Messages">Messages back in their queues.</param>
/// <param name="Refused">Rows that cannot be read, or contradict others; they stay in the database.</param>
public sealed record PostgresReport(long Queues, long Services, long Messages, long Refused);

/// <summary>A relay's database: opened once, read once, then written behind memory. Owned by the relay's state.</summary>
internal sealed partial class PostgresStore : IAsyncDisposable
{
    private const int PurgedTogether = 10_000;

    private readonly TimeSpan _deletedLifetime;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private StoreLogWriter? _mirror;
    private PostgresReconciler? _reconciler;

    private PostgresStore(NpgsqlDataSource pool, PostgresOptions options, TimeProvider time, ILogger logger)
    {
        _deletedLifetime = options.DeletedLifetime;
        PoolSize = options.PoolSize;
        _logger = logger;
        Pool = pool;
        _time = time;
        Writer = new PostgresWriter(pool, time, logger);
    }

    public NpgsqlDataSource Pool { get; }

    /// <summary>Most connections.</summary>
    public int PoolSize { get; }

    public PostgresWriter Writer { get; }

    /// <summary>Connects, and makes the tables when they are missing.</summary>
    /// <exception cref="SmpServerException">The database cannot be used.</exception>
    public static async Task<PostgresStore> OpenAsync(PostgresOptions options, TimeProvider time, ILogger logger, CancellationToken cancellationToken)
    {
        var pool = options.OpenPool();
        try
        {
            await PostgresSchema.PrepareAsync(pool, options, time.GetUtcNow(), cancellationToken);
            return new PostgresStore(pool, options, time, logger);
        }
        catch (Exception fault) when (fault is NpgsqlException or System.Net.Sockets.SocketException)
        {
            await pool.DisposeAsync();
            throw new SmpServerException($"The database cannot be used: {Explain(fault)}", fault);
        }
        catch
        {
            await pool.DisposeAsync();
            throw;
        }
    }

    /// <summary>Fills a queue store, and a message store if messages are in the database too.</summary>
    public async Task<PostgresReport> LoadAsync(QueueStore queues, PostgresMessageStore? messages, CancellationToken cancellationToken)
    {
        await using var connection = await Pool.OpenConnectionAsync(cancellationToken);
        var refused = 0L;
        var services = 0L;
        await ReadAsync(connection, "SELECT service_id, service_role, service_cert, service_cert_hash, created_at FROM services", row =>
        {
            var isAdded = PostgresRows.ReadService(row) is { } service && queues.GetOrAddService(service, out _) is null;
            services += isAdded ? 1 : 0;
            refused += isAdded ? 0 : 1;
        }, cancellationToken);
        await ReadAsync(connection, $"SELECT {PostgresRows.QueueColumns} FROM msg_queues WHERE deleted_at IS NULL", row =>
            refused += PostgresRows.ReadQueue(row) is { } queue && queues.Add(queue) is null ? 0 : 1, cancellationToken);
        var restored = messages is null ? 0 : await LoadMessagesAsync(connection, queues, messages, cancellationToken);
        return new PostgresReport(queues.Count, services, restored, refused);
    }

    /// <summary>Messages with their bodies; those that are missing are not in the database.</summary>
    public async Task<IReadOnlyList<StoredMessage>> ReadBodiesAsync(IReadOnlyList<(StoredId Queue, StoredId Message)> wanted)
    {
        // For each by the index of its queue, whatever the table's statistics say.
        await using var command = Pool.CreateCommand(
            """
            SELECT found.msg_id, found.msg_ts, found.msg_ntf_flag, found.msg_body
            FROM unnest($1::bytea[], $2::bytea[]) AS wanted (recipient_id, msg_id) CROSS JOIN LATERAL (
              SELECT msg_id, msg_ts, msg_ntf_flag, msg_body FROM messages
              WHERE messages.recipient_id = wanted.recipient_id AND messages.msg_id = wanted.msg_id LIMIT 1
            ) AS found
            """);
        PostgresRows.AddTo(command.Parameters, [wanted.Select(each => each.Queue.ToArray()).ToArray(), wanted.Select(each => each.Message.ToArray()).ToArray()]);
        await using var reader = await command.ExecuteReaderAsync();
        var found = new List<StoredMessage>();
        while (await reader.ReadAsync())
        {
            found.Add(StoredMessage.Message(StoredId.From(reader.GetFieldValue<byte[]>(0)), reader.GetInt64(1), reader.GetBoolean(2), reader.GetFieldValue<byte[]>(3)));
        }

        return found;
    }

    /// <summary>From now on changes of queues go to the database, and to a log beside it if one is given.</summary>
    /// <param name="queues">What memory has.</param>
    /// <param name="messages">The messages, if they are here too.</param>
    /// <param name="mirrorPath">The log beside it, or null.</param>
    /// <param name="evicted">Told of a queue of which it turned out that the database does not have it.</param>
    public void Attach(QueueStore queues, PostgresMessageStore? messages, string? mirrorPath, Action<SmpQueue> evicted)
    {
        _reconciler = new PostgresReconciler(this, queues, messages, evicted, _time, _logger);
        if (mirrorPath is not null)
        {
            if (File.Exists(mirrorPath))
            {
                File.Move(mirrorPath, mirrorPath + ".bak", overwrite: true);
            }

            StoreLog.WriteAll(mirrorPath, queues);
            _mirror = new StoreLogWriter(mirrorPath);
        }

        queues.AttachLog(new PostgresQueueLog(Writer, _time, _mirror));
    }

    /// <summary>
    /// Removes the rows of queues that were deleted long enough ago, and of the others what the official server leaves there:
    /// messages and link data, which go with a queue's deletion here. A database that is away now is asked again the next
    /// time.
    /// </summary>
    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        try
        {
            await ExecuteAsync("DELETE FROM messages USING msg_queues q WHERE messages.recipient_id = q.recipient_id AND q.deleted_at IS NOT NULL", cancellationToken);
            await ExecuteAsync(
                "UPDATE msg_queues SET link_id = NULL, fixed_data = NULL, user_data = NULL, msg_queue_size = 0 WHERE deleted_at IS NOT NULL AND (link_id IS NOT NULL OR fixed_data IS NOT NULL OR user_data IS NOT NULL OR msg_queue_size <> 0)",
                cancellationToken);

            // A whole day becomes old at once. Small transactions: clients' changes wait for none of them.
            long purged = 0;
            for (var last = PurgedTogether; last == PurgedTogether; purged += last)
            {
                last = await PurgeAsync(cancellationToken);
            }

            if (purged > 0)
            {
                Log.Purged(_logger, purged);
            }
        }
        catch (Exception fault) when (fault is NpgsqlException or System.Net.Sockets.SocketException or IOException or TimeoutException)
        {
            Log.PurgeFailed(_logger, Explain(fault));
        }
    }

    /// <summary>Writes what waits, then closes all connections.</summary>
    public async ValueTask DisposeAsync()
    {
        await Writer.DisposeAsync();
        await (_reconciler?.DisposeAsync() ?? ValueTask.CompletedTask);
        _mirror?.Dispose();
        await Pool.DisposeAsync();
    }

    private async Task ExecuteAsync(string sql, CancellationToken cancellationToken)
    {
        await using var command = Pool.CreateCommand(sql);
        command.CommandTimeout = 0;
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private async Task<int> PurgeAsync(CancellationToken cancellationToken)
    {
        await using var command = Pool.CreateCommand(
            "DELETE FROM msg_queues WHERE recipient_id IN (SELECT recipient_id FROM msg_queues WHERE deleted_at < $1 LIMIT $2)");
        command.CommandTimeout = 0; // the rows are spread over the table
        command.Parameters.Add(new NpgsqlParameter { Value = (_time.GetUtcNow() - _deletedLifetime).ToUnixTimeSeconds() });
        command.Parameters.Add(new NpgsqlParameter { Value = PurgedTogether });
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    internal static string Explain(Exception fault) => fault switch
    {
        PostgresException refused => $"{refused.MessageText} ({refused.SqlState})",
        { InnerException: { } inner } => inner.Message,
        _ => fault.Message,
    };

    // By their own numbers, and not queue by queue: so they need not be sorted, and each queue's come in order.
    private static async Task<long> LoadMessagesAsync(NpgsqlConnection connection, QueueStore queues, PostgresMessageStore messages, CancellationToken cancellationToken)
    {
        var restored = 0L;
        await ReadAsync(connection, "SELECT recipient_id, msg_id, msg_ts, msg_quota, msg_ntf_flag FROM messages ORDER BY message_id", row =>
        {
            if (PostgresRows.TryReadMark(row, out var recipientId, out var message) && queues.TryFindByRecipient(recipientId, out var queue))
            {
                messages.Load(queue, message);
                restored += message.IsQuota ? 0 : 1;
            }
        }, cancellationToken);
        await ReadAsync(connection, "SELECT recipient_id FROM msg_queues WHERE deleted_at IS NULL AND NOT msg_can_write", row =>
        {
            if (StoredId.TryFrom(row.GetFieldValue<byte[]>(0), out var recipientId) && queues.TryFindByRecipient(recipientId, out var queue))
            {
                PostgresMessageStore.LoadFull(queue);
            }
        }, cancellationToken);
        return restored;
    }

    internal static async Task ReadAsync(
        NpgsqlConnection connection, string sql, Action<NpgsqlDataReader> take, CancellationToken cancellationToken, params object?[] values)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        PostgresRows.AddTo(command.Parameters, values);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            take(reader);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(2023, LogLevel.Information, "{Count} rows of queues deleted long ago were removed from the database.")]
        public static partial void Purged(ILogger logger, long count);

        [LoggerMessage(2024, LogLevel.Warning, "Rows of deleted queues could not be removed from the database: {Reason}")]
        public static partial void PurgeFailed(ILogger logger, string reason);
    }
}
