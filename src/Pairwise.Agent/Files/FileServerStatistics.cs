using System.Collections.Concurrent;
using Pairwise.Client.Xftp;
using Pairwise.Protocol;
using Pairwise.Protocol.Xftp;

namespace Pairwise.Agent.Files;

/// <summary>What was done at a file server since the program started: the counters of the reference.</summary>
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
    long DeleteErrors);

/// <summary>Counts what is done at file servers, for each user. Thread-safe; in memory only.</summary>
internal sealed class FileServerCounters
{
    private readonly ConcurrentDictionary<(UserId User, ServerAddress Server), FileServerStatistics> _servers = new();

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

    /// <summary>The servers of a user, in the order of their addresses.</summary>
    public IReadOnlyList<FileServerStatistics> Get(UserId user) =>
        [.. _servers.Where(entry => entry.Key.User == user).Select(entry => entry.Value).OrderBy(counted => counted.Server.ToString(), StringComparer.Ordinal)];

    private void Change(UserId user, ServerAddress server, Func<FileServerStatistics, FileServerStatistics> change) => _servers.AddOrUpdate(
        (user, server),
        key => change(new FileServerStatistics(key.Server, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)),
        (_, now) => change(now));

    // A part of a KiB counts as a whole one.
    private static long ToKib(long bytes) => (bytes + 1023) / 1024;
}
