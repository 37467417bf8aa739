using Pairwise.Demo.Processes;
using Pairwise.TestKit;

namespace Pairwise.EndToEnd.Tests;

/// <summary>A relay with messages in memory stops by SIGINT and SIGTERM in turn, in the middle of its work, and saves all it answered for.</summary>
public sealed class RelayStopTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Patience = Eventually.Patience;

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

    [Fact]
    [System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
    public async Task A_relay_that_a_script_started_behind_itself_stops_by_SIGINT()
    {
        using var folder = new TestFolder();
        var address = await RelayProcess.InitAsync(folder["relay"]);
        var program = Path.Combine(folder["."], "in-the-background");
        await File.WriteAllTextAsync(program, $"""
            #!/bin/sh
            {string.Join(' ', ChildProcess.Own("smp-server", "start").Select(word => $"'{word}'"))} &
            relay=$!
            read line
            kill -INT $relay
            wait $relay
            """, TestContext.Current.CancellationToken);
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        await using var script = await RelayProcess.StartAsync(folder["relay"], address, program);
        await script.WaitForLineAsync(line => line.StartsWith("Serving", StringComparison.Ordinal), Patience);
        await script.TypeAsync("stop");
        Assert.Equal(0, await script.WaitForExitAsync(Patience));
        Assert.Contains("Server stopped", script.Lines);
    }
}
