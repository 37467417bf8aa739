using System.Diagnostics;
using System.Globalization;
using System.Text;
using Pairwise.Transport.Sockets;
using Pairwise.Wire;

namespace Pairwise.Server.Smp.Operation;

/// <summary>
/// A relay's numbers in the Prometheus text format 0.0.4, under the reference's names, spelling mistakes included, so that
/// dashboards made for it work. Without time stamps, which the collectors of text files refuse.
/// </summary>
public static class SmpPrometheus
{
    private const string Prefix = "simplex_smp_";
    private const string Counter = "counter";
    private const string Gauge = "gauge";

    private static readonly (string Group, Metric[] Metrics)[] Counted =
    [
        ("Queues", [
            new("queues_created", "Queues created", SmpCounter.QCreated),
            new("queues_secured", "Queues secured", SmpCounter.QSecured),
            new("queues_deleted", "Queues deleted", "type", [("all", SmpCounter.QDeletedAll), ("new", SmpCounter.QDeletedNew), ("secured", SmpCounter.QDeletedSecured)]),
            new("queues_blocked", "Queues blocked", SmpCounter.QBlocked),
            new("queues_deleted_batch", "Batches of requests to delete queues", SmpCounter.QDeletedAllB),
        ]),
        ("Subscriptions", [
            new("subscribtion_successes", "Subscriptions that found a message", SmpCounter.QSub),
            new("subscribtion_successes_batch", "Batches of subscriptions", SmpCounter.QSubAllB),
            new("subscribtion_end", "Subscriptions that another client took over", SmpCounter.QSubEnd),
            new("subscribtion_end_batch", "Batches of subscriptions that another client took over", SmpCounter.QSubEndB),
            new("subscribtion_errors", "Subscriptions refused", "type", [("auth", SmpCounter.QSubAuth), ("duplicate", SmpCounter.QSubDuplicate), ("prohibited", SmpCounter.QSubProhibited)]),
        ]),
        ("Messages", [
            new("messages_sent", "Messages taken from senders", SmpCounter.MsgSent),
            new("messages_sent_errors", "Messages refused", "type", [("auth", SmpCounter.MsgSentAuth), ("quota", SmpCounter.MsgSentQuota), ("large", SmpCounter.MsgSentLarge), ("block", SmpCounter.MsgSentBlock)]),
            new("messages_received", "Messages acknowledged by recipients", SmpCounter.MsgRecv),
            new("messages_expired", "Messages removed because of their age", SmpCounter.MsgExpired),
        ]),
        ("Messages with notification", [
            new("messages_notify_sent", "Messages taken that ask for a notification", SmpCounter.MsgSentNtf),
            new("messages_notify_received", "Messages acknowledged that asked for a notification", SmpCounter.MsgRecvNtf),
            new("messages_notify_get_sent", "Messages given to single requests", SmpCounter.MsgGet),
            new("messages_notify_get_received", "Messages acknowledged after single requests", SmpCounter.MsgRecvGet),
            new("messages_notify_get_errors", "Single requests that gave no message", "type", [("nomsg", SmpCounter.MsgGetNoMsg), ("auth", SmpCounter.MsgGetAuth), ("duplicate", SmpCounter.MsgGetDuplicate), ("prohibited", SmpCounter.MsgGetProhibited)]),
            new("queues_notify_created", "Notification credentials added to queues", SmpCounter.NtfCreated),
            new("queues_notify_new_created", "Queues created with notification credentials", SmpCounter.NtfNewCreated),
            new("queues_notify_deleted", "Notification credentials removed", SmpCounter.NtfDeleted),
            new("queues_notify_deleted_batch", "Batches of requests to remove notification credentials", SmpCounter.NtfDeletedB),
        ]),
        ("Notifications", [
            new("messages_ntf_successes", "Notifications given to notification servers", SmpCounter.MsgNtfs),
            new("messages_ntf_successes_batch", "Batches of notifications given to notification servers", SmpCounter.MsgNtfsB),
            new("messages_ntf_errors", "Notifications not given", "type", [("nosub", SmpCounter.MsgNtfNoSub), ("lost", SmpCounter.MsgNtfLost), ("expired", SmpCounter.MsgNtfExpired)]),
            new("subscription_ntf_requests", "Subscriptions of notifications", SmpCounter.NtfSub),
            new("subscription_ntf_requests_batch", "Batches of subscriptions of notifications", SmpCounter.NtfSubB),
            new("subscribtion_ntf_errors", "Subscriptions of notifications refused", "type", [("auth", SmpCounter.NtfSubAuth), ("duplicate", SmpCounter.NtfSubDuplicate)]),
        ]),
        ("Relays", [
            new("relay_messages_received", "Messages that other relays forwarded", SmpCounter.PMsgFwdsRecv),
        ]),
    ];

