using Npgsql;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp;
using Pairwise.Server.Smp.Operation;
using Pairwise.Server.Smp.Postgres;
using Pairwise.Server.Smp.Store;
using Pairwise.TestKit;
using static Pairwise.Server.Tests.Smp.TestRelay;

namespace Pairwise.Server.Tests.Smp;

/// <summary>A relay over a PostgreSQL that goes away, dies, or refuses.</summary>
public sealed class PostgresFailureTests(PostgresFixture fixture) : IClassFixture<PostgresFixture>
{
    private const string NotInstalled = "PostgreSQL is not installed (Debian: postgresql).";

    public static bool IsInstalled => PostgresCluster.IsInstalled;

    [Fact(Skip = NotInstalled, SkipUnless = nameof(IsInstalled))]
    public async Task While_the_database_is_away_answers_wait_and_nothing_is_lost()
    {
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        await using PostgresCluster cluster = await PostgresCluster.StartAsync(cancellationToken);
        using TestFolder folder = new();
        PostgresOptions database = new(cluster.Connection);
        OwnedQueue queue;
        await using (SmpServer relay = await StartAsync(folder, database))
        await using (RelayClient client = await RelayClient.ConnectAsync(relay))
        {
            queue = await client.NewQueueAsync(SubscriptionMode.OnlyCreate);
            await cluster.CrashAsync(cancellationToken);
            CorrId asked = await client.SendAsync(queue.Theirs, Text("waits for its commit"), null);
            Task<BrokerMessage> answer = client.AnswerAsync(asked);
            await Task.Delay(TimeSpan.FromMilliseconds(500), TimeProvider.System, cancellationToken);
            Assert.False(answer.IsCompleted, "an answer left before its commit");
            await cluster.RestartAsync(cancellationToken);
            AssertOk(await answer);
        }

        await using (SmpServer relay = await StartAsync(folder, database))
        {
            Assert.Equal(new PostgresReport(1, 0, 1, 0), relay.Report.Database);
        }
    }

