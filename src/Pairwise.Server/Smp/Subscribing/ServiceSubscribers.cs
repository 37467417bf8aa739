using System.Collections.Concurrent;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp.Store;

namespace Pairwise.Server.Smp.Subscribing;

/// <summary>
/// Which connection each notification service is subscribed through, and to how many queues: what NSUB and NSUBS of a
/// service make. One connection a service; another one takes all over, and the former hears ENDS. Thread-safe.
/// </summary>
internal sealed class ServiceSubscribers
{
    private readonly ConcurrentDictionary<StoredId, Hold> _holds = new();

    /// <summary>The connection that notifications of the service's queues go to.</summary>
    public ISubscriber? Find(StoredId service) => _holds.TryGetValue(service, out Hold? hold) ? Volatile.Read(ref hold.Subscriber) : null;

    /// <summary>How many queues a connection is subscribed to as this service.</summary>
    public long CountOf(ISubscriber subscriber, StoredId service)
    {
        if (!_holds.TryGetValue(service, out Hold? hold))
        {
            return 0;
        }

        lock (hold)
        {
            return ReferenceEquals(hold.Subscriber, subscriber) ? hold.Queues : 0;
        }
    }

    /// <summary>NSUBS: all queues of the service.</summary>
    /// <param name="subscriber">Whose they are from now on.</param>
    /// <param name="service">The service.</param>
    /// <param name="queues">How many queues are the service's.</param>
    /// <returns>How many the connection is subscribed to; what it heard before, when it asks again.</returns>
    public long SubscribeToAll(ISubscriber subscriber, StoredId service, long queues) =>
        Change(subscriber, service, hold =>
        {
            if (!hold.HasAll)
            {
                hold.HasAll = true;
                hold.Queues = queues;
            }
        });

    /// <summary>NSUB of a service: one queue, which was the service's before or is now.</summary>
    /// <returns>Whether the connection was subscribed to none of the service's queues before.</returns>
    public bool SubscribeToOne(ISubscriber subscriber, StoredId service, bool isNew)
    {
        bool isFirst = false;
        Change(subscriber, service, hold =>
        {
            isFirst = hold.Queues == 0;
            hold.Queues += isNew || isFirst ? 1 : 0;
        });
        return isFirst;
    }

    /// <summary>How many services are subscribed, and to how many queues in all.</summary>
    public (int Services, long Queues) Count()
    {
        int services = 0;
        long queues = 0;
        foreach (Hold hold in _holds.Values)
        {
            lock (hold)
            {
                services += hold.Subscriber is null ? 0 : 1;
                queues += hold.Queues;
            }
        }

        return (services, queues);
    }

    /// <summary>A queue is the service's no more: whoever is subscribed learns why, unless it did that itself.</summary>
    /// <param name="service">The service.</param>
    /// <param name="entity">The queue's notifier id.</param>
    /// <param name="reason">END or DELD.</param>
    /// <param name="except">Who did it.</param>
    public void EndOne(StoredId service, StoredId entity, BrokerMessage reason, ISubscriber? except)
    {
        if (!_holds.TryGetValue(service, out Hold? hold))
        {
            return;
        }

        ISubscriber? told;
        lock (hold)
        {
            told = hold.Subscriber;
            hold.Queues = Math.Max(0, hold.Queues - 1);
        }

        if (told is not null && !ReferenceEquals(told, except))
        {
            told.OnEvent(entity, reason);
        }
    }

    /// <summary>A connection ended.</summary>
    public void Release(ISubscriber subscriber, StoredId service)
    {
        if (!_holds.TryGetValue(service, out Hold? hold))
        {
            return;
        }

        lock (hold)
        {
            if (ReferenceEquals(hold.Subscriber, subscriber))
            {
                hold.Subscriber = null;
                hold.Queues = 0;
                hold.HasAll = false;
            }
        }
    }

    private long Change(ISubscriber subscriber, StoredId service, Action<Hold> change)
    {
        Hold hold = _holds.GetOrAdd(service, _ => new Hold());
        ISubscriber? former = null;
        long ended = 0;
        long queues;
        lock (hold)
        {
            if (!ReferenceEquals(hold.Subscriber, subscriber))
            {
                (former, ended) = (hold.Subscriber, hold.Queues);
                hold.Subscriber = subscriber;
                hold.Queues = 0;
                hold.HasAll = false;
            }

            change(hold);
            queues = hold.Queues;
        }

        former?.OnEvent(service, new BrokerMessage.Ends(ended));
        return queues;
    }

    // Services are few and never forgotten: neither are their holds.
    private sealed class Hold
    {
        public ISubscriber? Subscriber;

        public long Queues { get; set; }

        public bool HasAll { get; set; }
    }
}
