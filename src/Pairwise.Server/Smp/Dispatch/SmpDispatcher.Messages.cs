using System.Globalization;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp.Operation;
using Pairwise.Server.Smp.Store;
using Pairwise.Server.Smp.Subscribing;

namespace Pairwise.Server.Smp.Dispatch;

/// <summary>Sending, receiving and acknowledging messages.</summary>
internal sealed partial class SmpDispatcher
{
    private SmpAnswer Send(ISmpClient client, SmpCommand.Send send, SmpQueue queue)
    {
        if (Touch(queue) is { } error)
        {
            return SmpAnswer.Of(error);
        }

        if (send.Body.Length > SmpLimits.MaxMessageLength(client.Version))
        {
            relay.Statistics.SendRefused(SendRefusal.Large);
            return SmpAnswer.Of(SmpError.LargeMessage.Instance);
        }

        if (queue.Status != QueueStatus.Active)
        {
            relay.Statistics.SendRefused(queue.Status == QueueStatus.Off ? SendRefusal.Auth : SendRefusal.Blocked);
            return SmpAnswer.Of(BlockOf(queue) ?? (SmpError)SmpError.Auth.Instance);
        }

        // The link of a conversation works once: until its queue is secured and used.
        if (queue.Link is not null && queue.IsSecuredConversation && Queues.DeleteLink(queue) is { } refused)
        {
            return SmpAnswer.Of(refused);
        }

        if (Options is { ExpireMessagesOnSend: true, MessageExpiration: { } expiration })
        {
            relay.Statistics.MessagesExpired(Messages.Expire(queue, relay.NowSeconds() - (long)expiration.Lifetime.TotalSeconds));
        }

        StoredMessage message = StoredMessage.Message(relay.NewId(), relay.NowSeconds(), send.Flags.Notification, Copy(send.Body.Span));
        // One hold of the lock: between the two the recipient could subscribe, receive and acknowledge the message, and
        // would then get what is no longer there.
        lock (queue)
        {
            error = Messages.Write(queue, message, out WriteOutcome outcome);
            if (outcome == WriteOutcome.StoredFirst)
            {
                Subscriptions.OnStored(queue, message, client);
            }
        }

        if (error is not null)
        {
            if (error is SmpError.Quota)
            {
                relay.Statistics.SendRefused(SendRefusal.Quota);
            }

            return SmpAnswer.Of(error);
        }

        if (message.Notify && queue.Notifier is { } notifier)
        {
            relay.Notifications.Add(notifier, message);
        }

        relay.Statistics.MessageSent(queue, message.Notify);
        return SmpAnswer.Ok;
    }

    // Every byte is written: the runtime need not wipe the array first.
    private static byte[] Copy(ReadOnlySpan<byte> body)
    {
        byte[] copy = GC.AllocateUninitializedArray<byte>(body.Length);
        body.CopyTo(copy);
        return copy;
    }

    private SmpAnswer Subscribe(ISmpClient client, SmpQueue queue)
    {
        SmpError? error = Subscriptions.Subscribe(client, queue, Messages, out bool isRepeated, out bool isDelivered);
        relay.Statistics.Subscribed(isRepeated, isDelivered, error);
        return error is null ? SmpAnswer.Of(new BrokerMessage.Sok(WireIdOf(client.ServiceId))) : SmpAnswer.Of(error);
    }

    private SmpAnswer Get(ISmpClient client, SmpQueue queue)
    {
        Subscription? hold = client.Subscriptions.FindGet(queue.RecipientId);
        if (hold is null)
        {
            lock (queue)
            {
                if (ReferenceEquals(queue.Subscription?.Subscriber, client))
                {
                    relay.Statistics.GetRefused();
                    return SmpAnswer.Of(SmpError.Command.Prohibited); // the messages of a subscription come by themselves
                }
            }

            hold = new Subscription(client, queue, queue.RecipientId, SubscriptionKind.Get);
            client.Subscriptions.AddGet(hold);
        }

        lock (queue)
        {
            bool isRepeated = hold.Delivered is not null;
            StoredMessage? first = Messages.Peek(queue);
            hold.Delivered = first?.Id;
            hold.DeliveredAt = (uint)relay.NowSeconds();
            relay.Statistics.Got(first is not null, isRepeated);
            return first is { } message ? SmpAnswer.Of(hold, message) : SmpAnswer.Ok;
        }
    }

    private SmpAnswer Acknowledge(ISmpClient client, SmpCommand.Ack ack, SmpQueue queue)
    {
        lock (queue)
        {
            Subscription? hold = ReferenceEquals(queue.Subscription?.Subscriber, client)
                ? queue.Subscription
                : client.Subscriptions.FindGet(queue.RecipientId);
            if (hold?.Delivered is not { } delivered || !IsIdOf(ack.Message, delivered))
            {
                return SmpAnswer.Of(SmpError.NoMessage.Instance);
            }

            // An empty id acknowledges whatever was delivered, but removes nothing by itself.
            hold.Delivered = null;
            StoredMessage? removed = null;
            StoredMessage? next = ack.Message.Value.IsEmpty ? Messages.Peek(queue) : Messages.Acknowledge(queue, delivered, out removed);
            if (removed is { IsQuota: false })
            {
                relay.Statistics.MessageReceived(queue, removed, isGet: hold.Kind == SubscriptionKind.Get, relay.NowSeconds() - hold.DeliveredAt);
            }

            if (hold.Kind == SubscriptionKind.Get || next is null)
            {
                return SmpAnswer.Ok;
            }

            hold.Delivered = next.Id;
            hold.DeliveredAt = (uint)relay.NowSeconds();
            return SmpAnswer.Of(hold, next);
        }
    }

    private static bool IsIdOf(MessageId id, StoredId message) =>
        id.Value.IsEmpty || (StoredId.TryFrom(id.Value.Span, out StoredId stored) && stored == message);

    private SmpAnswer Describe(ISmpClient client, SmpQueue queue)
    {
        lock (queue)
        {
            Subscription? hold = ReferenceEquals(queue.Subscription?.Subscriber, client)
                ? queue.Subscription
                : client.Subscriptions.FindGet(queue.RecipientId);
            QueueSubscription? subscription = hold is null
                ? null
                : new QueueSubscription(
                    hold.Kind == SubscriptionKind.Get ? QueueSubscriptionState.Prohibited : QueueSubscriptionState.None,
                    hold.Delivered is { } delivered ? Convert.ToBase64String(delivered.ToArray()) : null);
            StoredMessage? first = Messages.Peek(queue);
            QueuedMessage? queued = first is null
                ? null
                : new QueuedMessage(
                    Convert.ToBase64String(first.Id.ToArray()),
                    DateTimeOffset.FromUnixTimeSeconds(first.Seconds).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
                    first.IsQuota);
            return SmpAnswer.Of(new BrokerMessage.Info(new QueueInfo(
                queue.IsSecured, queue.Notifier is not null, subscription, Messages.CountOf(queue), queued)));
        }
    }
}
