using Pairwise.Client;
using Pairwise.Crypto;
using Pairwise.Protocol.Smp;

namespace Pairwise.EndToEnd.Tests.Handover;

/// <summary>The notifier of a queue, and how many notifications a relay holds for it.</summary>
internal sealed class HeldNotifier(PrivateKey key, EntityId id, BoxKey box)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Ticks = TimeSpan.FromSeconds(4);
    private int _expected;

    public static HeldNotifier From(PrivateKey key, X25519PrivateKey dhKey, ServerNotifierCredentials credentials)
    {
        using var secret = dhKey.DeriveSharedSecret(credentials.ServerDhKey);
        return new HeldNotifier(key, credentials.Notifier.ToEntityId(), BoxKey.From(secret));
    }

    /// <summary>A message came that asked for a notification.</summary>
    public void Expect() => _expected++;

    /// <summary>
    /// The relay died, and with it what waited in its memory; what was saved before may come again. Subscribes, and takes
    /// whatever comes with the relay's next tick.
    /// </summary>
    public static async Task ForgetAsync(SmpClient client, IReadOnlyList<HeldNotifier> notifiers)
    {
        foreach (var notifier in notifiers)
        {
            notifier._expected = 0;
            await notifier.SubscribeAsync(client);
        }

        await Task.Delay(Ticks, TimeProvider.System);
        while (client.Events.TryRead(out var received))
            Assert.IsType<BrokerMessage.NMsg>(received.Message);
    }

    /// <summary>Subscribes, alone or as a service, and takes all notifications that wait.</summary>
    public async Task TakeAsync(SmpClient client)
    {
        await SubscribeAsync(client);
        using var deadline = new CancellationTokenSource(Patience, TimeProvider.System);
        for (; _expected > 0; _expected--)
        {
            var received = await client.Events.ReadAsync(deadline.Token);
            Assert.Equal(id, received.Entity);
            var notification = Assert.IsType<BrokerMessage.NMsg>(received.Message);
            Assert.True(NotificationMeta.TryOpen(box, notification.Nonce.Span, notification.EncryptedMeta.Span, out _));
        }
    }

    private async Task SubscribeAsync(SmpClient client)
    {
        var subscribed = await client.SendAsync(new SmpRequest(SmpCommand.NSub.Instance, id, key), CancellationToken.None);
        Assert.True(subscribed.IsOk, $"NSUB: {subscribed.Error}");
    }
}
