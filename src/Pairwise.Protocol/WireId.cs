using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Pairwise.Protocol;

/// <summary>
/// The bytes of an identifier as the wire carries them: 0 to 255 bytes. The protocols' own identifiers have
/// <see cref="InlineLength"/> bytes and are kept inside the value, without an allocation; longer ones, which only a
/// session id or a hostile peer has, are copied to an array. Immutable, compares by content; usable as a dictionary key.
/// </summary>
public readonly struct WireId : IEquatable<WireId>
{
    /// <summary>Bytes of the identifiers that servers make (queue, link, notifier, message) and of correlation ids.</summary>
    public const int InlineLength = 24;

    /// <summary>The most bytes that a one-byte length prefix can announce.</summary>
    public const int MaxLength = byte.MaxValue;

    private readonly InlineBytes _inline;
    private readonly byte _length;
    private readonly byte[]? _long;

    /// <exception cref="ArgumentException">More than 255 bytes.</exception>
    public WireId(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > MaxLength)
        {
            throw new ArgumentException("An identifier has at most 255 bytes.", nameof(bytes));
        }

        _length = (byte)bytes.Length;
        if (bytes.Length <= InlineLength)
        {
            bytes.CopyTo(_inline);
        }
        else
        {
            _long = bytes.ToArray();
        }
    }

    public int Length => _length;

    public bool IsEmpty => _length == 0;

    /// <summary>The bytes, living as long as the variable that holds this value.</summary>
    [UnscopedRef]
    public ReadOnlySpan<byte> Span => _long is null ? ((ReadOnlySpan<byte>)_inline)[.._length] : _long;

    public byte[] ToArray() => Span.ToArray();

    public bool Equals(WireId other) => Span.SequenceEqual(other.Span);

    public override bool Equals([NotNullWhen(true)] object? obj) => obj is WireId other && Equals(other);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(Span);
        return hash.ToHashCode();
    }

    /// <summary>Never the bytes: identifiers of queues must not reach a log.</summary>
    public override string ToString() => "[id]";

    public static bool operator ==(WireId left, WireId right) => left.Equals(right);

    public static bool operator !=(WireId left, WireId right) => !left.Equals(right);

    [InlineArray(InlineLength)]
    private struct InlineBytes
    {
        private byte _first;
    }
}
