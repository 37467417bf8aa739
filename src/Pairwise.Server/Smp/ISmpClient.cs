using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp.Store;
using Pairwise.Server.Smp.Subscribing;

namespace Pairwise.Server.Smp;

/// <summary>What the dispatcher knows of a connection.</summary>
internal interface ISmpClient : ISubscriber
{
    /// <summary>The version both sides agreed on.</summary>
    SmpVersion Version { get; }

    /// <summary>The service that the connection presented a certificate of.</summary>
    StoredId? ServiceId { get; }
}

/// <summary>
/// The answer to a command: a broker message, or a stored message that is sealed for the recipient when it is written.
/// </summary>
internal readonly struct SmpAnswer
{
    private SmpAnswer(BrokerMessage? message, Subscription? hold, StoredMessage? stored)
    {
        Message = message;
        Hold = hold;
        Stored = stored;
    }

    /// <summary>OK</summary>
    public static SmpAnswer Ok { get; } = new(BrokerMessage.Ok.Instance, null, null);

    /// <summary>The message, unless it is a stored one.</summary>
    public BrokerMessage? Message { get; }

    /// <summary>The hold on the queue of the stored message, by which it was delivered.</summary>
    public Subscription? Hold { get; }

    /// <summary>The stored message.</summary>
    public StoredMessage? Stored { get; }

    public static SmpAnswer Of(BrokerMessage message) => new(message, null, null);

    public static SmpAnswer Of(Subscription hold, StoredMessage stored) => new(null, hold, stored);

    public static SmpAnswer Of(SmpError error) => new(new BrokerMessage.Err(error), null, null);

    public static SmpAnswer OkOr(SmpError? error) => error is null ? Ok : Of(error);
}
