namespace Pairwise.Server.Smp.Store;

/// <summary>
/// One message in a queue, or the marker that takes the place of the first message refused over quota.
/// </summary>
/// <remarks>Fixed after construction. The body is as the sender sent it; it is sealed for the recipient on delivery.</remarks>
public sealed class StoredMessage
{
    private readonly byte[]? _body;

    private StoredMessage(StoredId id, long seconds, bool notify, byte[]? body)
    {
        Id = id;
        Seconds = seconds;
        Notify = notify;
        _body = body;
    }

    /// <summary>The id, which is also the nonce of the body's box.</summary>
    public StoredId Id { get; }

    /// <summary>When the relay took it: seconds since 1970. Nothing finer is kept.</summary>
    public long Seconds { get; }

    /// <summary>Whether the sender asked for a notification.</summary>
    public bool Notify { get; }

    /// <summary>Whether this is the quota marker.</summary>
    public bool IsQuota => _body is null;

    /// <summary>The body; empty for the quota marker.</summary>
    public ReadOnlyMemory<byte> Body => _body;

    /// <summary>A message; the array is taken, not copied.</summary>
    public static StoredMessage Message(StoredId id, long seconds, bool notify, byte[] body) => new(id, seconds, notify, body);

    /// <summary>The quota marker.</summary>
    public static StoredMessage Quota(StoredId id, long seconds) => new(id, seconds, false, null);
}
