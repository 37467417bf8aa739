using Pairwise.Demo.Processes;
using Pairwise.TestKit;

namespace Pairwise.EndToEnd.Tests;

/// <summary>A relay with a database dies by <c>kill -9</c> in every round, and loses nothing that it answered for.</summary>
public sealed class RelayKillDatabaseTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_killed_relay_with_a_database_keeps_what_it_answered_for()
    {
        Assert.SkipUnless(PostgresCluster.IsInstalled, "PostgreSQL is not installed (apt-get install postgresql)");
        await using var database = await PostgresCluster.StartAsync(TestContext.Current.CancellationToken);
        using var folder = new TestFolder();
        var address = await RelayProcess.InitAsync(folder["relay"]);
        await RelayLoad.ConfigureAsync(
            folder["relay"], ("store_queues", "database"), ("store_messages", "database"), ("db_connection", database.Connection));
        await RelayLoad.RunAsync(folder["relay"], address, (relay, _) => relay.KillAsync(), output);
    }
}