    /// <summary>Every counter that some metric shows; a test compares it with all there are.</summary>
    internal static IEnumerable<SmpCounter> ShownCounters =>
        Counted.SelectMany(group => group.Metrics).SelectMany(metric => metric.Samples).Select(sample => sample.Counter);

    private static readonly (string Prefix, string Help, Func<SmpStatistics, (Counters<ForwardingCounter> All, Counters<ForwardingCounter> Own)> Counters)[] Forwarding =
    [
        ("relay_sessions", "Sessions with other relays", statistics => (statistics.Relays, statistics.OwnRelays)),
        ("relay_messages", "Commands forwarded to other relays", statistics => (statistics.Forwards, statistics.OwnForwards)),
    ];

    private static readonly (string Prefix, string Name, Func<SmpStatistics, Counters<ServiceCounter>> Counters)[] Services =
    [
        ("rcv", "receiving", statistics => statistics.RecipientServices),
        ("ntf", "notification", statistics => statistics.NotifierServices),
    ];

    private static readonly (string Name, string Help, ServiceCounter Counter)[] ServiceMetrics =
    [
        ("assoc_new", "Queues associated with", ServiceCounter.AssocNew),
        ("assoc_duplicate", "Queues associated once more with", ServiceCounter.AssocDuplicate),
        ("assoc_updated", "Queues that went from one to another of", ServiceCounter.AssocUpdated),
        ("assoc_removed", "Queues no longer associated with", ServiceCounter.AssocRemoved),
        ("sub_count", "Subscriptions of", ServiceCounter.SubCount),
        ("sub_duplicate", "Repeated subscriptions of", ServiceCounter.SubDuplicate),
        ("sub_queues", "Queues subscribed through", ServiceCounter.SubQueues),
        ("sub_end", "Subscriptions ended of", ServiceCounter.SubEnd),
    ];

    /// <summary>The text of one moment.</summary>
    /// <param name="statistics">What was counted.</param>
    /// <param name="gauges">What the relay holds now.</param>
    /// <param name="version">The program's version.</param>
    /// <param name="now">The moment.</param>
    public static string Write(SmpStatistics statistics, SmpGauges gauges, string version, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(statistics);
        ArgumentNullException.ThrowIfNull(gauges);
        ArgumentNullException.ThrowIfNull(version);
        StringBuilder text = new();
        text.Append("# Recorded at: ").Append(new UtcTimestamp(now)).Append("\n\n");
        foreach ((string group, Metric[] metrics) in Counted)
        {
            text.Append("# ").Append(group).Append("\n\n");
            foreach (Metric metric in metrics)
            {
                Describe(text, metric.Name, metric.Help, Counter);
                foreach ((string value, SmpCounter counter) in metric.Samples)
                {
                    Sample(text, metric.Name, metric.Label is null ? "" : $"{{{metric.Label}=\"{value}\"}}", statistics[counter]);
                }

                text.Append('\n');
            }
        }

        WriteForwarding(text, statistics);
        WriteServices(text, statistics, gauges);
        WriteQueues(text, statistics, gauges);
        WriteSubscriptions(text, gauges);
        WriteDeliveries(text, statistics, gauges);
        WriteGauge(text, "clients_total", "Clients connected", gauges.Clients);
        WritePorts(text, "sockets_accepted", "Connections accepted since the start", gauges, port => port.Accepted);
        WritePorts(text, "sockets_closed", "Connections closed since the start", gauges, port => port.Accepted - port.Active);
        WritePorts(text, "sockets_active", "Connections open", gauges, port => port.Active);
        WritePorts(text, "sockets_leaked", "Connections that nobody owns: this relay has none", gauges, _ => 0);
        WriteLimits(text, gauges);
        WriteProcess(text);
        Describe(text, "info", "The program", Gauge);
        Sample(text, "info", $"{{version=\"{Escape(version)}\"}}", 1);
        return text.ToString();
    }

