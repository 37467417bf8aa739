using System.Diagnostics;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;

namespace Pairwise.Load;

/// <summary>A sender and a recipient with one secured queue; one message at a time goes from SEND to the answer of its ACK.</summary>
internal sealed class MessagePair : IAsyncDisposable
{
    private readonly LoadClient _sender;
    private readonly LoadClient _recipient;
    private readonly Ed25519PrivateKey _recipientKey;
    private readonly X25519PrivateKey _senderKey;
    private readonly EntityId _queue;
    private readonly EntityId _address;
    private readonly SmpCommand.Send _send;

    private MessagePair(LoadClient sender, LoadClient recipient, Ed25519PrivateKey recipientKey, X25519PrivateKey senderKey, BrokerMessage.Ids ids, int bodyLength)
    {
        _sender = sender;
        _recipient = recipient;
        _recipientKey = recipientKey;
        _senderKey = senderKey;
        _queue = ids.Recipient.ToEntityId();
        _address = ids.Sender.ToEntityId();
        _send = new SmpCommand.Send(MessageFlags.None, SystemRandom.Instance.Bytes(bodyLength));
    }

    /// <summary>Milliseconds from SEND to MSG, of each message.</summary>
    internal List<double> LatencyMilliseconds { get; } = [];

    internal static async Task<MessagePair> CreateAsync(ServerAddress server, int bodyLength, CancellationToken cancellationToken)
    {
        LoadClient recipient = await LoadClient.ConnectAsync(server, cancellationToken);
        LoadClient sender = await LoadClient.ConnectAsync(server, cancellationToken);
        Ed25519PrivateKey recipientKey = Ed25519PrivateKey.Generate(SystemRandom.Instance);
        X25519PrivateKey senderKey = X25519PrivateKey.Generate(SystemRandom.Instance);
        using X25519PrivateKey dhKey = X25519PrivateKey.Generate(SystemRandom.Instance);
        SmpCommand.New create = new(recipientKey.PublicKey, dhKey.PublicKey, null, SubscriptionMode.Subscribe, new QueueRequest.Messaging(null), null);
        BrokerMessage.Ids ids = SmpSuite.Require<BrokerMessage.Ids>(await recipient.AskAsync(EntityId.None, create, recipientKey, cancellationToken));
        await sender.AskAsync(ids.Sender.ToEntityId(), new SmpCommand.SKey(senderKey.PublicKey), senderKey, cancellationToken);
        return new MessagePair(sender, recipient, recipientKey, senderKey, ids, bodyLength);
    }

    internal async Task RunAsync(long end, CancellationToken cancellationToken)
    {
        while (Stopwatch.GetTimestamp() < end)
        {
            long start = Stopwatch.GetTimestamp();
            await _sender.SendAsync(_address, _send, _senderKey, cancellationToken);
            BrokerMessage.Msg message = SmpSuite.Require<BrokerMessage.Msg>((await _recipient.NextAsync(cancellationToken)).Message);
            LatencyMilliseconds.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            SmpSuite.Require<BrokerMessage.Ok>((await _sender.NextAsync(cancellationToken)).Message);
            await _recipient.AskAsync(_queue, new SmpCommand.Ack(message.Message), _recipientKey, cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _sender.DisposeAsync();
        await _recipient.DisposeAsync();
        _recipientKey.Dispose();
        _senderKey.Dispose();
    }
}
