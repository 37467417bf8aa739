using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp.Store;

namespace Pairwise.Server.Smp.Subscribing;

/// <summary>
/// Who is subscribed to what, and what is delivered when: one subscriber a queue, one message at a time. It knows
/// nothing of connections beyond <see cref="ISubscriber"/>.
/// </summary>
internal static class Subscriptions
{
    /// <summary>
    /// Subscribes to messages and delivers the first one. A subscriber that was there before learns that it ended; one
    /// that subscribes again gets the message again.
    /// </summary>
    /// <returns>PROHIBITED when the connection reads the queue with GET; AUTH when the queue is gone.</returns>
    public static SmpError? Subscribe(ISubscriber subscriber, SmpQueue queue, MessageStore messages, out bool isRepeated) =>
        Subscribe(subscriber, queue, messages, out isRepeated, out _);

    /// <inheritdoc cref="Subscribe(ISubscriber, SmpQueue, MessageStore, out bool)"/>
    public static SmpError? Subscribe(ISubscriber subscriber, SmpQueue queue, MessageStore messages, out bool isRepeated, out bool isDelivered)
    {
        isRepeated = false;
        isDelivered = false;
        if (subscriber.Subscriptions.FindGet(queue.RecipientId) is not null)
        {
            return SmpError.Command.Prohibited;
        }

        Subscription? ended = null;
        lock (queue)
        {
            if (queue.IsDeleted)
            {
                return SmpError.Auth.Instance;
            }

            // Before anything changes: a journal that cannot be read refuses here.
            StoredMessage? first = messages.Peek(queue);
            Subscription? current = queue.Subscription;
            if (current is not null && ReferenceEquals(current.Subscriber, subscriber))
            {
                isRepeated = true;
            }
            else
            {
                ended = current;
                current = new Subscription(subscriber, queue, queue.RecipientId, SubscriptionKind.Messages);
                if (!subscriber.Subscriptions.TryAdd(current))
                {
                    return null; // the connection is gone, and nobody reads the answer
                }

                queue.Subscription = current;
            }

            current.Delivered = null;
            if (first is not null)
            {
                isDelivered = true;
                Deliver(current, first, isOwn: false);
            }
        }

        if (ended is not null)
        {
            ended.Subscriber.Subscriptions.Remove(ended);
            ended.Subscriber.OnEnded(ended);
        }

        return null;
    }

    /// <summary>Subscribes to notifications.</summary>
    public static SmpError? SubscribeToNotifications(ISubscriber subscriber, SmpQueue queue, out bool isRepeated)
    {
        isRepeated = false;
        Subscription? ended;
        lock (queue)
        {
            if (queue.IsDeleted || queue.Notifier is not { } notifier)
            {
                return SmpError.Auth.Instance;
            }

            ended = queue.NotifierSubscription;
            if (ended is not null && ReferenceEquals(ended.Subscriber, subscriber))
            {
                isRepeated = true;
                return null;
            }

            Subscription next = new(subscriber, queue, notifier.Id, SubscriptionKind.Notifications);
            if (!subscriber.Subscriptions.TryAdd(next))
            {
                return null;
            }

            queue.NotifierSubscription = next;
        }

        if (ended is not null)
        {
            ended.Subscriber.Subscriptions.Remove(ended);
            ended.Subscriber.OnEnded(ended);
        }

        return null;
    }

    /// <summary>
    /// A message was stored as the first of its queue: it is delivered when somebody is subscribed and nothing waits for
    /// its ACK. The caller has held the queue's lock since it was stored.
    /// </summary>
    /// <param name="queue">The queue.</param>
    /// <param name="message">The message.</param>
    /// <param name="sender">Who sent it.</param>
    public static void OnStored(SmpQueue queue, StoredMessage message, ISubscriber sender)
    {
        lock (queue)
        {
            if (queue.Subscription is { Delivered: null } subscription)
            {
                Deliver(subscription, message, isOwn: ReferenceEquals(subscription.Subscriber, sender));
            }
        }
    }

