using Pairwise.Agent.Events;
using Pairwise.Storage;

namespace Pairwise.Agent.Store;

/// <summary>
/// One step of the agent: what it changes in the store, the events it tells and what it sets in motion, the latter two
/// only after the commit. Lives inside the step.
/// </summary>
internal sealed class AgentTransaction(DatabaseSession session)
{
    private readonly List<QueuedEvent> _events = [];
    private readonly List<Action> _afterCommit = [];

    public DatabaseSession Session => session;

    /// <summary>Told after the commit, in the order of the calls.</summary>
    public IReadOnlyList<QueuedEvent> Events => _events;

    /// <summary>Tells an event; a durable one is stored by this transaction.</summary>
    public void Raise(AgentEvent raised) => _events.Add(EventRows.Add(session, raised));

    /// <summary>Tells events that are stored already.</summary>
    public void RaiseAgain(IEnumerable<QueuedEvent> stored) => _events.AddRange(stored);

    /// <summary>Runs something that must not happen if the transaction fails, such as waking a worker.</summary>
    public void AfterCommit(Action action) => _afterCommit.Add(action);

    public void RunAfterCommit()
    {
        foreach (var action in _afterCommit) action();
    }
}
