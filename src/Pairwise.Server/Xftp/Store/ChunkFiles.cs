using Microsoft.Win32.SafeHandles;
using Pairwise.Protocol.Xftp;
using Pairwise.Server.Interop;
using Pairwise.Wire;

namespace Pairwise.Server.Xftp.Store;

/// <summary>
/// The content of chunks on the disk: one file each, by the reference's names. An upload is written under another name and
/// gets its own when it is whole, so that a crash leaves no half chunk, and what it leaves is removed at the next start.
/// </summary>
internal sealed class ChunkFiles : IAsyncDisposable
{
    private const string PartSuffix = ".part";

    // More at once do not make a disk faster, and each holds a thread.
    private const int ConcurrentFlushes = 4;

    private readonly string _folder;
    private readonly SemaphoreSlim _flushes = new(ConcurrentFlushes, ConcurrentFlushes);
    private readonly GroupedFlush _names;
    private long _uploads;

    public ChunkFiles(string folder)
    {
        _folder = Path.GetFullPath(folder);
        Directory.CreateDirectory(_folder);
        _names = new GroupedFlush(() => LibC.FlushFolder(_folder));
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

    /// <summary>Completes when the content of an upload is on the disk; its name may not be yet.</summary>
    /// <exception cref="IOException">The disk refused.</exception>
    public async ValueTask FlushAsync(SafeFileHandle part, CancellationToken cancellationToken)
    {
        await _flushes.WaitAsync(cancellationToken);
        try
        {
            RandomAccess.FlushToDisk(part);
        }
        finally
        {
            _flushes.Release();
        }
    }

    /// <summary>Gives a whole upload its own name. <see cref="WhenNamedAsync"/> waits until the disk knows it.</summary>
    public void Complete(string part, string path)
    {
        File.Move(part, path, overwrite: true);
        _names.Add();
    }

    /// <summary>Completes when the names given before the call are on the disk.</summary>
    /// <exception cref="IOException">The disk refused.</exception>
    public ValueTask WhenNamedAsync() => _names.WhenFlushedAsync();

    /// <summary>Removes a file if it is there.</summary>
    /// <exception cref="IOException">It cannot be removed; also as <see cref="UnauthorizedAccessException"/>.</exception>
    public static void Remove(string path)
    {
        if (File.Exists(path) || Directory.Exists(path))
        {
            File.Delete(path);
        }
    }

    /// <summary>Removes what is left of an upload; false where the disk refuses: the next start tries again.</summary>
    public static bool TryRemovePart(string path)
    {
        try
        {
            Remove(path);
            return true;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

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
    /// <param name="owned">The paths of all content.</param>
    /// <param name="isComplete">Whether what is not among them certainly has no owner; otherwise it is only counted.</param>
    public (long Removed, long Kept) RemoveOrphans(HashSet<string> owned, bool isComplete)
    {
        long removed = 0;
        long kept = 0;
        foreach (var path in Directory.EnumerateFiles(_folder))
        {
            var name = Path.GetFileName(path);
            var isPart = IsPartName(name);
            if (owned.Contains(path) || !(isPart || IsChunkName(name)))
            {
                continue;
            }

            if (isComplete || isPart)
            {
                File.Delete(path);
                removed++;
            }
            else
            {
                kept++;
            }
        }

        return (removed, kept);
    }

    public async ValueTask DisposeAsync()
    {
        await _names.DisposeAsync();
        _flushes.Dispose();
    }

    // Only what is certainly ours: a folder of somebody else's files may have been given by mistake.
    private static bool IsChunkName(string name) =>
        TextEncoding.TryFromBase64Url(name, out var id) && id.Length == XftpLimits.ChunkIdLength;

    // part = chunk "." number ".part"
    private static bool IsPartName(string name) =>
        name.EndsWith(PartSuffix, StringComparison.Ordinal) && IsChunkName(name.Split('.')[0]);

    private static bool IsWhole(string path, uint size)
    {
        var file = new FileInfo(path);
        return file.Exists && file.Length == size;
    }
}
