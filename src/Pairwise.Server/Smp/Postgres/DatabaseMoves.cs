using Npgsql;
using NpgsqlTypes;
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
    // Of a store log: its queues take about as much memory.
    private const long BytesTogether = 16 << 20;

    /// <summary>
    /// Fills empty tables from the files. Queues come from the store log, messages from the message log; a file that was
    /// imported stays beside with the ending <c>.bak</c>.
    /// </summary>
    /// <exception cref="SmpServerException">The tables are not empty, a file is missing, or the database cannot be used.</exception>
    public static Task<DatabaseMoveReport> ImportAsync(
        PostgresOptions options, DatabaseTables tables, string storeLog, string messageLog, TimeProvider time, CancellationToken cancellationToken) =>
        ImportAsync(options, tables, storeLog, messageLog, BytesTogether, time, cancellationToken);

    /// <summary>The same, with so many bytes of the store log in memory at once.</summary>
    internal static Task<DatabaseMoveReport> ImportAsync(
        PostgresOptions options, DatabaseTables tables, string storeLog, string messageLog, long bytesTogether, TimeProvider time, CancellationToken cancellationToken) =>
        RunAsync(options, time, async pool =>
        {
            var report = new DatabaseMoveReport(0, 0, 0, 0);
            await using var connection = await pool.OpenConnectionAsync(cancellationToken);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            if (tables.HasFlag(DatabaseTables.Queues))
            {
                await RequireEmptyAsync(connection, "msg_queues", tables, cancellationToken);
                Require(storeLog);
                report = await ImportQueuesAsync(connection, storeLog, bytesTogether, cancellationToken);
            }

            if (tables.HasFlag(DatabaseTables.Messages) && (tables == DatabaseTables.Messages || File.Exists(messageLog)))
            {
                await RequireEmptyAsync(connection, "messages", tables, cancellationToken);
                Require(messageLog);
                var (moved, leftOut) = await ImportMessagesAsync(connection, messageLog, cancellationToken);
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
            var report = new DatabaseMoveReport(0, 0, 0, 0);
            await using var connection = await pool.OpenConnectionAsync(cancellationToken);
            if (tables.HasFlag(DatabaseTables.Queues))
            {
                RequireAbsent(storeLog);
            }

            if (tables.HasFlag(DatabaseTables.Messages))
            {
                RequireAbsent(messageLog);
                report = await ExportMessagesAsync(connection, messageLog, cancellationToken);
            }

            if (tables.HasFlag(DatabaseTables.Queues))
            {
                var queues = await ExportQueuesAsync(connection, storeLog, cancellationToken);
                report = queues with { Messages = report.Messages, LeftOut = queues.LeftOut + report.LeftOut };
            }

            return report;
        }, cancellationToken);

    /// <summary>
    /// Empties the table of messages; or, with queues, takes all tables away and the schema with them, so that either program
    /// can import into a new one.
    /// </summary>
    /// <exception cref="SmpServerException">The database cannot be used.</exception>
    public static Task<DatabaseMoveReport> DeleteAsync(PostgresOptions options, DatabaseTables tables, TimeProvider time, CancellationToken cancellationToken) =>
        RunAsync(options, time, async pool =>
        {
            await using var connection = await pool.OpenConnectionAsync(cancellationToken);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            var messages = await CountAsync(connection, "messages", cancellationToken);
            var queues = tables.HasFlag(DatabaseTables.Queues) ? await CountAsync(connection, "msg_queues", cancellationToken) : 0;
            var services = tables.HasFlag(DatabaseTables.Queues) ? await CountAsync(connection, "services", cancellationToken) : 0;
            if (tables.HasFlag(DatabaseTables.Queues))
            {
                await PostgresSchema.DropAsync(connection, options.Schema, cancellationToken);
            }
            else
            {
                await ExecuteAsync(connection, "TRUNCATE messages", cancellationToken);
                await ExecuteAsync(connection, "UPDATE msg_queues SET msg_queue_size = 0, msg_can_write = TRUE, msg_queue_expire = FALSE", cancellationToken);
            }

            await transaction.CommitAsync(cancellationToken);
            return new DatabaseMoveReport(queues, services, messages, 0);
        }, cancellationToken);

    /// <summary>Fills a store with the queues of a database, without their messages.</summary>
    /// <exception cref="SmpServerException">The database cannot be used.</exception>
    public static Task ReadQueuesAsync(PostgresOptions options, QueueStore queues, TimeProvider time, CancellationToken cancellationToken) =>
        RunAsync(options, time, async pool =>
        {
            ArgumentNullException.ThrowIfNull(queues);
            await using var connection = await pool.OpenConnectionAsync(cancellationToken);
            var leftOut = 0L;
            await PostgresStore.ReadAsync(connection, $"SELECT {PostgresRows.QueueColumns} FROM msg_queues WHERE deleted_at IS NULL", row =>
                leftOut += PostgresRows.ReadQueue(row) is { } queue && queues.Add(queue) is null ? 0 : 1, cancellationToken);
            return new DatabaseMoveReport(queues.Count, 0, 0, leftOut);
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

    // Of a large log so many queues are in memory at once that it need not fit: the log is read again for the others.
    private static async Task<DatabaseMoveReport> ImportQueuesAsync(NpgsqlConnection connection, string storeLog, long bytesTogether, CancellationToken cancellationToken)
    {
        var report = new DatabaseMoveReport(0, 0, 0, 0);
        var parts = (ulong)(new FileInfo(storeLog).Length / bytesTogether) + 1;
        for (var part = 0UL; part < parts; part++)
        {
            var queues = new QueueStore();
            var read = StoreLog.Read(storeLog, queues, id => id.RandomBits % parts == part);
            if (part == 0)
            {
                var services = queues.Services.All();
                await InsertAsync(connection, services.Select(PostgresQueueLog.Insert), cancellationToken);
                report = report with { Services = services.Count, LeftOut = read.BrokenLines };
            }

            // An id that a queue of another part has too is found by the table.
            var inserted = await InsertAsync(connection, queues.All().Select(queue => PostgresQueueLog.Insert(queue).ForRepetition()), cancellationToken);
            report = report with { Queues = report.Queues + inserted, LeftOut = report.LeftOut + read.RefusedRecords + queues.Count - inserted };
        }

        return report;
    }

    private static async Task<(long Moved, long LeftOut)> ImportMessagesAsync(NpgsqlConnection connection, string messageLog, CancellationToken cancellationToken)
    {
        var moved = 0L;
        var leftOut = 0L;
        var known = new HashSet<StoredId>();
        await PostgresStore.ReadAsync(connection, "SELECT recipient_id FROM msg_queues WHERE deleted_at IS NULL", row =>
        {
            if (StoredId.TryFrom(row.GetFieldValue<byte[]>(0), out var id))
            {
                known.Add(id);
            }
        }, cancellationToken);

        // A message at a time goes from the file to the table.
        await using (var copy = await connection.BeginBinaryImportAsync($"COPY messages ({PostgresRows.MessageColumns}) FROM STDIN (FORMAT BINARY)", cancellationToken))
        {
            copy.Timeout = TimeSpan.FromDays(1); // the last word comes when every row was compared with its queue; zero means at once here
            LogFileReader.ReadLines(messageLog, (line, _) =>
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (!MessageLogCodec.TryRead(line, out var recipientId, out var message) || !known.Contains(recipientId))
                {
                    leftOut++;
                    return;
                }

                copy.StartRow();
                copy.Write(recipientId.ToArray(), NpgsqlDbType.Bytea);
                copy.Write(message!.Id.ToArray(), NpgsqlDbType.Bytea);
                copy.Write(message.Seconds, NpgsqlDbType.Bigint);
                copy.Write(message.IsQuota, NpgsqlDbType.Boolean);
                copy.Write(message.Notify, NpgsqlDbType.Boolean);
                copy.Write(message.Body.ToArray(), NpgsqlDbType.Bytea);
                moved++;
            });
            await copy.CompleteAsync(cancellationToken);
        }

        await ExecuteAsync(
            connection,
            """
            UPDATE msg_queues q SET msg_queue_size = s.size, msg_can_write = s.markers = 0, msg_queue_expire = s.size > s.markers
            FROM (SELECT recipient_id, COUNT(*) AS size, COUNT(*) FILTER (WHERE msg_quota) AS markers FROM messages GROUP BY recipient_id) s
            WHERE q.recipient_id = s.recipient_id
            """,
            cancellationToken);
        return (moved, leftOut);
    }

    private static async Task<DatabaseMoveReport> ExportQueuesAsync(NpgsqlConnection connection, string storeLog, CancellationToken cancellationToken)
    {
        var report = new DatabaseMoveReport(0, 0, 0, 0);
        await using var file = new ExportedFile(storeLog);
        await PostgresStore.ReadAsync(connection, "SELECT service_id, service_role, service_cert, service_cert_hash, created_at FROM services", row =>
        {
            var service = PostgresRows.ReadService(row);
            if (service is not null)
            {
                file.Write(line => StoreLogCodec.Write(line, new StoreLogRecord.NewService(service)));
            }

            report = service is null ? report with { LeftOut = report.LeftOut + 1 } : report with { Services = report.Services + 1 };
        }, cancellationToken);
        await PostgresStore.ReadAsync(connection, $"SELECT {PostgresRows.QueueColumns} FROM msg_queues WHERE deleted_at IS NULL", row =>
        {
            var queue = PostgresRows.ReadQueue(row);
            foreach (var record in queue is null ? [] : StoreLog.RecordsOf(queue))
            {
                file.Write(line => StoreLogCodec.Write(line, record));
            }

            report = queue is null ? report with { LeftOut = report.LeftOut + 1 } : report with { Queues = report.Queues + 1 };
        }, cancellationToken);
        file.Complete();
        return report;
    }

    private static async Task<DatabaseMoveReport> ExportMessagesAsync(NpgsqlConnection connection, string messageLog, CancellationToken cancellationToken)
    {
        const string ofLiveQueues =
            "SELECT m.recipient_id, msg_id, msg_ts, msg_quota, msg_ntf_flag, msg_body FROM messages m JOIN msg_queues q ON q.recipient_id = m.recipient_id WHERE q.deleted_at IS NULL ORDER BY m.recipient_id, message_id";
        var report = new DatabaseMoveReport(0, 0, 0, 0);
        await using var file = new ExportedFile(messageLog);
        await PostgresStore.ReadAsync(connection, ofLiveQueues, row =>
        {
            var isMessage = PostgresRows.TryReadMessage(row, out var recipientId, out var message);
            if (isMessage)
            {
                file.Write(line => MessageLogCodec.Write(line, recipientId, message!));
            }

            report = isMessage ? report with { Messages = report.Messages + 1 } : report with { LeftOut = report.LeftOut + 1 };
        }, cancellationToken);
        file.Complete();
        return report;
    }

    /// <summary>Carries out changes, and tells how many rows they made or changed.</summary>
    internal static async Task<long> InsertAsync(NpgsqlConnection connection, IEnumerable<PostgresChange> changes, CancellationToken cancellationToken)
    {
        const int batchSize = 1000;
        var rows = 0L;
        foreach (var part in changes.Chunk(batchSize))
        {
            await using var batch = new NpgsqlBatch(connection);
            foreach (var change in part)
            {
                var command = new NpgsqlBatchCommand(change.Sql);
                PostgresRows.AddTo(command.Parameters, change.Values);
                batch.BatchCommands.Add(command);
            }

            rows += await batch.ExecuteNonQueryAsync(cancellationToken);
        }

        return rows;
    }

    private static async Task RequireEmptyAsync(NpgsqlConnection connection, string table, DatabaseTables tables, CancellationToken cancellationToken)
    {
        if (await CountAsync(connection, table, cancellationToken) is var rows and > 0)
        {
            throw new SmpServerException($"The table {table} has {rows} rows: delete them first (smp-server database delete{(tables == DatabaseTables.Messages ? " --table messages" : "")}), or nothing needs to be imported.");
        }
    }

    internal static async Task<long> CountAsync(NpgsqlConnection connection, string table, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand($"SELECT COUNT(*) FROM {table}", connection) { CommandTimeout = 0 };
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

    // Written beside, and renamed when it is whole.
    private sealed class ExportedFile(string path) : IAsyncDisposable
    {
        private readonly FileStream _file = new(path + ".tmp", FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 1 << 20);
        private readonly LogLineWriter _line = new();

        public void Write(Action<LogLineWriter> write)
        {
            _line.Clear();
            write(_line);
            _line.Text("\n"u8);
            _file.Write(_line.Written);
        }

        public void Complete()
        {
            _file.Flush(flushToDisk: true);
            _file.Dispose();
            File.Move(path + ".tmp", path);
        }

        public async ValueTask DisposeAsync()
        {
            await _file.DisposeAsync();
            File.Delete(path + ".tmp");
        }
    }
}
