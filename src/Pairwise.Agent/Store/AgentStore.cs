using Pairwise.Agent.Events;
using Pairwise.Storage;

namespace Pairwise.Agent.Store;

/// <summary>
/// The agent's side of the database: runs steps as transactions, then tells their events. Thread-safe; steps run one
/// at a time. The tables are known to the <c>...Rows</c> classes, one for each family.
/// </summary>
internal sealed class AgentStore(Database database, EventOutbox outbox)
{
    /// <summary>Runs a step; nothing of it is visible anywhere if it throws.</summary>
    public async Task<T> ChangeAsync<T>(Func<AgentTransaction, T> step, CancellationToken cancellationToken)
    {
        AgentTransaction? transaction = null;
        IReadOnlyList<long> handled = [];
        T result;
        try
        {
            result = await database.TransactAsync(
                session =>
                {
                    handled = outbox.TakeHandled();
                    EventRows.Remove(session, handled);
                    transaction = new AgentTransaction(session);
                    return step(transaction);
                },
                cancellationToken);
        }
        catch
        {
            outbox.ReturnHandled(handled);
            throw;
        }

        outbox.Publish(transaction!.Events);
        transaction.RunAfterCommit();
        return result;
    }

    /// <inheritdoc cref="ChangeAsync{T}"/>
    public Task ChangeAsync(Action<AgentTransaction> step, CancellationToken cancellationToken) =>
        ChangeAsync(
            transaction =>
            {
                step(transaction);
                return true;
            },
            cancellationToken);

    /// <summary>Reads between steps.</summary>
    public Task<T> ReadAsync<T>(Func<DatabaseSession, T> read, CancellationToken cancellationToken) => database.ReadAsync(read, cancellationToken);
}
