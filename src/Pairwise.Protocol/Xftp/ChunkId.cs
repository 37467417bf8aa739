using Pairwise.Protocol.Smp;

namespace Pairwise.Protocol.Xftp;

/// <summary>The id by which either the sender or one recipient knows a chunk on a server: 16 bytes from our servers.</summary>
public readonly record struct ChunkId(WireId Value)
{
    public ChunkId(ReadOnlySpan<byte> bytes) : this(new WireId(bytes))
    {
    }

    public static explicit operator ChunkId(EntityId id) => new(id.Value);

    public EntityId ToEntityId() => new(Value);
}
