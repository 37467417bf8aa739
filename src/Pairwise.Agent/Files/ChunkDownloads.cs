using Pairwise.Agent.Store;
using Pairwise.Client.Xftp;
using Pairwise.Protocol;
using Pairwise.Storage;

namespace Pairwise.Agent.Files;

/// <summary>
/// Downloads chunks into the work folder, where each gets its name when it is whole and its digest is right. A copy that its
/// server refuses, or that is not what the description promises, gives way to the next copy of the chunk, if there is one.
/// </summary>
internal sealed class ChunkDownloads(FileServices services) : ChunkLanes<PendingDownload>(services, services.Options.ParallelChunks)
{
    private AgentServices Agent => Services.Agent;

    protected override List<PendingDownload> GetPending(DatabaseSession session, UserId user, ServerAddress server, int limit) =>
        ReceivedFileRows.GetPending(session, user, server, limit);

    protected override long KeyOf(PendingDownload chunk) => chunk.Key;

    protected override async Task<bool> TryMoveAsync(PendingDownload chunk, CancellationToken cancellationToken)
    {
        if (!chunk.IsApproved && !Services.Servers.IsApproved(chunk.User, chunk.Server))
        {
            await FailUnapprovedAsync(chunk, cancellationToken);
            return true;
        }

        var active = Services.Active.Get(chunk.File);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(active.Ended, cancellationToken);
        await using var session = Services.Sessions.Enter(chunk.User, chunk.Server, chunk.Digest);
        try
        {
            var progress = await StartProgressAsync(chunk, active, cancellationToken);
            var failure = await DownloadAsync(chunk, session, progress, ending.Token);
            Services.Counters.Download(chunk.User, chunk.Server, chunk.Size, failure);
            if (failure is { } error)
            {
                progress.TakeBack();
                return await FailAsync(chunk, error, active, cancellationToken);
            }

            await Agent.Store.ChangeAsync(transaction => RecordReceived(transaction, chunk), ending.Token);
            return true;
        }
        catch (OperationCanceledException) when (active.Ended.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            Services.End(chunk.File);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await FailFileAsync(chunk.FileKey, chunk.File, new AgentError.File(FileFault.LocalFile, e.Message), cancellationToken);
            return true;
        }
    }

    /// <summary>Gives a file up and tells so.</summary>
    public Task FailFileAsync(long key, FileTransferId id, AgentError error, CancellationToken cancellationToken) => Agent.Store.ChangeAsync(
        transaction =>
        {
            transaction.AfterCommit(() => Services.End(id));
            if (!ReceivedFileRows.TryGet(transaction.Session, key, out var file)) return;
            ReceivedFileRows.Remove(transaction.Session, key);
            transaction.Raise(new AgentEvent.FileReceiveFailed(id, error));
            transaction.AfterCommit(() => Services.Assembly.RemovePart(file));
        },
        cancellationToken);

    private Task FailUnapprovedAsync(PendingDownload chunk, CancellationToken cancellationToken) => Agent.Store.ChangeAsync(
        transaction =>
        {
            if (!ReceivedFileRows.TryGet(transaction.Session, chunk.FileKey, out var file)) return;
            var servers = ReceivedFileRows.GetPendingServers(transaction.Session, file.Key).Where(server => !Services.Servers.IsApproved(file.User, server));
            ReceivedFileRows.Remove(transaction.Session, file.Key);
            transaction.Raise(new AgentEvent.FileReceiveFailed(file.Id, new AgentError.File(FileFault.NotApproved, "", [.. servers])));
            transaction.AfterCommit(() =>
            {
                Services.End(file.Id);
                // A chunk lost from the disk brings a file back from its decryption.
                Services.Assembly.RemovePart(file);
            });
        },
        cancellationToken);

    private async Task<ChunkProgress> StartProgressAsync(PendingDownload chunk, ActiveTransfer active, CancellationToken cancellationToken)
    {
        var done = await Agent.Store.ReadAsync(session => ReceivedFileRows.TryGet(session, chunk.FileKey, out var file) ? file.Done : 0, cancellationToken);
        // A description on its way to another one is not what anybody waits for.
        Action<long> tell = chunk.IsRedirect ? static _ => { } : moved => Agent.Outbox.Publish(new AgentEvent.FileReceiveProgress(chunk.File, moved, chunk.FileSize));
        return new ChunkProgress(active, tell, done, chunk.FileSize);
    }

    private async Task<XftpClientError?> DownloadAsync(PendingDownload chunk, FileServerSessions.Lease session, ChunkProgress progress, CancellationToken cancellationToken)
    {
        Services.Folder.Make(chunk.File);
        var path = Services.Folder.ChunkPath(chunk.File, chunk.Stage, chunk.Number);
        var part = path + ".part";
        using var key = FileColumn.ToPrivateKey(chunk.RecipientKey);
        var downloaded = await session.RunAsync(
            chunk.Server,
            async client =>
            {
                progress.TakeBack();
                await using var file = new FileStream(part, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
                var result = await client.DownloadAsync(chunk.Id, key, chunk.Size, chunk.Digest, file, progress, cancellationToken);
                // What the database says is here has to be here after a loss of power as well.
                if (result.IsOk) file.Flush(flushToDisk: true);
                return result;
            },
            cancellationToken);
        if (downloaded.IsOk) File.Move(part, path, overwrite: true);
        else File.Delete(part);
        return downloaded.Error;
    }

    private void RecordReceived(AgentTransaction transaction, PendingDownload chunk)
    {
        var session = transaction.Session;
        if (!ReceivedFileRows.Has(session, chunk))
        {
            transaction.AfterCommit(() => Services.End(chunk.File));
            return;
        }

        var (done, isComplete) = ReceivedFileRows.SetReceived(session, chunk);
        if (!chunk.IsRedirect) transaction.Raise(new AgentEvent.FileReceiveProgress(chunk.File, done, chunk.FileSize));
        transaction.AfterCommit(() =>
        {
            Services.Active.Get(chunk.File).Store(done, chunk.Size);
            if (isComplete) Services.Assembly.Wake(chunk.FileKey);
        });
    }

    /// <summary>Decides what becomes of a chunk after a failed attempt; false if its server is to be left alone for a while.</summary>
    private async Task<bool> FailAsync(PendingDownload before, XftpClientError error, ActiveTransfer active, CancellationToken cancellationToken)
    {
        var isNetwork = IsNetwork(error);
        var isRefusal = !isNetwork && (!error.IsTransient || before.Faults + 1 >= Services.Options.ServerFaults);
        var (isOver, isMoved) = await Agent.Store.ChangeAsync(
            transaction =>
            {
                var session = transaction.Session;
                if (!ReceivedFileRows.Has(session, before))
                {
                    transaction.AfterCommit(() => Services.End(before.File));
                    return (false, true);
                }

                ReceivedFileRows.CountFailure(session, before, isFault: !isNetwork);
                if (isRefusal) ReceivedFileRows.SetRefused(session, before);
                else if (before.Replicas == 1 || (before.Retries + 1) % Services.Options.AttemptsInRow != 0) return (false, false);
                if (ReceivedFileRows.TakeNextReplica(session, before) is not { } next) return (true, false);
                transaction.AfterCommit(() => Wake(before.User, next));
                return (false, isRefusal);
            },
            cancellationToken);
        var reason = FileErrors.From(before.Server, error);
        if (isOver) await FailFileAsync(before.FileKey, before.File, reason, cancellationToken);
        else if (!isMoved && active.TryWarn()) Agent.Outbox.Publish(new AgentEvent.FileReceiveDelayed(before.File, reason));
        return isOver || isMoved;
    }
}
