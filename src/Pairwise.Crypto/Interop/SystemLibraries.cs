using System.Runtime.InteropServices;

namespace Pairwise.Crypto.Interop;

/// <summary>The libraries that our programs take from the system, so that it keeps them up to date.</summary>
public static class SystemLibraries
{
    /// <summary>What every program needs.</summary>
    private static readonly (string Library, string Package)[] Needed =
    [
        ("libcrypto.so.3", "libssl3"),
        ("libssl.so.3", "libssl3"),
        ("libsodium.so.23", "libsodium23"),
    ];

    /// <summary>One sentence that names the libraries this machine lacks and says how to get them; null when all are there.</summary>
    /// <param name="further">Libraries that the program needs besides, with their packages on Debian.</param>
    public static string? DescribeAbsent(params IEnumerable<(string Library, string Package)> further)
    {
        var absent = Needed.Concat(further).Where(each => !IsThere(each.Library)).ToArray();
        if (absent.Length == 0) return null;
        var names = string.Join(", ", absent.Select(each => each.Library));
        var packages = string.Join(' ', absent.Select(each => each.Package).Distinct());
        return $"This machine lacks {names}: install what has it (on Debian and Ubuntu: apt-get install {packages}).";
    }

    // What was found stays loaded: the program is about to use it.
    private static bool IsThere(string library) => NativeLibrary.TryLoad(library, out _);
}
