using Pairwise.Agent.Relays;
using Pairwise.Agent.Store;
using Pairwise.Protocol.Smp;

namespace Pairwise.Agent.Connections;

/// <summary>
/// Deletes connections: the mark is stored first, so that what follows (delivery of pending messages if wanted, deletion of
/// the queues at their relays) is taken up again after a restart and by the regular clean-up.
/// </summary>
internal sealed class Deletion(AgentServices agent) : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1, 1);

    /// <summary>Marks connections as deleted and stops receiving from them.</summary>
    public async Task MarkAsync(IReadOnlyCollection<ConnectionId> connections, bool waitForDelivery, CancellationToken cancellationToken)
    {
        foreach (var id in connections)
        {
            using var held = await agent.Locks.EnterAsync(id, cancellationToken);
            var queues = await agent.Store.ChangeAsync(
                transaction =>
                {
                    var receiving = QueueRows.GetReceiving(transaction.Session, id);
                    ConnectionRows.MarkDeleted(transaction.Session, id, waitForDelivery, agent.Now);
                    if (!waitForDelivery) SentMessageRows.RemoveDeliveries(transaction.Session, id);
                    return receiving;
                },
                cancellationToken);
            foreach (var queue in queues) agent.Relays.Get(queue.User, queue.Server).Unsubscribe(queue.Recipient);
        }
    }

    /// <summary>Takes every marked connection as far as possible now.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            var marked = await agent.Store.ReadAsync(ConnectionRows.GetDeleted, cancellationToken);
            foreach (var (id, deletedAt, waits) in marked) await TryDeleteAsync(id, waits && agent.Now - deletedAt < agent.Options.DeleteDeliveryTimeout, cancellationToken);
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose() => _turn.Dispose();

    private async Task TryDeleteAsync(ConnectionId id, bool waitsForDelivery, CancellationToken cancellationToken)
    {
        using var held = await agent.Locks.EnterAsync(id, cancellationToken);
        foreach (var queue in await agent.Store.ReadAsync(session => QueueRows.GetReceiving(session, id), cancellationToken))
            await TryDeleteQueueAsync(queue, cancellationToken);

        await agent.Store.ChangeAsync(
            transaction =>
            {
                var session = transaction.Session;
                if (QueueRows.GetReceiving(session, id).Count > 0) return;
                if (waitsForDelivery && SentMessageRows.HasDeliveries(session, id)) return;
                ConnectionRows.Remove(session, id);
                ConnectionRows.RemoveDeletedUsers(session);
                transaction.Raise(new AgentEvent.ConnectionsDeleted([id]));
            },
            cancellationToken);
    }

    private async Task TryDeleteQueueAsync(ReceiveQueue queue, CancellationToken cancellationToken)
    {
        try
        {
            var command = new RelayCommand(SmpCommand.Del.Instance, queue.Recipient.ToEntityId(), queue.RecipientKey);
            await agent.Relays.Get(queue.User, queue.Server).SendForOkAsync(command, cancellationToken);
        }
        catch (AgentException e) when (e.Error.IsWorthRetrying && queue.DeleteErrors + 1 < agent.Options.DeleteAttempts)
        {
            await agent.Store.ChangeAsync(transaction => QueueRows.CountDeleteError(transaction.Session, queue), cancellationToken);
            return;
        }
        catch (AgentException e)
        {
            // The relay will not delete it for us: it is gone already, or given up after too many attempts.
            AgentLog.QueueAbandoned(agent.Log, e.Error.GetType().Name);
        }

        await agent.Store.ChangeAsync(transaction => QueueRows.Remove(transaction.Session, queue), cancellationToken);
    }
}
