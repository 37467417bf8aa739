using System.Globalization;
using System.Text;

namespace Pairwise.Server.Smp.Operation;

/// <summary>
/// The counters in two files of the reference's form: what is saved at a stop and restored at a start, and a line of
/// each day. The reference also writes hashes of the ids of queues in use; this relay keeps none, and reads none. What it
/// needs to go on counting them stands in a file of its own.
/// </summary>
internal static class SmpStatisticsFile
{
    private const string Hashes = "dayHashes=\nweekHashes=\nmonthHashes=\n";

    private static readonly (string Name, ForwardingCounter Counter)[] ForwardingNames =
    [
        ("requests", ForwardingCounter.Requests), ("successes", ForwardingCounter.Successes), ("errorsConnect", ForwardingCounter.ErrorsConnect),
        ("errorsCompat", ForwardingCounter.ErrorsCompat), ("errorsOther", ForwardingCounter.ErrorsOther),
    ];

    // The misspelt name is the file's own.
    private static readonly (string Name, ServiceCounter Counter)[] ServiceNames =
    [
        ("assocNew", ServiceCounter.AssocNew), ("assocDuplicate", ServiceCounter.AssocDuplicate), ("assocUpdatedt", ServiceCounter.AssocUpdated),
        ("assocRemoved", ServiceCounter.AssocRemoved), ("subCount", ServiceCounter.SubCount), ("subDuplicate", ServiceCounter.SubDuplicate),
        ("subQueues", ServiceCounter.SubQueues), ("subEnd", ServiceCounter.SubEnd),
    ];

    private static readonly (string Name, SmpCounter Counter)[] Names =
        [.. Enum.GetValues<SmpCounter>().Select(counter => (char.ToLowerInvariant(counter.ToString()[0]) + counter.ToString()[1..], counter))];

    // fromTime=TIME LF *(counter=NUMBER LF) sections
    /// <summary>The text of all counters.</summary>
    /// <param name="statistics">What was counted.</param>
    /// <param name="queues">Queues stored.</param>
    /// <param name="from">Since when.</param>
    public static string Write(SmpStatistics statistics, long queues, DateTimeOffset from)
    {
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"fromTime={new Wire.UtcTimestamp(from)}\n");
        foreach ((string name, SmpCounter counter) in Names)
        {
            if (counter != SmpCounter.PMsgFwdsRecv)
            {
                text.Append(CultureInfo.InvariantCulture, $"{name}={(counter == SmpCounter.QCount ? queues : statistics[counter])}\n");
            }
        }

        text.Append("activeQueues:\n").Append(Hashes).Append("activeQueuesNtf:\n").Append(Hashes);
        foreach ((string section, Counters<ForwardingCounter> counters) in Forwardings(statistics))
        {
            WriteSection(text, section, ForwardingNames, counters);
        }

        text.Append(CultureInfo.InvariantCulture, $"pMsgFwdsRecv={statistics[SmpCounter.PMsgFwdsRecv]}\n");
        foreach ((string section, Counters<ServiceCounter> counters) in Services(statistics))
        {
            WriteSection(text, section, ServiceNames, counters);
        }