    [Fact(Skip = NotInstalled, SkipUnless = nameof(IsInstalled))]
    public async Task What_a_database_that_is_away_refuses_has_not_happened()
    {
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        await using PostgresCluster cluster = await PostgresCluster.StartAsync(cancellationToken);
        using TestFolder folder = new();
        PostgresOptions database = new(cluster.Connection);
        ManualTime time = new();
        SmpServerOptions Timed(SmpServerOptions options) => options with { Time = time };
        OwnedQueue asked;
        OwnedQueue refused;
        await using (SmpServer relay = await StartAsync(folder, database, Timed))
        {
            await using (RelayClient client = await RelayClient.ConnectAsync(relay))
            {
                asked = await client.NewQueueAsync(SubscriptionMode.OnlyCreate);
                refused = await client.NewQueueAsync(SubscriptionMode.OnlyCreate);
                AssertOk(await client.AskAsync(refused.Theirs, Text("stays"), null));
                await cluster.CrashAsync(cancellationToken);

                // Taken before anybody can know that the database is away: no answer, and it is carried out later.
                await client.SendAsync(asked.Mine, SmpCommand.Del.Instance, asked.Key);
                await PassAsync(client.AssertClosedAsync());
            }

            // Refused: the connection ends without an answer, since nothing that is not stored may be told.
            await using (RelayClient client = await RelayClient.ConnectAsync(relay))
            {
                await client.SendAsync(refused.Mine, SmpCommand.Del.Instance, refused.Key);
                await client.AssertClosedAsync();
            }

            await cluster.RestartAsync(cancellationToken);
            await PassAsync(Eventually.UntilAsync(async () => await CountAsync(database, "msg_queues WHERE deleted_at IS NULL") == 1, cancellationToken));
            await using (RelayClient client = await RelayClient.ConnectAsync(relay))
            {
                AssertError(SmpError.Auth.Instance, await client.AskAsync(asked.Mine, SmpCommand.Del.Instance, asked.Key));
                AssertOk(await client.AskAsync(refused.Mine, SmpCommand.Sub.Instance, refused.Key));
                Assert.Equal("stays", refused.OpenText((await client.NextEventAsync()).Message));
            }
        }

        await using (SmpServer relay = await StartAsync(folder, database, Timed))
        await using (RelayClient client = await RelayClient.ConnectAsync(relay))
        {
            Assert.Equal(new PostgresReport(1, 0, 1, 0), relay.Report.Database);
            AssertError(SmpError.Auth.Instance, await client.AskAsync(asked.Mine, SmpCommand.Del.Instance, asked.Key));
            AssertOk(await client.AskAsync(refused.Mine, SmpCommand.Del.Instance, refused.Key));
        }

        // The relay's time passes until something has happened.
        async Task PassAsync(Task happened)
        {
            while (!happened.IsCompleted)
            {
                time.Advance(TimeSpan.FromSeconds(1));
                await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, cancellationToken);
            }

            await happened;
        }

    }

    [Fact(Skip = NotInstalled, SkipUnless = nameof(IsInstalled))]
    public async Task A_database_that_dies_and_comes_back_under_load_has_every_message_once()
    {
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        await using PostgresCluster cluster = await PostgresCluster.StartAsync(cancellationToken);
        using TestFolder folder = new();
        PostgresOptions database = new(cluster.Connection);
        const int senders = 4;
        const int deaths = 4;
        List<string> accepted = [];
        await using (SmpServer relay = await StartAsync(folder, database))
        {
            bool isOver = false;
            async Task SendAsync(int sender)
            {
                await using RelayClient client = await RelayClient.ConnectAsync(relay);
                OwnedQueue queue = await client.NewQueueAsync(SubscriptionMode.OnlyCreate);
                for (int number = 0; !Volatile.Read(ref isOver); number++)
                {
                    string text = $"{sender} {number}";
                    BrokerMessage answer = await client.AskAsync(queue.Theirs, Text(text), null);
                    if (answer is not BrokerMessage.Ok)
                    {
                        AssertError(SmpError.Quota.Instance, answer);
                        queue = await client.NewQueueAsync(SubscriptionMode.OnlyCreate);
                        continue;
                    }

                    lock (accepted)
                    {
                        accepted.Add(text);
                    }
                }
            }

            Task[] working = [.. Enumerable.Range(0, senders).Select(SendAsync)];
            for (int death = 0; death < deaths; death++)
            {
                int before = Count();
                await Eventually.UntilAsync(
                    async () =>
                    {
                        await (working.FirstOrDefault(task => task.IsFaulted) ?? Task.CompletedTask);
                        return Count() >= before + 50;
                    },
                    cancellationToken,
                    "fifty more messages are accepted");

                await cluster.RestartAsync(cancellationToken); // it dies first
            }

            Volatile.Write(ref isOver, true);
            await Task.WhenAll(working);
        }

        await using NpgsqlDataSource pool = database.OpenPool();
        await using NpgsqlCommand command = pool.CreateCommand("SELECT convert_from(msg_body, 'UTF8') FROM messages WHERE NOT msg_quota");
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        List<string> stored = [];
        while (await reader.ReadAsync(cancellationToken))
        {
            stored.Add(reader.GetString(0));
        }

        Assert.Equal(accepted.Order(StringComparer.Ordinal), stored.Order(StringComparer.Ordinal));

        int Count()
        {
            lock (accepted)
            {
                return accepted.Count;
            }
        }
    }

    [Fact(Skip = NotInstalled, SkipUnless = nameof(IsInstalled))]
    public async Task A_change_that_the_database_refuses_costs_whoever_asked_for_it_and_nobody_else()
    {
        using TestFolder folder = new();
        PostgresOptions database = fixture.NewSchema();
        EventLog log = new();
        await using SmpServer relay = await StartAsync(folder, database, options => options with { Logging = log });
        await using RelayClient other = await RelayClient.ConnectAsync(relay);
        OwnedQueue kept = await other.NewQueueAsync(SubscriptionMode.OnlyCreate);
        OwnedQueue lost = await other.NewQueueAsync(SubscriptionMode.OnlyCreate);
        await QueryAsync(database, $"DELETE FROM msg_queues WHERE sender_id = decode('{Convert.ToHexString(lost.Sender.Value.ToArray())}', 'hex')");

        // In one transaction with what is refused: tens of messages of others, each of which is stored and answered.
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        await using RelayClient third = await RelayClient.ConnectAsync(relay);
        Task<BrokerMessage>[] answers = new Task<BrokerMessage>[20];
        for (int i = 0; i < answers.Length; i++)
        {
            CorrId asked = await third.SendAsync(kept.Theirs, Text($"{i}"), null);
            if (i == answers.Length / 2)
            {
                await client.SendAsync(lost.Theirs, Text("to a queue that somebody removed"), null);
            }

            AssertOk(await third.AnswerAsync(asked));
        }

        await client.AssertClosedAsync();
        Assert.Equal(1, log.CountOf(2025));
        Assert.Equal(20, await CountAsync(database, "messages"));
        AssertOk(await other.AskAsync(kept.Theirs, Text("goes on"), null));
    }

    [Fact(Skip = NotInstalled, SkipUnless = nameof(IsInstalled))]
    public async Task A_sender_id_that_a_deleted_queue_had_is_not_given_out_again()
    {
        using TestFolder folder = new();
        PostgresOptions database = fixture.NewSchema();
        await using SmpServer relay = await StartAsync(folder, database);
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        await using RelayClient other = await RelayClient.ConnectAsync(relay);
        CorrId corrId = RelayClient.NewCorrId();
        using Ed25519PrivateKey key = Ed25519PrivateKey.Generate(SystemRandom.Instance);
        using X25519PrivateKey dhKey = X25519PrivateKey.Generate(SystemRandom.Instance);
        byte[] hash = new byte[Digests.Sha3_384Length];
        Digests.Sha3_384(corrId.Value.Span, hash);
        QueueRequest.Messaging request = new(new MessagingLink(new SenderId(hash.AsSpan(0, 24)), new QueueLinkData(new byte[10], new byte[10])));
        SmpCommand.New create = new(key.PublicKey, dhKey.PublicKey, null, SubscriptionMode.OnlyCreate, request, null);
        await client.SendBatchAsync(client.Encode(corrId, EntityId.None, create, key));
        OwnedQueue queue = OwnedBy(key, dhKey, await client.AnswerAsync(corrId));
        AssertOk(await client.AskAsync(queue.Mine, SmpCommand.Del.Instance, key));

        await client.SendBatchAsync(client.Encode(corrId, EntityId.None, create, key));
        await client.AssertClosedAsync();
        await other.NewQueueAsync();
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
