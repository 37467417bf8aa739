using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp.Logs;
using Pairwise.Server.Smp.Operation;
using Pairwise.Server.Smp.Store;
using Pairwise.Server.Smp.Subscribing;

namespace Pairwise.Server.Smp.Dispatch;

/// <summary>Notifiers and their subscriptions.</summary>
internal sealed partial class SmpDispatcher
{
    private (QueueNotifier Notifier, ServerNotifierCredentials Credentials) MakeNotifier(NotifierRequest request)
    {
        using X25519PrivateKey dhKey = X25519PrivateKey.Generate(Options.Random);
        using SharedSecret secret = dhKey.DeriveSharedSecret(request.DhKey);
        StoredId id = relay.NewId();
        return (new QueueNotifier(id, Stored(request.AuthKey), Bytes32.From(secret.Bytes), null),
            new ServerNotifierCredentials(new NotifierId(id.ToWireId()), dhKey.PublicKey));
    }

    private SmpAnswer AllowNotifier(ISmpClient client, SmpQueue queue, SmpCommand.NKey key)
    {
        for (int attempt = 0; attempt < IdAttempts; attempt++)
        {
            (QueueNotifier notifier, ServerNotifierCredentials credentials) = MakeNotifier(key.Notifier);
            SmpError? error = Queues.SetNotifier(queue, notifier, out QueueNotifier? former);
            if (error is SmpError.Duplicate)
            {
                continue;
            }

            if (former is not null)
            {
                relay.EndNotifications(queue, former, client);
            }

            if (error is not null)
            {
                return SmpAnswer.Of(error);
            }

            relay.Statistics.NotifierCreated();
            return SmpAnswer.Of(new BrokerMessage.Nid(credentials));
        }

        return SmpAnswer.Of(SmpError.Internal.Instance);
    }

    private SmpAnswer RemoveNotifier(ISmpClient client, SmpQueue queue)
    {
        SmpError? error = Queues.DeleteNotifier(queue, out QueueNotifier? former);
        if (former is not null)
        {
            relay.Notifications.Forget(former.Id);
            relay.EndNotifications(queue, former, client);
            relay.Statistics.NotifierDeleted();
        }

        return SmpAnswer.OkOr(error);
    }

    private SmpAnswer SubscribeToNotifications(ISmpClient client, SmpQueue queue)
    {
        // A service's queues are its own from the first NSUB in its session; without a service they are nobody's.
        if (Queues.SetService(queue, ServiceSide.Notifier, client.ServiceId, out StoredId? former) is { } refused)
        {
            return SmpAnswer.Of(refused);
        }

        if (queue.Notifier is not { } notifier)
        {
            return SmpAnswer.Of(SmpError.Auth.Instance);
        }

        if (former is { } left && left != client.ServiceId)
        {
            relay.NotificationServices.EndOne(left, notifier.Id, BrokerMessage.End.Instance, client);
        }

        CountAssociation(former, client.ServiceId);

        bool isRepeated = false;
        if (client.ServiceId is { } service)
        {
            Subscriptions.HandToService(queue, client);
            bool isFirst = relay.NotificationServices.SubscribeToOne(client, service, isNew: former != service);
            relay.Statistics.NotifierServices.Add(ServiceCounter.SubCount, isFirst ? 1 : 0);
            relay.Statistics.NotifierServices.Add(ServiceCounter.SubQueues, isFirst || former != service ? 1 : 0);
        }
        else if (Subscriptions.SubscribeToNotifications(client, queue, out isRepeated) is { } error)
        {
            return SmpAnswer.Of(error);
        }

        relay.Statistics.NotifierSubscribed(isRepeated);
        relay.Notifications.Wake(notifier.Id);
        return SmpAnswer.Of(new BrokerMessage.Sok(WireIdOf(client.ServiceId)));
    }

    // All queues of the service at once: they are counted, and what waits for them goes to this connection.
    private SmpAnswer SubscribeServiceToNotifications(ISmpClient client)
    {
        if (client.ServiceId is not { } service || Queues.Services.QueueCount(service, ServiceSide.Notifier) is not { } queues)
        {
            return SmpAnswer.Of(SmpError.Auth.Instance);
        }

        long count = relay.NotificationServices.SubscribeToAll(client, service, queues);
        relay.Notifications.WakeAll();
        return SmpAnswer.Of(new BrokerMessage.Soks(count));
    }

    private void CountAssociation(StoredId? former, StoredId? next)
    {
        if (former is not null || next is not null)
        {
            relay.Statistics.NotifierServices.Add(
                next is null ? ServiceCounter.AssocRemoved
                : former is null ? ServiceCounter.AssocNew
                : former == next ? ServiceCounter.AssocDuplicate
                : ServiceCounter.AssocUpdated);
        }
    }
}