        return text.ToString();
    }

    /// <summary>Restores the counters of a text; names it does not know are left out.</summary>
    /// <returns>Since when was counted, or null when the text does not say so.</returns>
    public static DateTimeOffset? Restore(string text, SmpStatistics statistics)
    {
        DateTimeOffset? from = null;
        string section = "";
        foreach (string line in text.Split('\n'))
        {
            if (line.EndsWith(':'))
            {
                section = line[..^1];
                continue;
            }

            int equals = line.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0)
            {
                continue;
            }

            (string name, string value) = (line[..equals], line[(equals + 1)..]);
            if (name == "fromTime" && Wire.UtcTimestamp.TryParse(Encoding.UTF8.GetBytes(value), out Wire.UtcTimestamp time))
            {
                from = time.Time;
            }

            if (!long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out long number))
            {
                continue;
            }

            Set(name, number, Names, counter => statistics[counter] = number);
            foreach ((_, Counters<ForwardingCounter> counters) in Forwardings(statistics).Where(each => each.Section == section))
            {
                Set(name, number, ForwardingNames, counter => counters[counter] = number);
            }

            foreach ((_, Counters<ServiceCounter> counters) in Services(statistics).Where(each => each.Section == section))
            {
                Set(name, number, ServiceNames, counter => counters[counter] = number);
            }
        }

        return from;

        static void Set<T>(string name, long number, (string Name, T Counter)[] names, Action<T> set)
        {
            foreach ((string known, T counter) in names)
            {
                if (known == name)
                {
                    set(counter);
                }
            }
        }
    }

    // *(SECTION.PERIOD=BASE64 LF)
    /// <summary>What counts queues in use: registers from which no id can be read.</summary>
    public static string WriteActive(SmpStatistics statistics) =>
        string.Concat(Sketches(statistics).Select(sketch => $"{sketch.Name}={Convert.ToBase64String(sketch.Count.Registers)}\n"));

    /// <summary>Goes on counting queues in use; what cannot be read is left out.</summary>
    public static void RestoreActive(string text, SmpStatistics statistics)
    {
        foreach (string line in text.Split('\n'))
        {
            byte[] registers = new byte[DistinctCount.Size];
            int equals = line.IndexOf('=', StringComparison.Ordinal);
            if (equals >= 0 && Convert.TryFromBase64Chars(line.AsSpan(equals + 1), registers, out int length))
            {
                foreach ((_, DistinctCount count) in Sketches(statistics).Where(sketch => sketch.Name == line[..equals]))
                {
                    count.TryMerge(registers.AsSpan(0, length));
                }
            }
        }
    }

    /// <summary>
    /// The line of one day, in the reference's columns, and sets the counters back to zero. Counts of a week and of a month
    /// stand only in the line that ends them; those of services go on.
    /// </summary>
    /// <param name="statistics">What was counted.</param>
    /// <param name="gauges">What the relay holds now.</param>
    /// <param name="from">Since when was counted: the line's day.</param>
    /// <param name="today">The day that begins.</param>
    public static string TakeDay(SmpStatistics statistics, SmpGauges gauges, DateTimeOffset from, DateOnly today)
    {
        List<string> columns = [from.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)];
        Take(SmpCounter.QCreated, SmpCounter.QSecured, SmpCounter.QDeletedAll, SmpCounter.MsgSent, SmpCounter.MsgRecv);
        TakeActive(statistics.ActiveQueues);
        Take(SmpCounter.MsgSentNtf, SmpCounter.MsgRecvNtf);
        TakeActive(statistics.ActiveNotifiedQueues);
        Add(gauges.Queues, gauges.Messages);
        Take(SmpCounter.MsgExpired, SmpCounter.QDeletedNew, SmpCounter.QDeletedSecured);
        foreach ((_, Counters<ForwardingCounter> counters) in Forwardings(statistics))
        {
            foreach ((_, ForwardingCounter counter) in ForwardingNames)
            {
                Add(counters.Take(counter));
            }
        }

        Take(SmpCounter.PMsgFwdsRecv, SmpCounter.QSub, SmpCounter.QSubAuth, SmpCounter.QSubDuplicate, SmpCounter.QSubProhibited);
        Take(SmpCounter.MsgSentAuth, SmpCounter.MsgSentQuota, SmpCounter.MsgSentLarge);
        Take(SmpCounter.MsgNtfs, SmpCounter.MsgNtfNoSub, SmpCounter.MsgNtfLost);
        Add(0);
        Take(SmpCounter.MsgRecvGet, SmpCounter.MsgGet, SmpCounter.MsgGetNoMsg, SmpCounter.MsgGetAuth, SmpCounter.MsgGetDuplicate, SmpCounter.MsgGetProhibited);
        Add(0, 0, 0, gauges.Queues);
        Take(SmpCounter.NtfCreated, SmpCounter.NtfDeleted, SmpCounter.NtfSub, SmpCounter.NtfSubAuth, SmpCounter.NtfSubDuplicate);
        Add(gauges.Notifiers);
        Take(SmpCounter.QDeletedAllB, SmpCounter.QSubAllB, SmpCounter.QSubEnd, SmpCounter.QSubEndB);
        Take(SmpCounter.NtfDeletedB, SmpCounter.NtfSubB, SmpCounter.MsgNtfsB, SmpCounter.MsgNtfExpired);
        Add(gauges.Notifications, gauges.RecipientServices, gauges.NotifierServices, gauges.RecipientServiceQueues, gauges.NotifierServiceQueues);
        foreach ((_, Counters<ServiceCounter> counters) in Services(statistics))
        {
            foreach ((_, ServiceCounter counter) in ServiceNames)
            {
                Add(counters[counter]);
            }
        }

        foreach (SmpCounter unshown in new[] { SmpCounter.QBlocked, SmpCounter.NtfNewCreated, SmpCounter.MsgSentBlock })
        {
            statistics.Take(unshown);
        }

        return string.Join(',', columns);

        void Take(params ReadOnlySpan<SmpCounter> counters)
        {
            foreach (SmpCounter counter in counters)
            {
                Add(statistics.Take(counter));
            }
        }

        void TakeActive(ActiveQueues active)
        {
            columns.Add($"{active.Day.Estimate()}");
            columns.Add(today.DayOfWeek == DayOfWeek.Monday ? $"{active.Week.Estimate()}" : "");
            columns.Add(today.Day == 1 ? $"{active.Month.Estimate()}" : "");
            active.Begin(today);
        }

        void Add(params ReadOnlySpan<long> numbers)
        {
            foreach (long number in numbers)
            {
                columns.Add(number.ToString(CultureInfo.InvariantCulture));
            }
        }
    }

    private static (string Section, Counters<ForwardingCounter> Counters)[] Forwardings(SmpStatistics statistics) =>
        [("pRelays", statistics.Relays), ("pRelaysOwn", statistics.OwnRelays), ("pMsgFwds", statistics.Forwards), ("pMsgFwdsOwn", statistics.OwnForwards)];

    private static (string Section, Counters<ServiceCounter> Counters)[] Services(SmpStatistics statistics) =>
        [("rcvServices", statistics.RecipientServices), ("ntfServices", statistics.NotifierServices)];

    private static IEnumerable<(string Name, DistinctCount Count)> Sketches(SmpStatistics statistics) =>
        from section in new[] { (Name: "activeQueues", Active: statistics.ActiveQueues), (Name: "activeQueuesNtf", Active: statistics.ActiveNotifiedQueues) }
        from period in new[] { (Name: "day", Count: section.Active.Day), (Name: "week", Count: section.Active.Week), (Name: "month", Count: section.Active.Month) }
        select ($"{section.Name}.{period.Name}", period.Count);

    private static void WriteSection<T>(StringBuilder text, string section, (string Name, T Counter)[] names, Counters<T> counters)
        where T : struct, Enum
    {
        text.Append(section).Append(":\n");
        foreach ((string name, T counter) in names)
        {
            text.Append(CultureInfo.InvariantCulture, $"{name}={counters[counter]}\n");
        }
    }
}
