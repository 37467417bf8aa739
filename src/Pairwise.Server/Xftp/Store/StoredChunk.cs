using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.Protocol.Xftp;
using Pairwise.Wire;

namespace Pairwise.Server.Xftp.Store;

/// <summary>One chunk that the server knows. What changes is guarded by the store's lock.</summary>
internal sealed class StoredChunk(ChunkId senderId, ChunkInfo info, long createdAt)
{
    /// <summary>Creation times are rounded down to this, so that they tell less.</summary>
    public const long TimePrecision = 3600;

    private readonly Dictionary<ChunkId, PublicKey> _recipients = [];

    public ChunkId SenderId { get; } = senderId;

    public PublicKey SenderKey { get; } = info.SenderKey;

    public uint Size { get; } = info.Size;

    /// <summary>SHA-256 of the content, as announced.</summary>
    public Bytes Digest { get; } = info.Digest;

    /// <summary>Seconds since 1970, rounded down to <see cref="TimePrecision"/>.</summary>
    public long CreatedAt { get; } = createdAt;

    /// <summary>Where the content is; null until it was uploaded, and after it was blocked.</summary>
    public string? Path { get; set; }

    /// <summary>Why it was blocked; null if it was not.</summary>
    public XftpError.Blocked? Block { get; set; }

    /// <summary>Whether it is switched off, which only the logs of others say: nobody can use it, and it expires.</summary>
    public bool IsOff { get; init; }

    public bool IsDeleted { get; set; }

    /// <summary>Whether content may be added.</summary>
    public bool IsActive => !IsDeleted && !IsOff && Block is null;

    public Dictionary<ChunkId, PublicKey> Recipients => _recipients;

    /// <summary>Whether it is older than the time given, as the reference counts.</summary>
    public bool IsOlderThan(long unixSeconds) => CreatedAt + TimePrecision < unixSeconds;
}

/// <summary>A recipient's id and key, in the order in which they were asked for.</summary>
internal readonly record struct ChunkRecipient(ChunkId Id, PublicKey Key);

/// <summary>One line of the store log. The hierarchy is closed.</summary>
internal abstract record XftpLogRecord
{
    private XftpLogRecord()
    {
    }

    /// <summary>FNEW: a chunk was registered.</summary>
    public sealed record Add(ChunkId Sender, ChunkInfo Chunk, long CreatedAt, XftpError.Blocked? Blocked, bool IsOff = false) : XftpLogRecord;

    /// <summary>FADD: recipients were registered.</summary>
    public sealed record AddRecipients(ChunkId Sender, IReadOnlyList<ChunkRecipient> Recipients) : XftpLogRecord;

    /// <summary>FPUT: the content was uploaded and is whole.</summary>
    public sealed record Put(ChunkId Sender, string Path) : XftpLogRecord;

    /// <summary>FDEL: the chunk was deleted or got too old.</summary>
    public sealed record Delete(ChunkId Sender) : XftpLogRecord;

    /// <summary>FBLK: the operator blocked it.</summary>
    public sealed record Block(ChunkId Sender, XftpError.Blocked Reason) : XftpLogRecord;

    /// <summary>FACK: a recipient has it.</summary>
    public sealed record Acknowledge(ChunkId Recipient) : XftpLogRecord;
}
