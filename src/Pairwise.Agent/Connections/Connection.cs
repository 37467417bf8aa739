using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Agent;
using Pairwise.Protocol.Smp;

namespace Pairwise.Agent.Connections;

/// <summary>How far a queue of a connection has come. The numbers are stored.</summary>
internal enum QueueStatus
{
    /// <summary>Created or known, nothing exchanged.</summary>
    New = 0,

    /// <summary>The confirmation went through it, so both ends share the key of its inner encryption.</summary>
    Confirmed = 1,

    /// <summary>The relay accepts messages of its sender only.</summary>
    Secured = 2,

    /// <summary>Messages flow.</summary>
    Active = 3,
}

/// <summary>What a connection can do, which follows from its queues.</summary>
internal enum ConnectionKind
{
    /// <summary>No queue yet.</summary>
    New,

    /// <summary>Its receiving queue only: the link was made and not used yet.</summary>
    Receiving,

    /// <summary>Its sending queue only: joining, without a reply queue yet.</summary>
    Sending,

    Duplex,

    /// <summary>A contact address.</summary>
    Contact,
}

/// <summary>The stored state of a connection without its queues.</summary>
internal sealed record ConnectionRow(
    ConnectionId Id,
    UserId User,
    ConnectionMode Mode,
    AgentVersion AgentVersion,
    bool IsPostQuantum,
    RatchetSyncState RatchetSync,
    long LastPeerId = 0,
    long LastSendId = 0);

/// <summary>A queue that this agent receives from. The keys belong to whoever loaded it and end with it.</summary>
internal sealed record ReceiveQueue
{
    /// <summary>Row id.</summary>
    public long Key { get; init; }

    public required ConnectionId Connection { get; init; }

    public required UserId User { get; init; }

    public required ServerAddress Server { get; init; }

    public required RecipientId Recipient { get; init; }

    /// <summary>Authorizes our commands about the queue.</summary>
    public required PrivateKey RecipientKey { get; init; }

    /// <summary>Our half of the encryption between relay and recipient.</summary>
    public required X25519PrivateKey DhPrivate { get; init; }

    public required X25519PublicKey ServerDhPublic { get; init; }

    /// <summary>Our half of the encryption between sender and recipient; its public half is in the link or the confirmation.</summary>
    public required X25519PrivateKey E2ePrivate { get; init; }

    /// <summary>The sender's half; known once the confirmation was received.</summary>
    public X25519PublicKey? PeerE2ePublic { get; init; }

    public required SenderId Sender { get; init; }

    public QueueMode? Mode { get; init; }

    public QueueStatus Status { get; init; }

    public bool IsPrimary { get; init; } = true;

    /// <summary>The queue that this one replaces in a rotation.</summary>
    public long? Replaces { get; init; }

    /// <summary>Version of the SMP client protocol agreed on.</summary>
    public required ushort ClientVersion { get; init; }

    /// <summary>Failed attempts to delete it at the relay.</summary>
    public int DeleteErrors { get; init; }

    /// <summary>Whether the sender secures the queue itself (SKEY).</summary>
    public bool SenderCanSecure => Mode == QueueMode.Messaging;
}

/// <summary>A queue that this agent sends to. The keys belong to whoever loaded it and end with it.</summary>
internal sealed record SendQueue
{
    /// <summary>Row id.</summary>
    public long Key { get; init; }

    public required ConnectionId Connection { get; init; }

    public required UserId User { get; init; }

    public required ServerAddress Server { get; init; }

    public required SenderId Sender { get; init; }

    /// <summary>Authorizes what we send.</summary>
    public required PrivateKey SenderKey { get; init; }

    public QueueMode? Mode { get; init; }

    /// <summary>Our half of the encryption between sender and recipient; its public half goes with the confirmation.</summary>
    public required X25519PrivateKey E2ePrivate { get; init; }

    public required X25519PublicKey PeerE2ePublic { get; init; }

    public QueueStatus Status { get; init; }

    public bool IsPrimary { get; init; } = true;

    /// <summary>The queue that this one replaces in a rotation.</summary>
    public long? Replaces { get; init; }

    /// <summary>Version of the SMP client protocol agreed on.</summary>
    public required ushort ClientVersion { get; init; }

    /// <summary>Whether we secure the queue ourselves (SKEY).</summary>
    public bool SenderCanSecure => Mode == QueueMode.Messaging;
}

/// <summary>A connection as stored: its state and its queues, the primary ones first.</summary>
internal sealed record Connection(ConnectionRow Row, IReadOnlyList<ReceiveQueue> Receiving, IReadOnlyList<SendQueue> Sending)
{
    public ConnectionId Id => Row.Id;

    /// <summary>
    /// Whether messages may be sent: our confirmation, always the first message of a connection, was enqueued. A send queue is
    /// stored before that, so that its keys survive a failure.
    /// </summary>
    public bool CanSend => Sending.Count > 0 && Row.LastSendId > 0;

    public ConnectionKind Kind => (Row.Mode, Receiving.Count > 0, Sending.Count > 0) switch
    {
        (ConnectionMode.Contact, true, _) => ConnectionKind.Contact,
        (_, true, true) => ConnectionKind.Duplex,
        (_, true, false) => ConnectionKind.Receiving,
        (_, false, true) => ConnectionKind.Sending,
        _ => ConnectionKind.New,
    };
}
