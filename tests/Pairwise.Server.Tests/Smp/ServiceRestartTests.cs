using System.Globalization;
using System.Net;
using Pairwise.Client;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp;
using Pairwise.Server.Smp.Postgres;
using Pairwise.TestKit;
using Pairwise.Transport.Smp;
using static Pairwise.Server.Tests.Smp.TestRelay;

namespace Pairwise.Server.Tests.Smp;

/// <summary>What services are associated with is there after the relay was started again, wherever it keeps its queues.</summary>
public sealed class ServiceRestartTests(PostgresFixture fixture) : IClassFixture<PostgresFixture>
{
    [Theory]
    [InlineData(MessageStorage.Memory)]
    [InlineData(MessageStorage.Journal)]
    [InlineData(MessageStorage.Database)]
    public async Task A_service_finds_its_queues_after_a_restart(MessageStorage storage)
    {
        Assert.SkipUnless(storage != MessageStorage.Database || PostgresCluster.IsInstalled, "PostgreSQL is not installed (Debian: postgresql).");
        using TestFolder folder = new();
        PostgresOptions? database = storage == MessageStorage.Database ? fixture.NewSchema() : null;
        SmpServerOptions At(SmpServerOptions options) => options with
        {
            Endpoints = [new IPEndPoint(IPAddress.Loopback, 0)],
            MessageStorage = storage,
            Database = database,
            NotificationInterval = TimeSpan.FromMilliseconds(20),
        };
        SmpServiceCredential notification = NewService(SmpServiceRole.Notifier);
        SmpServiceCredential messaging = NewService(SmpServiceRole.Messaging);
        using Ed25519PrivateKey notifierKey = Ed25519PrivateKey.Generate(SystemRandom.Instance);
        List<(OwnedQueue Queue, NotifierId Notifier)> queues = [];
        OwnedQueue received;
        ServiceId notificationId;
        ServiceId messagingId;
        await using (SmpServer relay = await StartAsync(folder, At))
        {
            await using RelayClient owner = await RelayClient.ConnectAsync(relay);
            await using SmpClient notifier = await ConnectAsync(relay, notification);
            notificationId = notifier.Service!.Id;
            for (int i = 0; i < 3; i++)
            {
                queues.Add(await NewNotifiedQueueAsync(owner, notifierKey));
                Assert.Equal(notificationId, (await AskAsync<BrokerMessage.Sok>(notifier, SmpCommand.NSub.Instance, queues[i].Notifier.ToEntityId(), notifierKey)).Service);
            }

            // The first goes to somebody without a service, and stays there.
            await using SmpClient single = await ConnectAsync(relay, null);
            Assert.Null((await AskAsync<BrokerMessage.Sok>(single, SmpCommand.NSub.Instance, queues[0].Notifier.ToEntityId(), notifierKey)).Service);

            await using SmpClient receiver = await ConnectAsync(relay, messaging);
            messagingId = receiver.Service!.Id;
            Ed25519PrivateKey key = Ed25519PrivateKey.Generate(SystemRandom.Instance);
            using X25519PrivateKey dhKey = X25519PrivateKey.Generate(SystemRandom.Instance);
            BrokerMessage.Ids ids = await AskAsync<BrokerMessage.Ids>(
                receiver, new SmpCommand.New(key.PublicKey, dhKey.PublicKey, null, SubscriptionMode.Subscribe, null, null), EntityId.None, key);
            Assert.Equal(messagingId, ids.Service);
            received = OwnedBy(key, dhKey, ids);
            AssertCounts(relay, recipients: 1, notifications: 2);
        }

        for (int restart = 0; restart < 2; restart++)
        {
            await using SmpServer relay = await StartAsync(folder, At);
            AssertCounts(relay, recipients: 1, notifications: 2);
            await using RelayClient owner = await RelayClient.ConnectAsync(relay);
            await using SmpClient notifier = await ConnectAsync(relay, notification);
            Assert.Equal(notificationId, notifier.Service!.Id);
            Assert.Equal(2, (await AskAsync<BrokerMessage.Soks>(notifier, SmpCommand.NSubs.Instance, notificationId.ToEntityId(), notifier.Service.SessionKey)).Count);
            foreach ((OwnedQueue queue, NotifierId id) in queues)
            {
                AssertOk(await owner.AskAsync(queue.Theirs, Text("wakes its owner", notify: true), null));
                if (id != queues[0].Notifier)
                {
                    SmpEvent told = await notifier.Events.ReadAsync(TestContext.Current.CancellationToken);
                    Assert.IsType<BrokerMessage.NMsg>(told.Message);
                    Assert.Equal(id.ToEntityId(), told.Entity);
                }
            }

            // The queue that a messaging service made is still a service's: it hears so when it subscribes.
            await using SmpClient receiver = await ConnectAsync(relay, messaging);
            Assert.Equal(messagingId, receiver.Service!.Id);
            Assert.Equal(messagingId, (await AskAsync<BrokerMessage.Sok>(receiver, SmpCommand.Sub.Instance, received.Mine, received.Key)).Service);
        }
    }

    private static SmpServiceCredential NewService(SmpServiceRole role)
    {
        (CertificateChain chain, SigningKey key) = TestCertificates.Issue(KeyAlgorithm.Ed25519, KeyAlgorithm.Ed25519);
        return new SmpServiceCredential(role, chain, key);
    }

    private static async Task<SmpClient> ConnectAsync(SmpServer relay, SmpServiceCredential? service)
    {
        Assert.True(ServerAddress.TryParse(relay.Address, out ServerAddress? address));
        return await SmpClient.ConnectAsync(address, new SmpClientOptions { Service = service }, isInteractive: true, TestContext.Current.CancellationToken);
    }

    private static async Task<T> AskAsync<T>(SmpClient client, SmpCommand command, EntityId entity, PrivateKey key)
        where T : BrokerMessage
    {
        SmpResult result = await client.SendAsync(new SmpRequest(command, entity, key), isInteractive: false, TestContext.Current.CancellationToken);
        Assert.True(result.IsOk, $"{result.Error}");
        return Assert.IsType<T>(result.Message);
    }

    private static async Task<(OwnedQueue Queue, NotifierId Notifier)> NewNotifiedQueueAsync(RelayClient owner, Ed25519PrivateKey notifierKey)
    {
        using X25519PrivateKey dhKey = X25519PrivateKey.Generate(SystemRandom.Instance);
        OwnedQueue queue = await owner.NewQueueAsync(SubscriptionMode.OnlyCreate);
        BrokerMessage answer = await owner.AskAsync(queue.Mine, new SmpCommand.NKey(new NotifierRequest(notifierKey.PublicKey, dhKey.PublicKey)), queue.Key);
        return (queue, Assert.IsType<BrokerMessage.Nid>(answer).Notifier.Notifier);
    }

    private static void AssertCounts(SmpServer relay, int recipients, int notifications)
    {
        string metrics = relay.WriteMetrics();
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"rcv_services_queues_count {recipients}"), metrics, StringComparison.Ordinal);
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"ntf_services_queues_count {notifications}"), metrics, StringComparison.Ordinal);
    }
}
