using System.Globalization;
using Pairwise.Server.Interop;

namespace Pairwise.Server.Smp.Logs;

/// <summary>
/// Writing a log anew at the start. The former file is moved away in two steps (".start", then the time of the start), so
/// that a start that dies in between is repaired by the next one, ours or the reference's.
/// </summary>
internal static class LogCompaction
{
    private const int MinOldBackups = 3;
    private static readonly TimeSpan RecentBackups = TimeSpan.FromDays(1);
    private static readonly TimeSpan BackupLifetime = TimeSpan.FromDays(21);

    /// <summary>Takes back what an interrupted compaction left; true if there was any.</summary>
    public static bool Repair(string path)
    {
        string interrupted = path + ".start";
        if (!File.Exists(interrupted))
        {
            return false;
        }

        if (File.Exists(path))
        {
            File.Move(path, path + ".bak", overwrite: true);
        }

        File.Move(interrupted, path);
        return true;
    }

    /// <summary>Sets the former file aside, has the new one written, and removes the oldest of the former ones.</summary>
    public static void Run(string path, DateTimeOffset now, Action write)
    {
        string interrupted = path + ".start";
        File.Move(path, interrupted, overwrite: true);
        write();
        LibC.FlushFolder(FolderOf(path));
        File.Move(interrupted, path + "." + BackupName(now), overwrite: true);
        RemoveOldBackups(path, now);
    }

    private static string FolderOf(string path) => Path.GetDirectoryName(Path.GetFullPath(path))!;

    private static string BackupName(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'", CultureInfo.InvariantCulture);

    // Of the copies older than a day the last three stay, and the others for three weeks.
    private static void RemoveOldBackups(string path, DateTimeOffset now)
    {
        string prefix = Path.GetFileName(path) + ".";
        List<(DateTimeOffset Time, string Path)> backups = [];
        foreach (string file in Directory.EnumerateFiles(FolderOf(path), prefix + "*"))
        {
            string name = Path.GetFileName(file);
            if (name.StartsWith(prefix, StringComparison.Ordinal)
                && DateTimeOffset.TryParse(name.AsSpan(prefix.Length), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time)
                && time < now - RecentBackups)
            {
                backups.Add((time, file));
            }
        }

        backups.Sort((a, b) => a.Time.CompareTo(b.Time));
        foreach ((DateTimeOffset time, string file) in backups.SkipLast(MinOldBackups))
        {
            if (time < now - BackupLifetime)
            {
                File.Delete(file);
            }
        }
    }
}
