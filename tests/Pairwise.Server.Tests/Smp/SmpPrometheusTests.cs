using System.Text.RegularExpressions;
using Pairwise.Server.Smp.Operation;

namespace Pairwise.Server.Tests.Smp;

/// <summary>The metrics' text.</summary>
public sealed partial class SmpPrometheusTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);

    private static readonly SmpGauges Gauges = new() { Queues = 3, Notifiers = 1, Messages = 7, Clients = 2 };

    [Fact]
    public void Every_counter_is_shown_once()
    {
        var shown = SmpPrometheus.ShownCounters.ToList();
        Assert.Equal(shown.Distinct().Count(), shown.Count);
        // The number of queues is a state, told by queues_total1.
        Assert.Equal(Enum.GetValues<SmpCounter>().Except([SmpCounter.QCount]).Order(), shown.Order());
    }

    [Fact]
    public void Every_line_is_of_the_format_and_every_metric_is_described_once()
    {
        var statistics = new SmpStatistics { [SmpCounter.MsgSent] = 12, [SmpCounter.QSubAuth] = 5 };
        var text = SmpPrometheus.Write(statistics, Gauges, "1.0 \"x\"", Now);
        var described = new HashSet<string>(StringComparer.Ordinal);
        foreach (var line in text.Split('\n'))
        {
            if (line.StartsWith("# TYPE ", StringComparison.Ordinal))
                Assert.True(described.Add(line.Split(' ')[2]));
            else if (line.Length > 0 && line[0] != '#')
                Assert.Contains(SampleLine().Match(line).Groups[1].Value, described);
        }

        Assert.Contains("\nsimplex_smp_messages_sent 12\n", text, StringComparison.Ordinal);
        Assert.Contains("\nsimplex_smp_subscribtion_errors{type=\"auth\"} 5\n", text, StringComparison.Ordinal);
        Assert.Contains("\nsimplex_smp_messages_total 7\n", text, StringComparison.Ordinal);
        Assert.Contains("\nsimplex_smp_info{version=\"1.0 \\\"x\\\"\"} 1\n", text, StringComparison.Ordinal);
        Assert.StartsWith("# Recorded at: 2026-11-21T12:00:00Z\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain("sockets_active", text, StringComparison.Ordinal);
        Assert.Contains("sockets_active 4", SmpPrometheus.Write(statistics, Gauges with { SocketsActive = 4 }, "1", Now), StringComparison.Ordinal);
    }

    [Fact]
    public void The_dashboard_asks_for_metrics_that_there_are()
    {
        var all = Gauges with { Subscriptions = 1, NotificationSubscriptions = 1, SocketsAccepted = 1, SocketsActive = 1 };
        var text = SmpPrometheus.Write(new SmpStatistics(), all, "1", Now);
        var dashboard = File.ReadAllText(Path.Combine(RepositoryRoot(), "deploy", "grafana", "smp-relay.json"));
        var asked = MetricName().Matches(dashboard).Select(match => match.Value).Distinct().ToList();
        Assert.NotEmpty(asked);
        Assert.All(asked, name => Assert.Contains($"# TYPE {name} ", text, StringComparison.Ordinal));
    }

    private static string RepositoryRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Pairwise.slnx")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new DirectoryNotFoundException("The repository was not found above the test program.");
    }

    [GeneratedRegex("simplex_smp_[a-z0-9_]+")]
    private static partial Regex MetricName();

    [GeneratedRegex("""^(simplex_smp_[a-z0-9_]+)(\{[a-z]+="(?:[^"\\]|\\.)*"\})? [0-9.]+$""")]
    private static partial Regex SampleLine();
}