    // Not the reference's: how near the relay is to its limits, and what it did about it.
    private static void WriteLimits(StringBuilder text, SmpGauges gauges)
    {
        WriteGauge(text, "connections_limit", "Connections that may be open", gauges.ConnectionLimit);
        WriteGauge(text, "connections_refused", "Connections refused since the start", gauges.SocketsRefused);
        WriteGauge(text, "handshakes_active", "TLS handshakes under way", gauges.Handshakes);
        WriteGauge(text, "handshakes_failed", "Connections that ended before their handshake did", gauges.FailedHandshakes);
        WriteGauge(text, "memory_state", "0 enough, 1 new connections are refused, 2 connections are closed", (long?)gauges.MemoryState);
        Describe(text, "connections_cut", "Connections closed by the relay since the start", Counter);
        Sample(text, "connections_cut", "{reason=\"silent\"}", gauges.SilentCut ?? 0);
        Sample(text, "connections_cut", "{reason=\"stalled\"}", gauges.CutStalled);
        Sample(text, "connections_cut", "{reason=\"inactive\"}", gauges.CutInactive);
        Sample(text, "connections_cut", "{reason=\"memory\"}", gauges.CutForMemory);
        text.Append('\n');
    }

    private static void WriteForwarding(StringBuilder text, SmpStatistics statistics)
    {
        foreach ((string prefix, string help, var counters) in Forwarding)
        {
            (Counters<ForwardingCounter> all, Counters<ForwardingCounter> own) = counters(statistics);
            (string Source, Counters<ForwardingCounter> Counters)[] sources = [("all", all), ("own", own)];
            foreach ((string name, string what, ForwardingCounter counter) in
                new[] { ("requests", "asked for", ForwardingCounter.Requests), ("successes", "done", ForwardingCounter.Successes) })
            {
                Describe(text, $"{prefix}_{name}", $"{help}, {what}", Counter);
                foreach ((string source, Counters<ForwardingCounter> each) in sources)
                {
                    Sample(text, $"{prefix}_{name}", $"{{source=\"{source}\"}}", each[counter]);
                }

                text.Append('\n');
            }

            Describe(text, $"{prefix}_errors", $"{help}, failed", Counter);
            foreach ((string source, Counters<ForwardingCounter> each) in sources)
            {
                Sample(text, $"{prefix}_errors", $"{{source=\"{source}\",type=\"connect\"}}", each[ForwardingCounter.ErrorsConnect]);
                Sample(text, $"{prefix}_errors", $"{{source=\"{source}\",type=\"compat\"}}", each[ForwardingCounter.ErrorsCompat]);
                Sample(text, $"{prefix}_errors", $"{{source=\"{source}\",type=\"other\"}}", each[ForwardingCounter.ErrorsOther]);
            }

            text.Append('\n');
        }
    }

