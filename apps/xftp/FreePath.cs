using System.Globalization;

namespace Pairwise.XftpCommand;

/// <summary>Names for new files that overwrite none.</summary>
internal static class FreePath
{
    private const string Fallback = "file";

    /// <summary>A path in the folder that is not taken: a number is put before the extension if need be.</summary>
    public static string In(string folder, string name)
    {
        var path = Path.Combine(folder, name);
        for (var number = 1; Path.Exists(path); number++)
        {
            path = Path.Combine(folder, $"{Path.GetFileNameWithoutExtension(name)}_{number.ToString(CultureInfo.InvariantCulture)}{Path.GetExtension(name)}");
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

    // Characters that turn the direction of text make "exe.gpj" look like "jpg.exe".
    private static bool IsBidirectionalControl(char character) => character is (>= '\u202A' and <= '\u202E') or (>= '\u2066' and <= '\u2069') or '\u200E' or '\u200F';
}
