using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp.Notifying;
using Pairwise.Server.Smp.Operation;
using Pairwise.Server.Smp.Store;
using Pairwise.Server.Smp.Subscribing;

namespace Pairwise.Server.Smp;

/// <summary>What all connections of one relay share. Fixed after construction; its parts are thread-safe.</summary>
internal sealed class SmpRelay(SmpServerOptions options, QueueStore queues, MessageStore messages, NotificationStore notifications, SmpStatistics statistics)
{
    private readonly RandomIds _ids = new(options.Random);

    public SmpServerOptions Options { get; } = options;

    public QueueStore Queues { get; } = queues;

    public MessageStore Messages { get; } = messages;

    public SmpStatistics Statistics { get; } = statistics;

    public NotificationStore Notifications { get; } = notifications;

    /// <summary>Who gets the notifications of services.</summary>
    public ServiceSubscribers NotificationServices { get; } = new();

    /// <summary>How many tables for keys that are used again the sessions may have together.</summary>
    public Connections.KeyTableBudget KeyTables { get; } = new(options.Limits.KeyTableMemory);

    /// <summary>How the disk does.</summary>
    public DiskWatch Disk { get; init; } = new(options.Time);

    /// <summary>Tells the operator when it does not.</summary>
    public DiskTrouble DiskTrouble { get; } = new(options.Logging.CreateLogger("Pairwise.Smp.Disk"), options.Time);

    /// <summary>What answers wait for before they are written; null where stores write at once.</summary>
    public IDurableWrites? DurableWrites { get; init; }

    /// <summary>A queue was deleted: its messages and notifications go, and all who held it learn of that but the one who deleted it.</summary>
    /// <returns>How many messages went.</returns>
    public int EndDeleted(SmpQueue queue, ISubscriber? except)
    {
        Subscribing.Subscriptions.EndAll(queue, except);
        if (queue.Notifier is { } notifier)
        {
            Notifications.Forget(notifier.Id);
            EndNotifications(queue, notifier, except);
        }

        Statistics.QueueDeleted(queue.IsSecured);
        return Messages.Drop(queue); // last: files that cannot be deleted do not keep the rest from happening
    }

    /// <summary>A notifier was removed: whoever held it learns of that, but the one who removed it.</summary>
    public void EndNotifications(SmpQueue queue, QueueNotifier notifier, ISubscriber? except)
    {
        Subscribing.Subscriptions.EndNotifications(queue, except);
        if (notifier.ServiceId is { } service)
        {
            NotificationServices.EndOne(service, notifier.Id, BrokerMessage.Deld.Instance, except);
        }
    }

    /// <summary>Seconds since 1970.</summary>
    public long NowSeconds() => Options.Time.GetUtcNow().ToUnixTimeSeconds();

    /// <summary>A random id: unguessable, and a message's is also the nonce of its box.</summary>
    public StoredId NewId() => _ids.Next();

    /// <summary>Whether a password opens this relay for new queues and forwarding.</summary>
    public bool IsPassword(BasicAuth? password) =>
        Options.CreatePassword is not { } expected || expected.Equals(password);
}