    private static void WriteServices(StringBuilder text, SmpStatistics statistics, SmpGauges gauges)
    {
        WriteGauge(text, "rcv_services_count", "Services that receive messages", gauges.RecipientServices);
        WriteGauge(text, "rcv_services_queues_count", "Queues of services that receive messages", gauges.RecipientServiceQueues);
        WriteGauge(text, "ntf_services_count", "Services that receive notifications", gauges.NotifierServices);
        WriteGauge(text, "ntf_services_queues_count", "Queues of services that receive notifications", gauges.NotifierServiceQueues);
        foreach ((string prefix, string name, var counters) in Services)
        {
            foreach ((string metric, string help, ServiceCounter counter) in ServiceMetrics)
            {
                Describe(text, $"{prefix}_services_{metric}", $"{help} {name} services", counter is ServiceCounter.SubQueues or ServiceCounter.SubEnd ? Gauge : Counter);
                Sample(text, $"{prefix}_services_{metric}", "", counters(statistics)[counter]);
                text.Append('\n');
            }
        }
    }

    private static void WriteQueues(StringBuilder text, SmpStatistics statistics, SmpGauges gauges)
    {
        WriteGauge(text, "queues_total1", "Queues stored", gauges.Queues);
        WriteGauge(text, "queues_total2", "Queues stored, counted another way by the reference", gauges.Queues);
        WriteGauge(text, "queues_notify_total1", "Queues with notification credentials", gauges.Notifiers);
        WriteGauge(text, "queues_notify_total2", "Queues with notification credentials, counted another way by the reference", gauges.Notifiers);
        WriteGauge(text, "queues_daily", "Queues with messages today", statistics.ActiveQueues.Day.Estimate());
        WriteGauge(text, "queues_weekly", "Queues with messages this week", statistics.ActiveQueues.Week.Estimate());
        WriteGauge(text, "queues_monthly", "Queues with messages this month", statistics.ActiveQueues.Month.Estimate());
        WriteGauge(text, "queues_notify_daily", "Queues with messages today that ask for a notification", statistics.ActiveNotifiedQueues.Day.Estimate());
        WriteGauge(text, "queues_notify_weekly", "Queues with messages this week that ask for a notification", statistics.ActiveNotifiedQueues.Week.Estimate());
        WriteGauge(text, "queues_notify_monthly", "Queues with messages this month that ask for a notification", statistics.ActiveNotifiedQueues.Month.Estimate());
        WriteGauge(text, "messages_total", "Messages that wait", gauges.Messages);
        WriteGauge(text, "loaded_queues_queue_count", "Queues in memory", gauges.Queues);
        WriteGauge(text, "loaded_queues_ntf_count", "Queues with notification credentials in memory", gauges.Notifiers);
        WriteGauge(text, "loaded_queues_open_journal_count", "Journals of queues that are held open: this relay opens them for each use", 0);
        WriteGauge(text, "loaded_queues_queue_lock_count", "Locks of queues: this relay has none apart from the queues themselves", 0);
        WriteGauge(text, "loaded_queues_ntf_lock_count", "Locks of notifiers: this relay has none", 0);
    }

    private static void WriteSubscriptions(StringBuilder text, SmpGauges gauges)
    {
        WriteGauge(text, "subscribtion_total", "Queues subscribed", gauges.Subscriptions);
        WriteGauge(text, "subscribtion_clients_total", "Clients subscribed to queues", gauges.SubscribedClients);
        WriteGauge(text, "subscribtion_services_total", "Services subscribed to queues", gauges.SubscribedServices);
        WriteGauge(text, "subscription_ntf_total", "Queues whose notifications are subscribed", gauges.NotificationSubscriptions);
        WriteGauge(text, "subscription_ntf_clients_total", "Clients subscribed to notifications", gauges.NotificationClients);
        WriteGauge(text, "subscribtion_nts_services_total", "Services subscribed to notifications", gauges.NotificationServices);
    }

