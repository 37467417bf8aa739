using Pairwise.Crypto;
using Pairwise.Protocol.Smp;

namespace Pairwise.Agent.Relays;

/// <summary>What is needed to subscribe to a queue.</summary>
internal sealed record WantedQueue(ConnectionId Connection, RecipientId Queue, PrivateKey Key);

/// <summary>
/// The queues of one relay that the agent wants to receive from: active ones (the relay delivers) and pending ones
/// (to be subscribed, at once or after the next reconnection). Plain state, guarded by its owner's lock.
/// </summary>
internal sealed class SubscriptionSet
{
    private readonly Dictionary<RecipientId, WantedQueue> _active = [];
    private readonly Dictionary<RecipientId, WantedQueue> _pending = [];

    public bool HasPending => _pending.Count > 0;

    /// <summary>Wants a queue; does nothing when it is active already.</summary>
    public void Want(WantedQueue subscription)
    {
        if (!_active.ContainsKey(subscription.Queue)) _pending[subscription.Queue] = subscription;
    }

    /// <summary>Up to <paramref name="count"/> of the pending queues, which stay pending.</summary>
    public List<WantedQueue> NextPending(int count) => [.. _pending.Values.Take(count)];

    /// <summary>The relay confirmed the subscription; false when it is not wanted any more or was active already.</summary>
    public bool Activate(RecipientId queue)
    {
        if (!_pending.Remove(queue, out var subscription)) return false;
        _active[queue] = subscription;
        return true;
    }

    /// <summary>The queue was created with a subscription.</summary>
    public void AddActive(WantedQueue subscription)
    {
        _pending.Remove(subscription.Queue);
        _active[subscription.Queue] = subscription;
    }

    /// <summary>Forgets a queue; returns what was wanted of it, if anything.</summary>
    public WantedQueue? Remove(RecipientId queue) =>
        _active.Remove(queue, out var active) ? active : _pending.Remove(queue, out var pending) ? pending : null;

    /// <summary>The connection was lost: all active queues become pending. Returns the connections concerned, each once.</summary>
    public List<ConnectionId> Suspend()
    {
        var connections = _active.Values.Select(subscription => subscription.Connection).Distinct().ToList();
        foreach (var (queue, subscription) in _active) _pending[queue] = subscription;
        _active.Clear();
        return connections;
    }

    public bool IsActive(RecipientId queue) => _active.ContainsKey(queue);
}
