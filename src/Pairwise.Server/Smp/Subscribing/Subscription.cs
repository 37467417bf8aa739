using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp.Store;

namespace Pairwise.Server.Smp.Subscribing;

/// <summary>
/// One connection's hold on one queue: that it is subscribed (to messages or to notifications), or that it reads the
/// queue with GET.
/// </summary>
/// <remarks>
/// The delivered message is guarded by the queue's lock; the links of the list by the lock of the connection's list.
/// </remarks>
internal sealed class Subscription(ISubscriber subscriber, SmpQueue queue, StoredId entityId, SubscriptionKind kind)
{
    /// <summary>Whose it is.</summary>
    public ISubscriber Subscriber { get; } = subscriber;

    /// <summary>The queue.</summary>
    public SmpQueue Queue { get; } = queue;

    /// <summary>The id that the subscriber knows the queue by: recipient id or notifier id.</summary>
    public StoredId EntityId { get; } = entityId;

    /// <summary>What for.</summary>
    public SubscriptionKind Kind { get; } = kind;

    /// <summary>The message that waits for its ACK; nothing else is delivered before.</summary>
    public StoredId? Delivered { get; set; }

    /// <summary>Whether the subscriber was told of a message and has not taken it yet: then it is not told again.</summary>
    public bool IsWaiting { get; set; }

    /// <summary>When that message was delivered, in seconds since 1970.</summary>
    public uint DeliveredAt { get; set; }

    /// <summary>The list of the subscriber's subscriptions.</summary>
    public Subscription? Previous { get; set; }

    /// <summary>The list of the subscriber's subscriptions.</summary>
    public Subscription? Next { get; set; }
}

/// <summary>What a connection holds a queue for.</summary>
internal enum SubscriptionKind : byte
{
    /// <summary>Messages as they come.</summary>
    Messages,

    /// <summary>Notifications as they come.</summary>
    Notifications,

    /// <summary>GET: one message at a time, when asked for. Not known to the queue.</summary>
    Get,
}

/// <summary>Whoever can hold subscriptions: a connection.</summary>
internal interface ISubscriber
{
    /// <summary>The subscriptions it holds.</summary>
    SubscriptionList Subscriptions { get; }

    /// <summary>Another connection took the queue over: END.</summary>
    void OnEnded(Subscription subscription);

    /// <summary>The queue, or its notifier, was deleted: DELD.</summary>
    void OnDeleted(Subscription subscription);

    /// <summary>Something about an id that is no subscription of its own: a queue of a service, or the service.</summary>
    void OnEvent(StoredId entity, BrokerMessage message);

    /// <summary>
    /// A message is to be delivered. Called under the queue's lock; must not wait. When the subscriber gets to it, it takes
    /// what is to be delivered then with <see cref="Subscriptions.Take"/>; until then it is not called again for this hold.
    /// </summary>
    /// <param name="subscription">The hold.</param>
    /// <param name="message">What waits now.</param>
    /// <param name="isOwn">Whether the subscriber has sent it itself: it comes before the answer to that command.</param>
    void OnMessage(Subscription subscription, StoredMessage message, bool isOwn);
}
