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
        if (await IsMissingAsync(connection, options.Schema, cancellationToken))
        {
            using var builder = new NpgsqlCommandBuilder();
            await ExecuteAsync(connection, "CREATE SCHEMA IF NOT EXISTS " + builder.QuoteIdentifier(options.Schema), cancellationToken);
            await ExecuteAsync(connection, "CREATE TABLE migrations (name TEXT NOT NULL PRIMARY KEY, ts TIMESTAMP NOT NULL, down TEXT)", cancellationToken);
            await GoUpAsync(connection, migrations, now, cancellationToken);
        }
        else
        {
            await ReconcileAsync(connection, migrations, options.Migrations, now, cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
    }

    private static async Task ReconcileAsync(
        NpgsqlConnection connection, IReadOnlyList<PostgresMigration> migrations, MigrationConsent consent, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var found = await ReadAsync(connection, cancellationToken);
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

    private static async Task<bool> IsMissingAsync(NpgsqlConnection connection, string schema, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT to_regclass(format('%I.migrations', $1::text)) IS NULL", connection);
        command.Parameters.Add(new NpgsqlParameter { Value = schema });
        return (bool)(await command.ExecuteScalarAsync(cancellationToken))!;
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
