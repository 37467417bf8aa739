using Pairwise.Client;
using Pairwise.Crypto;
using Pairwise.Protocol.Smp;

namespace Pairwise.EndToEnd.Tests.Handover;

/// <summary>The notifier of a queue, and how many notifications a relay holds for it.</summary>
internal sealed class HeldNotifier(PrivateKey key, EntityId id, BoxKey box)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private int _expected;

    public static HeldNotifier From(PrivateKey key, X25519PrivateKey dhKey, ServerNotifierCredentials credentials)
    {
        using var secret = dhKey.DeriveSharedSecret(credentials.ServerDhKey);
        return new HeldNotifier(key, credentials.Notifier.ToEntityId(), BoxKey.From(secret));
    }

    /// <summary>A message came that asked for a notification.</summary>
    public void Expect() => _expected++;

    /// <summary>The relay died, and with it what waited in its memory.</summary>
    public void Forget() => _expected = 0;

    /// <summary>Subscribes, alone or as a service, and takes all notifications that wait.</summary>
    public async Task TakeAsync(SmpClient client)
    {
        var subscribed = await client.SendAsync(new SmpRequest(SmpCommand.NSub.Instance, id, key), CancellationToken.None);
        Assert.True(subscribed.IsOk, $"NSUB: {subscribed.Error}");
        await ReceiveAsync(client);
    }

    /// <summary>Takes all notifications that wait, on a connection that subscribed.</summary>
    public async Task ReceiveAsync(SmpClient client)
    {
        using var deadline = new CancellationTokenSource(Patience, TimeProvider.System);
        for (; _expected > 0; _expected--)
        {
            var received = await client.Events.ReadAsync(deadline.Token);
            Assert.Equal(id, received.Entity);
            var notification = Assert.IsType<BrokerMessage.NMsg>(received.Message);
            Assert.True(NotificationMeta.TryOpen(box, notification.Nonce.Span, notification.EncryptedMeta.Span, out _));
        }
    }
}
