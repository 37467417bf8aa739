namespace Pairwise.Server.Smp.Store;

/// <summary>
/// One message in a queue, or the marker that takes the place of the first message refused over quota.
/// </summary>
/// <remarks>
/// Fixed after construction. The body is as the sender sent it; it is sealed for the recipient on delivery. A store that
/// keeps no bodies in memory gives messages without them: they are read when they are written to a client.
/// </remarks>
public sealed class StoredMessage
{
    private readonly byte[]? _body;

    private StoredMessage(StoredId id, long seconds, bool notify, bool isQuota, byte[]? body)
    {
        Id = id;
        Seconds = seconds;
        Notify = notify;
        IsQuota = isQuota;
        _body = body;
    }

    /// <summary>The id, which is also the nonce of the body's box.</summary>
    public StoredId Id { get; }

    /// <summary>When the relay took it: seconds since 1970. Nothing finer is kept.</summary>
    public long Seconds { get; }

    /// <summary>Whether the sender asked for a notification.</summary>
    public bool Notify { get; }

    /// <summary>Whether this is the quota marker.</summary>
    public bool IsQuota { get; }

    /// <summary>Whether the body is here, which a quota marker's always is; else <see cref="MessageStore.ReadBodiesAsync"/> has it.</summary>
    public bool HasBody => IsQuota || _body is not null;

    /// <summary>The body; empty for the quota marker and where it is not here.</summary>
    public ReadOnlyMemory<byte> Body => _body;

    /// <summary>A message; the array is taken, not copied.</summary>
    public static StoredMessage Message(StoredId id, long seconds, bool notify, byte[] body) => new(id, seconds, notify, false, body);

    /// <summary>A message whose body only the store has.</summary>
    public static StoredMessage WithoutBody(StoredId id, long seconds, bool notify) => new(id, seconds, notify, false, null);

    /// <summary>The quota marker.</summary>
    public static StoredMessage Quota(StoredId id, long seconds) => new(id, seconds, false, true, null);
}
