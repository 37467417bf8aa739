using Npgsql;
using Pairwise.Server.Smp.Operation;
using Pairwise.Server.Smp.Store;

namespace Pairwise.Server.Smp.Postgres;

/// <summary>One table of a relay's database, accounted for.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Length">Bytes on disk with its indexes.</param>
/// <param name="Rows">Its rows.</param>
/// <param name="IsKnown">Whether it is one that a relay has.</param>
/// <param name="UnknownColumns">Columns that a relay's table does not have.</param>
/// <param name="UnknownRows">Rows that are none of the forms a relay writes.</param>
public sealed record AuditedTable(string Name, long Length, long Rows, bool IsKnown, IReadOnlyList<string> UnknownColumns, long UnknownRows);

/// <summary>
/// What a relay's database holds, read in one transaction that can change nothing. Every table and column of the schema is
/// named, and every row recognised, or said not to be.
/// </summary>
/// <param name="Tables">All tables of the schema.</param>
/// <param name="DeletedQueues">Rows of deleted queues, which stay for a while so that their ids are not given out again.</param>
/// <param name="DeletedMessages">Messages of theirs, which the official server leaves there for as long.</param>
public sealed record DatabaseAudit(IReadOnlyList<AuditedTable> Tables, long DeletedQueues, long DeletedMessages)
{
    private static readonly Dictionary<string, string[]> KnownColumns = new(StringComparer.Ordinal)
    {
        ["services"] = ["service_id", "service_role", "service_cert", "service_cert_hash", "created_at", "queue_count", "queue_ids_hash"],
        ["msg_queues"] =
        [
            "recipient_id", "recipient_keys", "rcv_dh_secret", "sender_id", "sender_key", "notifier_id", "notifier_key", "rcv_ntf_dh_secret", "status",
            "updated_at", "deleted_at", "queue_mode", "link_id", "fixed_data", "user_data", "rcv_service_id", "ntf_service_id", "msg_can_write",
            "msg_queue_expire", "msg_queue_size",
        ],
        ["messages"] = ["message_id", "recipient_id", "msg_id", "msg_ts", "msg_quota", "msg_ntf_flag", "msg_body"],
        ["migrations"] = ["name", "ts", "down"],
    };

    /// <summary>Reads a database, and puts its queues, services and what is told of messages into stores for a closer look.</summary>
    /// <exception cref="SmpServerException">The database cannot be used.</exception>
    public static async Task<DatabaseAudit> RunAsync(PostgresOptions options, QueueStore queues, AuditedMessages messages, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(queues);
        ArgumentNullException.ThrowIfNull(messages);
        await using var pool = options.OpenPool();
        try
        {
            await using var connection = await pool.OpenConnectionAsync(cancellationToken);
            await using var transaction = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, cancellationToken);
            await using (var readOnly = new NpgsqlCommand("SET TRANSACTION READ ONLY", connection))
            {
                await readOnly.ExecuteNonQueryAsync(cancellationToken);
            }

            var unknownRows = await ReadRowsAsync(connection, queues, messages, cancellationToken);
            var tables = new List<AuditedTable>();
            foreach (var (name, length) in await TablesAsync(connection, options.Schema, cancellationToken))
            {
                var isKnown = KnownColumns.TryGetValue(name, out var known);
                var columns = await ColumnsAsync(connection, options.Schema, name, cancellationToken);
                tables.Add(new AuditedTable(
                    name,
                    length,
                    await DatabaseMoves.CountAsync(connection, new NpgsqlCommandBuilder().QuoteIdentifier(name), cancellationToken),
                    isKnown,
                    [.. columns.Except(known ?? [], StringComparer.Ordinal)],
                    unknownRows.GetValueOrDefault(name)));
            }

            return new DatabaseAudit(
                tables,
                await DatabaseMoves.CountAsync(connection, "msg_queues WHERE deleted_at IS NOT NULL", cancellationToken),
                await DatabaseMoves.CountAsync(connection, "messages JOIN msg_queues USING (recipient_id) WHERE deleted_at IS NOT NULL", cancellationToken));
        }
        catch (Exception fault) when (fault is NpgsqlException or System.Net.Sockets.SocketException)
        {
            throw new SmpServerException($"The database cannot be read: {PostgresStore.Explain(fault)}", fault);
        }
    }

    private static async Task<Dictionary<string, long>> ReadRowsAsync(
        NpgsqlConnection connection, QueueStore queues, AuditedMessages messages, CancellationToken cancellationToken)
    {
        var unknown = new Dictionary<string, long>(StringComparer.Ordinal);
        await ReadAsync("services", "SELECT service_id, service_role, service_cert, service_cert_hash, created_at FROM services", row =>
            PostgresRows.ReadService(row) is { } service && queues.GetOrAddService(service, out _) is null);
        await ReadAsync("msg_queues", $"SELECT {PostgresRows.QueueColumns} FROM msg_queues WHERE deleted_at IS NULL", row =>
            PostgresRows.ReadQueue(row) is { } queue && queues.Add(queue) is null);
        await ReadAsync("messages", "SELECT recipient_id, msg_id, msg_ts, msg_quota, octet_length(msg_body) FROM messages JOIN msg_queues USING (recipient_id) WHERE deleted_at IS NULL ORDER BY message_id", row =>
        {
            if (!StoredId.TryFrom(row.GetFieldValue<byte[]>(0), out var recipientId)
                || !StoredId.TryFrom(row.GetFieldValue<byte[]>(1), out _)
                || !queues.TryFindByRecipient(recipientId, out var _))
            {
                return false;
            }

            messages.Add(recipientId, new AuditedMessage(row.GetInt64(2), row.GetBoolean(3), row.GetInt32(4)));
            return true;
        });
        return unknown;

        Task ReadAsync(string table, string sql, Func<NpgsqlDataReader, bool> isKnown) => PostgresStore.ReadAsync(
            connection,
            sql,
            row => unknown[table] = unknown.GetValueOrDefault(table) + (isKnown(row) ? 0 : 1),
            cancellationToken);
    }

    private static async Task<List<(string Name, long Length)>> TablesAsync(NpgsqlConnection connection, string schema, CancellationToken cancellationToken)
    {
        var tables = new List<(string, long)>();
        await using var command = new NpgsqlCommand(
            """
            SELECT c.relname, pg_total_relation_size(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'm', 'f') ORDER BY c.relname
            """,
            connection);
        command.Parameters.Add(new NpgsqlParameter { Value = schema });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            tables.Add((reader.GetString(0), reader.GetInt64(1)));
        }

        return tables;
    }

    private static async Task<List<string>> ColumnsAsync(NpgsqlConnection connection, string schema, string table, CancellationToken cancellationToken)
    {
        var columns = new List<string>();
        await using var command = new NpgsqlCommand(
            "SELECT column_name::text FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2 ORDER BY ordinal_position", connection);
        command.Parameters.Add(new NpgsqlParameter { Value = schema });
        command.Parameters.Add(new NpgsqlParameter { Value = table });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            columns.Add(reader.GetString(0));
        }

        return columns;
    }
}