    private static void WriteDeliveries(StringBuilder text, SmpStatistics statistics, SmpGauges gauges)
    {
        IReadOnlyList<(long Seconds, long Count)> pending = gauges.Delivered.Buckets();
        WriteGauge(text, "delivered_total", "Messages delivered that wait for their acknowledgement", pending.Sum(bucket => bucket.Count));
        WriteGauge(text, "delivered_clients_total", "Clients that such messages were delivered to", gauges.DeliveredClients);

        const string time = "delivery_ack_confirmed_time";
        IReadOnlyList<(long Seconds, long Count)> confirmed = statistics.Acknowledged.Buckets();
        Describe(text, time, "Seconds from the delivery of a message to its acknowledgement", "histogram");
        long count = 0;
        foreach ((long seconds, long each) in confirmed)
        {
            count += each;
            Sample(text, time + "_bucket", $"{{le=\"{seconds}\"}}", count);
        }

        Sample(text, time + "_bucket", "{le=\"+Inf\"}", count);
        Sample(text, time + "_sum", "", statistics.Acknowledged.Sum);
        Sample(text, time + "_count", "", count);
        text.Append('\n');
        WritePeriods(text, "delivery_ack_confirmed_count", "Messages acknowledged, by the seconds that took", Counter, confirmed);
        WritePeriods(text, "delivery_ack_pending_count", "Messages that wait for their acknowledgement, by the seconds they have waited", Gauge, pending);
        WriteGauge(text, "delivery_ack_time_max", "The longest that a message waits for its acknowledgement now, in seconds", gauges.Delivered.Longest);
    }

    private static void WritePeriods(StringBuilder text, string name, string help, string type, IReadOnlyList<(long Seconds, long Count)> buckets)
    {
        Describe(text, name, help, type);
        foreach ((string period, long from, long to) in
            new[] { ("0-60", 0L, 60L), ("60-300", 60, 300), ("300-1200", 300, 1200), ("1200-3600", 1200, 3600), ("3600+", 3600, long.MaxValue) })
        {
            Sample(text, name, $"{{period=\"{period}\"}}", buckets.Where(bucket => from <= bucket.Seconds && bucket.Seconds < to).Sum(bucket => bucket.Count));
        }

        text.Append('\n');
    }

    private static void WritePorts(StringBuilder text, string name, string help, SmpGauges gauges, Func<TlsPortCounts, long> value)
    {
        Describe(text, name, help, Gauge);
        foreach (TlsPortCounts port in gauges.Ports)
        {
            Sample(text, name, $"{{port=\"{port.Port}\"}}", value(port));
        }

        text.Append('\n');
    }

    private static void WriteProcess(StringBuilder text)
    {
        using Process process = Process.GetCurrentProcess();
        WriteGauge(text, "threads_total", "Threads of the process", process.Threads.Count);
        WriteGauge(text, "memory_resident_bytes", "Memory of the process", process.WorkingSet64);
        WriteGauge(text, "memory_managed_bytes", "Memory of the managed heap after the last collection", GC.GetGCMemoryInfo().HeapSizeBytes);
        Describe(text, "cpu_seconds_total", "Processor time of the process", Counter);
        text.Append(Prefix).Append("cpu_seconds_total ")
            .Append(process.TotalProcessorTime.TotalSeconds.ToString("0.###", CultureInfo.InvariantCulture)).Append("\n\n");
    }

    private static void WriteGauge(StringBuilder text, string name, string help, long? value)
    {
        if (value is null)
        {
            return;
        }

        Describe(text, name, help, Gauge);
        Sample(text, name, "", value.Value);
        text.Append('\n');
    }

    private static void Describe(StringBuilder text, string name, string help, string type) =>
        text.Append("# HELP ").Append(Prefix).Append(name).Append(' ').Append(help)
            .Append("\n# TYPE ").Append(Prefix).Append(name).Append(' ').Append(type).Append('\n');

    private static void Sample(StringBuilder text, string name, string labels, long value) =>
        text.Append(Prefix).Append(name).Append(labels).Append(' ').Append(value.ToString(CultureInfo.InvariantCulture)).Append('\n');

    private static string Escape(string value) =>
        value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    private sealed record Metric(string Name, string Help, string? Label, (string Value, SmpCounter Counter)[] Samples)
    {
        public Metric(string name, string help, SmpCounter counter)
            : this(name, help, null, [("", counter)])
        {
        }
    }
}
