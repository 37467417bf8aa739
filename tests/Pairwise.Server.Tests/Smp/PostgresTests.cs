using Npgsql;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp;
using Pairwise.Server.Smp.Logs;
using Pairwise.Server.Smp.Operation;
using Pairwise.Server.Smp.Postgres;
using Pairwise.Server.Smp.Store;
using Pairwise.TestKit;
using static Pairwise.Server.Tests.Smp.TestRelay;

namespace Pairwise.Server.Tests.Smp;

/// <summary>One PostgreSQL for all tests of the class, each with a schema of its own.</summary>
public sealed class PostgresFixture : IAsyncLifetime
{
    private PostgresCluster? _cluster;
    private int _schemas;

    public string Connection => _cluster?.Connection ?? throw new InvalidOperationException("There is no database.");

    public PostgresOptions NewSchema() => new(Connection, $"relay_{Interlocked.Increment(ref _schemas)}");

    public async ValueTask InitializeAsync()
    {
        if (PostgresCluster.IsInstalled)
        {
            _cluster = await PostgresCluster.StartAsync(TestContext.Current.CancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
        }
    }
}

/// <summary>A relay whose queues and messages are in PostgreSQL.</summary>
public sealed class PostgresTests(PostgresFixture fixture) : IClassFixture<PostgresFixture>
{
    private const string NotInstalled = "PostgreSQL is not installed (Debian: postgresql).";

    public static bool IsInstalled => PostgresCluster.IsInstalled;

    [Fact(Skip = NotInstalled, SkipUnless = nameof(IsInstalled))]
    public async Task Queues_and_messages_are_there_after_a_restart()
    {
        using TestFolder folder = new();
        PostgresOptions database = fixture.NewSchema();
        OwnedQueue secured;
        OwnedQueue contact;
        Ed25519PrivateKey senderKey = Ed25519PrivateKey.Generate(SystemRandom.Instance);
        QueueLinkData linkData = new(new byte[200], new byte[300]);
        await using (SmpServer relay = await StartAsync(folder, database))
        await using (RelayClient client = await RelayClient.ConnectAsync(relay))
        {
            secured = await client.NewQueueAsync(SubscriptionMode.OnlyCreate, new QueueRequest.Messaging(null));
            AssertOk(await client.AskAsync(secured.Theirs, new SmpCommand.SKey(senderKey.PublicKey), senderKey));
            foreach (string text in (string[])["one", "two"])
            {
                AssertOk(await client.AskAsync(secured.Theirs, Text(text), senderKey));
            }

            contact = await client.NewQueueAsync(SubscriptionMode.OnlyCreate, new QueueRequest.Contact(null));
            AssertOk(await client.AskAsync(contact.Mine, new SmpCommand.LSet(new LinkId(new byte[24]), linkData), contact.Key));
        }

        await using (SmpServer relay = await StartAsync(folder, database))
        await using (RelayClient client = await RelayClient.ConnectAsync(relay))
        {
            Assert.Equal(new PostgresReport(2, 0, 2, 0), relay.Report.Database);
            AssertOk(await client.AskAsync(secured.Mine, SmpCommand.Sub.Instance, secured.Key));
            BrokerMessage first = (await client.NextEventAsync()).Message;
            Assert.Equal("one", secured.OpenText(first));
            BrokerMessage second = await client.AskAsync(secured.Mine, Ack(first), secured.Key);
            Assert.Equal("two", secured.OpenText(second));
            AssertError(SmpError.Auth.Instance, await client.AskAsync(secured.Theirs, Text("anybody"), null));
            BrokerMessage link = await client.AskAsync(new EntityId(new byte[24]), SmpCommand.LGet.Instance, null);
            Assert.Equal(linkData, Assert.IsType<BrokerMessage.Lnk>(link).Content);
            AssertOk(await client.AskAsync(contact.Mine, SmpCommand.Del.Instance, contact.Key));
        }

        await using (SmpServer relay = await StartAsync(folder, database))
        {
            Assert.Equal(new PostgresReport(1, 0, 1, 0), relay.Report.Database);
        }
    }

