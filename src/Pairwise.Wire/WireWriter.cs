using System.Buffers.Binary;

namespace Pairwise.Wire;

/// <summary>
/// Writes the reference's binary encodings into a span that the caller sized; the mirror of <see cref="WireReader"/>.
/// </summary>
/// <remarks>
/// Pass it by <see langword="ref"/>. Writing past the end of the destination, or a string longer than its length
/// prefix can say, is a programmer's mistake and throws <see cref="ArgumentException"/> (or a subclass).
/// </remarks>
public ref struct WireWriter
{
    private readonly Span<byte> _destination;
    private int _written;

    /// <summary>Starts writing at the first byte of <paramref name="destination"/>.</summary>
    public WireWriter(Span<byte> destination)
    {
        _destination = destination;
        _written = 0;
    }

    /// <summary>How many bytes have been written.</summary>
    public readonly int Written => _written;

    /// <summary>How many more bytes fit.</summary>
    public readonly int Remaining => _destination.Length - _written;

    /// <summary>What has been written so far.</summary>
    public readonly ReadOnlySpan<byte> WrittenSpan => _destination[.._written];

    /// <summary>Takes the next <paramref name="count"/> bytes of the destination for the caller to fill.</summary>
    public Span<byte> Reserve(int count)
    {
        var span = _destination.Slice(_written, count);
        _written += count;
        return span;
    }

    public void WriteByte(byte value) => Reserve(1)[0] = value;

    // word16 = 2*2(byte)
    public void WriteUInt16(ushort value) => BinaryPrimitives.WriteUInt16BigEndian(Reserve(sizeof(ushort)), value);

    // word32 = 4*4(byte)
    public void WriteUInt32(uint value) => BinaryPrimitives.WriteUInt32BigEndian(Reserve(sizeof(uint)), value);

    // int64 = 8*8(byte)
    public void WriteInt64(long value) => BinaryPrimitives.WriteInt64BigEndian(Reserve(sizeof(long)), value);

    /// <summary>Writes the bytes as they are; also how a tail or a tag is written.</summary>
    public void WriteBytes(scoped ReadOnlySpan<byte> value) => value.CopyTo(Reserve(value.Length));

    /// <summary>Writes a literal such as a command's word.</summary>
    public void WriteTag(scoped ReadOnlySpan<byte> literal) => WriteBytes(literal);

    /// <summary>Writes one space.</summary>
    public void WriteSpace() => WriteByte((byte)' ');

    // shortString = length *byte ; length = 1*1(byte)
    public void WriteShort(scoped ReadOnlySpan<byte> value)
    {
        if (value.Length > byte.MaxValue)
            throw new ArgumentException($"A short string holds at most {byte.MaxValue} bytes, not {value.Length}.", nameof(value));
        WriteByte((byte)value.Length);
        WriteBytes(value);
    }

    // largeString = length *byte ; length = word16
    public void WriteLarge(scoped ReadOnlySpan<byte> value)
    {
        if (value.Length > ushort.MaxValue)
            throw new ArgumentException($"A large string holds at most {ushort.MaxValue} bytes, not {value.Length}.", nameof(value));
        WriteUInt16((ushort)value.Length);
        WriteBytes(value);
    }

    /// <summary>Opens a large string whose length is not known yet; close it with <see cref="EndLarge"/>.</summary>
    /// <returns>The mark to hand to <see cref="EndLarge"/>.</returns>
    public int BeginLarge()
    {
        Reserve(sizeof(ushort));
        return _written;
    }

    /// <summary>Closes the large string opened at <paramref name="mark"/> by writing its length.</summary>
    public readonly void EndLarge(int mark)
    {
        var length = _written - mark;
        if (length > ushort.MaxValue)
            throw new ArgumentException($"A large string holds at most {ushort.MaxValue} bytes, not {length}.", nameof(mark));
        BinaryPrimitives.WriteUInt16BigEndian(_destination[(mark - sizeof(ushort))..], (ushort)length);
    }

    /// <summary>Opens a short string whose length is not known yet; close it with <see cref="EndShort"/>.</summary>
    /// <returns>The mark to hand to <see cref="EndShort"/>.</returns>
    public int BeginShort()
    {
        Reserve(1);
        return _written;
    }

    /// <summary>Closes the short string opened at <paramref name="mark"/> by writing its length.</summary>
    public readonly void EndShort(int mark)
    {
        var length = _written - mark;
        if (length > byte.MaxValue)
            throw new ArgumentException($"A short string holds at most {byte.MaxValue} bytes, not {length}.", nameof(mark));
        _destination[mark - 1] = (byte)length;
    }

    // bool = %s"T" / %s"F"
    public void WriteBool(bool value) => WriteByte(value ? (byte)'T' : (byte)'F');

    // maybe = %s"0" / (%s"1" item)
    /// <summary>Writes the tag of an optional item; write the item next when it is present.</summary>
    public void WriteMaybe(bool isPresent) => WriteByte(isPresent ? (byte)'1' : (byte)'0');

    // list = length *item ; length = 1*1(byte)
    /// <summary>Writes the count of a list; the items follow. A list has at most 255 items.</summary>
    public void WriteListCount(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, byte.MaxValue);
        WriteByte((byte)count);
    }
}
