using Npgsql;

namespace Pairwise.Server.Smp.Postgres;

/// <summary>What may be done about a database whose schema is not this program's.</summary>
public enum MigrationConsent
{
    /// <summary>Nothing: the program ends, and says what would have to be done.</summary>
    None,

    /// <summary>An older schema is brought up to date.</summary>
    Up,

    /// <summary>What a newer program changed is taken back, as it left word in the database.</summary>
    Down,
}

/// <summary>
/// The tables of a relay's database: those of the reference, so that either program can use what the other left. Messages
/// are kept by their order of arrival; a queue row counts what waits for it.
/// </summary>
internal static class PostgresSchema
{
    /// <summary>Makes the schema when it is missing, and brings it to this program's version when that was agreed to.</summary>
    /// <exception cref="SmpServerException">The schema is of another version.</exception>
    public static Task PrepareAsync(NpgsqlDataSource pool, PostgresOptions options, DateTimeOffset now, CancellationToken cancellationToken) =>
        PrepareAsync(pool, PostgresMigration.All, options, now, cancellationToken);

    /// <summary>The same for any kind of relay, by the steps of its tables' history.</summary>
    /// <exception cref="SmpServerException">The schema is of another version.</exception>
    public static async Task PrepareAsync(
        NpgsqlDataSource pool, IReadOnlyList<PostgresMigration> migrations, PostgresOptions options, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var connection = await pool.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);

        // Two relays that start at once must not both make the tables.
        await ExecuteAsync(connection, "SELECT pg_advisory_xact_lock(hashtext($1))", cancellationToken, options.Schema);
        // Whoever owns the schema need not be allowed to make one; and the official server leaves a table of migrations
        // without a row when nobody told it to go on.
        if (!await IsThereAsync(connection, "to_regnamespace(format('%I', $1::text))", options.Schema, cancellationToken))
        {
            using var builder = new NpgsqlCommandBuilder();
            await ExecuteAsync(connection, "CREATE SCHEMA " + builder.QuoteIdentifier(options.Schema), cancellationToken);
        }

        if (!await IsThereAsync(connection, "to_regclass(format('%I.migrations', $1::text))", options.Schema, cancellationToken))
        {
            await ExecuteAsync(connection, "CREATE TABLE migrations (name TEXT NOT NULL PRIMARY KEY, ts TIMESTAMP NOT NULL, down TEXT)", cancellationToken);
        }

        var found = await ReadAsync(connection, cancellationToken);
        if (found.Count == 0)
        {
            await GoUpAsync(connection, migrations, now, cancellationToken);
        }
        else
        {
            await ReconcileAsync(connection, found, migrations, options.Migrations, now, cancellationToken);
        }

        await RequireWritableAsync(connection, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    // Found out now, it is a sentence for the operator; later, it would be an outage without an end.
    private static async Task RequireWritableAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            """
            SELECT current_setting('transaction_read_only') = 'on', current_user::text, (
              SELECT string_agg(c.relname, ', ' ORDER BY c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
              WHERE n.nspname = current_schema() AND c.relname IN ('msg_queues', 'messages', 'services', 'files', 'recipients')
                AND NOT (has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE')))
            """,
            connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        if (reader.GetBoolean(0))
        {
            throw new SmpServerException("The database takes no changes (it is a standby, or read-only by default): name the primary server in db_connection, or end default_transaction_read_only.");
        }

        if (!await reader.IsDBNullAsync(2, cancellationToken))
        {
            throw new SmpServerException($"The database user {reader.GetString(1)} may not change the tables {reader.GetString(2)}: grant it SELECT, INSERT, UPDATE and DELETE on them, or use the user that owns them.");
        }
    }

