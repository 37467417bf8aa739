using Pairwise.Agent.Store;
using Pairwise.Client.Xftp;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Xftp;
using Pairwise.Storage;

namespace Pairwise.Agent.Files;

/// <summary>
/// Uploads chunks: registers each with its recipients, then sends its bytes. Every answer of a server is stored before the
/// next step, so that after a crash a chunk goes on where it was. A server that cannot or will not take a chunk loses it to
/// the next one of the user's list.
/// </summary>
internal sealed class ChunkUploads(FileServices services) : ChunkLanes<PendingUpload>(services, services.Options.ParallelChunks)
{
    // For the answer to a registration whose transfer ends meanwhile.
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(3);

    private AgentServices Agent => Services.Agent;

    protected override List<PendingUpload> GetPending(DatabaseSession session, UserId user, ServerAddress server, int limit) =>
        SentFileRows.GetPending(session, user, server, limit);

    protected override long KeyOf(PendingUpload chunk) => chunk.Key;

    protected override async Task<bool> TryMoveAsync(PendingUpload chunk, CancellationToken cancellationToken)
    {
        var active = Services.Active.Get(chunk.File);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(active.Ended, cancellationToken);
        await using var session = Services.Sessions.Enter(chunk.User, chunk.Server, chunk.Digest);
        try
        {
            var progress = new ChunkProgress(active, done => Agent.Outbox.Publish(new AgentEvent.FileSendProgress(chunk.File, done, chunk.FileSize)), await GetDoneAsync(chunk, cancellationToken), chunk.FileSize);
            var failure = await UploadAsync(chunk, session, progress, ending.Token);
            Services.Counters.Upload(chunk.User, chunk.Server, chunk.Size, failure);
            if (failure is not { } error) return true;
            progress.TakeBack();
            return await FailAsync(chunk, error, active, cancellationToken);
        }
        catch (OperationCanceledException) when (active.Ended.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            // The transfer was cancelled or failed elsewhere; its rows are gone.
            Services.End(chunk.File);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await FailFileAsync(chunk.FileKey, chunk.File, new AgentError.File(FileFault.LocalFile, e.Message), cancellationToken);
            return true;
        }
    }

    /// <summary>Gives a file up: tells so, and has the chunks deleted that servers know.</summary>
    public async Task FailFileAsync(long key, FileTransferId id, AgentError error, CancellationToken cancellationToken)
    {
        await Agent.Store.ChangeAsync(
            transaction =>
            {
                transaction.AfterCommit(() => Services.End(id));
                if (!SentFileRows.TryGet(transaction.Session, key, out var file) || file.Status == SentFileStatus.Complete) return;
                SentFileRows.RemoveWithChunks(transaction.Session, key, Agent.Now);
                transaction.Raise(new AgentEvent.FileSendFailed(id, error));
                WakeDeletions(transaction);
            },
            cancellationToken);
    }

    /// <summary>Has the chunks deleted that this transaction handed over.</summary>
    public void WakeDeletions(AgentTransaction transaction)
    {
        var servers = DeletedChunkRows.GetServers(transaction.Session);
        transaction.AfterCommit(() =>
        {
            foreach (var (user, server) in servers) Services.Deletions.Wake(user, server);
        });
    }

    private Task<long> GetDoneAsync(PendingUpload chunk, CancellationToken cancellationToken) =>
        Agent.Store.ReadAsync(session => SentFileRows.TryGet(session, chunk.FileKey, out var file) ? file.Done : 0, cancellationToken);

