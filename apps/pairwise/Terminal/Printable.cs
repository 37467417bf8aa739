using System.Globalization;
using System.Text;

namespace Pairwise.Terminal;

/// <summary>
/// Makes what other people wrote safe to print: a message may not move the cursor, change colours, or reverse
/// the direction of the text around it.
/// </summary>
internal static class Printable
{
    /// <summary>The text with control and direction characters replaced; line breaks stay when asked for.</summary>
    public static string Of(string text, bool keepLines = false)
    {
        var result = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (rune.Value == '\n' && keepLines) result.Append('\n');
            else if (rune.Value == '\t') result.Append("    ");
            else if (rune.Value == '\r') continue;
            else if (IsUnsafe(rune)) result.Append('\u00b7');
            else result.Append(rune);
        }

        return result.ToString();
    }

    private static bool IsUnsafe(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Surrogate or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator ||
        rune.Value is (>= 0x202a and <= 0x202e) or (>= 0x2066 and <= 0x2069) or 0x200e or 0x200f or 0x061c or 0xfeff;
}