    private static async Task ReconcileAsync(
        NpgsqlConnection connection,
        List<(string Name, string? Down)> found,
        IReadOnlyList<PostgresMigration> migrations,
        MigrationConsent consent,
        DateTimeOffset now,
        CancellationToken cancellationToken)
    {
        PostgresMigration[] missing = [.. migrations.Where(migration => found.All(each => each.Name != migration.Name))];
        (string Name, string? Down)[] unknown = [.. found.Where(each => migrations.All(migration => migration.Name != each.Name))];
        if (missing.Length > 0 && unknown.Length > 0)
        {
            throw new SmpServerException($"The database was changed by a program with another history: its migration {unknown[0].Name} is not known here, and {missing[0].Name} is missing.");
        }

        if (missing.Length > 0)
        {
            if (consent != MigrationConsent.Up)
            {
                throw new SmpServerException($"The database was made by an older program: its migration {missing[0].Name} is missing. Make a backup, then start once with --confirm-migrations up.");
            }

            await GoUpAsync(connection, missing, now, cancellationToken);
        }
        else if (unknown.Length > 0)
        {
            if (consent != MigrationConsent.Down)
            {
                throw new SmpServerException($"The database was changed by a newer program: its migration {unknown[^1].Name} is not known here. Make a backup, then start once with --confirm-migrations down to take it back.");
            }

            await GoDownAsync(connection, unknown, cancellationToken);
        }

        // A former version of this program made the tables without the routines.
        if (migrations == PostgresMigration.All && await IsMissingRoutineAsync(connection, cancellationToken))
        {
            await ExecuteAsync(connection, PostgresFunctions.Create, cancellationToken);
        }
    }

    private static async Task GoUpAsync(NpgsqlConnection connection, IEnumerable<PostgresMigration> migrations, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var time = DateTime.SpecifyKind(now.UtcDateTime, DateTimeKind.Unspecified);
        foreach (var migration in migrations)
        {
            await ExecuteAsync(connection, migration.Up, cancellationToken);
            await ExecuteAsync(
                connection, "INSERT INTO migrations (name, ts, down) VALUES ($1, $2, $3)", cancellationToken, migration.Name, time, migration.Down ?? (object)DBNull.Value);
        }
    }

    private static async Task GoDownAsync(NpgsqlConnection connection, (string Name, string? Down)[] migrations, CancellationToken cancellationToken)
    {
        foreach (var (name, down) in migrations.Reverse())
        {
            if (down is null)
            {
                throw new SmpServerException($"The migration {name} cannot be taken back: restore the backup from before it, or use the newer program.");
            }

            await ExecuteAsync(connection, down, cancellationToken);
            await ExecuteAsync(connection, "DELETE FROM migrations WHERE name = $1", cancellationToken, name);
        }
    }

    private static async Task<bool> IsThereAsync(NpgsqlConnection connection, string lookup, string schema, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand($"SELECT {lookup} IS NOT NULL", connection);
        command.Parameters.Add(new NpgsqlParameter { Value = schema });
        return (bool)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>
    /// Takes away the tables, with what they hold, and the routines; the schema too, unless somebody keeps something else in
    /// it or it could not be made again.
    /// </summary>
    public static async Task DropAsync(NpgsqlConnection connection, string schema, CancellationToken cancellationToken)
    {
        await ExecuteAsync(
            connection,
            """
            DROP TABLE migrations, messages, msg_queues, services;
            DROP PROCEDURE IF EXISTS expire_old_messages;
            DROP FUNCTION IF EXISTS write_message, try_del_msg, try_del_peek_msg, delete_expired_msgs;
            """,
            cancellationToken);
        await using var command = new NpgsqlCommand(
            """
            SELECT has_database_privilege(current_database(), 'CREATE') AND pg_has_role(n.nspowner, 'USAGE')
              AND NOT EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid)
              AND NOT EXISTS (SELECT FROM pg_proc p WHERE p.pronamespace = n.oid)
              AND NOT EXISTS (SELECT FROM pg_type t WHERE t.typnamespace = n.oid)
            FROM pg_namespace n WHERE n.nspname = $1
            """,
            connection);
        command.Parameters.Add(new NpgsqlParameter { Value = schema });
        if ((bool)(await command.ExecuteScalarAsync(cancellationToken))!)
        {
            using var builder = new NpgsqlCommandBuilder();
            await ExecuteAsync(connection, $"DROP SCHEMA {builder.QuoteIdentifier(schema)} RESTRICT", cancellationToken);
        }
    }

    private static async Task<bool> IsMissingRoutineAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT to_regproc('write_message') IS NULL", connection);
        return (bool)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private static async Task<List<(string Name, string? Down)>> ReadAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var found = new List<(string Name, string? Down)>();
        await using var command = new NpgsqlCommand("SELECT name, down FROM migrations ORDER BY name", connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            found.Add((reader.GetString(0), await reader.IsDBNullAsync(1, cancellationToken) ? null : reader.GetString(1)));
        }

        return found;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken, params object[] values)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
