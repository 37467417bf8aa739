using System.Diagnostics;
using System.Globalization;
using System.Text;
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
            new("subscribtion_successes", "Subscriptions that succeeded", SmpCounter.QSub),
            new("subscribtion_successes_batch", "Batches of subscriptions that succeeded", SmpCounter.QSubAllB),
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

        text.Append("# State\n\n");
        WriteGauge(text, "queues_total1", "Queues stored", gauges.Queues);
        WriteGauge(text, "queues_total2", "Queues stored, counted another way by the reference", gauges.Queues);
        WriteGauge(text, "messages_total", "Messages that wait", gauges.Messages);
        WriteGauge(text, "queues_notify_total1", "Queues with notification credentials", gauges.Notifiers);
        WriteGauge(text, "queues_notify_total2", "Queues with notification credentials, counted another way by the reference", gauges.Notifiers);
        WriteGauge(text, "clients_total", "Clients connected", gauges.Clients);
        WriteGauge(text, "subscribtion_total", "Queues subscribed", gauges.Subscriptions);
        WriteGauge(text, "subscription_ntf_total", "Queues whose notifications are subscribed", gauges.NotificationSubscriptions);
        WriteGauge(text, "sockets_accepted", "Connections accepted since the start", gauges.SocketsAccepted);
        WriteGauge(text, "sockets_active", "Connections open", gauges.SocketsActive);
        WriteProcess(text);
        Describe(text, "info", "The program", Gauge);
        Sample(text, "info", $"{{version=\"{Escape(version)}\"}}", 1);
        return text.ToString();
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
