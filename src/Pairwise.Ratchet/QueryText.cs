namespace Pairwise.Ratchet;

/// <summary>Finds parameters in the query text of X3DH parameters; it knows nothing of links.</summary>
internal static class QueryText
{
    // query = ["?"] parameter *(("&" / ";") parameter) ; parameter = name ["=" value], both percent-encoded
    /// <summary>The decoded value of the first parameter of that name.</summary>
    public static bool TryFind(ReadOnlySpan<byte> query, ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        if (query.StartsWith("?"u8))
            query = query[1..];
        while (!query.IsEmpty)
        {
            var end = query.IndexOfAny((byte)'&', (byte)';');
            var parameter = end < 0 ? query : query[..end];
            query = end < 0 ? default : query[(end + 1)..];
            var equals = parameter.IndexOf((byte)'=');
            var parameterName = equals < 0 ? parameter : parameter[..equals];
            if (!Decode(parameterName).SequenceEqual(name))
                continue;
            value = equals < 0 ? default : Decode(parameter[(equals + 1)..]);
            return true;
        }

        value = default;
        return false;
    }

    // "+" is a space and "%" two hexadecimal digits; a "%" without them stands for itself
    private static ReadOnlySpan<byte> Decode(ReadOnlySpan<byte> text)
    {
        if (text.IndexOfAny((byte)'%', (byte)'+') < 0)
            return text;
        var decoded = new byte[text.Length];
        var length = 0;
        for (var i = 0; i < text.Length; i++)
        {
            var character = text[i];
            if (character == (byte)'+')
            {
                character = (byte)' ';
            }
            else if (character == (byte)'%' && i + 2 < text.Length && HexDigit(text[i + 1]) is var high and >= 0 && HexDigit(text[i + 2]) is var low and >= 0)
            {
                character = (byte)((high << 4) | low);
                i += 2;
            }

            decoded[length++] = character;
        }

        return decoded.AsSpan(0, length);
    }

    private static int HexDigit(byte character) => character switch
    {
        >= (byte)'0' and <= (byte)'9' => character - '0',
        >= (byte)'a' and <= (byte)'f' => character - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => character - 'A' + 10,
        _ => -1,
    };
}
