using System.Globalization;
using System.Text;

namespace Pairwise.Server.Xftp.Operation;

/// <summary>The statistics that a server saves when it stops and restores when it starts, in the reference's form.</summary>
internal static class XftpStatisticsFile
{
    // The order of the reference, with the distinct downloads between the two halves.
    private static readonly (string Name, XftpCounter Counter)[] Before =
    [
        ("filesCreated", XftpCounter.FilesCreated),
        ("fileRecipients", XftpCounter.FileRecipients),
        ("filesUploaded", XftpCounter.FilesUploaded),
        ("filesExpired", XftpCounter.FilesExpired),
        ("filesDeleted", XftpCounter.FilesDeleted),
        ("filesBlocked", XftpCounter.FilesBlocked),
        ("filesCount", XftpCounter.FilesCount),
        ("filesSize", XftpCounter.FilesSize),
    ];

    private static readonly (string Name, XftpCounter Counter)[] After =
    [
        ("fileDownloads", XftpCounter.FileDownloads),
        ("fileDownloadAcks", XftpCounter.FileDownloadAcks),
    ];

    public static string Write(XftpStatistics statistics, DownloadedChunks downloaded)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"fromTime={statistics.From:yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'}\n");
        Append(Before);
        var (day, week, month) = downloaded.Hashes;
        text.Append(CultureInfo.InvariantCulture, $"filesDownloaded:\ndayHashes={Join(day)}\nweekHashes={Join(week)}\nmonthHashes={Join(month)}\n");
        Append(After);
        return text.ToString();

        void Append((string Name, XftpCounter Counter)[] entries)
        {
            foreach (var (name, counter) in entries)
            {
                text.Append(CultureInfo.InvariantCulture, $"{name}={statistics[counter]}\n");
            }
        }

        static string Join(long[] hashes) => string.Join(',', hashes.Select(hash => hash.ToString(CultureInfo.InvariantCulture)));
    }

    /// <summary>Sets what the lines say; what the store knows itself (count and size) stays, and unknown lines are left out.</summary>
    public static void Restore(IEnumerable<string> lines, XftpStatistics statistics, DownloadedChunks downloaded)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in lines)
        {
            var equals = line.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0)
            {
                values[line[..equals]] = line[(equals + 1)..];
            }
        }

        foreach (var (name, counter) in Before.Concat(After))
        {
            if (counter is not (XftpCounter.FilesCount or XftpCounter.FilesSize)
                && values.TryGetValue(name, out var text)
                && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value))
            {
                statistics[counter] = value;
            }
        }

        if (DateTimeOffset.TryParse(values.GetValueOrDefault("fromTime"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var from))
        {
            statistics.From = from;
        }

        downloaded.Restore(Split("dayHashes"), Split("weekHashes"), Split("monthHashes"));

        IEnumerable<long> Split(string name)
        {
            foreach (var part in values.GetValueOrDefault(name, "").Split(',', StringSplitOptions.RemoveEmptyEntries))
            {
                if (long.TryParse(part, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var hash))
                {
                    yield return hash;
                }
            }
        }
    }
}
