using System.Globalization;
using System.Text;

namespace Pairwise.Chat.Files;

/// <summary>Names for files that a stranger has named.</summary>
internal static class SafeFileName
{
    private const string Nameless = "file";

    // File systems take 255 bytes; a number and the agent's own additions come on top.
    private const int MaxBytes = 180;

    /// <summary>
    /// The last part of what may be a path of any system, without characters that control a terminal or the direction of
    /// text, and short enough for any file system. Never empty, never a path.
    /// </summary>
    public static string From(string name)
    {
        var last = name[(name.LastIndexOfAny(['/', '\\']) + 1)..];
        var kept = new StringBuilder();
        foreach (var rune in last.EnumerateRunes())
        {
            if (Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator
                or UnicodeCategory.ParagraphSeparator or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned or UnicodeCategory.Surrogate)
                && rune != Rune.ReplacementChar)
                kept.Append(rune);
        }

        var safe = kept.ToString().Trim();
        if (safe.Trim('.', ' ').Length == 0)
            return Nameless;
        var extension = Path.GetExtension(safe);
        if (Encoding.UTF8.GetByteCount(extension) > MaxBytes / 2)
            extension = "";
        return Shorten(safe[..^extension.Length], MaxBytes - Encoding.UTF8.GetByteCount(extension)) + extension;
    }

    /// <summary>The path itself if nothing is there, or else with the first free number in its name: <c>a_1.tar.gz</c>.</summary>
    public static string MakeUnique(string path, Func<string, bool> isTaken)
    {
        if (!isTaken(path))
            return path;
        var folder = Path.GetDirectoryName(path) ?? "";
        var name = Path.GetFileName(path);
        var dot = name.IndexOf('.', 1);
        var (start, end) = dot < 0 ? (name, "") : (name[..dot], name[dot..]);
        for (var number = 1; ; number++)
        {
            var numbered = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{start}_{number}{end}"));
            if (!isTaken(numbered))
                return numbered;
        }
    }

    private static string Shorten(string text, int maxBytes)
    {
        var end = text.Length;
        while (Encoding.UTF8.GetByteCount(text.AsSpan(0, end)) > maxBytes)
            end -= char.IsLowSurrogate(text[end - 1]) ? 2 : 1;
        return text[..end];
    }
}
