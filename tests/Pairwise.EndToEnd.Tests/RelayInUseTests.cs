using Pairwise.Demo.Processes;

namespace Pairwise.EndToEnd.Tests;

/// <summary>Commands that move or remove what a relay keeps leave the folders of one that runs alone.</summary>
public sealed class RelayInUseTests
{
    [Theory]
    [InlineData("delete")]
    [InlineData("journal import")]
    public async Task A_running_relay_keeps_its_folders(string command)
    {
        using var folder = new TestFolder();
        var address = await RelayProcess.InitAsync(folder["relay"]);
        await using var relay = await RelayProcess.StartAsync(folder["relay"], address);
        var messages = Path.Combine(RelayProcess.StateOf(folder["relay"]), "smp-server-messages.log");
        await File.WriteAllTextAsync(messages, "", TestContext.Current.CancellationToken);
        var (code, said) = await RelayProcess.RunAsync(folder["relay"], null, command.Split(' '));
        Assert.Equal(1, code);
        Assert.Contains("another server uses the folder", said, StringComparison.Ordinal);
        Assert.True(File.Exists(messages));
        Assert.True(File.Exists(Path.Combine(folder["relay"], "etc", "smp-server.ini")));
    }
}
