using System.Globalization;
using System.Text;
using Pairwise.Client;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;

namespace Pairwise.EndToEnd.Tests;

/// <summary>A queue with its sender and its recipient, and what both know. Numbers rise with every message.</summary>
internal sealed class LoadedQueue
{
    private readonly RecipientId _recipient;
    private readonly SenderId _sender;
    private readonly PrivateKey _key;
    private readonly BoxKey _box;
    private readonly HashSet<int> _acknowledged = [];
    private int _next;
    private int _acceptedCount;

    private LoadedQueue(RecipientId recipient, SenderId sender, PrivateKey key, BoxKey box) =>
        (_recipient, _sender, _key, _box) = (recipient, sender, key, box);

    /// <summary>Numbers of messages whose SEND was answered with OK.</summary>
    public List<int> Accepted { get; } = [];

    /// <summary>How many they are; may be read at any time.</summary>
    public int AcceptedCount => Volatile.Read(ref _acceptedCount);

    /// <summary>Numbers of messages that came, each once.</summary>
    public List<int> Received { get; } = [];

    /// <summary>Numbers of messages that came after their ACK was answered with OK.</summary>
    public List<int> CameAgain { get; } = [];

    public static async Task<LoadedQueue> CreateAsync(SmpClient client)
    {
        var key = Ed25519PrivateKey.Generate(SystemRandom.Instance);
        using var dhKey = X25519PrivateKey.Generate(SystemRandom.Instance);
        var result = await client.SendAsync(
            new SmpRequest(new SmpCommand.New(key.PublicKey, dhKey.PublicKey, null, SubscriptionMode.OnlyCreate, null, null), EntityId.None, key),
            CancellationToken.None);
        Assert.True(result.IsOk, $"{result.Error}");
        var ids = Assert.IsType<BrokerMessage.Ids>(result.Message);
        using var secret = dhKey.DeriveSharedSecret(ids.ServerDhKey);
        return new LoadedQueue(ids.Recipient, ids.Sender, key, BoxKey.From(secret));
    }

    /// <summary>Sends until the relay is gone.</summary>
    public async Task SendAsync(SmpClient client)
    {
        while (true)
        {
            var number = _next++;
            var body = Encoding.ASCII.GetBytes(number.ToString(CultureInfo.InvariantCulture).PadRight(200));
            var result = await client.SendAsync(new SmpRequest(new SmpCommand.Send(new MessageFlags(false), new BlockSlice(body)), _sender.ToEntityId(), null), CancellationToken.None);
            if (result.IsOk)
            {
                Accepted.Add(number);
                Volatile.Write(ref _acceptedCount, Accepted.Count);
            }
            else if (result.Error is not SmpClientError.Relay { Error: SmpError.Quota })
                return;
        }
    }

    /// <summary>Gets and acknowledges until the relay is gone or, the last time, the queue is empty.</summary>
    public async Task ReceiveAsync(SmpClient client, bool isLast)
    {
        while (true)
        {
            var got = await client.SendAsync(new SmpRequest(SmpCommand.Get.Instance, _recipient.ToEntityId(), _key), CancellationToken.None);
            if (!got.IsOk)
            {
                Assert.False(isLast, $"{got.Error}");
                return;
            }

            if (got.Message is not BrokerMessage.Msg message)
            {
                if (isLast)
                    return;
                continue;
            }

            Assert.True(RelayMessage.TryOpen(_box, message.Message, message.EncryptedBody.Span, out var opened));
            int? number = opened is RelayMessage.Content content ? int.Parse(Encoding.ASCII.GetString(content.Body.Span).Trim(), CultureInfo.InvariantCulture) : null;
            if (number is { } came)
            {
                if (_acknowledged.Contains(came))
                    CameAgain.Add(came);
                if (Received.Count == 0 || Received[^1] != came)
                    Received.Add(came);
            }

            var acknowledged = await client.SendAsync(new SmpRequest(new SmpCommand.Ack(message.Message), _recipient.ToEntityId(), _key), CancellationToken.None);
            if (acknowledged.IsOk && number is { } done)
                _acknowledged.Add(done);
        }
    }
}
