using Npgsql;
using Pairwise.Server.Smp;
using Pairwise.Server.Smp.Postgres;
using Pairwise.TestKit;

namespace Pairwise.Server.Tests.Smp;

/// <summary>Databases that a relay may use with few rights, and those that it cannot use: one sentence each.</summary>
public sealed class PostgresAccessTests(PostgresFixture fixture) : IClassFixture<PostgresFixture>
{
    private const string NotInstalled = "PostgreSQL is not installed (Debian: postgresql).";

    public static bool IsInstalled => PostgresCluster.IsInstalled;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Skip = NotInstalled, SkipUnless = nameof(IsInstalled))]
    public async Task A_user_that_owns_its_schema_and_nothing_else_is_enough()
    {
        PostgresOptions database = fixture.NewSchema();
        await ExecuteAsync("CREATE USER modest");
        await ExecuteAsync($"CREATE SCHEMA {database.Schema} AUTHORIZATION modest");
        PostgresOptions modest = database with { Connection = database.Connection.Replace("Username=smp", "Username=modest", StringComparison.Ordinal) };
        await StartAndStopAsync(modest);
        await StartAndStopAsync(modest);
        await DatabaseMoves.DeleteAsync(modest, DatabaseTables.All, TimeProvider.System, Token);

        // It could not make the schema again.
        Assert.Equal(1L, await ExecuteAsync($"SELECT COUNT(*) FROM pg_namespace WHERE nspname = '{database.Schema}'"));
        await StartAndStopAsync(modest);
    }

    [Fact(Skip = NotInstalled, SkipUnless = nameof(IsInstalled))]
    public async Task A_table_of_migrations_without_a_row_is_a_new_database()
    {
        PostgresOptions database = fixture.NewSchema();
        await ExecuteAsync($"CREATE SCHEMA {database.Schema}");
        await ExecuteAsync($"CREATE TABLE {database.Schema}.migrations (name TEXT NOT NULL PRIMARY KEY, ts TIMESTAMP NOT NULL, down TEXT)");
        await StartAndStopAsync(database);
        Assert.Equal((long)PostgresMigration.All.Count, await ExecuteAsync($"SELECT COUNT(*) FROM {database.Schema}.migrations"));
    }

    [Fact(Skip = NotInstalled, SkipUnless = nameof(IsInstalled))]
    public async Task A_schema_may_have_any_name()
    {
        PostgresOptions database = fixture.NewSchema() with { Schema = "My \"Relay\", 1" };
        await StartAndStopAsync(database);
        await StartAndStopAsync(database);
        Assert.Equal(4L, await ExecuteAsync("SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'My \"Relay\", 1'"));
    }

    [Fact(Skip = NotInstalled, SkipUnless = nameof(IsInstalled))]
    public async Task What_cannot_be_used_is_told_in_one_sentence()
    {
        PostgresOptions database = fixture.NewSchema();
        await StartAndStopAsync(database);
        await ExecuteAsync("CREATE USER reader");
        await ExecuteAsync("CREATE USER careful");
        await ExecuteAsync("ALTER USER careful SET default_transaction_read_only = on");
        await ExecuteAsync($"GRANT USAGE ON SCHEMA {database.Schema} TO reader, careful");
        await ExecuteAsync($"GRANT SELECT ON ALL TABLES IN SCHEMA {database.Schema} TO reader, careful");
        string As(string user) => database.Connection.Replace("Username=smp", "Username=" + user, StringComparison.Ordinal);

        Assert.Contains("messages, msg_queues, services", await RefusalAsync(database with { Connection = As("reader") }), StringComparison.Ordinal);
        Assert.Contains("read-only", await RefusalAsync(database with { Connection = As("careful") }), StringComparison.Ordinal);
        Assert.Contains("nobody_knows", await RefusalAsync(database with { Connection = As("nobody_knows") }), StringComparison.Ordinal);
        Assert.Contains("\"nowhere\" does not exist", await RefusalAsync(database with { Connection = database.Connection.Replace("Database=postgres", "Database=nowhere", StringComparison.Ordinal) }), StringComparison.Ordinal);
        await ExecuteAsync("CREATE USER stranger");
        Assert.Contains("permission denied", await RefusalAsync(database with { Connection = As("stranger") }), StringComparison.Ordinal);
        await ExecuteAsync("CREATE USER busy CONNECTION LIMIT 0");
        Assert.Contains("too many connections", await RefusalAsync(database with { Connection = As("busy") }), StringComparison.Ordinal);
    }

    private static async Task StartAndStopAsync(PostgresOptions database)
    {
        using TestFolder folder = new();
        await using SmpServer relay = await TestRelay.StartAsync(folder, options => options with { Database = database, MessageStorage = MessageStorage.Database });
    }

    private static async Task<string> RefusalAsync(PostgresOptions database)
    {
        string message = (await Assert.ThrowsAsync<SmpServerException>(() => StartAndStopAsync(database))).Message;
        Assert.DoesNotContain('\n', message);
        return message;
    }

    private async Task<object?> ExecuteAsync(string sql)
    {
        await using NpgsqlDataSource pool = new PostgresOptions(fixture.Connection).OpenPool();
        await using NpgsqlCommand command = pool.CreateCommand(sql);
        return await command.ExecuteScalarAsync(Token);
    }
}
