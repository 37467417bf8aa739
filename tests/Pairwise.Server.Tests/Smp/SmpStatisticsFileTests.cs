using System.Security.Cryptography;
using Pairwise.Server.Smp;
using Pairwise.Server.Smp.Operation;
using Pairwise.Server.Smp.Store;
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
        statistics.Forwards[ForwardingCounter.Successes] = 3;
        statistics.NotifierServices[ServiceCounter.SubEnd] = 4;
        statistics.ActiveQueues.Add(Id(1));
        var columns = SmpStatisticsFile.TakeDay(statistics, new SmpGauges { Queues = 7, Notifiers = 2, Messages = 9, Clients = 1 }, From, new DateOnly(2026, 11, 22)).Split(',');
        // The day, 18 numbers, 4 times 5 of forwarding, 41 numbers and 2 times 8 of services.
        Assert.Equal(1 + 18 + 20 + 41 + 16, columns.Length);
        Assert.Equal("2026-11-21", columns[0]);
        Assert.Equal($"{100 + (int)SmpCounter.MsgSent}", columns[4]);
        Assert.Equal(("7", "9"), (columns[14], columns[15]));
        Assert.Equal($"{100 + (int)SmpCounter.PMsgFwdsRecv}", columns[39]);
        Assert.All(Enum.GetValues<SmpCounter>(), counter => Assert.Equal(0, statistics[counter]));
        Assert.Equal("3", columns[1 + 18 + 11]);
        Assert.Equal(0, statistics.Forwards[ForwardingCounter.Successes]);
        Assert.Equal("4", columns[^1]);
        // What goes on is counted on: services, and the queues of a week and a month that have not ended.
        Assert.Equal(4, statistics.NotifierServices[ServiceCounter.SubEnd]);
        Assert.Equal(("1", "", ""), (columns[6], columns[7], columns[8]));
        Assert.Equal((0, 1, 1), (statistics.ActiveQueues.Day.Estimate(), statistics.ActiveQueues.Week.Estimate(), statistics.ActiveQueues.Month.Estimate()));
    }

    [Fact]
    public void A_week_ends_on_sunday_and_a_month_on_its_last_day()
    {
        var gauges = new SmpGauges { Queues = 0, Notifiers = 0, Messages = 0, Clients = 0 };
        var statistics = new SmpStatistics();
        statistics.ActiveQueues.Add(Id(1));
        Assert.Equal(["1", "1", ""], SmpStatisticsFile.TakeDay(statistics, gauges, From, new DateOnly(2026, 11, 23)).Split(',')[6..9]);
        statistics.ActiveQueues.Add(Id(2));
        Assert.Equal(["1", "", "2"], SmpStatisticsFile.TakeDay(statistics, gauges, From, new DateOnly(2026, 12, 1)).Split(',')[6..9]);
        Assert.Equal((0, 1, 0), (statistics.ActiveQueues.Day.Estimate(), statistics.ActiveQueues.Week.Estimate(), statistics.ActiveQueues.Month.Estimate()));
    }

    [Fact]
    public void Forwarded_commands_and_services_are_restored_each_into_its_section()
    {
        var statistics = new SmpStatistics();
        statistics.Relays[ForwardingCounter.Requests] = 11;
        statistics.OwnRelays[ForwardingCounter.ErrorsConnect] = 12;
        statistics.OwnForwards[ForwardingCounter.Requests] = 13;
        statistics.RecipientServices[ServiceCounter.AssocNew] = 14;
        statistics.NotifierServices[ServiceCounter.AssocNew] = 15;
        var text = SmpStatisticsFile.Write(statistics, 0, From);
        var restored = new SmpStatistics();
        SmpStatisticsFile.Restore(text, restored);
        Assert.Equal(text, SmpStatisticsFile.Write(restored, 0, From));
        Assert.Equal((11, 0, 13), (restored.Relays[ForwardingCounter.Requests], restored.Forwards[ForwardingCounter.Requests], restored.OwnForwards[ForwardingCounter.Requests]));
        Assert.Equal((14, 15), (restored.RecipientServices[ServiceCounter.AssocNew], restored.NotifierServices[ServiceCounter.AssocNew]));
    }

    [Fact]
    public void Queues_in_use_are_counted_on_after_a_restart()
    {
        var before = new SmpStatistics();
        for (ulong i = 0; i < 50; i++)
            before.ActiveQueues.Add(Id(i));
        before.ActiveNotifiedQueues.Add(Id(1));
        var after = new SmpStatistics();
        SmpStatisticsFile.RestoreActive(SmpStatisticsFile.WriteActive(before) + "nonsense\nactiveQueues.day=AAAA\n", after);
        after.ActiveQueues.Add(Id(7));
        Assert.Equal((50, 50, 50), (after.ActiveQueues.Day.Estimate(), after.ActiveQueues.Week.Estimate(), after.ActiveQueues.Month.Estimate()));
        Assert.Equal(1, after.ActiveNotifiedQueues.Month.Estimate());
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

    // Ids are random; these are spread like random ones, and the same in each run.
    private static StoredId Id(ulong number) => StoredId.From(SHA256.HashData(BitConverter.GetBytes(number)).AsSpan(0, StoredId.Length));
}
