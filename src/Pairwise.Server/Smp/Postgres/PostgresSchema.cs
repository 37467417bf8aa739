using Npgsql;

namespace Pairwise.Server.Smp.Postgres;

/// <summary>The tables of a kind of relay, and the migrations by which the reference came to them.</summary>
/// <param name="Migrations">Names, in order.</param>
/// <param name="Tables">Makes all tables as they are after the last of them, that of migrations included.</param>
internal sealed record PostgresLayout(IReadOnlyList<string> Migrations, string Tables);

/// <summary>
/// The tables of a relay's database: those of the reference after its migration of 2025-09-03, so that either program can
/// use what the other left. Messages are kept by their order of arrival; a queue row counts what waits for it.
/// </summary>
internal static class PostgresSchema
{
    private static readonly string[] Migrations =
    [
        "20250207_initial",
        "20250319_updated_index",
        "20250320_short_links",
        "20250514_service_certs",
        "20250903_store_messages",
    ];

    private const string Tables = """
        CREATE TABLE services (
          service_id BYTEA NOT NULL PRIMARY KEY,
          service_role TEXT NOT NULL,
          service_cert BYTEA NOT NULL,
          service_cert_hash BYTEA NOT NULL UNIQUE,
          created_at BIGINT NOT NULL
        );
        CREATE INDEX idx_services_service_role ON services (service_role);

        CREATE TABLE msg_queues (
          recipient_id BYTEA NOT NULL PRIMARY KEY,
          recipient_keys BYTEA NOT NULL,
          rcv_dh_secret BYTEA NOT NULL,
          sender_id BYTEA NOT NULL,
          sender_key BYTEA,
          notifier_id BYTEA,
          notifier_key BYTEA,
          rcv_ntf_dh_secret BYTEA,
          status TEXT NOT NULL,
          updated_at BIGINT,
          deleted_at BIGINT,
          queue_mode TEXT,
          link_id BYTEA,
          fixed_data BYTEA,
          user_data BYTEA,
          rcv_service_id BYTEA REFERENCES services (service_id) ON UPDATE RESTRICT ON DELETE SET NULL,
          ntf_service_id BYTEA REFERENCES services (service_id) ON UPDATE RESTRICT ON DELETE SET NULL,
          msg_can_write BOOLEAN NOT NULL DEFAULT TRUE,
          msg_queue_expire BOOLEAN NOT NULL DEFAULT FALSE,
          msg_queue_size BIGINT NOT NULL DEFAULT 0
        );
        CREATE UNIQUE INDEX idx_msg_queues_sender_id ON msg_queues (sender_id);
        CREATE UNIQUE INDEX idx_msg_queues_notifier_id ON msg_queues (notifier_id);
        CREATE UNIQUE INDEX idx_msg_queues_link_id ON msg_queues (link_id);
        CREATE INDEX idx_msg_queues_rcv_service_id ON msg_queues (rcv_service_id, deleted_at);
        CREATE INDEX idx_msg_queues_ntf_service_id ON msg_queues (ntf_service_id, deleted_at);
        CREATE INDEX idx_msg_queues_updated_at_recipient_id ON msg_queues (deleted_at, updated_at, msg_queue_expire, recipient_id);

        CREATE TABLE messages (
          message_id BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          recipient_id BYTEA NOT NULL REFERENCES msg_queues (recipient_id) ON UPDATE RESTRICT ON DELETE CASCADE,
          msg_id BYTEA NOT NULL,
          msg_ts BIGINT NOT NULL,
          msg_quota BOOLEAN NOT NULL,
          msg_ntf_flag BOOLEAN NOT NULL,
          msg_body BYTEA NOT NULL
        );
        CREATE INDEX idx_messages_recipient_id_message_id ON messages (recipient_id, message_id);
        CREATE INDEX idx_messages_recipient_id_msg_ts ON messages (recipient_id, msg_ts);
        CREATE INDEX idx_messages_recipient_id_msg_quota ON messages (recipient_id, msg_quota);

        CREATE TABLE migrations (
          name TEXT NOT NULL PRIMARY KEY,
          ts TIMESTAMP NOT NULL,
          down TEXT
        );
        """;

    /// <summary>Makes the schema when it is missing, and checks that it is one that we know.</summary>
    /// <exception cref="SmpServerException">The schema is of another version.</exception>
    public static Task PrepareAsync(NpgsqlDataSource pool, string schema, DateTimeOffset now, CancellationToken cancellationToken) =>
        PrepareAsync(pool, new PostgresLayout(Migrations, Tables), schema, now, cancellationToken);

    /// <summary>The same for any kind of relay.</summary>
    /// <exception cref="SmpServerException">The schema is of another version.</exception>
    public static async Task PrepareAsync(NpgsqlDataSource pool, PostgresLayout layout, string schema, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var connection = await pool.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);

        // Two relays that start at once must not both make the tables.
        await ExecuteAsync(connection, "SELECT pg_advisory_xact_lock(hashtext($1))", cancellationToken, schema);
        if (await IsMissingAsync(connection, schema, cancellationToken))
        {
            using var builder = new NpgsqlCommandBuilder();
            await ExecuteAsync(connection, "CREATE SCHEMA IF NOT EXISTS " + builder.QuoteIdentifier(schema), cancellationToken);
            await ExecuteAsync(connection, layout.Tables, cancellationToken);
            foreach (var migration in layout.Migrations)
            {
                await ExecuteAsync(connection, "INSERT INTO migrations (name, ts) VALUES ($1, $2)", cancellationToken, migration, DateTime.SpecifyKind(now.UtcDateTime, DateTimeKind.Unspecified));
            }
        }
        else
        {
            await CheckAsync(connection, layout.Migrations, cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
    }

    private static async Task<bool> IsMissingAsync(NpgsqlConnection connection, string schema, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT to_regclass(format('%I.migrations', $1::text)) IS NULL", connection);
        command.Parameters.Add(new NpgsqlParameter { Value = schema });
        return (bool)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private static async Task CheckAsync(NpgsqlConnection connection, IReadOnlyList<string> migrations, CancellationToken cancellationToken)
    {
        var found = new HashSet<string>(StringComparer.Ordinal);
        await using var command = new NpgsqlCommand("SELECT name FROM migrations", connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            found.Add(reader.GetString(0));
        }

        if (migrations.FirstOrDefault(migration => !found.Contains(migration)) is { } missing)
        {
            throw new SmpServerException($"The database was made by an older program: its migration {missing} is missing. Start release 6.5 of the official server on it once.");
        }

        if (found.FirstOrDefault(name => !migrations.Contains(name)) is { } unknown)
        {
            throw new SmpServerException($"The database was changed by a newer program: its migration {unknown} is not known here.");
        }
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken, params object[] values)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
