using System.Globalization;
using Pairwise.Wire;

namespace Pairwise.Protocol.Xftp;

/// <summary>The text form of sizes: digits, with <c>kb</c>, <c>mb</c> or <c>gb</c> where that is exact.</summary>
public static class FileSize
{
    private static readonly string[] Units = ["", "kb", "mb", "gb"];

    // fileSize = 1*DIGIT ["kb" / "mb" / "gb"] ; 1024 of each
    /// <summary>Reads a size that is the whole text; false for anything else, and for more than fits in 63 bits.</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, out long bytes)
    {
        bytes = 0;
        var end = text.IndexOfAnyExceptInRange((byte)'0', (byte)'9');
        var digits = end < 0 ? text : text[..end];
        var unit = end < 0 ? default : text[end..];
        var shift = unit switch
        {
            { IsEmpty: true } => 0,
            _ when unit.SequenceEqual("kb"u8) => 10,
            _ when unit.SequenceEqual("mb"u8) => 20,
            _ when unit.SequenceEqual("gb"u8) => 30,
            _ => -1,
        };
        if (shift < 0 || digits.Length > 18 || !TextEncoding.TryParseUInt64(digits, out var number) || number > (ulong)(long.MaxValue >> shift))
        {
            return false;
        }

        bytes = (long)number << shift;
        return true;
    }

    /// <summary>As the overload over bytes.</summary>
    public static bool TryParse(string text, out long bytes)
    {
        bytes = 0;
        return Latin1.TryGetBytes(text, out var latin) && TryParse(latin, out bytes);
    }

    /// <summary>The size in its largest exact unit.</summary>
    public static string ToText(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        var unit = 0;
        while (unit < Units.Length - 1 && bytes % 1024 == 0)
        {
            // Zero would divide for ever; the reference writes it in its largest unit.
            bytes /= 1024;
            unit++;
        }

        return bytes.ToString(CultureInfo.InvariantCulture) + Units[unit];
    }
}
