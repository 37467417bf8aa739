using System.Text;
using Pairwise.Agent.Store;
using Pairwise.Client.Xftp;
using Pairwise.Protocol;
using Pairwise.Protocol.Xftp;
using Pairwise.Storage;

namespace Pairwise.Agent.Files;

/// <inheritdoc cref="IFileTransfers"/>
internal sealed class FileTransfers : IFileTransfers, IAsyncDisposable
{
    private const int MaxRecipients = 10_000;

    private readonly FileServices _services;
    private readonly KeyedWorkers<long> _preparing;

    // Held while what is counted goes from memory to the store, so that nobody sees it in neither or in both.
    private readonly SemaphoreSlim _counting = new(1, 1);

    public FileTransfers(AgentServices agent, string databasePath)
    {
        var options = agent.Options.Files;
        _services = new FileServices
        {
            Agent = agent,
            Options = options,
            Folder = new WorkFolder(options.WorkFolder ?? databasePath + ".files"),
            Servers = new FileServerLists(options.Network, agent.Random),
            Sessions = new FileServerSessions(options, agent.Time, agent.Random),
            LocalWork = new SemaphoreSlim(options.ParallelFiles),
        };
        _services.Uploads = new ChunkUploads(_services);
        _services.Downloads = new ChunkDownloads(_services);
        _services.Assembly = new FileAssembly(_services);
        _services.Deletions = new ChunkDeletions(_services);
        _preparing = new KeyedWorkers<long>(new FilePreparation(_services), agent.Tasks, agent.Tasks.Report, agent.Time);
    }

    private AgentServices Agent => _services.Agent;

    /// <summary>Why a description cannot be received; null if it can.</summary>
    public static AgentError? Check(FileDescription description) =>
        description.Party != FileParty.Recipient || description.Chunks.Count == 0 || !FileDescriptionCodec.IsValid(description)
            ? new AgentError.File(FileFault.Description)
            : Math.Max(description.Size, description.Redirect?.Size ?? 0) > XftpLimits.HardMaxFileSize || (description.Redirect is not null && description.Size > XftpLimits.MaxDescriptionLength)
                ? new AgentError.File(FileFault.TooLarge)
                : null;

    public void SetServers(UserId user, IReadOnlyList<ServerAddressWithPassword> servers, IReadOnlyCollection<ServerAddress>? alsoKnown = null) =>
        _services.Servers.Set(user, servers, alsoKnown);

    public async Task ResumeAsync(CancellationToken cancellationToken)
    {
        await CleanUpAsync(cancellationToken);
        var (files, uploads, downloads, toAssemble, deletions) = await Agent.Store.ReadAsync(
            session => (SentFileRows.GetNew(session), SentFileRows.GetPendingServers(session), ReceivedFileRows.GetPendingServers(session), ReceivedFileRows.GetToAssemble(session), DeletedChunkRows.GetServers(session)),
            cancellationToken);
        foreach (var file in files) _preparing.Wake(file);
        foreach (var (user, server) in uploads) _services.Uploads.Wake(user, server);
        foreach (var (user, server) in downloads) _services.Downloads.Wake(user, server);
        foreach (var file in toAssemble) _services.Assembly.Wake(file);
        foreach (var (user, server) in deletions) _services.Deletions.Wake(user, server);
    }

    public async Task SendFileAsync(UserId user, FileTransferId id, LocalFile file, int recipients, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(file);
        long length;
        try
        {
            await using var content = file.OpenRead();
            length = content.Length;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw Fail(FileFault.LocalFile, e.Message);
        }

        if (FilePreparation.Plan(FilePreparation.HeaderOf(file.Path).Length, length, isRedirect: false).Error is { } error) throw new AgentException(error);
        await AddSentAsync(user, id, file with { Path = Path.GetFullPath(file.Path) }, description: null, redirect: null, recipients, cancellationToken);
    }

    public async Task SendDescriptionAsync(UserId user, FileTransferId id, FileDescription description, int recipients, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(description);
        if (description.Redirect is not null || Check(description) is not null) throw Fail(FileFault.Description, "only a recipient's description of a file can be sent");
        var text = Encoding.UTF8.GetBytes(FileDescriptionCodec.Encode(description));
        if (FilePreparation.Plan(XftpLimits.MaxFileHeader, text.Length, isRedirect: true).Error is { } error) throw new AgentException(error);
        await AddSentAsync(user, id, new LocalFile(""), text, new FileRedirect(description.Size, description.Digest), recipients, cancellationToken);
    }

