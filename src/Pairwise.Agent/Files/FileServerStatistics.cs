using Pairwise.Client.Xftp;
using Pairwise.Protocol;
using Pairwise.Protocol.Xftp;

namespace Pairwise.Agent.Files;

/// <summary>What was done at a file server since its counters were reset: the counters of the reference.</summary>
/// <param name="Server">The server.</param>
/// <param name="Uploads">Chunks that it took.</param>
/// <param name="UploadsSize">Their size, in KiB.</param>
/// <param name="UploadAttempts">How often that was tried.</param>
/// <param name="UploadErrors">How often it failed.</param>
/// <param name="Downloads">Chunks that it gave.</param>
/// <param name="DownloadsSize">Their size, in KiB.</param>
/// <param name="DownloadAttempts">How often that was tried.</param>
/// <param name="DownloadAuthErrors">How often it said that there is no such chunk, or not for us.</param>
/// <param name="DownloadErrors">How often it failed otherwise.</param>
/// <param name="Deletions">Chunks that it deleted.</param>
/// <param name="DeleteAttempts">How often that was tried.</param>
/// <param name="DeleteErrors">How often it failed.</param>
public sealed record FileServerStatistics(
    ServerAddress Server,
    long Uploads,
    long UploadsSize,
    long UploadAttempts,
    long UploadErrors,
    long Downloads,
    long DownloadsSize,
    long DownloadAttempts,
    long DownloadAuthErrors,
    long DownloadErrors,
    long Deletions,
    long DeleteAttempts,
    long DeleteErrors)
{
    /// <summary>Nothing was done yet.</summary>
    public static FileServerStatistics None(ServerAddress server) => new(server, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

    /// <summary>What was done in both.</summary>
    public FileServerStatistics Plus(FileServerStatistics other) => new(
        Server,
        Uploads + other.Uploads,
        UploadsSize + other.UploadsSize,
        UploadAttempts + other.UploadAttempts,
        UploadErrors + other.UploadErrors,
        Downloads + other.Downloads,
        DownloadsSize + other.DownloadsSize,
        DownloadAttempts + other.DownloadAttempts,
        DownloadAuthErrors + other.DownloadAuthErrors,
        DownloadErrors + other.DownloadErrors,
        Deletions + other.Deletions,
        DeleteAttempts + other.DeleteAttempts,
        DeleteErrors + other.DeleteErrors);
}

/// <summary>Counts what is done at file servers, for each user, until that is stored. Thread-safe.</summary>
internal sealed class FileServerCounters
{
    private readonly Lock _lock = new();
    private Dictionary<(UserId User, ServerAddress Server), FileServerStatistics> _servers = [];

    public void Upload(UserId user, ServerAddress server, long size, XftpClientError? error) => Change(user, server, now => now with
    {
        UploadAttempts = now.UploadAttempts + 1,
        Uploads = now.Uploads + (error is null ? 1 : 0),
        UploadsSize = now.UploadsSize + (error is null ? ToKib(size) : 0),
        UploadErrors = now.UploadErrors + (error is null ? 0 : 1),
    });

    public void Download(UserId user, ServerAddress server, long size, XftpClientError? error)
    {
        var isAuth = error is XftpClientError.Server { Error: XftpError.Auth };
        Change(user, server, now => now with
        {
            DownloadAttempts = now.DownloadAttempts + 1,
            Downloads = now.Downloads + (error is null ? 1 : 0),
            DownloadsSize = now.DownloadsSize + (error is null ? ToKib(size) : 0),
            DownloadAuthErrors = now.DownloadAuthErrors + (isAuth ? 1 : 0),
            DownloadErrors = now.DownloadErrors + (error is null || isAuth ? 0 : 1),
        });
    }

    public void Deletion(UserId user, ServerAddress server, XftpClientError? error) => Change(user, server, now => now with
    {
        DeleteAttempts = now.DeleteAttempts + 1,
        Deletions = now.Deletions + (error is null ? 1 : 0),
        DeleteErrors = now.DeleteErrors + (error is null ? 0 : 1),
    });

    /// <summary>What was counted and is not stored yet.</summary>
    public IReadOnlyList<FileServerStatistics> Get(UserId user)
    {
        lock (_lock) return [.. _servers.Where(entry => entry.Key.User == user).Select(static entry => entry.Value)];
    }

    /// <summary>Takes all that was counted, to store it; <see cref="Return"/> is for what could not be stored.</summary>
    public IReadOnlyDictionary<(UserId User, ServerAddress Server), FileServerStatistics> Take()
    {
        lock (_lock)
        {
            var taken = _servers;
            _servers = [];
            return taken;
        }
    }

    /// <summary>Counts what was taken once more.</summary>
    public void Return(IReadOnlyDictionary<(UserId User, ServerAddress Server), FileServerStatistics> taken)
    {
        foreach (var ((user, server), counted) in taken) Change(user, server, now => now.Plus(counted));
    }

    private void Change(UserId user, ServerAddress server, Func<FileServerStatistics, FileServerStatistics> change)
    {
        lock (_lock) _servers[(user, server)] = change(_servers.GetValueOrDefault((user, server)) ?? FileServerStatistics.None(server));
    }

    // A part of a KiB counts as a whole one.
    private static long ToKib(long bytes) => (bytes + 1023) / 1024;
}
