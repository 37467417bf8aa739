using System.Diagnostics;
using System.IO.Pipelines;
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
internal sealed class XftpDispatcher(XftpServerOptions options, ChunkStore store, ChunkFiles files, XftpStatistics statistics, DownloadedChunks downloaded)
{
    /// <summary>Handles one transmission; <paramref name="body"/> is what follows its block.</summary>
    public ValueTask<XftpAnswer> HandleAsync(XftpAgreement agreement, TransmissionFormat format, Transmission transmission, PipeReader body, CancellationToken cancellationToken)
    {
        if (!transmission.TryDecodeCommand(out var command, out var error))
        {
            return new(error);
        }

        var signed = transmission.GetSigned(format, default);
        switch (command)
        {
            case XftpCommand.Ping:
                return new(XftpResponse.Pong.Instance);
            case XftpCommand.New create:
                return new(XftpAuthorizer.Verify(create.Chunk.SenderKey, agreement.SessionKey, transmission, signed) ? Create(create) : XftpError.Auth.Instance);
            case XftpCommand.SenderCommand sender:
                {
                    var isFound = store.TryFindAsSender((ChunkId)transmission.Entity, out var chunk, out var block);
                    if (block is not null)
                    {
                        return new(block);
                    }

                    return !XftpAuthorizer.Verify(chunk?.SenderKey, agreement.SessionKey, transmission, signed) || !isFound
                        ? new(XftpError.Auth.Instance)
                        : HandleAsync(sender, chunk!, body, cancellationToken);
                }

            case XftpCommand.RecipientCommand recipient:
                {
                    var id = (ChunkId)transmission.Entity;
                    var isFound = store.TryFindAsRecipient(id, out var chunk, out var key, out var block);
                    if (block is not null)
                    {
                        return new(block);
                    }

                    return new(XftpAuthorizer.Verify(key, agreement.SessionKey, transmission, signed) && isFound ? Handle(recipient, id, chunk!) : XftpError.Auth.Instance);
                }

            default:
                throw new UnreachableException();
        }
    }

    /// <summary>Removes what a chunk had on the disk, if it had anything.</summary>
    internal void RemoveContent(StoredChunk chunk, string? path)
    {
        if (path is null)
        {
            return;
        }

        ChunkFiles.Remove(path);
        statistics.Add(XftpCounter.FilesCount, -1);
        statistics.Add(XftpCounter.FilesSize, -chunk.Size);
    }

    private async ValueTask<XftpAnswer> HandleAsync(XftpCommand.SenderCommand command, StoredChunk chunk, PipeReader body, CancellationToken cancellationToken)
    {
        switch (command)
        {
            case XftpCommand.Add add:
                var added = store.AddRecipients(chunk, add.RecipientKeys);
                if (added is XftpResponse.RecipientIds)
                {
                    statistics.Add(XftpCounter.FileRecipients, add.RecipientKeys.Count);
                }

                return added;
            case XftpCommand.Put:
                return await UploadAsync(chunk, body, cancellationToken);
            case XftpCommand.Delete:
                return Delete(chunk);
            default:
                throw new UnreachableException();
        }
    }

    private XftpAnswer Handle(XftpCommand.RecipientCommand command, ChunkId id, StoredChunk chunk)
    {
        switch (command)
        {
            case XftpCommand.Get get:
                return Download(chunk, get.Key);
            case XftpCommand.Ack:
                if (store.Acknowledge(id) is { } error)
                {
                    return error;
                }

                statistics.Add(XftpCounter.FileDownloadAcks);
                return XftpResponse.Ok.Instance;
            default:
                throw new UnreachableException();
        }
    }

    private XftpAnswer Create(XftpCommand.New create)
    {
        if (!options.AllowNewChunks || (options.CreatePassword is { } password && !password.Equals(create.Password)))
        {
            return XftpError.Auth.Instance;
        }

        if (!ChunkPlan.IsAllowed(create.Chunk.Size))
        {
            return XftpError.Size.Instance;
        }

        var ids = store.Register(create.Chunk, create.RecipientKeys, options.Time.GetUtcNow().ToUnixTimeSeconds());
        if (ids is null)
        {
            return XftpError.Internal.Instance;
        }

        statistics.Add(XftpCounter.FilesCreated);
        statistics.Add(XftpCounter.FileRecipients, create.RecipientKeys.Count);
        return ids;
    }

    private async ValueTask<XftpAnswer> UploadAsync(StoredChunk chunk, PipeReader body, CancellationToken cancellationToken)
    {
        if (store.PathOf(chunk) is not null)
        {
            // It is there already: a client that did not hear so may send it again, and has to be let.
            return await ChunkUpload.CountAsync(body, chunk.Size, cancellationToken) == chunk.Size ? XftpResponse.Ok.Instance : XftpError.Size.Instance;
        }

        if (!store.TryReserve(chunk.Size))
        {
            return XftpError.Quota.Instance;
        }

        var isCommitted = false;
        string? part = null;
        try
        {
            XftpError? error;
            using (var file = files.CreatePart(chunk, out part))
            {
                error = await ChunkUpload.ReceiveAsync(body, file, chunk, cancellationToken);
            }

            if (error is not null)
            {
                return error;
            }

            return (isCommitted = TryCommit(chunk, part, out error)) || error is null ? XftpResponse.Ok.Instance : error;
        }
        catch (IOException) when (!cancellationToken.IsCancellationRequested)
        {
            return XftpError.FileIO.Instance;
        }
        finally
        {
            if (!isCommitted)
            {
                store.Release(chunk.Size);
                if (part is not null)
                {
                    ChunkFiles.Remove(part);
                }
            }
        }
    }

    // The content gets its name first: a crash in between leaves a file that no chunk owns, which the next start removes.
    private bool TryCommit(StoredChunk chunk, string part, out XftpError? error)
    {
        var path = files.PathFor(chunk.SenderId);
        lock (chunk)
        {
            error = null;
            if (store.PathOf(chunk) is not null)
            {
                return false;
            }

            ChunkFiles.Complete(part, path);
            if (!store.TryCommit(chunk, path, out error))
            {
                ChunkFiles.Remove(path);
                return false;
            }
        }

        statistics.Add(XftpCounter.FilesUploaded);
        statistics.Add(XftpCounter.FilesCount);
        statistics.Add(XftpCounter.FilesSize, chunk.Size);
        return true;
    }

    private XftpAnswer Delete(StoredChunk chunk)
    {
        if (store.Delete(chunk, out var path) is { } error)
        {
            return error;
        }

        RemoveContent(chunk, path);
        statistics.Add(XftpCounter.FilesDeleted);
        return XftpResponse.Ok.Instance;
    }

    private XftpAnswer Download(StoredChunk chunk, X25519PublicKey recipientKey)
    {
        if (store.PathOf(chunk) is not { } path)
        {
            return XftpError.NoFile.Instance;
        }

        if (!ChunkDownload.TryOpen(path, chunk.Size, out var file))
        {
            return XftpError.Auth.Instance;
        }

        using var key = X25519PrivateKey.Generate(options.Random);
        using var secret = key.DeriveSharedSecret(recipientKey);
        using var box = BoxKey.From(secret);
        var nonce = BoxNonce.Random(options.Random);
        statistics.Add(XftpCounter.FileDownloads);
        downloaded.Add(chunk.SenderId);
        return new XftpAnswer(new XftpResponse.File(key.PublicKey, Bytes.Wrap(nonce)), new ChunkDownload(file, chunk.Size, box.StartStream(nonce)));
    }
}