    private async Task<XftpClientError?> UploadAsync(PendingUpload chunk, FileServerSessions.Lease session, ChunkProgress progress, CancellationToken cancellationToken)
    {
        if (chunk.Status == SentChunkStatus.Assigned)
        {
            var (created, refused) = await CreateAsync(chunk, session, cancellationToken);
            if (created is null) return refused;
            chunk = created;
        }

        using var senderKey = FileColumn.ToPrivateKey(chunk.SenderKey!);
        for (var registered = chunk.Registered; registered < chunk.Recipients;)
        {
            using var keys = new RecipientKeys(Math.Min(chunk.Recipients - registered, Services.Options.RecipientsInCommand), Agent.Random);
            var added = await session.RunAsync(chunk.Server, client => client.AddRecipientsAsync(chunk.Id, senderKey, keys.Public, cancellationToken), cancellationToken);
            if (!added.IsOk) return added.Error;
            if (added.Value.Recipients.Count != keys.Private.Count) return new XftpClientError.BadAnswer(null);
            await Agent.Store.ChangeAsync(
                transaction =>
                {
                    if (SentFileRows.TryGetUpload(transaction.Session, chunk.Key, out _)) SentFileRows.AddRecipients(transaction.Session, chunk.Key, registered, added.Value.Recipients, keys.Private);
                },
                cancellationToken);
            registered += keys.Private.Count;
        }

        using var file = File.OpenHandle(Services.Folder.EncryptedPath(chunk.File), options: FileOptions.Asynchronous);
        if (RandomAccess.GetLength(file) < chunk.Start + chunk.Size) throw new EndOfStreamException("the encrypted file is shorter than it was.");
        var uploaded = await session.RunAsync(
            chunk.Server,
            client =>
            {
                progress.TakeBack();
                return client.UploadAsync(chunk.Id, senderKey, file, chunk.Start, chunk.Size, progress, cancellationToken);
            },
            cancellationToken);
        if (!uploaded.IsOk) return uploaded.Error;
        await Agent.Store.ChangeAsync(transaction => RecordUploaded(transaction, chunk), cancellationToken);
        return null;
    }

    private async Task<(PendingUpload? Created, XftpClientError? Error)> CreateAsync(PendingUpload chunk, FileServerSessions.Lease session, CancellationToken cancellationToken)
    {
        var password = Services.Servers.Get(chunk.User).FirstOrDefault(known => known.Server == chunk.Server)?.Password;
        using var senderKey = Ed25519PrivateKey.Generate(Agent.Random);
        using var keys = new RecipientKeys(Math.Min(chunk.Recipients, Services.Options.RecipientsInCommand), Agent.Random);
        var info = new ChunkInfo(senderKey.PublicKey, (uint)chunk.Size, chunk.Digest);
        // Once the command may be on its way its answer is waited for a little longer than a transfer lives: what the server has
        // made is recorded in any case, so that it can be deleted.
        using var answer = new CancellationTokenSource(Timeout.InfiniteTimeSpan, Agent.Time);
        await using var ending = cancellationToken.Register(() => answer.CancelAfter(AnswerTime));
        var created = await session.RunAsync(chunk.Server, client => client.CreateAsync(info, senderKey, keys.Public, password, answer.Token), cancellationToken);
        if (!created.IsOk) return (null, created.Error);
        var ids = created.Value;
        var recorded = await Agent.Store.ChangeAsync(
            transaction =>
            {
                if (!SentFileRows.TryGetUpload(transaction.Session, chunk.Key, out var still) || still.File != chunk.File)
                {
                    DeletedChunkRows.Add(transaction.Session, chunk.User, chunk.Server, ids.Sender, senderKey.ToPkcs8(), chunk.Digest, Agent.Now);
                    WakeDeletions(transaction);
                    return null;
                }

                SentFileRows.SetCreated(transaction.Session, chunk.Key, ids.Sender, senderKey);
                SentFileRows.AddRecipients(transaction.Session, chunk.Key, 0, ids.Recipients, keys.Private);
                return SentFileRows.TryGetUpload(transaction.Session, chunk.Key, out var after) ? after : null;
            },
            CancellationToken.None);
        if (recorded is null) Services.Active.End(chunk.File);
        cancellationToken.ThrowIfCancellationRequested();
        return (recorded, null);
    }

