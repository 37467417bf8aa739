using Pairwise.Crypto;
using Pairwise.Wire;

namespace Pairwise.Protocol.Smp;

/// <summary>
/// What a relay sends: answers to commands and events. The hierarchy is closed; bodies (<see cref="BlockSlice"/>) are
/// borrowed from the block. Grammar: simplex-messaging.md, "Server messages"; codec: <see cref="BrokerMessageCodec"/>.
/// </summary>
public abstract record BrokerMessage
{
    private protected BrokerMessage()
    {
    }

    /// <summary>The message's tag on the wire; safe to log.</summary>
    public sealed override string ToString() => BrokerMessageCodec.TagOf(this);

    /// <summary>IDS: the queue was made.</summary>
    /// <param name="Recipient">The recipient id.</param>
    /// <param name="Sender">The sender id.</param>
    /// <param name="ServerDhKey">The relay's key for the encryption of bodies towards the recipient.</param>
    /// <param name="Mode">Since <see cref="SmpVersions.SenderAuthKey"/>; null from a relay that does not say.</param>
    /// <param name="Link">Since <see cref="SmpVersions.ShortLinks"/>.</param>
    /// <param name="Service">Since <see cref="SmpVersions.ServiceCertificates"/>.</param>
    /// <param name="Notifier">Since <see cref="SmpVersions.NewNotifierCredentials"/>.</param>
    public sealed record Ids(
        RecipientId Recipient,
        SenderId Sender,
        X25519PublicKey ServerDhKey,
        QueueMode? Mode = null,
        LinkId? Link = null,
        ServiceId? Service = null,
        ServerNotifierCredentials? Notifier = null) : BrokerMessage;

    /// <summary>LNK: the sender id and the encrypted data of a short link.</summary>
    public sealed record Lnk(SenderId Sender, QueueLinkData Content) : BrokerMessage;

    /// <summary>SOK (since <see cref="SmpVersions.ServiceCertificates"/>, OK before): subscribed, and associated with the service if any.</summary>
    public sealed record Sok(ServiceId? Service) : BrokerMessage;

    /// <summary>SOKS: the service is subscribed to this many queues.</summary>
    public sealed record Soks(long Count) : BrokerMessage;

    /// <summary>MSG: a message; the body is encrypted by the relay for the recipient.</summary>
    public sealed record Msg(MessageId Message, BlockSlice EncryptedBody) : BrokerMessage;

    /// <summary>NID: the notifier was allowed.</summary>
    public sealed record Nid(ServerNotifierCredentials Notifier) : BrokerMessage;

    /// <summary>NMSG: a message arrived in the queue.</summary>
    /// <param name="Nonce">24 bytes.</param>
    /// <param name="EncryptedMeta">At most 255 bytes.</param>
    public sealed record NMsg(Bytes Nonce, BlockSlice EncryptedMeta) : BrokerMessage;

    /// <summary>PKEY: the proxy has a session with the destination relay.</summary>
    /// <param name="Session">The id of that session, the entity of PFWD.</param>
    /// <param name="Versions">What the destination may be told to speak.</param>
    /// <param name="RelayKey">The destination's certificates and its signed X25519 key.</param>
    public sealed record PKey(Bytes Session, VersionRange Versions, CertificateSignedKey RelayKey) : BrokerMessage;

    /// <summary>RRES: the destination's answer to RFWD.</summary>
    public sealed record RRes(BlockSlice Response) : BrokerMessage;

    /// <summary>PRES: the destination's answer to PFWD.</summary>
    public sealed record PRes(BlockSlice Response) : BrokerMessage;

    /// <summary>END: another connection subscribed to the queue.</summary>
    public sealed record End : BrokerMessage
    {
        public static readonly End Instance = new();
    }

    /// <summary>ENDS: another connection subscribed to the service's queues.</summary>
    public sealed record Ends(long Count) : BrokerMessage;

    /// <summary>DELD (since <see cref="SmpVersions.DeletedEvent"/>, END before): another connection deleted the queue.</summary>
    public sealed record Deld : BrokerMessage
    {
        public static readonly Deld Instance = new();
    }

    /// <summary>INFO: the state of the queue.</summary>
    public sealed record Info(QueueInfo Queue) : BrokerMessage;

    /// <summary>OK</summary>
    public sealed record Ok : BrokerMessage
    {
        public static readonly Ok Instance = new();
    }

    /// <summary>ERR</summary>
    public sealed record Err(SmpError Error) : BrokerMessage;

    /// <summary>PONG</summary>
    public sealed record Pong : BrokerMessage
    {
        public static readonly Pong Instance = new();
    }
}

/// <summary>The relay's side of a notifier.</summary>
/// <param name="Notifier">The id for NSUB.</param>
/// <param name="ServerDhKey">The relay's key for the encryption of notification metadata.</param>
public sealed record ServerNotifierCredentials(NotifierId Notifier, X25519PublicKey ServerDhKey);

/// <summary>A certificate chain and a session key signed with its first certificate, as both hellos and PKEY carry them.</summary>
/// <param name="Certificates">DER of each certificate, leaf first; at least one.</param>
/// <param name="SignedKey">DER of the signed SubjectPublicKeyInfo.</param>
public sealed record CertificateSignedKey(ValueList<Bytes> Certificates, Bytes SignedKey);

/// <summary>What QUE answers: the state of a queue for whoever debugs a delivery.</summary>
/// <param name="IsSecured">Whether the queue has a sender key.</param>
/// <param name="HasNotifier">Whether the queue has a notifier.</param>
/// <param name="Subscription">Of this connection.</param>
/// <param name="Size">Messages waiting.</param>
/// <param name="Message">The first of them.</param>
public sealed record QueueInfo(bool IsSecured, bool HasNotifier, QueueSubscription? Subscription, long Size, QueuedMessage? Message);

/// <summary>The subscription of the asking connection.</summary>
/// <param name="State">Its state.</param>
/// <param name="DeliveredMessage">The id (base64) of the message that waits for its ACK.</param>
public sealed record QueueSubscription(QueueSubscriptionState State, string? DeliveredMessage);

/// <summary>The states of a subscription.</summary>
public enum QueueSubscriptionState
{
    /// <summary>noSub</summary>
    None,

    /// <summary>subPending</summary>
    Pending,

    /// <summary>subThread</summary>
    Delivering,

    /// <summary>prohibitSub</summary>
    Prohibited,
}

/// <summary>The first message of a queue.</summary>
/// <param name="Id">The message id, base64.</param>
/// <param name="Time">When it arrived, ISO 8601.</param>
/// <param name="IsQuotaMarker">Whether it is the marker that the queue is full.</param>
public sealed record QueuedMessage(string Id, string Time, bool IsQuotaMarker);
