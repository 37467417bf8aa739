using System.Runtime.CompilerServices;

namespace Pairwise.Architecture.Tests;

/// <summary>Finds the checkout these tests were built from, so that they can read its files.</summary>
internal static class Repository
{
    /// <summary>The folder that holds <c>Pairwise.slnx</c>.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>All C# sources of one top-level folder (src, apps, tests, bench), build output left out.</summary>
    public static IEnumerable<string> Sources(string folder) =>
        Directory.EnumerateFiles(Path.Combine(Root, folder), "*.cs", SearchOption.AllDirectories)
            .Where(path => !path.Contains("/obj/", StringComparison.Ordinal) && !path.Contains("/bin/", StringComparison.Ordinal));

    /// <summary>A path as a reader of the repository writes it.</summary>
    public static string Relative(string path) => Path.GetRelativePath(Root, path);

    private static string FindRoot([CallerFilePath] string here = "")
    {
        for (var folder = Path.GetDirectoryName(here); folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "Pairwise.slnx"))) return folder;
        }

        throw new InvalidOperationException("These tests run inside a checkout: Pairwise.slnx was not found above " + here);
    }
}
