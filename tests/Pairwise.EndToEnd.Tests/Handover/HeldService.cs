using Pairwise.Client;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.TestKit;
using Pairwise.Transport.Smp;

namespace Pairwise.EndToEnd.Tests.Handover;

/// <summary>
/// A service of messaging or of notifications: it knows the relay's id of it, and which queues the relay has associated with
/// it.
/// </summary>
internal sealed class HeldService
{
    private readonly SmpServiceCredential _credential;
    private readonly List<(EntityId Recipient, PrivateKey Key)> _queues = [];
    private ServiceId? _id;

    public HeldService(SmpServiceRole role)
    {
        var (chain, key) = TestCertificates.Issue(KeyAlgorithm.Ed25519, KeyAlgorithm.Ed25519);
        _credential = new SmpServiceCredential(role, chain, key);
    }

    /// <summary>Connects: the relay knows the service by the same id and has all its queues. Then associates one more.</summary>
    /// <param name="server">The relay.</param>
    /// <param name="owner">Who makes queues for the notifier's side.</param>
    public async Task CheckAsync(ServerAddress server, SmpClient owner)
    {
        await using var client = await SmpClient.ConnectAsync(server, new SmpClientOptions { Service = _credential }, isInteractive: true, CancellationToken.None);
        var service = client.Service;
        Assert.NotNull(service);
        Assert.Equal(_id ?? service.Id, service.Id);
        _id = service.Id;
        if (_credential.Role == SmpServiceRole.Notifier)
        {
            var subscribed = await AskAsync<BrokerMessage.Soks>(client, SmpCommand.NSubs.Instance, service.Id.ToEntityId(), service.SessionKey);
            Assert.Equal(_queues.Count, subscribed.Count);
            await AddNotifierAsync(client, owner);
            return;
        }

        foreach (var (recipient, key) in _queues)
            Assert.Equal(_id, (await AskAsync<BrokerMessage.Sok>(client, SmpCommand.Sub.Instance, recipient, key)).Service);
        await AddQueueAsync(client);
    }

    private async Task AddQueueAsync(SmpClient client)
    {
        var key = Ed25519PrivateKey.Generate(SystemRandom.Instance);
        using var dhKey = X25519PrivateKey.Generate(SystemRandom.Instance);
        var made = await AskAsync<BrokerMessage.Ids>(
            client, new SmpCommand.New(key.PublicKey, dhKey.PublicKey, null, SubscriptionMode.Subscribe, null, null), EntityId.None, key);
        Assert.Equal(_id, made.Service);
        _queues.Add((made.Recipient.ToEntityId(), key));
    }

    private async Task AddNotifierAsync(SmpClient client, SmpClient owner)
    {
        var key = Ed25519PrivateKey.Generate(SystemRandom.Instance);
        using var dhKey = X25519PrivateKey.Generate(SystemRandom.Instance);
        var made = await AskAsync<BrokerMessage.Ids>(
            owner,
            new SmpCommand.New(key.PublicKey, dhKey.PublicKey, null, SubscriptionMode.OnlyCreate, new QueueRequest.Messaging(null), new NotifierRequest(key.PublicKey, dhKey.PublicKey)),
            EntityId.None,
            key);
        Assert.Equal(_id, (await AskAsync<BrokerMessage.Sok>(client, SmpCommand.NSub.Instance, made.Notifier!.Notifier.ToEntityId(), key)).Service);
        _queues.Add((made.Recipient.ToEntityId(), key));
    }

    private static async Task<T> AskAsync<T>(SmpClient client, SmpCommand command, EntityId entity, PrivateKey key)
        where T : BrokerMessage
    {
        var result = await client.SendAsync(new SmpRequest(command, entity, key), CancellationToken.None);
        Assert.True(result.IsOk, $"{command}: {result.Error}");
        return Assert.IsType<T>(result.Message);
    }
}
