using Pairwise.Server.Smp.Logs;

namespace Pairwise.Server.Xftp.Store;

/// <summary>What restoring the state came to. Counts only: a report names no chunk.</summary>
/// <param name="Lines">Lines in the log.</param>
/// <param name="BrokenLines">Lines that are no record, without a torn last one.</param>
/// <param name="RefusedRecords">Records about chunks that do not exist (any more), or that contradict earlier ones.</param>
/// <param name="HasTornLastLine">Whether the log ended in the middle of a line, as after a power failure.</param>
/// <param name="MissingFiles">Chunks whose content is gone or not whole; they count as not uploaded.</param>
/// <param name="OrphanedFiles">Files of no chunk, which were removed.</param>
/// <param name="KeptFiles">Files of no chunk that were kept, since the log may have lost what it knew of them.</param>
public sealed record XftpStoreReport(
    long Lines, long BrokenLines, long RefusedRecords, bool HasTornLastLine, long MissingFiles, long OrphanedFiles, long KeptFiles)
{
    /// <summary>Nothing was there.</summary>
    public static XftpStoreReport Empty { get; } = new(0, 0, 0, false, 0, 0, 0);
}

/// <summary>
/// Opening a store log: its records are applied to the store, then the file is written anew without what was deleted. The
/// former file stays beside it under the time of the start.
/// </summary>
internal static class XftpStoreLog
{
    /// <summary>Reads, compacts, and opens for appending.</summary>
    public static (XftpLogWriter Writer, XftpStoreReport Report) Open(string path, ChunkStore store, DateTimeOffset now)
    {
        LogCompaction.Repair(path);
        var report = XftpStoreReport.Empty;
        if (File.Exists(path))
        {
            report = Read(path, store);
            LogCompaction.Run(path, now, () => WriteAll(path, store));
        }

        return (new XftpLogWriter(path), report);
    }

    /// <summary>Applies every record of a log to a store that has no log of its own yet.</summary>
    public static XftpStoreReport Read(string path, ChunkStore store)
    {
        long broken = 0;
        long refused = 0;
        var isLastTorn = false;
        var lines = LogFileReader.ReadLines(path, (line, isTorn) =>
        {
            // A torn line was never answered for, and may read as a shorter one.
            isLastTorn |= isTorn;
            if (isTorn)
            {
                return;
            }

            if (!XftpLogCodec.TryRead(line, out var record))
            {
                broken++;
            }
            else if (!store.Apply(record))
            {
                refused++;
            }
        });
        return XftpStoreReport.Empty with { Lines = lines, BrokenLines = broken, RefusedRecords = refused, HasTornLastLine = isLastTorn };
    }

    /// <summary>Writes the whole store as a log, onto the disk.</summary>
    public static void WriteAll(string path, ChunkStore store)
    {
        using FileStream file = new(path, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 1 << 20);
        LogLineWriter line = new();
        foreach (var record in store.AllRecords())
        {
            line.Clear();
            XftpLogCodec.Write(line, record);
            line.Text("\n"u8);
            file.Write(line.Written);
        }

        file.Flush(flushToDisk: true);
    }
}
