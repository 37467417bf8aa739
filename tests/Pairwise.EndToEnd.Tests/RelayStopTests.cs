using Pairwise.Demo.Processes;

namespace Pairwise.EndToEnd.Tests;

/// <summary>A relay with messages in memory stops by SIGINT and SIGTERM in turn, in the middle of its work, and saves all it answered for.</summary>
public sealed class RelayStopTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_stopped_relay_with_messages_in_memory_keeps_what_it_answered_for()
    {
        using var folder = new TestFolder();
        var address = await RelayProcess.InitAsync(folder["relay"]);
        await RelayLoad.RunAsync(folder["relay"], address, StopAsync, output);
    }

    private static async Task StopAsync(RelayProcess relay, int round)
    {
        var code = await (round % 2 == 0 ? relay.InterruptAsync(Patience) : relay.StopAsync(Patience));
        Assert.True(code == 0, string.Join('\n', relay.Lines));
    }
}