    [Fact(Skip = NotInstalled, SkipUnless = nameof(IsInstalled))]
    public async Task An_audit_tells_every_row_and_finds_what_is_not_a_relays()
    {
        using TestFolder folder = new();
        PostgresOptions database = fixture.NewSchema();
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        OwnedQueue queue;
        await using (SmpServer relay = await StartAsync(folder, database))
        await using (RelayClient client = await RelayClient.ConnectAsync(relay))
        {
            queue = await client.NewQueueAsync(SubscriptionMode.OnlyCreate);
            OwnedQueue deleted = await client.NewQueueAsync(SubscriptionMode.OnlyCreate);
            AssertOk(await client.AskAsync(deleted.Mine, SmpCommand.Del.Instance, deleted.Key));
            AssertOk(await client.AskAsync(queue.Theirs, Text("one"), null));
        }

        SmpAudit audit = await SmpAudit.RunAsync(folder.Configuration, folder.State, database, cancellationToken);
        Assert.Equal((1, 1, 1), (audit.Queues.Count, audit.Messages.Count, audit.Database!.DeletedQueues));
        // All that the database has is in the audit: nothing of a table is left out, and nothing is in it twice.
        Assert.Equal(["messages", "migrations", "msg_queues", "services"], audit.Database.Tables.Select(table => table.Name));
        foreach (AuditedTable table in audit.Database.Tables)
        {
            Assert.Equal(await CountAsync(database, table.Name), table.Rows);
            Assert.True(table is { IsKnown: true, UnknownColumns: [], UnknownRows: 0 }, table.Name);
        }

        WireId sender = queue.Sender.Value;
        AuditedMessage message = Assert.Single(audit.Messages.Of(Assert.Single(audit.Find(Convert.ToBase64String(sender.ToArray()).Replace('+', '-').Replace('/', '_')))));
        Assert.Equal((message.Seconds, message.Length), (await ScalarAsync(database, "SELECT msg_ts FROM messages"), (int)(await ScalarAsync(database, "SELECT octet_length(msg_body)::bigint FROM messages"))));

        // The official server leaves messages and links of deleted queues for three weeks; this one removes them.
        await QueryAsync(database, "INSERT INTO messages (recipient_id, msg_id, msg_ts, msg_quota, msg_ntf_flag, msg_body) SELECT recipient_id, decode(repeat('07', 24), 'hex'), 1, FALSE, FALSE, 'left' FROM msg_queues WHERE deleted_at IS NOT NULL");
        await QueryAsync(database, "UPDATE msg_queues SET link_id = decode(repeat('08', 24), 'hex'), user_data = 'left' WHERE deleted_at IS NOT NULL");
        audit = await SmpAudit.RunAsync(folder.Configuration, folder.State, database, cancellationToken);
        Assert.Equal((1, 1), (audit.Messages.Count, audit.Database!.DeletedMessages));
        Assert.All(audit.Database.Tables, table => Assert.Equal(0, table.UnknownRows));
        await using (await StartAsync(folder, database))
        {
            while (await CountAsync(database, "msg_queues WHERE link_id IS NOT NULL OR user_data IS NOT NULL") > 0)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, cancellationToken);
            }
        }

        Assert.Equal((1, 1), (await CountAsync(database, "messages"), await CountAsync(database, "msg_queues WHERE deleted_at IS NOT NULL")));

