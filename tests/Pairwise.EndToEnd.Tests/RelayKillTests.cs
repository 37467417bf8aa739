using Pairwise.Demo.Processes;

namespace Pairwise.EndToEnd.Tests;

/// <summary>A relay with journals dies by <c>kill -9</c> in every round, and loses nothing that it answered for.</summary>
public sealed class RelayKillTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_killed_relay_with_journals_keeps_what_it_answered_for()
    {
        using var folder = new TestFolder();
        var address = await RelayProcess.InitAsync(folder["relay"]);
        await RelayLoad.ConfigureAsync(folder["relay"], ("store_messages", "journal"));
        await RelayLoad.RunAsync(folder["relay"], address, (relay, _) => relay.KillAsync(), output);
    }
}
