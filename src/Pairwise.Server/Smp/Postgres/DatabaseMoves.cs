using Npgsql;
using Pairwise.Server.Smp.Logs;
using Pairwise.Server.Smp.Store;

namespace Pairwise.Server.Smp.Postgres;

/// <summary>What of a database an operator moves or deletes.</summary>
[Flags]
public enum DatabaseTables
{
    /// <summary>Queues and services.</summary>
    Queues = 1,

    /// <summary>Messages.</summary>
    Messages = 2,

    /// <summary>Both.</summary>
    All = Queues | Messages,
}

/// <summary>What a move came to. Counts only.</summary>
/// <param name="Queues">Queues moved.</param>
/// <param name="Services">Services moved.</param>
/// <param name="Messages">Messages and quota markers moved.</param>
/// <param name="LeftOut">Lines or rows that could not be moved.</param>
public sealed record DatabaseMoveReport(long Queues, long Services, long Messages, long LeftOut);

/// <summary>
/// Moves a relay's queues and messages between its files (store log, message log) and its database, while no relay runs
/// on either.
/// </summary>
public static class DatabaseMoves
{
    /// <summary>
    /// Fills empty tables from the files. Queues come from the store log, messages from the message log; a file that was
    /// imported stays beside with the ending <c>.bak</c>.
    /// </summary>
    /// <exception cref="SmpServerException">The tables are not empty, a file is missing, or the database cannot be used.</exception>
    public static Task<DatabaseMoveReport> ImportAsync(
        PostgresOptions options, DatabaseTables tables, string storeLog, string messageLog, TimeProvider time, CancellationToken cancellationToken) =>
        RunAsync(options, time, async pool =>
        {
            var queues = new QueueStore();
            var report = new DatabaseMoveReport(0, 0, 0, 0);
            await using var connection = await pool.OpenConnectionAsync(cancellationToken);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            if (tables.HasFlag(DatabaseTables.Queues))
            {
                await RequireEmptyAsync(connection, "msg_queues", cancellationToken);
                Require(storeLog);
                var read = StoreLog.Read(storeLog, queues);
                var services = queues.Services.All();
                await InsertAsync(connection, services.Select(PostgresQueueLog.Insert), cancellationToken);
                await InsertAsync(connection, queues.All().Select(PostgresQueueLog.Insert), cancellationToken);
                report = report with { Queues = queues.Count, Services = services.Count, LeftOut = read.BrokenLines + read.RefusedRecords };
            }
            else
            {
                await PostgresStore.ReadAsync(connection, $"SELECT {PostgresRows.QueueColumns} FROM msg_queues WHERE deleted_at IS NULL", row => AddTo(queues, row), cancellationToken);
            }

            if (tables.HasFlag(DatabaseTables.Messages) && (tables == DatabaseTables.Messages || File.Exists(messageLog)))
            {
                await RequireEmptyAsync(connection, "messages", cancellationToken);
                Require(messageLog);
                var (moved, leftOut) = await ImportMessagesAsync(connection, queues, messageLog, cancellationToken);
                report = report with { Messages = moved, LeftOut = report.LeftOut + leftOut };
            }

            await transaction.CommitAsync(cancellationToken);
            SetAside(storeLog, tables.HasFlag(DatabaseTables.Queues));
            SetAside(messageLog, report.Messages > 0 || tables == DatabaseTables.Messages);
            return report;
        }, cancellationToken);

    /// <summary>Writes the files from the database; files that are there are not overwritten.</summary>
    /// <exception cref="SmpServerException">A file is there already, or the database cannot be used.</exception>
    public static Task<DatabaseMoveReport> ExportAsync(
        PostgresOptions options, DatabaseTables tables, string storeLog, string messageLog, TimeProvider time, CancellationToken cancellationToken) =>
        RunAsync(options, time, async pool =>
        {
            var queues = new QueueStore();
            var leftOut = 0L;
            var moved = 0L;
            await using var connection = await pool.OpenConnectionAsync(cancellationToken);
            await PostgresStore.ReadAsync(connection, "SELECT service_id, service_role, service_cert, service_cert_hash, created_at FROM services", row =>
                leftOut += PostgresRows.ReadService(row) is { } service && queues.GetOrAddService(service, out _) is null ? 0 : 1, cancellationToken);
            await PostgresStore.ReadAsync(connection, $"SELECT {PostgresRows.QueueColumns} FROM msg_queues WHERE deleted_at IS NULL", row =>
                leftOut += AddTo(queues, row) ? 0 : 1, cancellationToken);
            if (tables.HasFlag(DatabaseTables.Queues))
            {
                RequireAbsent(storeLog);
                StoreLog.WriteAll(storeLog, queues);
            }

            if (tables.HasFlag(DatabaseTables.Messages))
            {
                RequireAbsent(messageLog);
                moved = await ExportMessagesAsync(connection, queues, messageLog, cancellationToken);
            }

            return new DatabaseMoveReport(queues.Count, queues.Services.All().Count, moved, leftOut);
        }, cancellationToken);