    public async Task ReceiveFileAsync(UserId user, FileTransferId id, FileDescription description, LocalFile target, bool areServersApproved, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(description);
        ArgumentNullException.ThrowIfNull(target);
        if (Check(description) is { } error) throw new AgentException(error);
        var path = Path.GetFullPath(target.Path);
        if (!Directory.Exists(Path.GetDirectoryName(path))) throw Fail(FileFault.LocalFile, "the folder of the target does not exist");
        if (!areServersApproved && FindUnapproved(user, description) is { Count: > 0 } servers) throw new AgentException(new AgentError.File(FileFault.NotApproved, "", [.. servers]));
        await Agent.Store.ChangeAsync(
            transaction =>
            {
                var session = transaction.Session;
                Require(session, user);
                if (ReceivedFileRows.TryGet(session, id, out _) || EventRows.IsWaiting(session, id)) return;
                ReceivedFileRows.Add(session, id, user, description, target with { Path = path }, areServersApproved, Agent.Now);
                transaction.AfterCommit(() =>
                {
                    foreach (var server in description.Chunks.Select(chunk => chunk.Replicas[0].Server).Distinct()) _services.Downloads.Wake(user, server);
                });
            },
            cancellationToken);
    }

    public Task CancelAsync(FileTransferId id, CancellationToken cancellationToken) =>
        Agent.Store.ChangeAsync(transaction => Cancel(transaction, id), cancellationToken);

    public Task DeleteSentFileAsync(UserId user, FileDescription description, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(description);
        if (description.Party != FileParty.Sender) throw Fail(FileFault.Description, "only the sender's description deletes a file");
        return Agent.Store.ChangeAsync(
            transaction =>
            {
                foreach (var chunk in description.Chunks)
                {
                    foreach (var replica in chunk.Replicas)
                        DeletedChunkRows.Add(transaction.Session, user, replica.Server, replica.Id, replica.Key.ToPkcs8(), chunk.Digest, Agent.Now);
                }

                _services.Uploads.WakeDeletions(transaction);
            },
            cancellationToken);
    }

    public IReadOnlyList<ServerAddress> FindUnapproved(UserId user, FileDescription description) => _services.Servers.FindUnapproved(user, description);

    public Task<FileTransferProgress?> GetProgressAsync(FileTransferId id, CancellationToken cancellationToken) => Agent.Store.ReadAsync(
        session =>
        {
            var moving = _services.Active.Contains(id) ? _services.Active.Get(id).Moving : 0;
            return SentFileRows.TryGet(session, id, out var sent) ? sent.Status == SentFileStatus.Complete ? null : new FileTransferProgress(true, Math.Clamp(sent.Done + moving, 0, sent.Size), sent.Size)
                : ReceivedFileRows.TryGet(session, id, out var received) ? new FileTransferProgress(false, received.Redirect is null ? Math.Clamp(received.Done + moving, 0, received.Size) : 0, received.TotalSize)
                : null;
        },
        cancellationToken);

    public Task<bool> HasUnfinishedAsync(CancellationToken cancellationToken) =>
        Agent.Store.ReadAsync(static session => SentFileRows.HasUnfinished(session) || ReceivedFileRows.HasUnfinished(session) || DeletedChunkRows.HasAny(session), cancellationToken);

    public Task<IReadOnlyList<FileServerStatistics>> GetStatisticsAsync(UserId user, CancellationToken cancellationToken) => CountingAsync<IReadOnlyList<FileServerStatistics>>(
        async () =>
        {
            var stored = await Agent.Store.ReadAsync(session => FileServerCounterRows.Get(session, user), cancellationToken);
            return
            [
                .. stored.Concat(_services.Counters.Get(user))
                    .GroupBy(static counted => counted.Server, static (_, both) => both.Aggregate(static (one, other) => one.Plus(other)))
                    .OrderBy(static counted => counted.Server.ToString(), StringComparer.Ordinal),
            ];
        },
        cancellationToken);

    public Task ResetStatisticsAsync(CancellationToken cancellationToken) => CountingAsync(
        async () =>
        {
            await Agent.Store.ChangeAsync(static transaction => FileServerCounterRows.RemoveAll(transaction.Session), cancellationToken);
            _services.Counters.Take();
            return true;
        },
        cancellationToken);

    /// <summary>Stores what was counted.</summary>
    public Task SaveStatisticsAsync(CancellationToken cancellationToken) => CountingAsync(
        async () =>
        {
            var taken = _services.Counters.Take();
            if (taken.Count == 0) return true;
            try
            {
                await Agent.Store.ChangeAsync(
                    transaction =>
                    {
                        foreach (var ((user, _), counted) in taken) FileServerCounterRows.Add(transaction.Session, user, counted);
                    },
                    cancellationToken);
                return true;
            }
            catch (Exception e) when (e is StorageException or OperationCanceledException)
            {
                _services.Counters.Return(taken);
                throw;
            }
        },
        cancellationToken);

