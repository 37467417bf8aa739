using System.Net;
using System.Net.Sockets;
using Npgsql;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp;
using Pairwise.Server.Smp.Operation;
using Pairwise.Server.Smp.Postgres;
using Pairwise.TestKit;
using static Pairwise.Server.Tests.Smp.TestRelay;

namespace Pairwise.Server.Tests.Smp;

/// <summary>
/// What the database refuses for itself, when memory had it already: nobody hears an OK, and memory is what the database is
/// soon after, without a restart.
/// </summary>
public sealed class PostgresRefusalTests(PostgresFixture fixture) : IClassFixture<PostgresFixture>
{
    private const string NotInstalled = "PostgreSQL is not installed (Debian: postgresql).";
    private const int Evicted = 2026;
    private const int Replaced = 2027;

    public static bool IsInstalled => PostgresCluster.IsInstalled;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Skip = NotInstalled, SkipUnless = nameof(IsInstalled))]
    public async Task A_queue_whose_row_somebody_removed_is_gone_for_its_owner_too()
    {
        using TestFolder folder = new();
        PostgresOptions database = fixture.NewSchema();
        EventLog log = new();
        await using SmpServer relay = await StartAsync(folder, database, log);
        await using RelayClient owner = await RelayClient.ConnectAsync(relay);
        OwnedQueue kept = await owner.NewQueueAsync();
        OwnedQueue lost = await owner.NewQueueAsync();
        await ExecuteAsync(database, $"DELETE FROM msg_queues WHERE sender_id = {Literal(lost.Sender.Value)}");

        // Not a word of OK for what changed no row.
        await using RelayClient other = await RelayClient.ConnectAsync(relay);
        using Ed25519PrivateKey senderKey = Ed25519PrivateKey.Generate(SystemRandom.Instance);
        await other.SendAsync(lost.Mine, new SmpCommand.Key(senderKey.PublicKey), lost.Key);
        await other.AssertClosedAsync();
        await UntilAsync(() => log.CountOf(Evicted) == 1);
        Assert.Equal(BrokerMessage.Deld.Instance, (await owner.NextEventAsync()).Message);
        AssertError(SmpError.Auth.Instance, await owner.AskAsync(lost.Theirs, Text("nobody there"), null));
        AssertOk(await owner.AskAsync(kept.Theirs, Text("goes on"), null));
        Assert.Equal("goes on", kept.OpenText((await owner.NextEventAsync()).Message));
    }

    [Fact(Skip = NotInstalled, SkipUnless = nameof(IsInstalled))]
    public async Task A_link_id_that_a_deleted_row_still_has_is_not_taken_in_memory_only()
    {
        using TestFolder folder = new();
        PostgresOptions database = fixture.NewSchema();
        EventLog log = new();
        await using SmpServer relay = await StartAsync(folder, database, log);
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        OwnedQueue former = await client.NewQueueAsync(SubscriptionMode.OnlyCreate, new QueueRequest.Contact(null));
        AssertOk(await client.AskAsync(former.Mine, SmpCommand.Del.Instance, former.Key));

        // The official server leaves link data in the rows of deleted queues.
        await ExecuteAsync(database, $"UPDATE msg_queues SET link_id = {Literal(new byte[24])}");
        OwnedQueue contact = await client.NewQueueAsync(SubscriptionMode.OnlyCreate, new QueueRequest.Contact(null));
        QueueLinkData data = new(new byte[10], new byte[20]);
        await using (RelayClient asking = await RelayClient.ConnectAsync(relay))
        {
            await asking.SendAsync(contact.Mine, new SmpCommand.LSet(new LinkId(new byte[24]), data), contact.Key);
            await asking.AssertClosedAsync();
        }

        await UntilAsync(() => log.CountOf(Replaced) == 1);
        AssertError(SmpError.Auth.Instance, await client.AskAsync(new EntityId(new byte[24]), SmpCommand.LGet.Instance, null));

        // The queue itself is as it was, and takes another link.
        byte[] free = [.. Enumerable.Repeat((byte)7, 24)];
        await UntilAsync(async () => await client.AskAsync(contact.Mine, new SmpCommand.LSet(new LinkId(free), data), contact.Key) is BrokerMessage.Ok);
        Assert.Equal(data, Assert.IsType<BrokerMessage.Lnk>(await client.AskAsync(new EntityId(free), SmpCommand.LGet.Instance, null)).Content);
        AssertOk(await client.AskAsync(contact.Theirs, Text("hello"), null));
    }

    [Fact(Skip = NotInstalled, SkipUnless = nameof(IsInstalled))]
    public async Task A_message_that_the_database_refuses_is_not_delivered_and_the_others_are()
    {
        using TestFolder folder = new();
        PostgresOptions database = fixture.NewSchema();
        EventLog log = new();
        OwnedQueue queue;
        await using (SmpServer relay = await StartAsync(folder, database, log))
        await using (RelayClient client = await RelayClient.ConnectAsync(relay))
        {
            queue = await client.NewQueueAsync(SubscriptionMode.OnlyCreate);
            await ExecuteAsync(database, "ALTER TABLE messages ADD CHECK (msg_body <> 'refused'::bytea)");
            AssertOk(await client.AskAsync(queue.Theirs, Text("one"), null));
            await using (RelayClient sender = await RelayClient.ConnectAsync(relay))
            {
                await sender.SendAsync(queue.Theirs, Text("refused"), null);
                await sender.AssertClosedAsync();
            }

            await UntilAsync(() => log.CountOf(Replaced) == 1);
            await UntilAsync(async () => await client.AskAsync(queue.Theirs, Text("two"), null) is BrokerMessage.Ok);
            AssertOk(await client.AskAsync(queue.Mine, SmpCommand.Sub.Instance, queue.Key));
            BrokerMessage first = (await client.NextEventAsync()).Message;
            Assert.Equal("one", queue.OpenText(first));
            BrokerMessage second = await client.AskAsync(queue.Mine, Ack(first), queue.Key);
            Assert.Equal("two", queue.OpenText(second));
            Assert.Equal(1L, await ExecuteAsync(database, "SELECT msg_queue_size FROM msg_queues"));
            AssertOk(await client.AskAsync(queue.Mine, Ack(second), queue.Key));
        }

        await using (SmpServer relay = await StartAsync(folder, database, log))
        {
            Assert.Equal(new PostgresReport(1, 0, 0, 0), relay.Report.Database);
        }
    }

    [Fact(Skip = NotInstalled, SkipUnless = nameof(IsInstalled))]
    public async Task The_control_port_answers_when_the_database_has_what_it_says()
    {
        await using PostgresCluster cluster = await PostgresCluster.StartAsync(Token);
        using TestFolder folder = new();
        Assert.True(BasicAuth.TryParse("looker", out BasicAuth? user));
        SmpControlOptions control = new() { Endpoint = new IPEndPoint(IPAddress.Loopback, 0), UserPassword = user };
        await using SmpServer relay = await StartAsync(folder, new PostgresOptions(cluster.Connection), new EventLog(), options => options with { Control = control });
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        OwnedQueue queue = await client.NewQueueAsync(SubscriptionMode.OnlyCreate);
        using TcpClient port = new();
        await port.ConnectAsync(relay.ControlEndpoint!, Token);
        using StreamReader reader = new(port.GetStream());
        await using StreamWriter writer = new(port.GetStream()) { AutoFlush = true, NewLine = "\n" };
        await writer.WriteLineAsync("auth looker");
        string? line;
        do
        {
            line = await reader.ReadLineAsync(Token);
        }
        while (line?.StartsWith("Current role", StringComparison.Ordinal) == false);

        await cluster.CrashAsync(Token);
        await writer.WriteLineAsync($"block {Convert.ToBase64String(queue.Sender.Value.ToArray()).Replace('+', '-').Replace('/', '_')} reason=spam");
        Task<string?> answer = reader.ReadLineAsync(Token).AsTask();
        await Task.Delay(TimeSpan.FromMilliseconds(500), TimeProvider.System, Token);
        Assert.False(answer.IsCompleted, "an answer left before its commit");
        await cluster.RestartAsync(Token);
        Assert.StartsWith("ok, queue blocked", await answer, StringComparison.Ordinal);
        Assert.Equal("blocked,reason=spam", await ExecuteAsync(new PostgresOptions(cluster.Connection), "SELECT status FROM msg_queues"));
    }

    private static Task<SmpServer> StartAsync(TestFolder folder, PostgresOptions database, EventLog log, Func<SmpServerOptions, SmpServerOptions>? change = null) =>
        TestRelay.StartAsync(folder, options => (change ?? (same => same))(options with { Database = database, MessageStorage = MessageStorage.Database, Logging = log }));

    private static Task UntilAsync(Func<bool> condition) => UntilAsync(() => Task.FromResult(condition()));

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        while (!await condition())
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, Token);
        }
    }

    private static string Literal(WireId id) => Literal(id.ToArray());

    private static string Literal(byte[] bytes) => $"decode('{Convert.ToHexString(bytes)}', 'hex')";

    private static async Task<object?> ExecuteAsync(PostgresOptions database, string sql)
    {
        await using NpgsqlDataSource pool = database.OpenPool();
        await using NpgsqlCommand command = pool.CreateCommand(sql);
        return await command.ExecuteScalarAsync(Token);
    }
}