    /// <summary>Empties tables. Deleting queues deletes their messages too.</summary>
    /// <exception cref="SmpServerException">The database cannot be used.</exception>
    public static Task<DatabaseMoveReport> DeleteAsync(PostgresOptions options, DatabaseTables tables, TimeProvider time, CancellationToken cancellationToken) =>
        RunAsync(options, time, async pool =>
        {
            await using var connection = await pool.OpenConnectionAsync(cancellationToken);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            var messages = await CountAsync(connection, "messages", cancellationToken);
            var queues = tables.HasFlag(DatabaseTables.Queues) ? await CountAsync(connection, "msg_queues", cancellationToken) : 0;
            var services = tables.HasFlag(DatabaseTables.Queues) ? await CountAsync(connection, "services", cancellationToken) : 0;
            await ExecuteAsync(connection, "TRUNCATE messages", cancellationToken);
            await ExecuteAsync(
                connection,
                tables.HasFlag(DatabaseTables.Queues)
                    ? "TRUNCATE msg_queues, services CASCADE"
                    : "UPDATE msg_queues SET msg_queue_size = 0, msg_can_write = TRUE, msg_queue_expire = FALSE",
                cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            return new DatabaseMoveReport(queues, services, messages, 0);
        }, cancellationToken);

    private static async Task<DatabaseMoveReport> RunAsync(
        PostgresOptions options, TimeProvider time, Func<NpgsqlDataSource, Task<DatabaseMoveReport>> move, CancellationToken cancellationToken)
    {
        await using var pool = options.OpenPool();
        try
        {
            await PostgresSchema.PrepareAsync(pool, options, time.GetUtcNow(), cancellationToken);
            return await move(pool);
        }
        catch (Exception fault) when (fault is NpgsqlException or System.Net.Sockets.SocketException)
        {
            throw new SmpServerException($"The database cannot be used: {PostgresStore.Explain(fault)}", fault);
        }
    }

    private static async Task<(long Moved, long LeftOut)> ImportMessagesAsync(
        NpgsqlConnection connection, QueueStore queues, string messageLog, CancellationToken cancellationToken)
    {
        const int batchSize = 500;
        var moved = 0L;
        var leftOut = 0L;
        var batch = new List<PostgresChange>();
        var lines = new List<(StoredId Queue, StoredMessage Message)>();
        LogFileReader.ReadLines(messageLog, (line, _) =>
        {
            if (MessageLogCodec.TryRead(line, out var recipientId, out var message) && queues.TryFindByRecipient(recipientId, out var _))
            {
                lines.Add((recipientId, message!));
            }
            else
            {
                leftOut++;
            }
        });
        foreach (var (recipientId, message) in lines)
        {
            batch.Add(new PostgresChange(
                $"INSERT INTO messages ({PostgresRows.MessageColumns}) VALUES ($1,$2,$3,$4,$5,$6)",
                [recipientId.ToArray(), message.Id.ToArray(), message.Seconds, message.IsQuota, message.Notify, message.Body.ToArray()]));
            moved++;
            if (batch.Count == batchSize)
            {
                await InsertAsync(connection, batch, cancellationToken);
                batch.Clear();
            }
        }

        await InsertAsync(connection, batch, cancellationToken);
        await ExecuteAsync(
            connection,
            """
            UPDATE msg_queues q SET msg_queue_size = s.size, msg_can_write = NOT s.is_full, msg_queue_expire = TRUE
            FROM (SELECT recipient_id, COUNT(*) AS size, bool_or(msg_quota) AS is_full FROM messages GROUP BY recipient_id) s
            WHERE q.recipient_id = s.recipient_id
            """,
            cancellationToken);
        return (moved, leftOut);
    }

    private static async Task<long> ExportMessagesAsync(NpgsqlConnection connection, QueueStore queues, string messageLog, CancellationToken cancellationToken)
    {
        var unfinished = messageLog + ".tmp";
        var moved = 0L;
        await using (var file = new FileStream(unfinished, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 1 << 20))
        {
            var line = new LogLineWriter();
            await PostgresStore.ReadAsync(connection, $"SELECT {PostgresRows.MessageColumns} FROM messages ORDER BY recipient_id, message_id", row =>
            {
                if (PostgresRows.TryReadMessage(row, out var recipientId, out var message) && queues.TryFindByRecipient(recipientId, out _))
                {
                    line.Clear();
                    MessageLogCodec.Write(line, recipientId, message!);
                    line.Text("\n"u8);
                    file.Write(line.Written);
                    moved++;
                }
            }, cancellationToken);
            file.Flush(flushToDisk: true);
        }

        File.Move(unfinished, messageLog);
        return moved;
    }

    private static bool AddTo(QueueStore queues, NpgsqlDataReader row) => PostgresRows.ReadQueue(row) is { } queue && queues.Add(queue) is null;

    internal static async Task InsertAsync(NpgsqlConnection connection, IEnumerable<PostgresChange> changes, CancellationToken cancellationToken)
    {
        const int batchSize = 1000;
        foreach (var part in changes.Chunk(batchSize))
        {
            await using var batch = new NpgsqlBatch(connection);
            foreach (var change in part)
            {
                var command = new NpgsqlBatchCommand(change.Sql);
                PostgresRows.AddTo(command.Parameters, change.Values);
                batch.BatchCommands.Add(command);
            }

            await batch.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    private static async Task RequireEmptyAsync(NpgsqlConnection connection, string table, CancellationToken cancellationToken)
    {
        if (await CountAsync(connection, table, cancellationToken) is var rows and > 0)
        {
            throw new SmpServerException($"The table {table} has {rows} rows: delete them first (smp-server database delete), or nothing needs to be imported.");
        }
    }

    internal static async Task<long> CountAsync(NpgsqlConnection connection, string table, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand($"SELECT COUNT(*) FROM {table}", connection);
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static void Require(string path)
    {
        if (!File.Exists(path))
        {
            throw new SmpServerException($"{path} does not exist: there is nothing to import.");
        }
    }

    private static void RequireAbsent(string path)
    {
        if (File.Exists(path))
        {
            throw new SmpServerException($"{path} exists: move it away first, it would be overwritten.");
        }
    }

    private static void SetAside(string path, bool isImported)
    {
        if (isImported && File.Exists(path))
        {
            File.Move(path, path + ".bak", overwrite: true);
        }
    }
}
