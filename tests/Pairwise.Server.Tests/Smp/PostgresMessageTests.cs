using Npgsql;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp;
using Pairwise.Server.Smp.Postgres;
using Pairwise.TestKit;
using static Pairwise.Server.Tests.Smp.TestRelay;

namespace Pairwise.Server.Tests.Smp;

/// <summary>Messages whose bodies are in the database only: whoever delivers one reads it there.</summary>
public sealed class PostgresMessageTests(PostgresFixture fixture) : IClassFixture<PostgresFixture>
{
    private const string NotInstalled = "PostgreSQL is not installed (Debian: postgresql).";

    // What no memory can have: a body that changed in the table.
    private const string Retell = "UPDATE messages SET msg_body = 'read: '::bytea || msg_body";

    public static bool IsInstalled => PostgresCluster.IsInstalled;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Skip = NotInstalled, SkipUnless = nameof(IsInstalled))]
    public async Task Bodies_are_read_from_the_database_in_their_order()
    {
        using TestFolder folder = new();
        PostgresOptions database = fixture.NewSchema();
        const int messages = 40;
        OwnedQueue queue;
        await using (SmpServer relay = await StartAsync(folder, database))
        await using (RelayClient client = await RelayClient.ConnectAsync(relay))
        {
            queue = await client.NewQueueAsync(SubscriptionMode.OnlyCreate);
            for (int i = 0; i < messages / 2; i++)
            {
                AssertOk(await client.AskAsync(queue.Theirs, Text($"{i}"), null));
            }
        }

        await using (SmpServer relay = await StartAsync(folder, database))
        await using (RelayClient client = await RelayClient.ConnectAsync(relay))
        {
            for (int i = messages / 2; i < messages; i++)
            {
                AssertOk(await client.AskAsync(queue.Theirs, Text($"{i}"), null));
            }

            await RunAsync(database, Retell);
            AssertOk(await client.AskAsync(queue.Mine, SmpCommand.Sub.Instance, queue.Key));
            BrokerMessage message = (await client.NextEventAsync()).Message;
            for (int i = 0; i < messages; i++)
            {
                Assert.Equal($"read: {i}", queue.OpenText(message));
                message = await client.AskAsync(queue.Mine, Ack(message), queue.Key);
            }

            AssertOk(message);
            Assert.Equal(0, await CountAsync(database, "messages"));
        }
    }

    [Fact(Skip = NotInstalled, SkipUnless = nameof(IsInstalled))]
    public async Task A_subscriber_gets_what_comes_meanwhile_without_a_look_into_the_database()
    {
        using TestFolder folder = new();
        PostgresOptions database = fixture.NewSchema();
        await using SmpServer relay = await StartAsync(folder, database);
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        OwnedQueue queue = await client.NewQueueAsync();
        for (int i = 0; i < 30; i++)
        {
            AssertOk(await client.AskAsync(queue.Theirs, Text($"{i}"), null));
        }

        await RunAsync(database, Retell);
        BrokerMessage message = (await client.NextEventAsync()).Message;
        for (int i = 0; i < 30; i++)
        {
            Assert.Equal($"{i}", queue.OpenText(message));
            message = await client.AskAsync(queue.Mine, Ack(message), queue.Key);
        }

        AssertOk(message);
    }

    [Fact(Skip = NotInstalled, SkipUnless = nameof(IsInstalled))]
    public async Task A_client_that_comes_back_to_many_queues_hears_all_answers_and_one_message_of_each()
    {
        using TestFolder folder = new();
        PostgresOptions database = fixture.NewSchema();
        const int queues = 100;
        List<OwnedQueue> owned = [];
        await using (SmpServer relay = await StartAsync(folder, database))
        await using (RelayClient client = await RelayClient.ConnectAsync(relay))
        {
            for (int i = 0; i < queues; i++)
            {
                owned.Add(await client.NewQueueAsync(SubscriptionMode.OnlyCreate));
                if (i % 2 == 0)
                {
                    AssertOk(await client.AskAsync(owned[i].Theirs, Text($"first of {i}"), null));
                    AssertOk(await client.AskAsync(owned[i].Theirs, Text($"second of {i}"), null));
                }
            }
        }

        await using (SmpServer relay = await StartAsync(folder, database))
        await using (RelayClient client = await RelayClient.ConnectAsync(relay))
        {
            foreach (OwnedQueue[] part in owned.Chunk(50))
            {
                await client.SendBatchAsync([.. part.Select(queue => client.Encode(RelayClient.NewCorrId(), queue.Mine, SmpCommand.Sub.Instance, queue.Key))]);
            }

            Dictionary<EntityId, BrokerMessage> delivered = [];
            int answers = 0;
            while (answers < queues || delivered.Count < queues / 2)
            {
                Received received = await client.NextAsync();
                if (received.Message is BrokerMessage.Msg)
                {
                    delivered.Add(received.Entity, received.Message);
                }
                else
                {
                    AssertOk(received.Message);
                    answers++;
                }
            }

            for (int i = 0; i < queues; i += 2)
            {
                BrokerMessage first = delivered[owned[i].Mine];
                Assert.Equal($"first of {i}", owned[i].OpenText(first));
                BrokerMessage second = await client.AskAsync(owned[i].Mine, Ack(first), owned[i].Key);
                Assert.Equal($"second of {i}", owned[i].OpenText(second));
                AssertOk(await client.AskAsync(owned[i].Mine, Ack(second), owned[i].Key));
            }

            await client.AssertNothingCameAsync();
        }
    }

    [Fact(Skip = NotInstalled, SkipUnless = nameof(IsInstalled))]
    public async Task One_that_reads_with_GET_and_one_that_takes_over_get_the_message_too()
    {
        using TestFolder folder = new();
        PostgresOptions database = fixture.NewSchema();
        await using SmpServer relay = await StartAsync(folder, database);
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        OwnedQueue queue = await client.NewQueueAsync(SubscriptionMode.OnlyCreate);
        AssertOk(await client.AskAsync(queue.Theirs, Text("one"), null));
        AssertOk(await client.AskAsync(queue.Theirs, Text("two"), null));
        await RunAsync(database, Retell);
        await using (RelayClient fetching = await RelayClient.ConnectAsync(relay))
        {
            BrokerMessage got = await fetching.AskAsync(queue.Mine, SmpCommand.Get.Instance, queue.Key);
            Assert.Equal("read: one", queue.OpenText(got));
            AssertOk(await fetching.AskAsync(queue.Mine, Ack(got), queue.Key));
        }

        AssertOk(await client.AskAsync(queue.Mine, SmpCommand.Sub.Instance, queue.Key));
        Assert.Equal("read: two", queue.OpenText((await client.NextEventAsync()).Message));
        await using RelayClient second = await RelayClient.ConnectAsync(relay);
        AssertOk(await second.AskAsync(queue.Mine, SmpCommand.Sub.Instance, queue.Key));
        BrokerMessage message = (await second.NextEventAsync()).Message;
        Assert.Equal("read: two", queue.OpenText(message));
        Assert.IsType<BrokerMessage.End>((await client.NextEventAsync()).Message);
        AssertError(SmpError.NoMessage.Instance, await client.AskAsync(queue.Mine, Ack(message), queue.Key));
        AssertOk(await second.AskAsync(queue.Mine, Ack(message), queue.Key));
        Assert.Equal(0, await CountAsync(database, "messages"));
    }

    [Fact(Skip = NotInstalled, SkipUnless = nameof(IsInstalled))]
    public async Task Messages_that_somebody_removed_from_the_table_are_passed_over()
    {
        using TestFolder folder = new();
        PostgresOptions database = fixture.NewSchema();
        await using SmpServer relay = await StartAsync(folder, database);
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        OwnedQueue queue = await client.NewQueueAsync(SubscriptionMode.OnlyCreate);
        foreach (string text in (string[])["gone", "also gone", "here", "gone too", "the last"])
        {
            AssertOk(await client.AskAsync(queue.Theirs, Text(text), null));
        }

        await RunAsync(database, "DELETE FROM messages WHERE position('gone'::bytea in msg_body) > 0");
        AssertOk(await client.AskAsync(queue.Mine, SmpCommand.Sub.Instance, queue.Key));
        BrokerMessage message = (await client.NextEventAsync()).Message;
        Assert.Equal("here", queue.OpenText(message));
        message = await client.AskAsync(queue.Mine, Ack(message), queue.Key);
        Assert.Equal("the last", queue.OpenText(message));
        await RunAsync(database, "DELETE FROM messages");
        AssertOk(await client.AskAsync(queue.Mine, Ack(message), queue.Key));
        AssertOk(await client.AskAsync(queue.Theirs, Text("goes on"), null));
        Assert.Equal("goes on", queue.OpenText((await client.NextEventAsync()).Message));
        Assert.Equal(1, await ScalarAsync(database, "SELECT msg_queue_size FROM msg_queues"));
    }

    [Fact(Skip = NotInstalled, SkipUnless = nameof(IsInstalled))]
    public async Task Messages_expire_without_their_bodies_and_an_ACK_of_one_finds_the_next()
    {
        using TestFolder folder = new();
        PostgresOptions database = fixture.NewSchema();
        ManualTime time = new();
        Expiration expiration = new(TimeSpan.FromHours(2), TimeSpan.FromDays(100));
        await using (SmpServer relay = await StartAsync(folder, database, options => options with { Time = time, MessageExpiration = expiration, ExpireMessagesOnSend = false }))
        await using (RelayClient client = await RelayClient.ConnectAsync(relay))
        {
            OwnedQueue queue = await client.NewQueueAsync(SubscriptionMode.OnlyCreate);
            foreach (string text in (string[])["old", "old too", "also old"])
            {
                AssertOk(await client.AskAsync(queue.Theirs, Text(text), null));
            }

            AssertOk(await client.AskAsync(queue.Mine, SmpCommand.Sub.Instance, queue.Key));
            BrokerMessage message = (await client.NextEventAsync()).Message;
            Assert.Equal("old", queue.OpenText(message));
            time.Advance(TimeSpan.FromHours(3));
            AssertOk(await client.AskAsync(queue.Theirs, Text("young"), null));
            Assert.Equal(3, await relay.ExpireMessagesAsync());
            BrokerMessage next = await client.AskAsync(queue.Mine, Ack(message), queue.Key);
            Assert.Equal("young", queue.OpenText(next));
            Assert.Equal(1, await CountAsync(database, "messages"));
            Assert.Equal(1, await ScalarAsync(database, "SELECT msg_queue_size FROM msg_queues"));
            AssertOk(await client.AskAsync(queue.Mine, Ack(next), queue.Key));
            Assert.Equal(1, await CountAsync(database, "msg_queues WHERE msg_queue_size = 0 AND msg_can_write AND NOT msg_queue_expire"));
        }
    }

    [Fact(Skip = NotInstalled, SkipUnless = nameof(IsInstalled))]
    public async Task A_delivery_waits_while_the_database_is_away()
    {
        await using PostgresCluster cluster = await PostgresCluster.StartAsync(Token);
        using TestFolder folder = new();
        PostgresOptions database = new(cluster.Connection);
        await using SmpServer relay = await StartAsync(folder, database);
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        OwnedQueue queue = await client.NewQueueAsync(SubscriptionMode.OnlyCreate);
        AssertOk(await client.AskAsync(queue.Theirs, Text("waits in the table"), null));
        await cluster.CrashAsync(Token);
        AssertOk(await client.AskAsync(queue.Mine, SmpCommand.Sub.Instance, queue.Key));
        Task<Received> delivery = client.NextEventAsync();
        await Task.Delay(TimeSpan.FromMilliseconds(300), TimeProvider.System, Token);
        Assert.False(delivery.IsCompleted);
        await cluster.RestartAsync(Token);
        Assert.Equal("waits in the table", queue.OpenText((await delivery).Message));
    }

    private static Task<SmpServer> StartAsync(TestFolder folder, PostgresOptions database, Func<SmpServerOptions, SmpServerOptions>? change = null) =>
        TestRelay.StartAsync(folder, options => (change ?? (same => same))(options with { Database = database, MessageStorage = MessageStorage.Database }));

    private static Task<long> CountAsync(PostgresOptions database, string table) => ScalarAsync(database, $"SELECT COUNT(*) FROM {table}");

    private static async Task<long> ScalarAsync(PostgresOptions database, string sql)
    {
        await using NpgsqlDataSource pool = database.OpenPool();
        await using NpgsqlCommand command = pool.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync(Token))!;
    }

    private static async Task RunAsync(PostgresOptions database, string sql)
    {
        await using NpgsqlDataSource pool = database.OpenPool();
        await using NpgsqlCommand command = pool.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Token);
    }
}
