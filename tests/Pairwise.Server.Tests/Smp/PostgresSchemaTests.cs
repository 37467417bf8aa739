using Npgsql;
using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp;
using Pairwise.Server.Smp.Postgres;
using Pairwise.TestKit;
using static Pairwise.Server.Tests.Smp.TestRelay;

namespace Pairwise.Server.Tests.Smp;

/// <summary>What stands in the database beside rows: tables, indexes and routines that the official server would find, and their history.</summary>
public sealed class PostgresSchemaTests(PostgresFixture fixture) : IClassFixture<PostgresFixture>
{
    private const string NotInstalled = "PostgreSQL is not installed (Debian: postgresql).";

    public static bool IsInstalled => PostgresCluster.IsInstalled;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Skip = NotInstalled, SkipUnless = nameof(IsInstalled))]
    public async Task The_schema_is_the_references_name_by_name()
    {
        PostgresOptions database = fixture.NewSchema();
        await MakeAsync(database);
        string[] columns = await TextsAsync(database, """
            SELECT table_name || '.' || column_name || ' ' || data_type || CASE is_nullable WHEN 'NO' THEN ' NOT NULL' ELSE '' END || COALESCE(' DEFAULT ' || column_default, '') || CASE is_identity WHEN 'YES' THEN ' IDENTITY ' || identity_generation ELSE '' END
            FROM information_schema.columns WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position
            """);
        Assert.Equal(
            [
                "messages.message_id bigint NOT NULL IDENTITY ALWAYS", "messages.recipient_id bytea NOT NULL", "messages.msg_id bytea NOT NULL",
                "messages.msg_ts bigint NOT NULL", "messages.msg_quota boolean NOT NULL", "messages.msg_ntf_flag boolean NOT NULL", "messages.msg_body bytea NOT NULL",
                "migrations.name text NOT NULL", "migrations.ts timestamp without time zone NOT NULL", "migrations.down text",
                "msg_queues.recipient_id bytea NOT NULL", "msg_queues.recipient_keys bytea NOT NULL", "msg_queues.rcv_dh_secret bytea NOT NULL",
                "msg_queues.sender_id bytea NOT NULL", "msg_queues.sender_key bytea", "msg_queues.notifier_id bytea", "msg_queues.notifier_key bytea",
                "msg_queues.rcv_ntf_dh_secret bytea", "msg_queues.status text NOT NULL", "msg_queues.updated_at bigint", "msg_queues.deleted_at bigint",
                "msg_queues.queue_mode text", "msg_queues.link_id bytea", "msg_queues.fixed_data bytea", "msg_queues.user_data bytea",
                "msg_queues.rcv_service_id bytea", "msg_queues.ntf_service_id bytea", "msg_queues.msg_can_write boolean NOT NULL DEFAULT true",
                "msg_queues.msg_queue_expire boolean NOT NULL DEFAULT false", "msg_queues.msg_queue_size bigint NOT NULL DEFAULT 0",
                "services.service_id bytea NOT NULL", "services.service_role text NOT NULL", "services.service_cert bytea NOT NULL",
                "services.service_cert_hash bytea NOT NULL", "services.created_at bigint NOT NULL",
            ],
            columns);
        Assert.Equal(
            [
                "idx_messages_recipient_id_message_id", "idx_messages_recipient_id_msg_quota", "idx_messages_recipient_id_msg_ts",
                "idx_msg_queues_link_id", "idx_msg_queues_notifier_id", "idx_msg_queues_ntf_service_id", "idx_msg_queues_rcv_service_id",
                "idx_msg_queues_sender_id", "idx_msg_queues_updated_at_recipient_id", "idx_services_service_role",
                "messages_pkey", "migrations_pkey", "msg_queues_pkey", "services_pkey", "services_service_cert_hash_key",
            ],
            await TextsAsync(database, "SELECT indexname::text FROM pg_indexes WHERE schemaname = current_schema() ORDER BY indexname COLLATE \"C\""));
        Assert.Equal(
            [
                "delete_expired_msgs(p_recipient_id bytea, p_old_ts bigint) bigint",
                "expire_old_messages(IN p_old_queue bigint, IN p_old_ts bigint, IN batch_size integer, OUT r_expired_msgs_count bigint, OUT r_stored_msgs_count bigint, OUT r_stored_queues bigint)",
                "try_del_msg(p_recipient_id bytea, p_msg_id bytea) TABLE(r_msg_id bytea, r_msg_ts bigint, r_msg_quota boolean, r_msg_ntf_flag boolean, r_msg_body bytea)",
                "try_del_peek_msg(p_recipient_id bytea, p_msg_id bytea) TABLE(r_msg_id bytea, r_msg_ts bigint, r_msg_quota boolean, r_msg_ntf_flag boolean, r_msg_body bytea)",
                "write_message(p_recipient_id bytea, p_msg_id bytea, p_msg_ts bigint, p_msg_quota boolean, p_msg_ntf_flag boolean, p_msg_body bytea, p_quota integer) TABLE(quota_written boolean, was_empty boolean)",
            ],
            await TextsAsync(database, """
                SELECT p.proname || '(' || pg_get_function_arguments(p.oid) || ')' || COALESCE(' ' || pg_get_function_result(p.oid), '')
                FROM pg_proc p WHERE p.pronamespace = current_schema()::regnamespace ORDER BY 1
                """));
    }

    [Fact(Skip = NotInstalled, SkipUnless = nameof(IsInstalled))]
    public async Task What_the_official_server_would_do_through_the_routines_is_served()
    {
        using TestFolder folder = new();
        PostgresOptions database = fixture.NewSchema();
        OwnedQueue queue;
        await using (SmpServer relay = await StartAsync(folder, database))
        await using (RelayClient client = await RelayClient.ConnectAsync(relay))
        {
            queue = await client.NewQueueAsync(SubscriptionMode.OnlyCreate);
            AssertOk(await client.AskAsync(queue.Theirs, Text("of ours"), null));
        }

        // The quota of this server is 3; the fourth message leaves a marker, and the fifth is refused without a row.
        const string write = "SELECT quota_written || ' ' || was_empty FROM write_message((SELECT recipient_id FROM msg_queues), decode(lpad('{0}', 48, '0'), 'hex'), {1}, FALSE, TRUE, 'theirs', 3)";
        Assert.Equal(["false false"], await TextsAsync(database, string.Format(null, write, 1, 100)));
        Assert.Equal(["false false"], await TextsAsync(database, string.Format(null, write, 2, Now)));
        Assert.Equal(["true false"], await TextsAsync(database, string.Format(null, write, 3, Now)));
        Assert.Empty(await TextsAsync(database, string.Format(null, write, 4, Now)));
        Assert.Equal(["4 false true"], await StateAsync(database));

        // Of the first, ours, only the id counts; then the next one comes with its removal.
        const string first = "(SELECT msg_id FROM messages ORDER BY message_id LIMIT 1)";
        Assert.Empty(await TextsAsync(database, "SELECT 'x' FROM try_del_msg((SELECT recipient_id FROM msg_queues), 'another')"));
        Assert.Equal(["of ours", "theirs"], await TextsAsync(database, $"SELECT convert_from(r_msg_body, 'UTF8') FROM try_del_peek_msg((SELECT recipient_id FROM msg_queues), {first})"));
        Assert.Equal(["theirs"], await TextsAsync(database, "SELECT convert_from(r_msg_body, 'UTF8') FROM try_del_peek_msg((SELECT recipient_id FROM msg_queues), 'another')"));
        Assert.Equal(["3 false true"], await StateAsync(database));

        // The old one expires, for one queue or for all; the marker stays and keeps the queue closed.
        Assert.Equal(["0"], await TextsAsync(database, "SELECT delete_expired_msgs((SELECT recipient_id FROM msg_queues), 100)::text"));
        await using (NpgsqlDataSource pool = database.OpenPool())
        await using (NpgsqlCommand command = pool.CreateCommand("CALL expire_old_messages(0, 1000, 10000, 0, 0, 0)"))
        await using (NpgsqlDataReader reader = await command.ExecuteReaderAsync(Token))
        {
            Assert.True(await reader.ReadAsync(Token));
            Assert.Equal((1, 2, 1), (reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2)));
        }

        Assert.Equal(["2 false true"], await StateAsync(database));
        await using (SmpServer relay = await StartAsync(folder, database))
        await using (RelayClient client = await RelayClient.ConnectAsync(relay))
        {
            AssertOk(await client.AskAsync(queue.Mine, SmpCommand.Sub.Instance, queue.Key));
            BrokerMessage message = (await client.NextEventAsync()).Message;
            Assert.Equal("theirs", queue.OpenText(message));
            AssertError(SmpError.Quota.Instance, await client.AskAsync(queue.Theirs, Text("full"), null));
            Assert.IsType<BrokerMessage.Msg>(await client.AskAsync(queue.Mine, Ack(message), queue.Key));
        }

        // And the last one opens it.
        Assert.Equal(["true"], await TextsAsync(database, $"SELECT r_msg_quota::text FROM try_del_msg((SELECT recipient_id FROM msg_queues), {first})"));
        Assert.Equal(["0 true false"], await StateAsync(database));
    }

    [Fact(Skip = NotInstalled, SkipUnless = nameof(IsInstalled))]
    public async Task An_older_schema_is_brought_up_to_date_when_that_is_agreed_to()
    {
        using TestFolder folder = new();
        PostgresOptions database = fixture.NewSchema();
        OwnedQueue queue;
        await using (SmpServer relay = await StartAsync(folder, database, options => options with { MessageStorage = MessageStorage.Journal }))
        await using (RelayClient client = await RelayClient.ConnectAsync(relay))
        {
            queue = await client.NewQueueAsync(SubscriptionMode.OnlyCreate);
        }

        // Each step back is what stands in the database for an older program; all but the first have one.
        for (int left = 4; left >= 1; left--)
        {
            string down = Assert.Single(await TextsAsync(database, "SELECT down FROM migrations ORDER BY name DESC LIMIT 1"));
            await RunAsync(database, down);
            await RunAsync(database, "DELETE FROM migrations WHERE name = (SELECT MAX(name) FROM migrations)");
            SmpServerException refused = await Assert.ThrowsAsync<SmpServerException>(() => StartAsync(folder, database));
            Assert.EndsWith("start once with --confirm-migrations up.", refused.Message, StringComparison.Ordinal);
        }

        await using (SmpServer relay = await StartAsync(folder, database with { Migrations = MigrationConsent.Up }))
        await using (RelayClient client = await RelayClient.ConnectAsync(relay))
        {
            Assert.Equal(new PostgresReport(1, 0, 0, 0), relay.Report.Database);
            AssertOk(await client.AskAsync(queue.Mine, SmpCommand.Sub.Instance, queue.Key));
            AssertOk(await client.AskAsync(queue.Theirs, Text("after all steps"), null));
        }

        Assert.Equal(5, (await TextsAsync(database, "SELECT name FROM migrations")).Length);
    }

    [Fact(Skip = NotInstalled, SkipUnless = nameof(IsInstalled))]
    public async Task What_a_newer_program_changed_is_taken_back_when_that_is_agreed_to()
    {
        using TestFolder folder = new();
        PostgresOptions database = fixture.NewSchema();
        await MakeAsync(database);
        await RunAsync(database, "CREATE TABLE novelties (a INT); INSERT INTO migrations (name, ts, down) VALUES ('29990101_novelties', now(), 'DROP TABLE novelties')");
        SmpServerException refused = await Assert.ThrowsAsync<SmpServerException>(() => StartAsync(folder, database));
        Assert.Contains("29990101_novelties", refused.Message, StringComparison.Ordinal);
        Assert.Contains("--confirm-migrations down", refused.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<SmpServerException>(() => StartAsync(folder, database with { Migrations = MigrationConsent.Up }));
        await using (await StartAsync(folder, database with { Migrations = MigrationConsent.Down }))
        {
        }

        Assert.Empty(await TextsAsync(database, "SELECT 'there' WHERE to_regclass('novelties') IS NOT NULL"));
        await RunAsync(database, "INSERT INTO migrations (name, ts) VALUES ('29990102_for_ever', now())");
        refused = await Assert.ThrowsAsync<SmpServerException>(() => StartAsync(folder, database with { Migrations = MigrationConsent.Down }));
        Assert.Contains("cannot be taken back", refused.Message, StringComparison.Ordinal);
    }

    [Fact(Skip = NotInstalled, SkipUnless = nameof(IsInstalled))]
    public async Task Rows_of_deleted_queues_go_after_their_time()
    {
        using TestFolder folder = new();
        PostgresOptions database = fixture.NewSchema() with { DeletedLifetime = TimeSpan.FromDays(3) };
        await using (SmpServer relay = await StartAsync(folder, database))
        await using (RelayClient client = await RelayClient.ConnectAsync(relay))
        {
            OwnedQueue queue = await client.NewQueueAsync(SubscriptionMode.OnlyCreate);
            AssertOk(await client.AskAsync(queue.Mine, SmpCommand.Del.Instance, queue.Key));
        }

        Assert.Single(await TextsAsync(database, "SELECT 'row' FROM msg_queues"));
        await RunAsync(database, "UPDATE msg_queues SET deleted_at = deleted_at - 2 * 86400");
        await using (await StartAsync(folder, database))
        {
        }

        Assert.Single(await TextsAsync(database, "SELECT 'row' FROM msg_queues"));

        // Not only a start does that.
        ManualTime time = new(DateTimeOffset.UtcNow);
        await RunAsync(database, $"UPDATE msg_queues SET deleted_at = {Now} - 3 * 86400 + 3600");
        await using (await StartAsync(folder, database, options => options with { Time = time }))
        {
            Assert.Single(await TextsAsync(database, "SELECT 'row' FROM msg_queues"));
            time.Advance(TimeSpan.FromHours(3));
            await Eventually.UntilAsync(async () => (await TextsAsync(database, "SELECT 'row' FROM msg_queues")).Length == 0, TestContext.Current.CancellationToken);
        }
    }

    [Fact(Skip = NotInstalled, SkipUnless = nameof(IsInstalled))]
    public async Task A_change_that_the_database_will_never_take_holds_up_no_other()
    {
        using TestFolder folder = new();
        PostgresOptions database = fixture.NewSchema();
        await using SmpServer relay = await StartAsync(folder, database);
        OwnedQueue lost;
        OwnedQueue kept;
        await using (RelayClient client = await RelayClient.ConnectAsync(relay))
        {
            lost = await client.NewQueueAsync(SubscriptionMode.OnlyCreate);
            kept = await client.NewQueueAsync(SubscriptionMode.OnlyCreate);
        }

        // Somebody deletes a row behind the relay's back: a message of this queue has nowhere to be.
        await RunAsync(database, "DELETE FROM msg_queues WHERE sender_id = decode('" + Convert.ToHexString(lost.Sender.Value.ToArray()) + "', 'hex')");
        await using (RelayClient client = await RelayClient.ConnectAsync(relay))
        {
            await client.SendAsync(lost.Theirs, Text("nowhere to be"), null);
            await client.AssertClosedAsync(); // no OK for what is not stored
        }

        await using (RelayClient client = await RelayClient.ConnectAsync(relay))
        {
            AssertOk(await client.AskAsync(kept.Theirs, Text("kept"), null));
        }

        Assert.Single(await TextsAsync(database, "SELECT 'message' FROM messages"));
    }

    private static long Now => DateTimeOffset.UtcNow.ToUnixTimeSeconds();

    private static Task<string[]> StateAsync(PostgresOptions database) =>
        TextsAsync(database, "SELECT msg_queue_size || ' ' || msg_can_write || ' ' || msg_queue_expire FROM msg_queues");

    private static async Task MakeAsync(PostgresOptions database)
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder, database);
    }

    private static Task<SmpServer> StartAsync(TestFolder folder, PostgresOptions database, Func<SmpServerOptions, SmpServerOptions>? change = null) =>
        TestRelay.StartAsync(folder, options => (change ?? (same => same))(options with
        {
            Database = database,
            MessageStorage = MessageStorage.Database,
            Limits = options.Limits with { QueueQuota = 3 },
        }));

    private static async Task RunAsync(PostgresOptions database, string sql)
    {
        await using NpgsqlDataSource pool = database.OpenPool();
        await using NpgsqlCommand command = pool.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Token);
    }

    private static async Task<string[]> TextsAsync(PostgresOptions database, string sql)
    {
        await using NpgsqlDataSource pool = database.OpenPool();
        await using NpgsqlCommand command = pool.CreateCommand(sql);
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(Token);
        List<string> texts = [];
        while (await reader.ReadAsync(Token))
        {
            texts.Add(reader.GetString(0));
        }

        return [.. texts];
    }
}
