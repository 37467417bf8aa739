using Pairwise.Demo.Processes;
using Pairwise.EndToEnd.Tests.Files;

namespace Pairwise.EndToEnd.Tests;

/// <summary>A second init would take a server its identity and all it keeps: it is refused, and nothing changes.</summary>
public sealed class InitializedTwiceTests
{
    [Fact]
    public async Task A_relay_is_not_initialized_again()
    {
        using var folder = new TestFolder();
        await RelayProcess.InitAsync(folder["relay"]);
        await File.WriteAllTextAsync(Path.Combine(RelayProcess.StateOf(folder["relay"]), "smp-server-store.log"), "kept", TestContext.Current.CancellationToken);
        var before = FilesIn(folder["relay"]);
        var (code, said) = await RelayProcess.RunAsync(folder["relay"], null, "init", "-y", "--no-password");
        Assert.Equal(1, code);
        Assert.Contains("initialized already", said, StringComparison.Ordinal);
        Assert.Equal(before, FilesIn(folder["relay"]));
    }

    [Fact]
    public async Task A_file_server_is_not_initialized_again()
    {
        using var folder = new TestFolder();
        await FileServerProcess.InitAsync(folder["server"]);
        var before = FilesIn(folder["server"]);
        var (code, said) = await FileServerProcess.RunAsync(folder["server"], null, "init", "-q", "1gb", "-p", folder["files"]);
        Assert.Equal(1, code);
        Assert.Contains("initialized already", said, StringComparison.Ordinal);
        Assert.Equal(before, FilesIn(folder["server"]));
    }

    private static SortedDictionary<string, string> FilesIn(string folder) =>
        new(Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).ToDictionary(file => file, File.ReadAllText));
}
