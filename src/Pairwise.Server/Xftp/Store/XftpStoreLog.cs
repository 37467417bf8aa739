using Pairwise.Server.Smp.Logs;

namespace Pairwise.Server.Xftp.Store;

/// <summary>What reading a store log came to. Counts only: a report names no chunk.</summary>
/// <param name="Lines">Lines in the file.</param>
/// <param name="BrokenLines">Lines that are no record.</param>
/// <param name="RefusedRecords">Records about chunks that do not exist (any more), or that contradict earlier ones.</param>
/// <param name="MissingFiles">Chunks whose content is gone or not whole; they count as not uploaded.</param>
/// <param name="OrphanedFiles">Files of no chunk, which were removed.</param>
public sealed record XftpStoreReport(long Lines, long BrokenLines, long RefusedRecords, long MissingFiles, long OrphanedFiles);

/// <summary>
/// Opening a store log: its records are applied to the store, then the file is written anew without what was deleted. The
/// former file stays beside it as ".bak". A start that dies in between is repaired by the next one.
/// </summary>
internal static class XftpStoreLog
{
    /// <summary>Reads, compacts, and opens for appending.</summary>
    public static (XftpLogWriter Writer, XftpStoreReport Report) Open(string path, ChunkStore store)
    {
        // ".start" is what the reference leaves behind when its own start dies, ".new" what ours does.
        foreach (var left in new[] { path + ".start", path + ".new" })
        {
            if (File.Exists(left) && !File.Exists(path))
            {
                File.Move(left, path);
            }
        }

        var report = new XftpStoreReport(0, 0, 0, 0, 0);
        if (File.Exists(path))
        {
            report = Read(path, store);
            WriteAll(path + ".new", store);
            File.Move(path, path + ".bak", overwrite: true);
            File.Move(path + ".new", path);
        }

        return (new XftpLogWriter(path), report);
    }

    private static XftpStoreReport Read(string path, ChunkStore store)
    {
        long broken = 0;
        long refused = 0;
        var lines = LogFileReader.ReadLines(path, (line, _) =>
        {
            if (!XftpLogCodec.TryRead(line, out var record))
            {
                broken++;
            }
            else if (!store.Apply(record))
            {
                refused++;
            }
        });
        return new XftpStoreReport(lines, broken, refused, 0, 0);
    }

    private static void WriteAll(string path, ChunkStore store)
    {
        File.Delete(path);
        using (var writer = new XftpLogWriter(path))
        {
            foreach (var record in store.AllRecords())
            {
                if (!writer.TryWrite(record))
                {
                    throw new XftpServerException($"The store log {path} cannot be written: is the disk full?");
                }
            }
        }

        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite);
        RandomAccess.FlushToDisk(file);
    }
}
