using Pairwise.Client.Xftp;
using Pairwise.Protocol;
using Pairwise.Storage;

namespace Pairwise.Agent.Files;

/// <summary>One of the chunks that may be on their way at the same time between a user and a server.</summary>
internal readonly record struct Lane(UserId User, ServerAddress Server, int Number);

/// <summary>
/// What the workers of both directions and of deletion share: several lanes for each server take its pending chunks, each
/// chunk one lane, and leave a server alone for a while that cannot be reached.
/// </summary>
internal abstract class ChunkLanes<TChunk> : IWorkerSteps<Lane>, IDisposable
    where TChunk : class
{
    private readonly int _lanes;
    private readonly ServerPauses _pauses;
    private readonly KeyedWorkers<Lane> _workers;
    private readonly HashSet<long> _taken = []; // guarded by itself

    protected ChunkLanes(FileServices services, int lanes)
    {
        Services = services;
        _lanes = lanes;
        _pauses = new ServerPauses(services.Options.Retry, services.Agent.Time);
        _workers = new KeyedWorkers<Lane>(this, services.Agent.Tasks, services.Agent.Tasks.Report, services.Agent.Time);
    }

    protected FileServices Services { get; }

    /// <summary>There may be chunks for a server.</summary>
    public void Wake(UserId user, ServerAddress server)
    {
        for (var i = 0; i < _lanes; i++) _workers.Wake(new Lane(user, server, i));
    }

    public async Task<bool> TryDoNextAsync(Lane lane, AsyncSignal signal, CancellationToken cancellationToken)
    {
        var pause = _pauses.Remaining(lane.User, lane.Server);
        var chunk = await Services.Agent.Store.ReadAsync(session => FindNext(session, lane, isTaken: pause == TimeSpan.Zero), cancellationToken);
        if (chunk is null) return false;
        if (pause > TimeSpan.Zero)
        {
            await signal.WaitAsync(pause, Services.Agent.Time, cancellationToken);
            return true;
        }

        try
        {
            if (await TryMoveAsync(chunk, cancellationToken)) _pauses.Succeed(lane.User, lane.Server);
            else _pauses.Fail(lane.User, lane.Server);
        }
        finally
        {
            lock (_taken) _taken.Remove(KeyOf(chunk));
        }

        return true;
    }

    /// <summary>To be called when the agent's tasks have stopped.</summary>
    public void Dispose() => _workers.Dispose();

    /// <summary>The next pending chunks of a server, in the order in which they are tried.</summary>
    protected abstract List<TChunk> GetPending(DatabaseSession session, UserId user, ServerAddress server, int limit);

    protected abstract long KeyOf(TChunk chunk);

    /// <summary>Takes one attempt at a chunk and records its outcome; false if the server is to be left alone for a while.</summary>
    protected abstract Task<bool> TryMoveAsync(TChunk chunk, CancellationToken cancellationToken);

    /// <summary>
    /// Whether an error is about the way to the server and not about the chunk. A network may also show another identity than
    /// the server's, as portals of guest networks do.
    /// </summary>
    protected static bool IsNetwork(XftpClientError error) => error is XftpClientError.TimedOut or XftpClientError.Disconnected;

    private TChunk? FindNext(DatabaseSession session, Lane lane, bool isTaken)
    {
        var pending = GetPending(session, lane.User, lane.Server, _lanes);
        lock (_taken)
        {
            var next = pending.FirstOrDefault(chunk => !_taken.Contains(KeyOf(chunk)));
            if (next is not null && isTaken) _taken.Add(KeyOf(next));
            return next;
        }
    }
}