        await QueryAsync(database, "CREATE TABLE addresses (ip TEXT)");
        await QueryAsync(database, "ALTER TABLE messages ADD COLUMN sender_ip TEXT");
        await QueryAsync(database, "UPDATE msg_queues SET status = 'watched' WHERE deleted_at IS NULL");
        audit = await SmpAudit.RunAsync(folder.Configuration, folder.State, database, cancellationToken);
        Assert.False(audit.Database!.Tables.Single(table => table.Name == "addresses").IsKnown);
        Assert.Equal(["sender_ip"], audit.Database.Tables.Single(table => table.Name == "messages").UnknownColumns);
        Assert.Equal(1, audit.Database.Tables.Single(table => table.Name == "msg_queues").UnknownRows);
    }

    [Fact(Skip = NotInstalled, SkipUnless = nameof(IsInstalled))]
    public async Task An_OK_means_that_the_change_is_in_the_database()
    {
        using TestFolder folder = new();
        PostgresOptions database = fixture.NewSchema();
        await using SmpServer relay = await StartAsync(folder, database);
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        OwnedQueue queue = await client.NewQueueAsync();
        for (long sent = 1; sent <= 20; sent++)
        {
            AssertOk(await client.AskAsync(queue.Theirs, Text("kept"), null));
            Assert.Equal(sent, await CountAsync(database, "messages"));
        }

        BrokerMessage message = (await client.NextEventAsync()).Message;
        for (long left = 19; left >= 0; left--)
        {
            message = await client.AskAsync(queue.Mine, Ack(message), queue.Key);
            Assert.Equal(left, await CountAsync(database, "messages"));
            Assert.Equal(left, await ScalarAsync(database, "SELECT msg_queue_size FROM msg_queues"));
        }

        AssertOk(message);
        AssertOk(await client.AskAsync(queue.Theirs, Text("gone with its queue"), null));
        AssertOk(await client.AskAsync(queue.Mine, SmpCommand.Del.Instance, queue.Key));
        Assert.Equal(0, await CountAsync(database, "messages"));
        Assert.Equal(0, await CountAsync(database, "msg_queues WHERE deleted_at IS NULL"));
    }

    [Fact(Skip = NotInstalled, SkipUnless = nameof(IsInstalled))]
    public async Task A_full_queue_keeps_its_marker_across_a_restart()
    {
        using TestFolder folder = new();
        PostgresOptions database = fixture.NewSchema();
        OwnedQueue queue;
        const int quota = 3;
        SmpServerOptions Small(SmpServerOptions options) => options with { Limits = options.Limits with { QueueQuota = quota } };
        await using (SmpServer relay = await StartAsync(folder, database, Small))
        await using (RelayClient client = await RelayClient.ConnectAsync(relay))
        {
            queue = await client.NewQueueAsync(SubscriptionMode.OnlyCreate);
            for (int i = 0; i < quota; i++)
            {
                AssertOk(await client.AskAsync(queue.Theirs, Text("fits"), null));
            }

            for (int i = 0; i < 2; i++)
            {
                AssertError(SmpError.Quota.Instance, await client.AskAsync(queue.Theirs, Text("too many"), null));
            }

            Assert.Equal(quota + 1, await CountAsync(database, "messages"));
            Assert.Equal(1, await CountAsync(database, "msg_queues WHERE NOT msg_can_write"));
        }

        await using (SmpServer relay = await StartAsync(folder, database, Small))
        await using (RelayClient client = await RelayClient.ConnectAsync(relay))
        {
            AssertError(SmpError.Quota.Instance, await client.AskAsync(queue.Theirs, Text("still full"), null));
            AssertOk(await client.AskAsync(queue.Mine, SmpCommand.Sub.Instance, queue.Key));
            BrokerMessage message = (await client.NextEventAsync()).Message;
            for (int i = 0; i < quota; i++)
            {
                Assert.Equal("fits", queue.OpenText(message));
                message = await client.AskAsync(queue.Mine, Ack(message), queue.Key);
            }

            Assert.IsType<RelayMessage.QuotaMarker>(queue.Open(message));
            AssertOk(await client.AskAsync(queue.Mine, Ack(message), queue.Key));
            AssertOk(await client.AskAsync(queue.Theirs, Text("room again"), null));
        }
    }

    [Fact(Skip = NotInstalled, SkipUnless = nameof(IsInstalled))]
    public async Task Queues_and_messages_move_from_files_to_the_database_and_back()
    {
        using TestFolder folder = new();
        PostgresOptions database = fixture.NewSchema();
        string storeLog = Path.Combine(folder.State, SmpServerFiles.StoreLog);
        string messageLog = Path.Combine(folder.State, SmpServerFiles.MessageLog);
        OwnedQueue queue;
        await using (SmpServer relay = await TestRelay.StartAsync(folder))
        await using (RelayClient client = await RelayClient.ConnectAsync(relay))
        {
            queue = await client.NewQueueAsync(SubscriptionMode.OnlyCreate);
            AssertOk(await client.AskAsync(queue.Theirs, Text("moves"), null));
        }

        string before = await File.ReadAllTextAsync(messageLog, TestContext.Current.CancellationToken);
        await Assert.ThrowsAsync<SmpServerException>(() => StartAsync(folder, database));
        DatabaseMoveReport imported = await DatabaseMoves.ImportAsync(database, DatabaseTables.All, storeLog, messageLog, TimeProvider.System, TestContext.Current.CancellationToken);
        Assert.Equal(new DatabaseMoveReport(1, 0, 1, 0), imported);
        Assert.False(File.Exists(storeLog));
        await Assert.ThrowsAsync<SmpServerException>(() =>
            DatabaseMoves.ImportAsync(database, DatabaseTables.All, storeLog + ".bak", messageLog, TimeProvider.System, TestContext.Current.CancellationToken));

        await using (SmpServer relay = await StartAsync(folder, database))
        {
            Assert.Equal(new PostgresReport(1, 0, 1, 0), relay.Report.Database);
        }

        DatabaseMoveReport exported = await DatabaseMoves.ExportAsync(database, DatabaseTables.All, storeLog, messageLog, TimeProvider.System, TestContext.Current.CancellationToken);
        Assert.Equal(new DatabaseMoveReport(1, 0, 1, 0), exported);
        Assert.Equal(before, await File.ReadAllTextAsync(messageLog, TestContext.Current.CancellationToken));
        await using (SmpServer relay = await TestRelay.StartAsync(folder))
        await using (RelayClient client = await RelayClient.ConnectAsync(relay))
        {
            AssertOk(await client.AskAsync(queue.Mine, SmpCommand.Sub.Instance, queue.Key));
            Assert.Equal("moves", queue.OpenText((await client.NextEventAsync()).Message));
        }

        DatabaseMoveReport deleted = await DatabaseMoves.DeleteAsync(database, DatabaseTables.All, TimeProvider.System, TestContext.Current.CancellationToken);
        Assert.Equal(new DatabaseMoveReport(1, 0, 1, 0), deleted);

        // The official server imports into a schema that is not there.
        Assert.Equal(0, await CountAsync(database, $"pg_namespace WHERE nspname = '{database.Schema}'"));
    }

    [Fact(Skip = NotInstalled, SkipUnless = nameof(IsInstalled))]
    public async Task A_queue_of_a_service_is_still_blocked_after_an_export()
    {
        using TestFolder folder = new();
        PostgresOptions database = fixture.NewSchema();
        string[] lines = [.. VectorFile.Load("store_log.json").OfKind("smpStoreLog").Select(record => record.String("line"))];
        string service = lines.First(line => line.StartsWith("NEW_SERVICE ", StringComparison.Ordinal) && line.Contains(" role=M ", StringComparison.Ordinal));
        string queue = lines.First(line => line.StartsWith("CREATE ", StringComparison.Ordinal) && !line.Contains(" status=", StringComparison.Ordinal) && !line.Contains(" rsrv=", StringComparison.Ordinal));
        Directory.CreateDirectory(folder.State);
        string log = Path.Combine(folder.State, SmpServerFiles.StoreLog);
        await File.WriteAllLinesAsync(
            log, [service, queue + " status=blocked,reason=spam,notice={\"ttl\":60} rsrv=" + service.Split(' ')[1]["service_id=".Length..]], TestContext.Current.CancellationToken);
        QueueStore before = new();
        Assert.Equal(0, StoreLog.Read(log, before).RefusedRecords);

        string none = Path.Combine(folder.State, SmpServerFiles.MessageLog);
        await DatabaseMoves.ImportAsync(database, DatabaseTables.Queues, log, none, TimeProvider.System, TestContext.Current.CancellationToken);
        await DatabaseMoves.ExportAsync(database, DatabaseTables.Queues, log, none, TimeProvider.System, TestContext.Current.CancellationToken);
        QueueStore after = new();
        Assert.Equal(0, StoreLog.Read(log, after).RefusedRecords);
        Assert.NotNull(after.All().Single().ServiceId);
        Assert.NotNull(after.All().Single().Block);
        Assert.Equal(before.All().Single().Block, after.All().Single().Block);
        Assert.Equal(QueueStatus.Blocked, after.All().Single().Status);
    }

    [Theory(Skip = NotInstalled, SkipUnless = nameof(IsInstalled))]
    [InlineData(1 << 20)]
    [InlineData(300)] // the log is read again and again, for some of its queues each time
    public async Task Folders_of_the_reference_are_imported_whole(long bytesTogether)
    {
        using TestFolder folder = new();
        PostgresOptions database = fixture.NewSchema();
        string source = VectorFile.PathOf(Path.Combine("server_files", "memory_2", "log"));
        Directory.CreateDirectory(folder.State);
        string storeLog = Path.Combine(folder.State, SmpServerFiles.StoreLog);
        string messageLog = Path.Combine(folder.State, SmpServerFiles.MessageLog);
        File.Copy(Path.Combine(source, SmpServerFiles.StoreLog), storeLog);
        File.Copy(Path.Combine(source, SmpServerFiles.MessageLog), messageLog);
        int messageLines = (await File.ReadAllLinesAsync(messageLog, TestContext.Current.CancellationToken)).Length;
        DatabaseMoveReport imported = await DatabaseMoves.ImportAsync(database, DatabaseTables.All, storeLog, messageLog, bytesTogether, TimeProvider.System, TestContext.Current.CancellationToken);
        Assert.Equal(0, imported.LeftOut);
        Assert.Equal(messageLines, imported.Messages);

        using TestFolder memory = new();
        Directory.CreateDirectory(memory.State);
        File.Copy(storeLog + ".bak", Path.Combine(memory.State, SmpServerFiles.StoreLog));
        string exportedLog = Path.Combine(folder.State, "exported-store.log");
        string exportedMessages = Path.Combine(folder.State, "exported-messages.log");
        await DatabaseMoves.ExportAsync(database, DatabaseTables.All, exportedLog, exportedMessages, TimeProvider.System, TestContext.Current.CancellationToken);

        // The relay compacts a log when it starts: that is what the export has to be equal to.
        await using (SmpServer relay = await TestRelay.StartAsync(memory, options => options with { KeepMessages = false }))
        {
            Assert.Equal(0, relay.Report.Queues.RefusedRecords);
            Assert.Equal(imported.Queues, await CountAsync(database, "msg_queues"));
        }

        Assert.Equal(
            (await File.ReadAllLinesAsync(Path.Combine(memory.State, SmpServerFiles.StoreLog), TestContext.Current.CancellationToken)).Order(StringComparer.Ordinal),
            (await File.ReadAllLinesAsync(exportedLog, TestContext.Current.CancellationToken)).Order(StringComparer.Ordinal));
        Assert.Equal(
            (await File.ReadAllLinesAsync(messageLog + ".bak", TestContext.Current.CancellationToken)).Order(StringComparer.Ordinal),
            (await File.ReadAllLinesAsync(exportedMessages, TestContext.Current.CancellationToken)).Order(StringComparer.Ordinal));
    }

    [Fact(Skip = NotInstalled, SkipUnless = nameof(IsInstalled))]
    public async Task Messages_in_journals_go_with_queues_in_the_database()
    {
        using TestFolder folder = new();
        PostgresOptions database = fixture.NewSchema();
        OwnedQueue queue;
        await using (SmpServer relay = await StartAsync(folder, database, options => options with { MessageStorage = MessageStorage.Journal }))
        await using (RelayClient client = await RelayClient.ConnectAsync(relay))
        {
            queue = await client.NewQueueAsync(SubscriptionMode.OnlyCreate);
            AssertOk(await client.AskAsync(queue.Theirs, Text("in a file"), null));
            Assert.Equal(0, await CountAsync(database, "messages"));
        }

        await using (SmpServer relay = await StartAsync(folder, database, options => options with { MessageStorage = MessageStorage.Journal }))
        await using (RelayClient client = await RelayClient.ConnectAsync(relay))
        {
            AssertOk(await client.AskAsync(queue.Mine, SmpCommand.Sub.Instance, queue.Key));
            Assert.Equal("in a file", queue.OpenText((await client.NextEventAsync()).Message));
        }
    }

    [Fact(Skip = NotInstalled, SkipUnless = nameof(IsInstalled))]
    public async Task A_store_log_beside_the_database_could_replace_it()
    {
        using TestFolder folder = new();
        PostgresOptions database = fixture.NewSchema();
        OwnedQueue queue;
        await using (SmpServer relay = await StartAsync(folder, database, options => options with { MirrorDatabaseToLog = true }))
        await using (RelayClient client = await RelayClient.ConnectAsync(relay))
        {
            queue = await client.NewQueueAsync();
        }

        await using (SmpServer relay = await TestRelay.StartAsync(folder))
        await using (RelayClient client = await RelayClient.ConnectAsync(relay))
        {
            AssertOk(await client.AskAsync(queue.Mine, SmpCommand.Sub.Instance, queue.Key));
        }
    }

    [Fact(Skip = NotInstalled, SkipUnless = nameof(IsInstalled))]
    public async Task A_schema_of_another_version_is_refused_in_one_sentence()
    {
        using TestFolder folder = new();
        PostgresOptions database = fixture.NewSchema();
        await using (SmpServer relay = await StartAsync(folder, database))
        {
        }

        await ScalarAsync(database, "INSERT INTO migrations (name, ts) VALUES ('29990101_future', now()) RETURNING 1::bigint");
        SmpServerException refused = await Assert.ThrowsAsync<SmpServerException>(() => StartAsync(folder, database));
        Assert.Contains("29990101_future", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("postgresql://smp@127.0.0.1:1/none?sslmode=verify-full&connect_timeout=1", "The database cannot be used: ")]
    [InlineData("host=127.0.0.1 port=1 user=smp dbname=none sslmode=require", "The database cannot be used: ")]
    [InlineData("postgresql://smp@127.0.0.1:1/none?sslmode=very", "The database connection has sslmode=very: write disable, allow, prefer, require, verify-ca, verify-full.")]
    [InlineData("postgresql://smp@127.0.0.1:1/none?krbsrvname=x", "The database connection has the parameter \"krbsrvname\", which is not known here")]
    [InlineData("postgresql://smp@127.0.0.1:1/none?sslrootcert=system&sslmode=require", "The database connection has sslrootcert=system with sslmode=require: write sslmode=verify-full.")]
    [InlineData("host=127.0.0.1 port=many", "The database connection has port=many: write a number from 1 to 65535.")]
    [InlineData("host=127.0.0.1 password='never ends", "The database connection ends inside a quoted value.")]
    [InlineData("host", "The database connection is neither")]
    [InlineData("Host=127.0.0.1;Nonsense=1", "The database connection cannot be used: ")]
    public async Task Parameters_of_the_connection_are_obeyed_or_refused(string connection, string refusal)
    {
        using TestFolder folder = new();
        SmpServerException refused = await Assert.ThrowsAsync<SmpServerException>(() => StartAsync(folder, new PostgresOptions(connection)));
        Assert.StartsWith(refusal, refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("postgresql://smp@db.example/none", SslMode.Prefer)]
    [InlineData("postgresql://smp@db.example/none?sslrootcert=system", SslMode.VerifyFull)]
    [InlineData("host=db.example sslmode=verify-full sslrootcert=system", SslMode.VerifyFull)]
    [InlineData("host=db.example sslrootcert=/etc/ca.crt sslmode=require", SslMode.VerifyCA)]
    [InlineData("host=db.example sslmode=require", SslMode.Require)]
    public void What_is_said_of_certificates_decides_how_much_is_verified(string connection, SslMode mode) =>
        Assert.Equal(mode, PostgresConnection.Parse(connection).SslMode);

    [Fact]
    public async Task A_database_that_is_not_there_is_told_in_one_sentence()
    {
        using TestFolder folder = new();
        PostgresOptions nowhere = new("postgresql://smp@127.0.0.1:1/none");
        SmpServerException refused = await Assert.ThrowsAsync<SmpServerException>(() => StartAsync(folder, nowhere));
        Assert.StartsWith("The database cannot be used: ", refused.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<SmpServerException>(() => StartAsync(folder, new PostgresOptions("nonsense")));
    }

    private static Task<SmpServer> StartAsync(TestFolder folder, PostgresOptions database, Func<SmpServerOptions, SmpServerOptions>? change = null) =>
        TestRelay.StartAsync(folder, options => (change ?? (same => same))(options with { Database = database, MessageStorage = MessageStorage.Database }));

    private static Task<long> CountAsync(PostgresOptions database, string table) => ScalarAsync(database, $"SELECT COUNT(*) FROM {table}");

    private static async Task<long> ScalarAsync(PostgresOptions database, string sql) => (long)(await QueryAsync(database, sql))!;

    private static async Task<object?> QueryAsync(PostgresOptions database, string sql)
    {
        await using NpgsqlDataSource pool = database.OpenPool();
        await using NpgsqlCommand command = pool.CreateCommand(sql);
        return await command.ExecuteScalarAsync(TestContext.Current.CancellationToken);
    }
}
