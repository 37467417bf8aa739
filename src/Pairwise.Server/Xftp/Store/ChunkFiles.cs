using Microsoft.Win32.SafeHandles;
using Pairwise.Protocol.Xftp;
using Pairwise.Wire;

namespace Pairwise.Server.Xftp.Store;

/// <summary>
/// The content of chunks on the disk: one file each, by the reference's names. An upload is written under another name and
/// gets its own when it is whole, so that a crash leaves no half chunk, and what it leaves is removed at the next start.
/// </summary>
internal sealed class ChunkFiles
{
    private const string PartSuffix = ".part";

    private readonly string _folder;
    private long _uploads;

    public ChunkFiles(string folder)
    {
        _folder = Path.GetFullPath(folder);
        Directory.CreateDirectory(_folder);
    }

    /// <summary>Opens a new file for an upload. The caller closes it, then moves it with <see cref="Complete"/> or removes it.</summary>
    public SafeFileHandle CreatePart(StoredChunk chunk, out string path)
    {
        path = $"{PathFor(chunk.SenderId)}.{Interlocked.Increment(ref _uploads)}{PartSuffix}";
        return File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write, FileShare.None);
    }

    /// <summary>Where the whole content of a chunk belongs.</summary>
    public string PathFor(ChunkId id)
    {
        var value = id.Value;
        return Path.Combine(_folder, TextEncoding.ToBase64Url(value.Span));
    }

    /// <summary>Gives a whole upload its own name.</summary>
    public static void Complete(string part, string path) => File.Move(part, path, overwrite: true);

    /// <summary>Removes a file if it is there.</summary>
    public static void Remove(string path) => File.Delete(path);

    /// <summary>
    /// At the start: where the content that the log remembers is. The folder may have been moved since, so the same name in
    /// this one will do. Null if it is nowhere, or not as long as it should be.
    /// </summary>
    public string? Locate(string loggedPath, uint size)
    {
        var moved = Path.Combine(_folder, Path.GetFileName(loggedPath));
        return IsWhole(moved, size) ? moved : IsWhole(loggedPath, size) ? loggedPath : null;
    }

    /// <summary>At the start: removes uploads that were not finished, and content that no chunk owns.</summary>
    /// <returns>How many files were removed.</returns>
    public long RemoveOrphans(HashSet<string> owned)
    {
        long removed = 0;
        foreach (var path in Directory.EnumerateFiles(_folder))
        {
            var name = Path.GetFileName(path);
            if (!owned.Contains(path) && (name.EndsWith(PartSuffix, StringComparison.Ordinal) || IsChunkName(name)))
            {
                File.Delete(path);
                removed++;
            }
        }

        return removed;
    }

    // Only what is certainly ours: a folder of somebody else's files may have been given by mistake.
    private static bool IsChunkName(string name) =>
        TextEncoding.TryFromBase64Url(name, out var id) && id.Length == XftpLimits.ChunkIdLength;

    private static bool IsWhole(string path, uint size)
    {
        var file = new FileInfo(path);
        return file.Exists && file.Length == size;
    }
}
