using System.Globalization;
using System.Text;

namespace Pairwise.Server.Smp.Operation;

/// <summary>
/// The counters in two files of the reference's form: what is saved at a stop and restored at a start, and a line of
/// each day. The reference also counts queues in use by hashes of their ids; this relay keeps no such hashes.
/// </summary>
internal static class SmpStatisticsFile
{
    private const string Hashes = "dayHashes=\nweekHashes=\nmonthHashes=\n";
    private const string Forwarding = "requests=0\nsuccesses=0\nerrorsConnect=0\nerrorsCompat=0\nerrorsOther=0\n";

    // The misspelt name is the file's own.
    private const string Service = "assocNew=0\nassocDuplicate=0\nassocUpdatedt=0\nassocRemoved=0\nsubCount=0\nsubDuplicate=0\nsubQueues=0\nsubEnd=0\n";

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
        foreach (string section in new[] { "pRelays", "pRelaysOwn", "pMsgFwds", "pMsgFwdsOwn" })
        {
            text.Append(section).Append(":\n").Append(Forwarding);
        }

        text.Append(CultureInfo.InvariantCulture, $"pMsgFwdsRecv={statistics[SmpCounter.PMsgFwdsRecv]}\n");
        return text.Append("rcvServices:\n").Append(Service).Append("ntfServices:\n").Append(Service).ToString();
    }

    /// <summary>Restores the counters of a text; names it does not know are left out.</summary>
    /// <returns>Since when was counted, or null when the text does not say so.</returns>
    public static DateTimeOffset? Restore(string text, SmpStatistics statistics)
    {
        DateTimeOffset? from = null;
        foreach (string line in text.Split('\n'))
        {
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

            foreach ((string known, SmpCounter counter) in Names)
            {
                if (known == name && long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out long number))
                {
                    statistics[counter] = number;
                }
            }
        }

        return from;
    }

    /// <summary>The line of one day, in the reference's columns, and sets the counters back to zero.</summary>
    public static string TakeDay(SmpStatistics statistics, SmpGauges gauges, DateTimeOffset from)
    {
        List<string> columns = [from.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)];
        Take(SmpCounter.QCreated, SmpCounter.QSecured, SmpCounter.QDeletedAll, SmpCounter.MsgSent, SmpCounter.MsgRecv);
        Add(0, 0, 0);
        Take(SmpCounter.MsgSentNtf, SmpCounter.MsgRecvNtf);
        Add(0, 0, 0, gauges.Queues, gauges.Messages);
        Take(SmpCounter.MsgExpired, SmpCounter.QDeletedNew, SmpCounter.QDeletedSecured);
        Add(new long[20]);
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
        Add(gauges.Notifiers, 0, 0, 0, 0);
        Add(new long[16]);
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

        void Add(params ReadOnlySpan<long> numbers)
        {
            foreach (long number in numbers)
            {
                columns.Add(number.ToString(CultureInfo.InvariantCulture));
            }
        }
    }
}
