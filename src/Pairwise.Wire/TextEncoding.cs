using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Pairwise.Wire;

/// <summary>
/// The reference's text forms (simplexmq 6.5.5, <c>StrEncoding</c>): base64url for bytes, decimals for numbers.
/// </summary>
/// <remarks>Parsers take the whole text, never throw, and refuse what the reference refuses.</remarks>
public static class TextEncoding
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    // base64url = *(ALPHA / DIGIT / "-" / "_") *2"=" ; RFC 4648 section 5, with padding
    /// <summary>Encodes with padding, as the reference always does.</summary>
    public static string ToBase64Url(ReadOnlySpan<byte> value)
    {
        var text = Base64Url.EncodeToString(value);
        return (text.Length % 4) switch
        {
            2 => text + "==",
            3 => text + "=",
            _ => text,
        };
    }

    /// <summary>Encodes without padding, the form used inside links.</summary>
    public static string ToBase64UrlUnpadded(ReadOnlySpan<byte> value) => Base64Url.EncodeToString(value);

    /// <summary>
    /// Decodes base64url with its full padding or with none. White space, the standard alphabet, wrong padding and
    /// unused bits that are not zero are refused. The empty text is no bytes; where the reference wants at least one,
    /// the caller checks the result.
    /// </summary>
    public static bool TryFromBase64Url(ReadOnlySpan<byte> text, [NotNullWhen(true)] out byte[]? value)
    {
        value = null;
        var characters = text.TrimEnd((byte)'=');
        var padding = text.Length - characters.Length;
        var tail = characters.Length % 4;
        if (tail == 1 || (padding != 0 && padding != (4 - tail) % 4))
            return false;

        var decoded = new byte[(int)((long)characters.Length * 3 / 4)];
        uint bits = 0;
        var bitCount = 0;
        var written = 0;
        foreach (var character in characters)
        {
            var sextet = Sextet(character);
            if (sextet < 0)
                return false;
            bits = unchecked((bits << 6) | (uint)sextet);
            bitCount += 6;
            if (bitCount < 8)
                continue;
            bitCount -= 8;
            decoded[written++] = unchecked((byte)(bits >> bitCount));
            bits &= (1u << bitCount) - 1;
        }

        if (bits != 0)
            return false;
        value = decoded;
        return true;
    }

    /// <summary>As the overload over bytes; a character outside ASCII is refused.</summary>
    public static bool TryFromBase64Url(ReadOnlySpan<char> text, [NotNullWhen(true)] out byte[]? value)
    {
        value = null;
        if (!Ascii.IsValid(text))
            return false;
        var ascii = new byte[text.Length];
        Encoding.ASCII.GetBytes(text, ascii);
        return TryFromBase64Url(ascii, out value);
    }

    // word = 1*DIGIT ; the value wraps at the type's width
    /// <summary>Parses decimal digits; as in the reference, a larger number wraps at 16 bits ("65537" is 1).</summary>
    public static bool TryParseUInt16(ReadOnlySpan<byte> text, out ushort value)
    {
        var parsed = TryParseUInt64(text, out var wide);
        value = unchecked((ushort)wide);
        return parsed;
    }

    /// <summary>Parses decimal digits; a larger number wraps at 32 bits.</summary>
    public static bool TryParseUInt32(ReadOnlySpan<byte> text, out uint value)
    {
        var parsed = TryParseUInt64(text, out var wide);
        value = unchecked((uint)wide);
        return parsed;
    }

    /// <summary>Parses decimal digits; a larger number wraps at 64 bits.</summary>
    public static bool TryParseUInt64(ReadOnlySpan<byte> text, out ulong value)
    {
        value = 0;
        if (text.IsEmpty)
            return false;
        foreach (var digit in text)
        {
            if (digit is < (byte)'0' or > (byte)'9')
            {
                value = 0;
                return false;
            }

            value = unchecked((value * 10) + (uint)(digit - '0'));
        }

        return true;
    }

    // signed = ["+" / "-"] 1*DIGIT
    /// <summary>Parses decimal digits with an optional sign; a larger number wraps at 64 bits.</summary>
    public static bool TryParseInt64(ReadOnlySpan<byte> text, out long value)
    {
        var isNegative = text.StartsWith("-"u8);
        var digits = isNegative || text.StartsWith("+"u8) ? text[1..] : text;
        var parsed = TryParseUInt64(digits, out var magnitude);
        value = unchecked(isNegative ? -(long)magnitude : (long)magnitude);
        return parsed;
    }

    /// <summary>Decodes UTF-8 strictly: bytes that are not well-formed UTF-8 are refused.</summary>
    public static bool TryDecodeUtf8(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out string? text)
    {
        text = System.Text.Unicode.Utf8.IsValid(bytes) ? StrictUtf8.GetString(bytes) : null;
        return text is not null;
    }

    private static int Sextet(byte character) => character switch
    {
        >= (byte)'A' and <= (byte)'Z' => character - 'A',
        >= (byte)'a' and <= (byte)'z' => character - 'a' + 26,
        >= (byte)'0' and <= (byte)'9' => character - '0' + 52,
        (byte)'-' => 62,
        (byte)'_' => 63,
        _ => -1,
    };
}