    /// <summary>The queue's notifications go to a service from now on: whoever was subscribed alone hears END.</summary>
    public static void HandToService(SmpQueue queue, ISubscriber except)
    {
        Subscription? ended;
        lock (queue)
        {
            ended = queue.NotifierSubscription;
            queue.NotifierSubscription = null;
        }

        if (ended is not null)
        {
            ended.Subscriber.Subscriptions.Remove(ended);
            if (!ReferenceEquals(ended.Subscriber, except))
            {
                ended.Subscriber.OnEnded(ended);
            }
        }
    }

    /// <summary>Ends the hold of notifications, as when the notifier was removed.</summary>
    public static void EndNotifications(SmpQueue queue, ISubscriber? except)
    {
        Subscription? ended;
        lock (queue)
        {
            ended = queue.NotifierSubscription;
            queue.NotifierSubscription = null;
        }

        Tell(ended, except);
    }

    /// <summary>Ends every hold on a deleted queue; all but the connection that deleted it learn of it.</summary>
    public static void EndAll(SmpQueue queue, ISubscriber? except)
    {
        Subscription? ended;
        lock (queue)
        {
            ended = queue.Subscription;
            queue.Subscription = null;
        }

        Tell(ended, except);
        except?.Subscriptions.RemoveGet(queue.RecipientId);
    }

    /// <summary>A connection ended: its queues are free.</summary>
    public static void Release(ISubscriber subscriber)
    {
        foreach (Subscription subscription in subscriber.Subscriptions.Close())
        {
            SmpQueue queue = subscription.Queue;
            lock (queue)
            {
                if (ReferenceEquals(queue.Subscription, subscription))
                {
                    queue.Subscription = null;
                }
                else if (ReferenceEquals(queue.NotifierSubscription, subscription))
                {
                    queue.NotifierSubscription = null;
                }
            }
        }
    }

    /// <summary>
    /// What is to be delivered now to a subscriber that was told of a message: null when the hold has ended, or when the
    /// message and all behind it are gone meanwhile.
    /// </summary>
    /// <param name="subscription">The hold.</param>
    /// <param name="known">The message that the subscriber was told of, if it has kept it.</param>
    /// <param name="messages">Where it is otherwise.</param>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static StoredMessage? Take(Subscription subscription, StoredMessage? known, MessageStore messages)
    {
        SmpQueue queue = subscription.Queue;
        lock (queue)
        {
            subscription.IsWaiting = false;
            if (!ReferenceEquals(queue.Subscription, subscription) || subscription.Delivered is not { } delivered)
            {
                return null;
            }

            if (known is not null && known.Id == delivered)
            {
                return known;
            }

            StoredMessage? first = messages.Peek(queue);
            subscription.Delivered = first?.Id;
            return first;
        }
    }

    /// <summary>
    /// What is to be delivered in the place of a message that is not in the store any more: null when the hold has ended, or
    /// when nothing is behind it.
    /// </summary>
    /// <param name="hold">The hold by which it was delivered.</param>
    /// <param name="gone">The message.</param>
    /// <param name="messages">The store. If it still knows the message, somebody else removed it there, and it is forgotten.</param>
    /// <exception cref="IOException">The store takes no changes.</exception>
    public static StoredMessage? TakeOther(Subscription hold, StoredId gone, MessageStore messages)
    {
        SmpQueue queue = hold.Queue;
        lock (queue)
        {
            bool isOver = queue.IsDeleted || (hold.Kind == SubscriptionKind.Messages && !ReferenceEquals(queue.Subscription, hold));
            if (isOver || hold.Delivered != gone)
            {
                return null;
            }

            StoredMessage? first = messages.Acknowledge(queue, gone, out _);
            hold.Delivered = first?.Id;
            return first;
        }
    }

    private static void Deliver(Subscription subscription, StoredMessage message, bool isOwn)
    {
        subscription.Delivered = message.Id;
        if (!subscription.IsWaiting)
        {
            subscription.IsWaiting = true;
            subscription.Subscriber.OnMessage(subscription, message, isOwn);
        }
    }

    private static void Tell(Subscription? ended, ISubscriber? except)
    {
        if (ended is null)
        {
            return;
        }

        ended.Subscriber.Subscriptions.Remove(ended);
        if (!ReferenceEquals(ended.Subscriber, except))
        {
            ended.Subscriber.OnDeleted(ended);
        }
    }
}
