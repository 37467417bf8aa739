using System.Diagnostics.CodeAnalysis;
using Pairwise.Wire;

namespace Pairwise.Protocol;

/// <summary>
/// Reads the text forms of the protocols (addresses, links, log lines) from left to right. No method throws on any
/// input; a method that answers false leaves the position where it was.
/// </summary>
internal ref struct TextCursor(ReadOnlySpan<byte> source)
{
    private readonly ReadOnlySpan<byte> _source = source;

    public int Position { get; set; }

    public readonly ReadOnlySpan<byte> Rest => _source[Position..];

    public readonly bool IsAtEnd => Position == _source.Length;

    public readonly bool StartsWith(byte value) => Position < _source.Length && _source[Position] == value;

    /// <summary>Consumes the literal if it comes next.</summary>
    public bool TryRead(ReadOnlySpan<byte> literal)
    {
        if (!Rest.StartsWith(literal))
        {
            return false;
        }

        Position += literal.Length;
        return true;
    }

    /// <summary>Consumes up to one of the delimiters, which stays, or the end.</summary>
    public ReadOnlySpan<byte> ReadUntilAny(ReadOnlySpan<byte> delimiters)
    {
        var end = Rest.IndexOfAny(delimiters);
        var found = end < 0 ? Rest : Rest[..end];
        Position += found.Length;
        return found;
    }

    /// <summary>Consumes the rest.</summary>
    public ReadOnlySpan<byte> ReadTail()
    {
        var tail = Rest;
        Position = _source.Length;
        return tail;
    }

    // base64url = 1*(ALPHA / DIGIT / "-" / "_") *"="
    /// <summary>Reads a non-empty base64url text; its padding must be right or absent.</summary>
    public bool TryReadBase64Url([NotNullWhen(true)] out byte[]? value)
    {
        var rest = Rest;
        var length = 0;
        while (length < rest.Length && (char.IsAsciiLetterOrDigit((char)rest[length]) || rest[length] is (byte)'-' or (byte)'_'))
        {
            length++;
        }

        value = null;
        if (length == 0)
        {
            return false;
        }

        while (length < rest.Length && rest[length] == (byte)'=')
        {
            length++;
        }

        if (!TextEncoding.TryFromBase64Url(rest[..length], out value))
        {
            return false;
        }

        Position += length;
        return true;
    }

    // decimal = 1*DIGIT
    /// <summary>Reads digits; the caller decides what a large number means.</summary>
    public bool TryReadDigits(out ReadOnlySpan<byte> digits)
    {
        var rest = Rest;
        var length = rest.IndexOfAnyExceptInRange((byte)'0', (byte)'9');
        digits = length < 0 ? rest : rest[..length];
        Position += digits.Length;
        return !digits.IsEmpty;
    }
}