    public Task<FileServerTestFailure?> TestServerAsync(ServerAddressWithPassword server, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(server);
        return FileServerTest.RunAsync(new XftpClientOptions { Network = _services.Options.Network, Time = Agent.Time, Random = Agent.Random }, server, cancellationToken);
    }

    /// <summary>Ends all transfers of a user that is deleted, with the change that deletes it.</summary>
    public void EndUser(AgentTransaction transaction, UserId user)
    {
        var session = transaction.Session;
        foreach (var file in SentFileRows.GetIds(session, user).Concat(ReceivedFileRows.GetIds(session, user)).ToList()) Cancel(transaction, file);
        transaction.AfterCommit(() => _services.Servers.Remove(user));
    }

    /// <summary>Gives up what has waited too long, closes what nobody uses, and removes what nobody owns; now and then.</summary>
    public async Task RunCleanUpAsync(CancellationToken stopping)
    {
        while (true)
        {
            await Task.Delay(_services.Options.IdleTime, Agent.Time, stopping);
            try
            {
                await CleanUpAsync(stopping);
            }
            catch (StorageException e)
            {
                // The next round tries again.
                Agent.Tasks.Report(e);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        _services.Active.Dispose();
        await _services.Sessions.DisposeAsync();
        _services.Uploads.Dispose();
        _services.Downloads.Dispose();
        _services.Deletions.Dispose();
        _services.Assembly.Dispose();
        _preparing.Dispose();
        _services.LocalWork.Dispose();
        _counting.Dispose();
    }

    private async Task<T> CountingAsync<T>(Func<Task<T>> step, CancellationToken cancellationToken)
    {
        await _counting.WaitAsync(cancellationToken);
        try
        {
            return await step();
        }
        finally
        {
            _counting.Release();
        }
    }

    private void Cancel(AgentTransaction transaction, FileTransferId id)
    {
        var session = transaction.Session;
        if (SentFileRows.TryGet(session, id, out var sent))
        {
            SentFileRows.RemoveWithChunks(session, sent.Key, Agent.Now);
            _services.Uploads.WakeDeletions(transaction);
            transaction.AfterCommit(() => _services.End(id));
        }

        if (ReceivedFileRows.TryGet(session, id, out var received))
        {
            ReceivedFileRows.Remove(session, received.Key);
            transaction.AfterCommit(() =>
            {
                _services.End(id);
                _services.Assembly.RemovePart(received);
            });
        }
    }

    private async Task CleanUpAsync(CancellationToken cancellationToken)
    {
        await _services.Sessions.DropIdleAsync();
        await SaveStatisticsAsync(cancellationToken);
        var (sent, received) = await Agent.Store.ChangeAsync(
            transaction =>
            {
                var session = transaction.Session;
                SentFileRows.RemoveHandled(session);
                DeletedChunkRows.RemoveExpired(session, Agent.Now - _services.Options.ReceiveLifetime);
                return (SentFileRows.GetExpired(session, Agent.Now - _services.Options.SendLifetime), ReceivedFileRows.GetExpired(session, Agent.Now - _services.Options.ReceiveLifetime));
            },
            cancellationToken);
        var expired = new AgentError.File(FileFault.Expired);
        foreach (var file in sent) await _services.Uploads.FailFileAsync(file.Key, file.Id, expired, cancellationToken);
        foreach (var file in received) await _services.Downloads.FailFileAsync(file.Key, file.Id, expired, cancellationToken);

        // Read before the database is: a folder is made only after its row.
        var folders = _services.Folder.GetAll();
        var orphans = await Agent.Store.ReadAsync(
            session => folders.Where(id => (!SentFileRows.TryGet(session, id, out var file) || file.Status == SentFileStatus.Complete) && !ReceivedFileRows.TryGet(session, id, out _)).ToList(),
            cancellationToken);
        foreach (var id in orphans) _services.Folder.TryRemove(id);
    }

    private Task AddSentAsync(UserId user, FileTransferId id, LocalFile source, byte[]? description, FileRedirect? redirect, int recipients, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(recipients, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(recipients, MaxRecipients);
        if (_services.Servers.Get(user).Count == 0) throw Fail(FileFault.NoServer, "");
        return Agent.Store.ChangeAsync(
            transaction =>
            {
                var session = transaction.Session;
                Require(session, user);
                if (SentFileRows.TryGet(session, id, out _) || EventRows.IsWaiting(session, id)) return;
                SentFileRows.Add(session, id, user, source, description, redirect, recipients, Agent.Now);
                var key = session.LastInsertedId;
                transaction.AfterCommit(() => _preparing.Wake(key));
            },
            cancellationToken);
    }

    private static void Require(DatabaseSession session, UserId user)
    {
        if (!ConnectionRows.HasUser(session, user)) throw new AgentException(new AgentError.NoUser());
    }

    private static AgentException Fail(FileFault fault, string detail) => new(new AgentError.File(fault, detail));
}
