using Pairwise.Server.Smp;
using Pairwise.Server.Smp.Operation;
using Pairwise.TestKit;

namespace Pairwise.Server.Tests.Smp;

/// <summary>The counters' files, beside those that the reference wrote.</summary>
public sealed class SmpStatisticsFileTests
{
    private static readonly DateTimeOffset From = new(2026, 11, 21, 8, 19, 3, TimeSpan.Zero);

    [Theory]
    [InlineData("memory_1")]
    [InlineData("journal_2")]
    public void The_references_counters_are_restored_and_written_in_its_order(string name)
    {
        var text = File.ReadAllText(VectorFile.PathOf(Path.Combine("server_files", name, "log", "smp-server-stats.log")));
        var statistics = new SmpStatistics();
        var from = SmpStatisticsFile.Restore(text, statistics);
        Assert.NotNull(from);
        Assert.True(statistics[SmpCounter.MsgSent] > 0);
        var written = SmpStatisticsFile.Write(statistics, statistics[SmpCounter.QCount], from.Value);
        Assert.Equal(WithoutHashes(text), WithoutHashes(written));
    }

    [Fact]
    public void A_day_has_the_references_columns_and_starts_the_counters_anew()
    {
        var statistics = new SmpStatistics();
        foreach (var counter in Enum.GetValues<SmpCounter>().Where(counter => counter != SmpCounter.QCount))
            statistics[counter] = 100 + (int)counter;
        var columns = SmpStatisticsFile.TakeDay(statistics, new SmpGauges { Queues = 7, Notifiers = 2, Messages = 9, Clients = 1 }, From).Split(',');
        // The day, 18 numbers, 4 times 5 of forwarding, 41 numbers and 2 times 8 of services.
        Assert.Equal(1 + 18 + 20 + 41 + 16, columns.Length);
        Assert.Equal("2026-11-21", columns[0]);
        Assert.Equal($"{100 + (int)SmpCounter.MsgSent}", columns[4]);
        Assert.Equal(("7", "9"), (columns[14], columns[15]));
        Assert.Equal($"{100 + (int)SmpCounter.PMsgFwdsRecv}", columns[39]);
        Assert.All(Enum.GetValues<SmpCounter>(), counter => Assert.Equal(0, statistics[counter]));
    }

    [Fact]
    public async Task Counters_survive_a_restart()
    {
        using var folder = new TestFolder();
        var options = new SmpServerOptions { ConfigurationFolder = folder.Configuration, StateFolder = folder.State, KeepStatistics = true };
        Directory.CreateDirectory(folder.State);
        await File.WriteAllTextAsync(Path.Combine(folder.State, SmpServerFiles.Statistics), "fromTime=2026-11-21T08:19:03Z\nmsgSent=41\nnonsense\n", TestContext.Current.CancellationToken);
        for (var round = 0; round < 2; round++)
        {
            await using var server = await SmpServer.StartAsync(options, TestContext.Current.CancellationToken);
            Assert.Contains("\nsimplex_smp_messages_sent 41\n", server.WriteMetrics(), StringComparison.Ordinal);
        }

        var saved = await File.ReadAllTextAsync(Path.Combine(folder.State, SmpServerFiles.Statistics), TestContext.Current.CancellationToken);
        Assert.StartsWith("fromTime=2026-11-21T08:19:03Z\n", saved, StringComparison.Ordinal);
    }

    // The times differ in digits that this relay does not keep, and the hashes it does not keep at all.
    private static IEnumerable<string> WithoutHashes(string text) => text.TrimEnd('\n').Split('\n')
        .Select(line => line.Split('=')[0] is "dayHashes" or "weekHashes" or "monthHashes" or "fromTime" ? line.Split('=')[0] : line);
}
