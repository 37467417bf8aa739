using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;
using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.Protocol.Xftp;
using Pairwise.Server.Xftp.Operation;
using Pairwise.Server.Xftp.Store;
using Pairwise.Wire;

namespace Pairwise.Server.Xftp;

/// <summary>What a command comes to: an answer, and for a download what follows it.</summary>
internal readonly record struct XftpAnswer(XftpResponse Response, ChunkDownload? Download = null)
{
    public static implicit operator XftpAnswer(XftpResponse response) => new(response);

    public static implicit operator XftpAnswer(XftpError error) => new(new XftpResponse.Err(error));
}

/// <summary>Authorizes commands and carries them out. Thread-safe; it holds nothing of a connection.</summary>
internal sealed partial class XftpDispatcher(XftpServerOptions options, ChunkStore store, ChunkFiles files, XftpStatistics statistics, DownloadedChunks downloaded, ILogger logger)
{
    // Chunks of which an upload is being named; completed when it has its name or was refused.
    private readonly ConcurrentDictionary<StoredChunk, Task> _naming = new();
    private int _isDiskRefusing;
    private int _isLogRefusing;

    /// <summary>Handles one transmission; <paramref name="body"/> is what follows its block.</summary>
    public async ValueTask<XftpAnswer> HandleAsync(XftpAgreement agreement, TransmissionFormat format, Transmission transmission, PipeReader body, CancellationToken cancellationToken)
    {
        if (!TryAuthorize(agreement, format, transmission, out var command, out var chunk, out var error))
        {
            return error;
        }

        switch (command)
        {
            case XftpCommand.Ping:
                return XftpResponse.Pong.Instance;
            case XftpCommand.Get get:
                return Download(chunk!, get.Key);
            case XftpCommand.Put:
                return await UploadAsync(chunk!, body, cancellationToken);
            case XftpCommand.New create:
                return await WhenStoredAsync(Create(create));
            case XftpCommand.Add add:
                return await WhenStoredAsync(AddRecipients(chunk!, add));
            case XftpCommand.Ack:
                return await WhenStoredAsync(Acknowledge((ChunkId)transmission.Entity));
            case XftpCommand.Delete:
                return await DeleteAsync(chunk!) is { } refused ? refused : XftpResponse.Ok.Instance;
            default:
                throw new UnreachableException();
        }
    }

    /// <summary>Deletes a chunk for everybody, and what it had on the disk; null when that is done.</summary>
    public Task<XftpError?> DeleteAsync(StoredChunk chunk) =>
        RemoveAsync(chunk, XftpCounter.FilesDeleted, store.Delete(chunk, out var path), path);

    /// <summary>Blocks a chunk and removes what it had on the disk; null when that is done.</summary>
    public Task<XftpError?> BlockAsync(StoredChunk chunk, XftpError.Blocked reason) =>
        RemoveAsync(chunk, XftpCounter.FilesBlocked, store.Block(chunk, reason, out var path), path);

    /// <summary>Removes chunks that got too old, as many as can be removed.</summary>
    /// <exception cref="IOException">The log cannot be written, or not all content could be removed.</exception>
    public async Task ExpireAsync(IReadOnlyList<StoredChunk> chunks)
    {
        var expired = new List<(StoredChunk Chunk, string? Path)>();
        foreach (var chunk in chunks)
        {
            if (store.Delete(chunk, out var path) is null)
            {
                expired.Add((chunk, path));
            }
        }

        await store.WhenWrittenAsync();
        Exception? first = null;
        foreach (var (chunk, path) in expired)
        {
            try
            {
                RemoveContent(chunk, path);
            }
            catch (Exception fault) when (IsOfDisk(fault))
            {
                first ??= fault;
            }

            statistics.Add(XftpCounter.FilesExpired);
        }

        if (first is not null)
        {
            throw new IOException(first.Message, first);
        }
    }

