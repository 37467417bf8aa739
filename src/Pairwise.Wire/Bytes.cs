using System.Diagnostics;

namespace Pairwise.Wire;

/// <summary>
/// Bytes compared by content, so that records which hold bytes compare as values do.
/// </summary>
/// <remarks>
/// Either a copy, or borrowed memory (<see cref="Wrap(ReadOnlyMemory{byte})"/>) that nobody may change while it is
/// held. The comparison is not constant-time: never hold a secret in it. It prints its length and nothing of its
/// content. The default value is empty.
/// </remarks>
[DebuggerDisplay("{Length} bytes")]
public readonly struct Bytes : IEquatable<Bytes>
{
    private Bytes(ReadOnlyMemory<byte> memory) => Memory = memory;

    /// <summary>No bytes.</summary>
    public static Bytes Empty => default;

    public ReadOnlyMemory<byte> Memory { get; }

    public ReadOnlySpan<byte> Span => Memory.Span;

    public int Length => Memory.Length;

    public bool IsEmpty => Memory.IsEmpty;

    /// <summary>Copies <paramref name="source"/>.</summary>
    public static Bytes CopyOf(ReadOnlySpan<byte> source) => source.IsEmpty ? default : new Bytes(source.ToArray());

    /// <summary>Takes <paramref name="array"/> without a copy; the caller must not change it any more.</summary>
    public static Bytes Wrap(byte[] array)
    {
        ArgumentNullException.ThrowIfNull(array);
        return new Bytes(array);
    }

    /// <summary>Borrows <paramref name="memory"/>, such as a slice of a block, without a copy: valid as long as that is.</summary>
    public static Bytes Wrap(ReadOnlyMemory<byte> memory) => new(memory);

    /// <summary>A copy of the content as an array.</summary>
    public byte[] ToArray() => Memory.ToArray();

    /// <summary>The content as base64url text with padding, the reference's text form of byte strings.</summary>
    public string ToBase64Url() => TextEncoding.ToBase64Url(Span);

    public bool Equals(Bytes other) => Span.SequenceEqual(other.Span);

    public override bool Equals(object? obj) => obj is Bytes other && Equals(other);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(Span);
        return hash.ToHashCode();
    }

    public override string ToString() => $"{Length} bytes";

    public static bool operator ==(Bytes left, Bytes right) => left.Equals(right);

    public static bool operator !=(Bytes left, Bytes right) => !left.Equals(right);
}
