using System.Buffers.Binary;

namespace Pairwise.Wire;

/// <summary>
/// Reads the reference's binary encodings (simplexmq 6.5.5, <c>Encoding</c>) from a borrowed span.
/// </summary>
/// <remarks>
/// A failed read answers <see langword="false"/>, leaves the position where it was and never throws, whatever the
/// bytes are. Spans handed out are slices of the input and die with it. Numbers are big-endian.
/// </remarks>
public ref struct WireReader
{
    private readonly ReadOnlySpan<byte> _source;
    private int _position;

    /// <summary>Starts reading at the first byte of <paramref name="source"/>.</summary>
    public WireReader(ReadOnlySpan<byte> source)
    {
        _source = source;
        _position = 0;
    }

    /// <summary>How many bytes have been read.</summary>
    public readonly int Position => _position;

    /// <summary>How many bytes are left.</summary>
    public readonly int Remaining => _source.Length - _position;

    /// <summary>Whether the whole input was consumed; a complete decoder checks this last.</summary>
    public readonly bool IsAtEnd => _position == _source.Length;

    /// <summary>What is left, without consuming it.</summary>
    public readonly ReadOnlySpan<byte> Rest => _source[_position..];

    /// <summary>The bytes read since <paramref name="start"/>, an earlier value of <see cref="Position"/>.</summary>
    public readonly ReadOnlySpan<byte> ReadSince(int start) => _source[start.._position];

    // byte = %x00-FF
    public bool TryReadByte(out byte value)
    {
        if (_position >= _source.Length)
        {
            value = 0;
            return false;
        }

        value = _source[_position++];
        return true;
    }

    /// <summary>Looks at the next byte without consuming it.</summary>
    public readonly bool TryPeekByte(out byte value)
    {
        if (_position >= _source.Length)
        {
            value = 0;
            return false;
        }

        value = _source[_position];
        return true;
    }

    // word16 = 2*2(byte)
    public bool TryReadUInt16(out ushort value)
    {
        if (!BinaryPrimitives.TryReadUInt16BigEndian(Rest, out value))
            return false;
        _position += sizeof(ushort);
        return true;
    }

    // word32 = 4*4(byte)
    public bool TryReadUInt32(out uint value)
    {
        if (!BinaryPrimitives.TryReadUInt32BigEndian(Rest, out value))
            return false;
        _position += sizeof(uint);
        return true;
    }

    // int64 = 8*8(byte)
    public bool TryReadInt64(out long value)
    {
        if (!BinaryPrimitives.TryReadInt64BigEndian(Rest, out value))
            return false;
        _position += sizeof(long);
        return true;
    }

    /// <summary>Reads exactly <paramref name="count"/> bytes; a negative count is refused.</summary>
    public bool TryReadBytes(int count, out ReadOnlySpan<byte> value)
    {
        if (count < 0 || count > Remaining)
        {
            value = default;
            return false;
        }

        value = _source.Slice(_position, count);
        _position += count;
        return true;
    }

    // shortString = length *byte ; length = 1*1(byte)
    public bool TryReadShort(out ReadOnlySpan<byte> value)
    {
        var start = _position;
        if (TryReadByte(out var length) && TryReadBytes(length, out value))
            return true;
        _position = start;
        value = default;
        return false;
    }

    // largeString = length *byte ; length = word16
    public bool TryReadLarge(out ReadOnlySpan<byte> value)
    {
        var start = _position;
        if (TryReadUInt16(out var length) && TryReadBytes(length, out value))
            return true;
        _position = start;
        value = default;
        return false;
    }

    /// <summary>Consumes and returns all that is left, possibly nothing.</summary>
    public ReadOnlySpan<byte> ReadTail()
    {
        var tail = Rest;
        _position = _source.Length;
        return tail;
    }

    // bool = %s"T" / %s"F"
    public bool TryReadBool(out bool value)
    {
        value = false;
        if (!TryPeekByte(out var tag) || tag is not ((byte)'T' or (byte)'F'))
            return false;
        value = tag == (byte)'T';
        _position++;
        return true;
    }

    // maybe = %s"0" / (%s"1" item)
    /// <summary>Reads the tag of an optional item; the item follows when <paramref name="isPresent"/> is true.</summary>
    public bool TryReadMaybe(out bool isPresent)
    {
        isPresent = false;
        if (!TryPeekByte(out var tag) || tag is not ((byte)'0' or (byte)'1'))
            return false;
        isPresent = tag == (byte)'1';
        _position++;
        return true;
    }

    // list = length *item ; length = 1*1(byte)
    /// <summary>Reads the count of a list that may be empty; the items follow.</summary>
    public bool TryReadListCount(out int count)
    {
        var found = TryReadByte(out var value);
        count = value;
        return found;
    }

    // nonEmptyList = length 1*item ; length = %x01-FF
    /// <summary>Reads the count of a list of at least one item.</summary>
    public bool TryReadNonEmptyListCount(out int count)
    {
        count = 0;
        if (!TryPeekByte(out var value) || value == 0)
            return false;
        _position++;
        count = value;
        return true;
    }

    /// <summary>Consumes <paramref name="literal"/> if it comes next.</summary>
    public bool TryReadTag(ReadOnlySpan<byte> literal)
    {
        if (!Rest.StartsWith(literal))
            return false;
        _position += literal.Length;
        return true;
    }

    /// <summary>Consumes one space.</summary>
    public bool TryReadSpace() => TryReadTag(" "u8);

    // word = *(%x00-1F / %x21-FF) ; up to a space, which stays, or the end
    /// <summary>Reads up to the next space or the end; the space is not consumed. The word may be empty.</summary>
    public bool TryReadWord(out ReadOnlySpan<byte> value) => TryReadUntil((byte)' ', out value);

    /// <summary>Reads up to <paramref name="delimiter"/>, which is not consumed, or the end. Always succeeds.</summary>
    public bool TryReadUntil(byte delimiter, out ReadOnlySpan<byte> value)
    {
        var rest = Rest;
        var end = rest.IndexOf(delimiter);
        value = end < 0 ? rest : rest[..end];
        _position += value.Length;
        return true;
    }
}
