using Pairwise.Protocol.Smp;

namespace Pairwise.Server.Smp.Store;

/// <summary>What a queue may be used for; it decides who may secure it and how its link behaves.</summary>
public enum QueueUse : byte
{
    /// <summary>Made before modes existed: nothing may be concluded.</summary>
    Unknown = 0,

    /// <summary>A two-party conversation: the sender may secure it, its link works once.</summary>
    Messaging = 1,

    /// <summary>A contact address: never secured by a sender, its link stays.</summary>
    Contact = 2,
}

/// <summary>Whether a queue takes messages.</summary>
public enum QueueStatus : byte
{
    /// <summary>It does.</summary>
    Active = 0,

    /// <summary>Its recipient suspended it.</summary>
    Off = 1,

    /// <summary>The operator blocked it.</summary>
    Blocked = 2,
}

/// <summary>The encrypted data behind a short link. The relay can read neither part.</summary>
public sealed class QueueLink(LinkId id, byte[] fixedPart, byte[] userPart)
{
    /// <summary>The link id; 24 bytes with every known client, but the client chooses it.</summary>
    public LinkId Id { get; } = id;

    /// <summary>The part that never changes.</summary>
    public ReadOnlyMemory<byte> FixedPart { get; } = fixedPart;

    /// <summary>The part that the owner may replace.</summary>
    public ReadOnlyMemory<byte> UserPart { get; } = userPart;
}

/// <summary>The credentials of a queue's notifier.</summary>
public sealed class QueueNotifier(StoredId id, StoredKey key, Bytes32 dhSecret, StoredId? serviceId)
{
    private readonly StoredKey _key = key;
    private readonly Bytes32 _dhSecret = dhSecret;

    /// <summary>The notifier id.</summary>
    public StoredId Id { get; } = id;

    /// <summary>The key that authorizes NSUB.</summary>
    public ref readonly StoredKey Key => ref _key;

    /// <summary>The secret shared with the recipient, for the metadata inside NMSG.</summary>
    public ref readonly Bytes32 DhSecret => ref _dhSecret;

    /// <summary>The service that the notifier is associated with, if any.</summary>
    public StoredId? ServiceId { get; } = serviceId;

    /// <summary>The same credentials with another service.</summary>
    public QueueNotifier WithService(StoredId? service) => new(Id, _key, _dhSecret, service);
}