    private void RecordUploaded(AgentTransaction transaction, PendingUpload chunk)
    {
        var session = transaction.Session;
        if (!SentFileRows.TryGetUpload(session, chunk.Key, out var still) || still.File != chunk.File)
        {
            transaction.AfterCommit(() => Services.End(chunk.File));
            return;
        }

        var (done, isComplete) = SentFileRows.SetUploaded(session, chunk);
        transaction.Raise(new AgentEvent.FileSendProgress(chunk.File, done, chunk.FileSize));
        transaction.AfterCommit(() => Services.Active.Get(chunk.File).Store(done, chunk.Size));
        if (!isComplete) return;
        transaction.Raise(SentFileDescriptions.TryMake(session, chunk.File)!);
        transaction.AfterCommit(() => Services.End(chunk.File));
    }

    /// <summary>Decides what becomes of a chunk after a failed attempt; false if its server is to be left alone for a while.</summary>
    private async Task<bool> FailAsync(PendingUpload before, XftpClientError error, ActiveTransfer active, CancellationToken cancellationToken)
    {
        var reason = FileErrors.From(before.Server, error);
        var isRefusal = !IsNetwork(error) && !error.IsTransient;
        var outcome = await Agent.Store.ChangeAsync(
            transaction =>
            {
                var session = transaction.Session;
                if (!SentFileRows.TryGetUpload(session, before.Key, out var chunk) || chunk.File != before.File) return UploadOutcome.Over;
                var isFault = !IsNetwork(error) && error.IsTransient;
                SentFileRows.CountFailure(session, chunk.Key, isRefusal, isFault);
                var servers = Services.Servers.Get(chunk.User).Count;
                // A server that forgot a chunk may take it anew; one that refuses new chunks will not take this one.
                var refusals = chunk.Refusals + (isRefusal && chunk.Status == SentChunkStatus.Assigned ? 1 : 0);
                if ((isRefusal && refusals >= Math.Max(servers, 1)) || (isFault && chunk.Faults + 1 >= Services.Options.ServerFaults)) return UploadOutcome.GivenUp;
                if (!isRefusal && !IsMoveDue(chunk, servers)) return UploadOutcome.Later;
                if (chunk.Id != default) DeletedChunkRows.Add(session, chunk.User, chunk.Server, chunk.Id, chunk.SenderKey!, chunk.Digest, Agent.Now);
                var next = Services.Servers.Next(chunk.User, chunk.Server) ?? chunk.Server;
                SentFileRows.Assign(session, chunk.Key, next);
                transaction.AfterCommit(() => Wake(chunk.User, next));
                if (chunk.Id != default) WakeDeletions(transaction);
                return isRefusal ? UploadOutcome.Moved : UploadOutcome.Later;
            },
            cancellationToken);
        if (outcome == UploadOutcome.Over) Services.End(before.File);
        if (outcome == UploadOutcome.GivenUp) await FailFileAsync(before.FileKey, before.File, reason, cancellationToken);
        if (outcome == UploadOutcome.Later && active.TryWarn()) Agent.Outbox.Publish(new AgentEvent.FileSendDelayed(before.File, reason));
        return outcome != UploadOutcome.Later;
    }

    /// <summary>Whether another server is to be tried: soon while this one knows nothing of the chunk, later when it has registered it.</summary>
    private bool IsMoveDue(PendingUpload chunk, int servers) =>
        servers > 1 && (chunk.Retries + 1) % (Services.Options.AttemptsInRow * (chunk.Status == SentChunkStatus.Assigned ? 1 : 4)) == 0;

    private enum UploadOutcome
    {
        /// <summary>The file is not there any more.</summary>
        Over,

        /// <summary>The file is not to be sent.</summary>
        GivenUp,

        /// <summary>The chunk goes to another server at once.</summary>
        Moved,

        /// <summary>It is tried again after a pause.</summary>
        Later,
    }

    private sealed class RecipientKeys : IDisposable
    {
        private readonly List<PrivateKey> _keys;

        public RecipientKeys(int count, IRandomSource random) => _keys = [.. Enumerable.Range(0, count).Select(_ => Ed25519PrivateKey.Generate(random))];

        public List<PrivateKey> Private => _keys;

        public ValueList<PublicKey> Public => [.. _keys.Select(key => key.PublicKey)];

        public void Dispose()
        {
            foreach (var key in _keys) key.Dispose();
        }
    }
}
