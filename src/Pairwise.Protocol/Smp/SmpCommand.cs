using Pairwise.Crypto;
using Pairwise.Wire;

namespace Pairwise.Protocol.Smp;

/// <summary>Who sends a command; what a relay may do with it follows from this.</summary>
public enum SmpParty
{
    Creator,
    Recipient,
    RecipientService,
    Sender,
    Idle,
    LinkClient,
    Notifier,
    NotifierService,
    ProxiedClient,
    ProxyService,
}

/// <summary>
/// A command to a relay. The hierarchy is closed and grouped by party. Commands without parameters are static instances;
/// bodies (<see cref="BlockSlice"/>) are borrowed from the block that the command came in.
/// Grammar: simplex-messaging.md, "Commands"; codec: <see cref="SmpCommandCodec"/>.
/// </summary>
public abstract record SmpCommand
{
    private protected SmpCommand(SmpParty party) => Party = party;

    public SmpParty Party { get; }

    /// <summary>The command's tag on the wire; safe to log.</summary>
    public sealed override string ToString() => SmpCommandCodec.TagOf(this);

    /// <summary>Commands of whoever creates a queue.</summary>
    public abstract record CreatorCommand : SmpCommand
    {
        private protected CreatorCommand() : base(SmpParty.Creator)
        {
        }
    }

    /// <summary>Commands of the recipient; the entity is the recipient id.</summary>
    public abstract record RecipientCommand : SmpCommand
    {
        private protected RecipientCommand() : base(SmpParty.Recipient)
        {
        }
    }

    /// <summary>Commands of a recipient service; the entity is the service id.</summary>
    public abstract record RecipientServiceCommand : SmpCommand
    {
        private protected RecipientServiceCommand() : base(SmpParty.RecipientService)
        {
        }
    }

    /// <summary>Commands of the sender; the entity is the sender id.</summary>
    public abstract record SenderCommand : SmpCommand
    {
        private protected SenderCommand() : base(SmpParty.Sender)
        {
        }
    }

    /// <summary>Commands that are about nothing.</summary>
    public abstract record IdleCommand : SmpCommand
    {
        private protected IdleCommand() : base(SmpParty.Idle)
        {
        }
    }

    /// <summary>Commands of whoever has a short link; the entity is the link id.</summary>
    public abstract record LinkCommand : SmpCommand
    {
        private protected LinkCommand() : base(SmpParty.LinkClient)
        {
        }
    }

    /// <summary>Commands of the notification server; the entity is the notifier id.</summary>
    public abstract record NotifierCommand : SmpCommand
    {
        private protected NotifierCommand() : base(SmpParty.Notifier)
        {
        }
    }

    /// <summary>Commands of a notification service; the entity is the service id.</summary>
    public abstract record NotifierServiceCommand : SmpCommand
    {
        private protected NotifierServiceCommand() : base(SmpParty.NotifierService)
        {
        }
    }

    /// <summary>Commands of a client that goes through this relay as its proxy.</summary>
    public abstract record ProxiedClientCommand : SmpCommand
    {
        private protected ProxiedClientCommand() : base(SmpParty.ProxiedClient)
        {
        }
    }

    /// <summary>Commands of another relay that is somebody's proxy.</summary>
    public abstract record ProxyServiceCommand : SmpCommand
    {
        private protected ProxyServiceCommand() : base(SmpParty.ProxyService)
        {
        }
    }

    /// <summary>NEW: make a queue. Answer: <see cref="BrokerMessage.Ids"/>.</summary>
    /// <param name="RecipientAuthKey">Ed25519, Ed448 or X25519: authorizes the recipient's commands.</param>
    /// <param name="RecipientDhKey">For the encryption of bodies towards the recipient.</param>
    /// <param name="Password">The relay's password for new queues.</param>
    /// <param name="Mode">Whether the connection subscribes at once.</param>
    /// <param name="Queue">Since <see cref="SmpVersions.SenderAuthKey"/>: the queue's mode, and its link data since <see cref="SmpVersions.ShortLinks"/>.</param>
    /// <param name="Notifier">Since <see cref="SmpVersions.NewNotifierCredentials"/>.</param>
    public sealed record New(
        PublicKey RecipientAuthKey,
        X25519PublicKey RecipientDhKey,
        BasicAuth? Password,
        SubscriptionMode Mode,
        QueueRequest? Queue,
        NotifierRequest? Notifier) : CreatorCommand;

    /// <summary>SUB: subscribe. Answer: OK or SOK, or the first waiting MSG.</summary>
    public sealed record Sub : RecipientCommand
    {
        public static readonly Sub Instance = new();
    }

    /// <summary>SUBS: subscribe to all queues of the service.</summary>
    public sealed record Subs : RecipientServiceCommand
    {
        public static readonly Subs Instance = new();
    }

    /// <summary>KEY: the recipient secures the queue with the sender's key.</summary>
    public sealed record Key(PublicKey SenderAuthKey) : RecipientCommand;

    /// <summary>RKEY: replace the recipient's keys; at least one.</summary>
    public sealed record RKey(ValueList<PublicKey> RecipientAuthKeys) : RecipientCommand;

    /// <summary>LSET: set the data of the short link.</summary>
    public sealed record LSet(LinkId Link, QueueLinkData Content) : RecipientCommand;

    /// <summary>LDEL: remove the data of the short link.</summary>
    public sealed record LDel : RecipientCommand
    {
        public static readonly LDel Instance = new();
    }

    /// <summary>NKEY: allow a notifier. Answer: <see cref="BrokerMessage.Nid"/>.</summary>
    public sealed record NKey(NotifierRequest Notifier) : RecipientCommand;

