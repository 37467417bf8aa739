using System.Text.RegularExpressions;
using Pairwise.Server.Smp.Operation;
using Pairwise.Server.Xftp.Operation;
using Pairwise.Transport.Sockets;

namespace Pairwise.Server.Tests.Smp;

/// <summary>The metrics' text.</summary>
public sealed partial class SmpPrometheusTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);

    private static readonly SmpGauges Gauges = new() { Queues = 3, Notifiers = 1, Messages = 7, Clients = 2 };

    // What dashboards made for the reference ask for.
    private static readonly string[] ReferenceNames =
    [
        "clients_total", "delivered_clients_total", "delivered_total", "delivery_ack_confirmed_count", "delivery_ack_confirmed_time",
        "delivery_ack_pending_count", "delivery_ack_time_max", "info", "loaded_queues_ntf_count", "loaded_queues_ntf_lock_count",
        "loaded_queues_open_journal_count", "loaded_queues_queue_count", "loaded_queues_queue_lock_count", "messages_expired",
        "messages_notify_get_errors", "messages_notify_get_received", "messages_notify_get_sent", "messages_notify_received",
        "messages_notify_sent", "messages_ntf_errors", "messages_ntf_successes", "messages_ntf_successes_batch", "messages_received",
        "messages_sent", "messages_sent_errors", "messages_total", "ntf_services_assoc_duplicate", "ntf_services_assoc_new",
        "ntf_services_assoc_removed", "ntf_services_assoc_updated", "ntf_services_count", "ntf_services_queues_count", "ntf_services_sub_count",
        "ntf_services_sub_duplicate", "ntf_services_sub_end", "ntf_services_sub_queues", "queues_blocked", "queues_created", "queues_daily",
        "queues_deleted", "queues_deleted_batch", "queues_monthly", "queues_notify_created", "queues_notify_daily", "queues_notify_deleted",
        "queues_notify_deleted_batch", "queues_notify_monthly", "queues_notify_new_created", "queues_notify_total1", "queues_notify_total2",
        "queues_notify_weekly", "queues_secured", "queues_total1", "queues_total2", "queues_weekly", "rcv_services_assoc_duplicate",
        "rcv_services_assoc_new", "rcv_services_assoc_removed", "rcv_services_assoc_updated", "rcv_services_count", "rcv_services_queues_count",
        "rcv_services_sub_count", "rcv_services_sub_duplicate", "rcv_services_sub_end", "rcv_services_sub_queues", "relay_messages_errors",
        "relay_messages_received", "relay_messages_requests", "relay_messages_successes", "relay_sessions_errors", "relay_sessions_requests",
        "relay_sessions_successes", "sockets_accepted", "sockets_active", "sockets_closed", "sockets_leaked", "subscribtion_clients_total",
        "subscribtion_end", "subscribtion_end_batch", "subscribtion_errors", "subscribtion_ntf_errors", "subscribtion_nts_services_total",
        "subscribtion_services_total", "subscribtion_successes", "subscribtion_successes_batch", "subscribtion_total",
        "subscription_ntf_clients_total", "subscription_ntf_requests", "subscription_ntf_requests_batch", "subscription_ntf_total",
        "threads_total",
    ];

    [Fact]
    public void Every_metric_of_the_reference_is_there_by_its_name()
    {
        var all = Gauges with
        {
            Subscriptions = 1,
            SubscribedClients = 1,
            SubscribedServices = 0,
            NotificationSubscriptions = 1,
            NotificationClients = 1,
            NotificationServices = 0,
            DeliveredClients = 1,
            Ports = [new TlsPortCounts(5223, 1, 1)],
        };
        var text = SmpPrometheus.Write(new SmpStatistics(), all, "1", Now);
        Assert.All(ReferenceNames, name => Assert.Contains($"# TYPE simplex_smp_{name} ", text, StringComparison.Ordinal));
    }

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
                Assert.Contains(HistogramPart().Replace(SampleLine().Match(line).Groups[1].Value, "$1"), described);
        }

        Assert.Contains("\nsimplex_smp_messages_sent 12\n", text, StringComparison.Ordinal);
        Assert.Contains("\nsimplex_smp_subscribtion_errors{type=\"auth\"} 5\n", text, StringComparison.Ordinal);
        Assert.Contains("\nsimplex_smp_messages_total 7\n", text, StringComparison.Ordinal);
        Assert.Contains("\nsimplex_smp_info{version=\"1.0 \\\"x\\\"\"} 1\n", text, StringComparison.Ordinal);
        Assert.StartsWith("# Recorded at: 2026-11-21T12:00:00Z\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain("sockets_active{", text, StringComparison.Ordinal);
        var ports = SmpPrometheus.Write(statistics, Gauges with { Ports = [new TlsPortCounts(5223, 10, 4), new TlsPortCounts(443, 3, 3)] }, "1", Now);
        Assert.Contains("sockets_accepted{port=\"5223\"} 10\nsimplex_smp_sockets_accepted{port=\"443\"} 3\n", ports, StringComparison.Ordinal);
        Assert.Contains("sockets_closed{port=\"5223\"} 6\n", ports, StringComparison.Ordinal);
        Assert.Contains("sockets_active{port=\"443\"} 3\n", ports, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("smp-relay.json")]
    [InlineData("xftp-server.json")]
    public void A_dashboard_asks_for_metrics_that_there_are(string file)
    {
        var all = Gauges with { Subscriptions = 1, NotificationSubscriptions = 1, ConnectionLimit = 1, SocketsRefused = 1, FailedHandshakes = 1, Handshakes = 1, MemoryState = MemoryState.Enough };
        var text = SmpPrometheus.Write(new SmpStatistics(), all, "1", Now) + XftpPrometheus.Write(new XftpStatistics(), default, "1", Now);
        var dashboard = File.ReadAllText(Path.Combine(RepositoryRoot(), "deploy", "grafana", file));
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

    [GeneratedRegex("^(simplex_smp_delivery_ack_confirmed_time)_(bucket|sum|count)$")]
    private static partial Regex HistogramPart();

    [GeneratedRegex("simplex_(?:smp|xftp)_[a-z0-9_]+")]
    private static partial Regex MetricName();

    [GeneratedRegex("""^(simplex_smp_[a-z0-9_]+)(\{[a-z]+="(?:[^"\\]|\\.)*"(?:,[a-z]+="[a-z]*")?\})? [0-9.]+$""")]
    private static partial Regex SampleLine();
}