    private bool TryAuthorize(
        XftpAgreement agreement,
        TransmissionFormat format,
        in Transmission transmission,
        [NotNullWhen(true)] out XftpCommand? command,
        out StoredChunk? chunk,
        [NotNullWhen(false)] out XftpError? error)
    {
        chunk = null;
        if (!transmission.TryDecodeCommand(out command, out error) || command is XftpCommand.Ping)
        {
            return error is null;
        }

        PublicKey? key;
        XftpError.Blocked? block = null;
        switch (command)
        {
            case XftpCommand.New create:
                key = create.Chunk.SenderKey;
                break;
            case XftpCommand.SenderCommand:
                store.TryFindAsSender((ChunkId)transmission.Entity, out chunk, out block);
                key = chunk?.SenderKey;
                break;
            default:
                store.TryFindAsRecipient((ChunkId)transmission.Entity, out chunk, out key, out block);
                break;
        }

        // Who asks for what is blocked hears so before anything is verified, as from the reference.
        error = block ?? (XftpAuthorizer.Verify(key, agreement.SessionKey, transmission, transmission.GetSigned(format, default)) ? null : (XftpError)XftpError.Auth.Instance);
        return error is null;
    }

    // No answer leaves before what it promises is stored.
    private async ValueTask<XftpResponse> WhenStoredAsync(XftpResponse response)
    {
        try
        {
            await store.WhenWrittenAsync();
        }
        catch (IOException)
        {
            response = new XftpResponse.Err(XftpError.Internal.Instance);
        }

        if (response is not XftpResponse.Err)
        {
            Volatile.Write(ref _isLogRefusing, 0);
        }
        else if (response is XftpResponse.Err { Error: XftpError.Internal } && Interlocked.Exchange(ref _isLogRefusing, 1) == 0)
        {
            Log.LogRefuses(logger);
        }

        return response;
    }

    private XftpResponse Create(XftpCommand.New create)
    {
        if (!options.AllowNewChunks || (options.CreatePassword is { } password && !password.Equals(create.Password)))
        {
            return new XftpResponse.Err(XftpError.Auth.Instance);
        }

        if (!ChunkPlan.IsAllowed(create.Chunk.Size))
        {
            return new XftpResponse.Err(XftpError.Size.Instance);
        }

        var ids = store.Register(create.Chunk, create.RecipientKeys, options.Time.GetUtcNow().ToUnixTimeSeconds());
        if (ids is XftpResponse.SenderIds)
        {
            statistics.Add(XftpCounter.FilesCreated);
            statistics.Add(XftpCounter.FileRecipients, create.RecipientKeys.Count);
        }

        return ids;
    }

    private XftpResponse AddRecipients(StoredChunk chunk, XftpCommand.Add add)
    {
        var added = store.AddRecipients(chunk, add.RecipientKeys);
        if (added is XftpResponse.RecipientIds)
        {
            statistics.Add(XftpCounter.FileRecipients, add.RecipientKeys.Count);
        }

        return added;
    }

    private XftpResponse Acknowledge(ChunkId recipient)
    {
        if (store.Acknowledge(recipient) is { } error)
        {
            return new XftpResponse.Err(error);
        }

        statistics.Add(XftpCounter.FileDownloadAcks);
        return XftpResponse.Ok.Instance;
    }

    private async ValueTask<XftpAnswer> UploadAsync(StoredChunk chunk, PipeReader body, CancellationToken cancellationToken)
    {
        if (store.PathOf(chunk) is not null)
        {
            // It is there already: a client that did not hear so may send it again, and has to be let.
            return await ChunkUpload.CountAsync(body, chunk.Size, cancellationToken) >= chunk.Size
                ? await WhenStoredAsync(XftpResponse.Ok.Instance)
                : XftpError.Size.Instance;
        }

        if (!store.TryReserve(chunk.Size))
        {
            return XftpError.Quota.Instance;
        }

        var isCommitted = false;
        string? part = null;
        try
        {
            using (var file = files.CreatePart(chunk, out part))
            {
                if (await ChunkUpload.ReceiveAsync(body, file, chunk, cancellationToken) is { } error)
                {
                    return error;
                }

                await files.FlushAsync(file, cancellationToken);
            }

            (isCommitted, var refused) = await CommitAsync(chunk, part);
            Volatile.Write(ref _isDiskRefusing, 0);
            return refused is null ? await WhenStoredAsync(XftpResponse.Ok.Instance) : refused;
        }
        catch (Exception fault) when (IsOfDisk(fault) && !cancellationToken.IsCancellationRequested)
        {
            if (Interlocked.Exchange(ref _isDiskRefusing, 1) == 0)
            {
                Log.DiskRefuses(logger, DiskFaults.Describe(fault));
            }

            return XftpError.FileIO.Instance;
        }
        finally
        {
            if (!isCommitted)
            {
                store.Release(chunk.Size);
                if (part is not null)
                {
                    ChunkFiles.TryRemovePart(part);
                }
            }
        }
    }