    /// <summary>NDEL: remove the notifier.</summary>
    public sealed record NDel : RecipientCommand
    {
        public static readonly NDel Instance = new();
    }

    /// <summary>GET: ask for one message without subscribing.</summary>
    public sealed record Get : RecipientCommand
    {
        public static readonly Get Instance = new();
    }

    /// <summary>ACK: this message is stored; the next one may come.</summary>
    public sealed record Ack(MessageId Message) : RecipientCommand;

    /// <summary>OFF: accept no more messages.</summary>
    public sealed record Off : RecipientCommand
    {
        public static readonly Off Instance = new();
    }

    /// <summary>DEL: delete the queue and its messages.</summary>
    public sealed record Del : RecipientCommand
    {
        public static readonly Del Instance = new();
    }

    /// <summary>QUE: ask about the queue's state. Answer: <see cref="BrokerMessage.Info"/>.</summary>
    public sealed record Que : RecipientCommand
    {
        public static readonly Que Instance = new();
    }

    /// <summary>SKEY (since <see cref="SmpVersions.SenderAuthKey"/>): the sender secures the queue.</summary>
    public sealed record SKey(PublicKey SenderAuthKey) : SenderCommand;

    /// <summary>SEND: put a message into the queue.</summary>
    public sealed record Send(MessageFlags Flags, BlockSlice Body) : SenderCommand;

    /// <summary>PING: keep the connection alive. Answer: PONG.</summary>
    public sealed record Ping : IdleCommand
    {
        public static readonly Ping Instance = new();
    }

    /// <summary>LKEY: secure the queue of a one-time link and read its data. Answer: <see cref="BrokerMessage.Lnk"/>.</summary>
    public sealed record LKey(PublicKey SenderAuthKey) : LinkCommand;

    /// <summary>LGET: read the data of a contact link. Answer: <see cref="BrokerMessage.Lnk"/>.</summary>
    public sealed record LGet : LinkCommand
    {
        public static readonly LGet Instance = new();
    }

    /// <summary>NSUB: subscribe to notifications of one queue.</summary>
    public sealed record NSub : NotifierCommand
    {
        public static readonly NSub Instance = new();
    }

    /// <summary>NSUBS: subscribe to notifications of all queues of the service.</summary>
    public sealed record NSubs : NotifierServiceCommand
    {
        public static readonly NSubs Instance = new();
    }

    /// <summary>PRXY: open a session with another relay. Answer: <see cref="BrokerMessage.PKey"/>.</summary>
    public sealed record Prxy(ServerAddress Relay, BasicAuth? Password) : ProxiedClientCommand;

    /// <summary>PFWD: forward an encrypted transmission; the entity is the session id of the relay session.</summary>
    /// <param name="Version">The version that the inner transmission is encoded in.</param>
    /// <param name="CommandKey">The client's key for this command only.</param>
    /// <param name="Transmission">Encrypted for the destination relay.</param>
    public sealed record PFwd(SmpVersion Version, X25519PublicKey CommandKey, BlockSlice Transmission) : ProxiedClientCommand;

    /// <summary>RFWD: the proxy's own encryption around a forwarded transmission.</summary>
    public sealed record RFwd(BlockSlice Transmission) : ProxyServiceCommand;
}

/// <summary>Whether NEW subscribes the connection to the new queue.</summary>
public enum SubscriptionMode
{
    /// <summary>S</summary>
    Subscribe,

    /// <summary>C</summary>
    OnlyCreate,
}

/// <summary>What a queue is for.</summary>
public enum QueueMode
{
    /// <summary>M: one sender, who may secure the queue.</summary>
    Messaging,

    /// <summary>C: many senders, never secured.</summary>
    Contact,
}

/// <summary>The flags of a SEND.</summary>
/// <param name="Notification">Whether the recipient's notifier is to be told.</param>
public readonly record struct MessageFlags(bool Notification)
{
    public static readonly MessageFlags None;
}

/// <summary>What NEW asks for about the queue's mode and link.</summary>
public abstract record QueueRequest
{
    private protected QueueRequest(QueueMode mode) => Mode = mode;

    public QueueMode Mode { get; }

    /// <summary>A queue of one sender, with the data of a one-time link.</summary>
    public sealed record Messaging(MessagingLink? Link) : QueueRequest(QueueMode.Messaging);

    /// <summary>A queue of a contact address, with the data of its link.</summary>
    public sealed record Contact(ContactLink? Link) : QueueRequest(QueueMode.Contact);
}

/// <summary>The data of a one-time link; the relay makes the link id.</summary>
/// <param name="Sender">The sender id, which must be the first 24 bytes of the SHA3-384 hash of the command's corr id.</param>
/// <param name="Content">The encrypted data.</param>
public sealed record MessagingLink(SenderId Sender, QueueLinkData Content);

/// <summary>The data of a contact link; the client derives the link id.</summary>
public sealed record ContactLink(LinkId Link, SenderId Sender, QueueLinkData Content);

/// <summary>The encrypted data of a short link: the part that never changes and the part that the owner may change.</summary>
/// <param name="Fixed">At most 65,535 bytes on the wire; <see cref="SmpLimits.PaddedFixedLinkDataLength"/> in practice.</param>
/// <param name="User">At most 65,535 bytes on the wire; <see cref="SmpLimits.PaddedUserLinkDataLength"/> in practice.</param>
public sealed record QueueLinkData(BlockSlice Fixed, BlockSlice User);

/// <summary>The keys of a notifier that NKEY or NEW allow.</summary>
/// <param name="AuthKey">Authorizes NSUB.</param>
/// <param name="DhKey">The recipient's key for the encryption of notification metadata.</param>
public sealed record NotifierRequest(PublicKey AuthKey, X25519PublicKey DhKey);
