namespace Pairwise.Protocol;

/// <summary>
/// A borrowed run of bytes, usually a part of a received block: it lives no longer than the block does, and what must
/// stay is copied with <see cref="ToArray"/> or <see cref="CopyTo"/>. Compares by content. <c>default</c> is empty.
/// </summary>
public readonly struct BlockSlice : IEquatable<BlockSlice>
{
    public BlockSlice(ReadOnlyMemory<byte> memory) => Memory = memory;

    public ReadOnlyMemory<byte> Memory { get; }

    public ReadOnlySpan<byte> Span => Memory.Span;

    public int Length => Memory.Length;

    public bool IsEmpty => Memory.IsEmpty;

    public static implicit operator BlockSlice(byte[] array) => new(array);

    public static implicit operator BlockSlice(ReadOnlyMemory<byte> memory) => new(memory);

    public static BlockSlice FromArray(byte[] array) => new(array);

    public static BlockSlice FromMemory(ReadOnlyMemory<byte> memory) => new(memory);

    public byte[] ToArray() => Memory.ToArray();

    public void CopyTo(Span<byte> destination) => Memory.Span.CopyTo(destination);

    public bool Equals(BlockSlice other) => Span.SequenceEqual(other.Span);

    public override bool Equals(object? obj) => obj is BlockSlice other && Equals(other);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(Span);
        return hash.ToHashCode();
    }

    /// <summary>The length only: content never reaches a log.</summary>
    public override string ToString() => $"{Length} bytes";

    public static bool operator ==(BlockSlice left, BlockSlice right) => left.Equals(right);

    public static bool operator !=(BlockSlice left, BlockSlice right) => !left.Equals(right);
}
