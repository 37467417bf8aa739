using System.Globalization;
using System.Text;

namespace Pairwise.XftpCommand;

/// <summary>Names for new files that overwrite none.</summary>
internal static class FreePath
{
    private const string Fallback = "file";

    // Usual file systems take 255 bytes in a name.
    private const int MaxNameLength = 255;
    private const int MaxExtensionLength = 32;

    /// <summary>
    /// A path in the folder that is not taken: a number is put before the extension if need be, and a name too long for file
    /// systems is cut there.
    /// </summary>
    public static string In(string folder, string name)
    {
        var path = Path.Combine(folder, Fit(name, ""));
        for (var number = 1; Path.Exists(path); number++)
        {
            path = Path.Combine(folder, Fit(name, "_" + number.ToString(CultureInfo.InvariantCulture)));
        }

        return path;
    }

    /// <summary>A name that a stranger chose, made harmless: no path, no control characters, not hidden by a leading dot.</summary>
    public static string Harmless(string name)
    {
        var last = name[(name.LastIndexOfAny(['/', '\\']) + 1)..];
        var kept = new string([.. last.Where(character => !char.IsControl(character) && !IsBidirectionalControl(character))]).Trim().TrimStart('.');
        return kept.Length == 0 ? Fallback : kept;
    }

    private static string Fit(string name, string number)
    {
        var extension = Path.GetExtension(name);
        if (Encoding.UTF8.GetByteCount(extension) > MaxExtensionLength)
        {
            extension = "";
        }

        var room = MaxNameLength - Encoding.UTF8.GetByteCount(extension) - number.Length;
        var kept = new StringBuilder();
        foreach (var rune in name[..^extension.Length].EnumerateRunes())
        {
            if ((room -= rune.Utf8SequenceLength) < 0)
            {
                break;
            }

            kept.Append(rune);
        }

        return $"{kept}{number}{extension}";
    }

    // Characters that turn the direction of text make "exe.gpj" look like "jpg.exe".
    private static bool IsBidirectionalControl(char character) => character is (>= '\u202A' and <= '\u202E') or (>= '\u2066' and <= '\u2069') or '\u200E' or '\u200F';
}
