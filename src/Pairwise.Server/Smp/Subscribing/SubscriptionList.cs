using Pairwise.Server.Smp.Operation;
using Pairwise.Server.Smp.Store;

namespace Pairwise.Server.Smp.Subscribing;

/// <summary>
/// The subscriptions of one connection: a linked list through the subscriptions themselves, so that one more costs
/// nothing beside its own object. Thread-safe.
/// </summary>
internal sealed class SubscriptionList
{
    private readonly Lock _gate = new();
    private Subscription? _first;
    private Dictionary<StoredId, Subscription>? _gets;
    private bool _isClosed;
    private int _messageCount;
    private int _notificationCount;

    /// <summary>How many queues it is subscribed to.</summary>
    public int MessageCount => Volatile.Read(ref _messageCount);

    /// <summary>How many queues' notifications it is subscribed to.</summary>
    public int NotificationCount => Volatile.Read(ref _notificationCount);

    /// <summary>Adds one; false when the connection has ended meanwhile.</summary>
    public bool TryAdd(Subscription subscription)
    {
        lock (_gate)
        {
            if (_isClosed)
            {
                return false;
            }

            subscription.Next = _first;
            if (_first is not null)
            {
                _first.Previous = subscription;
            }

            _first = subscription;
            Count(subscription, 1);
            return true;
        }
    }

    /// <summary>Takes one out; nothing happens when it is out already.</summary>
    public void Remove(Subscription subscription)
    {
        lock (_gate)
        {
            if (subscription.Previous is null && !ReferenceEquals(_first, subscription))
            {
                return;
            }

            if (subscription.Next is not null)
            {
                subscription.Next.Previous = subscription.Previous;
            }

            if (subscription.Previous is null)
            {
                _first = subscription.Next;
            }
            else
            {
                subscription.Previous.Next = subscription.Next;
            }

            subscription.Next = null;
            subscription.Previous = null;
            Count(subscription, -1);
        }
    }

    /// <summary>The hold of GET on a queue, if there is one.</summary>
    public Subscription? FindGet(StoredId recipientId)
    {
        lock (_gate)
        {
            return _gets?.GetValueOrDefault(recipientId);
        }
    }

    /// <summary>Adds a hold of GET.</summary>
    public void AddGet(Subscription subscription)
    {
        lock (_gate)
        {
            (_gets ??= [])[subscription.Queue.RecipientId] = subscription;
        }
    }

    /// <summary>Takes a hold of GET out.</summary>
    public void RemoveGet(StoredId recipientId)
    {
        lock (_gate)
        {
            _gets?.Remove(recipientId);
        }
    }

    /// <summary>Counts the messages that wait for their acknowledgement, by how long they have waited.</summary>
    /// <returns>Whether there is one.</returns>
    public bool CountDelivered(long now, DeliveryTimes times)
    {
        bool any = false;
        lock (_gate)
        {
            for (Subscription? each = _first; each is not null; each = each.Next)
            {
                if (each.Delivered is not null)
                {
                    times.Add(now - each.DeliveredAt);
                    any = true;
                }
            }
        }

        return any;
    }

    /// <summary>Nothing can be added from now on; gives all that was there.</summary>
    public IReadOnlyList<Subscription> Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            List<Subscription> all = [];
            for (Subscription? each = _first; each is not null; each = each.Next)
            {
                all.Add(each);
            }

            _first = null;
            _gets = null;
            return all;
        }
    }

    private void Count(Subscription subscription, int change)
    {
        if (subscription.Kind == SubscriptionKind.Messages)
        {
            _messageCount += change;
        }
        else
        {
            _notificationCount += change;
        }
    }
}