    // The content is on the disk under its name before the log says so: a failure in between leaves a file that no chunk
    // owns, which the next start removes. Uploads of one chunk at the same time have one content and one name.
    // They get it one after the other: a name that the log refuses is removed, and must not be that of another upload.
    private async ValueTask<(bool IsCommitted, XftpError? Error)> CommitAsync(StoredChunk chunk, string part)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        while (_naming.GetOrAdd(chunk, ended.Task) is var naming && naming != ended.Task)
        {
            await naming;
        }

        try
        {
            return store.PathOf(chunk) is null ? await NameAsync(chunk, part) : (false, null);
        }
        finally
        {
            _naming.TryRemove(chunk, out _);
            ended.SetResult();
        }
    }

    private async ValueTask<(bool IsCommitted, XftpError? Error)> NameAsync(StoredChunk chunk, string part)
    {
        var path = files.PathFor(chunk.SenderId);
        files.Complete(part, path);
        try
        {
            await files.WhenNamedAsync();
        }
        catch (IOException)
        {
            ChunkFiles.Remove(path);
            throw;
        }

        if (store.TryCommit(chunk, path, out var error))
        {
            statistics.Add(XftpCounter.FilesUploaded);
            statistics.Add(XftpCounter.FilesCount);
            statistics.Add(XftpCounter.FilesSize, chunk.Size);
            return (true, null);
        }

        if (error is not null)
        {
            ChunkFiles.Remove(path);
        }

        return (false, error);
    }

    private async Task<XftpError?> RemoveAsync(StoredChunk chunk, XftpCounter counter, XftpError? error, string? path)
    {
        if (error is not null)
        {
            return error;
        }

        try
        {
            await store.WhenWrittenAsync();
            RemoveContent(chunk, path);
        }
        catch (Exception fault) when (IsOfDisk(fault))
        {
            return XftpError.FileIO.Instance;
        }

        statistics.Add(counter);
        return null;
    }

    private static bool IsOfDisk(Exception fault) => fault is IOException or UnauthorizedAccessException;

    // What cannot be removed stays counted; the next start finds a file that no chunk owns, and tries again.
    private void RemoveContent(StoredChunk chunk, string? path)
    {
        if (path is null)
        {
            return;
        }

        ChunkFiles.Remove(path);
        store.Release(chunk.Size);
        statistics.Add(XftpCounter.FilesCount, -1);
        statistics.Add(XftpCounter.FilesSize, -chunk.Size);
    }

    private XftpAnswer Download(StoredChunk chunk, X25519PublicKey recipientKey)
    {
        if (store.PathOf(chunk) is not { } path)
        {
            return XftpError.NoFile.Instance;
        }

        SafeFileHandle? file;
        try
        {
            if (!ChunkDownload.TryOpen(path, chunk.Size, out file))
            {
                return XftpError.Auth.Instance;
            }
        }
        catch (Exception fault) when (IsOfDisk(fault))
        {
            return XftpError.FileIO.Instance;
        }

        using var key = X25519PrivateKey.Generate(options.Random);
        using var secret = key.DeriveSharedSecret(recipientKey);
        using var box = BoxKey.From(secret);
        var nonce = BoxNonce.Random(options.Random);
        statistics.Add(XftpCounter.FileDownloads);
        downloaded.Add(chunk.SenderId);
        return new XftpAnswer(new XftpResponse.File(key.PublicKey, Bytes.Wrap(nonce)), new ChunkDownload(file, chunk.Size, box.StartStream(nonce)));
    }

    private static partial class Log
    {
        [LoggerMessage(2106, LogLevel.Error, "The disk refuses uploads, which are answered with FILE_IO until it takes one again: {Reason}.")]
        public static partial void DiskRefuses(ILogger logger, string reason);

        [LoggerMessage(2107, LogLevel.Error, "The store log or database cannot be written: commands that change it are answered with INTERNAL until it can.")]
        public static partial void LogRefuses(ILogger logger);
    }
}
