using Pairwise.Agent.Store;
using Pairwise.Client.Xftp;
using Pairwise.Protocol;
using Pairwise.Protocol.Xftp;
using Pairwise.Storage;

namespace Pairwise.Agent.Files;

/// <summary>
/// Deletes chunks at their servers, over restarts, until the server says that they are gone or has forgotten them anyway.
/// </summary>
internal sealed class ChunkDeletions(FileServices services) : ChunkLanes<PendingDeletion>(services, lanes: 1)
{
    private AgentServices Agent => Services.Agent;

    protected override List<PendingDeletion> GetPending(DatabaseSession session, UserId user, ServerAddress server, int limit) =>
        DeletedChunkRows.GetPending(session, user, server, limit);

    protected override long KeyOf(PendingDeletion chunk) => chunk.Key;

    protected override async Task<bool> TryMoveAsync(PendingDeletion chunk, CancellationToken cancellationToken)
    {
        await using var session = Services.Sessions.Enter(chunk.User, chunk.Server, chunk.Digest);
        using var key = FileColumn.ToPrivateKey(chunk.SenderKey);
        var deleted = await session.RunAsync(chunk.Server, client => client.DeleteAsync(chunk.Id, key, cancellationToken), cancellationToken);
        Services.Counters.Deletion(chunk.User, chunk.Server, deleted.Error);
        if (!deleted.IsOk && (IsNetwork(deleted.Error!) || (deleted.Error!.IsTransient && chunk.Retries + 1 < Services.Options.ServerFaults)))
        {
            await Agent.Store.ChangeAsync(transaction => DeletedChunkRows.CountFailure(transaction.Session, chunk), cancellationToken);
            return false;
        }

        // AUTH is what a server says about a chunk that is gone.
        if (deleted.Error is { } error and not XftpClientError.Server { Error: XftpError.Auth }) AgentLog.ChunkAbandoned(Agent.Log, error.GetType().Name);
        await Agent.Store.ChangeAsync(transaction => DeletedChunkRows.Remove(transaction.Session, chunk), cancellationToken);
        return true;
    }
}
