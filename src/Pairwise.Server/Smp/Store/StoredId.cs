using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using Pairwise.Protocol;

namespace Pairwise.Server.Smp.Store;

/// <summary>
/// A queue, sender, notifier, service or message id as the store holds it: exactly 24 bytes, inline, so that a
/// queue costs no array per id. Ids of any other length name nothing in a store.
/// </summary>
public readonly record struct StoredId
{
    /// <summary>The length of every id the relay hands out.</summary>
    public const int Length = 24;

    private readonly ulong _first;
    private readonly ulong _second;
    private readonly ulong _third;

    private StoredId(ulong first, ulong second, ulong third)
    {
        _first = first;
        _second = second;
        _third = third;
    }

    /// <summary>Takes an id from bytes; false when they are not exactly 24.</summary>
    public static bool TryFrom(ReadOnlySpan<byte> bytes, out StoredId id)
    {
        if (bytes.Length != Length)
        {
            id = default;
            return false;
        }

        id = new StoredId(
            BinaryPrimitives.ReadUInt64BigEndian(bytes),
            BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]),
            BinaryPrimitives.ReadUInt64BigEndian(bytes[16..]));
        return true;
    }

    /// <summary>Takes an id from 24 bytes that are known to be that many.</summary>
    public static StoredId From(ReadOnlySpan<byte> bytes) =>
        TryFrom(bytes, out StoredId id) ? id : throw new ArgumentException("An id is 24 bytes.", nameof(bytes));

    /// <summary>Writes the 24 bytes.</summary>
    public void CopyTo(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, _first);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], _second);
        BinaryPrimitives.WriteUInt64BigEndian(destination[16..], _third);
    }

    /// <summary>The first 64 bits: as random as the id.</summary>
    internal ulong RandomBits => _first;

    /// <summary>The id as the protocol's types carry it.</summary>
    public WireId ToWireId()
    {
        Span<byte> bytes = stackalloc byte[Length];
        CopyTo(bytes);
        return new WireId(bytes);
    }

    /// <summary>The 24 bytes as a new array.</summary>
    public byte[] ToArray()
    {
        byte[] bytes = new byte[Length];
        CopyTo(bytes);
        return bytes;
    }

    /// <inheritdoc/>
    /// <remarks>Seeded per process: clients choose some ids, and must not be able to choose their buckets.</remarks>
    public override int GetHashCode() => HashCode.Combine(_first, _second, _third);

    /// <summary>Says nothing: ids never reach a log.</summary>
    [SuppressMessage("Performance", "CA1822:Mark members as static", Justification = "Overrides Object.ToString.")]
    public override string ToString() => "[id]";
}
