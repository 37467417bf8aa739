using Pairwise.Server.Smp.Connections;
using Pairwise.Server.Smp.Logs;
using Pairwise.Transport.Sockets;

namespace Pairwise.Server.Smp.Operation;

/// <summary>What a relay holds at one moment, beside what it has counted. Null is not known to this relay.</summary>
public sealed record SmpGauges
{
    /// <summary>Queues stored.</summary>
    public required long Queues { get; init; }

    /// <summary>Queues with notification credentials.</summary>
    public required long Notifiers { get; init; }

    /// <summary>Messages that wait.</summary>
    public required long Messages { get; init; }

    /// <summary>Notifications that wait.</summary>
    public long Notifications { get; init; }

    /// <summary>Clients connected.</summary>
    public required long Clients { get; init; }

    /// <summary>Queues subscribed by clients that are connected.</summary>
    public long? Subscriptions { get; init; }

    /// <summary>Clients that are subscribed to queues.</summary>
    public long? SubscribedClients { get; init; }

    /// <summary>Services among them.</summary>
    public long? SubscribedServices { get; init; }

    /// <summary>Queues whose notifications are subscribed.</summary>
    public long? NotificationSubscriptions { get; init; }

    /// <summary>Clients that are subscribed to notifications.</summary>
    public long? NotificationClients { get; init; }

    /// <summary>Services among them.</summary>
    public long? NotificationServices { get; init; }

    /// <summary>Messages delivered that wait for their acknowledgement, by how long they have waited.</summary>
    public DeliveryTimes Delivered { get; init; } = new();

    /// <summary>Clients that such messages were delivered to.</summary>
    public long? DeliveredClients { get; init; }

    /// <summary>Services that receive messages, with queues or without.</summary>
    public long RecipientServices { get; init; }

    /// <summary>Queues of these.</summary>
    public long RecipientServiceQueues { get; init; }

    /// <summary>Services that receive notifications, with queues or without.</summary>
    public long NotifierServices { get; init; }

    /// <summary>Queues of these.</summary>
    public long NotifierServiceQueues { get; init; }

    /// <summary>Connections of each port.</summary>
    public IReadOnlyList<TlsPortCounts> Ports { get; init; } = [];

    /// <summary>Connections refused since the start, as too many were open or memory was short.</summary>
    public long? SocketsRefused { get; init; }

    /// <summary>Connections closed for others before their client had said anything.</summary>
    public long? SilentCut { get; init; }

    /// <summary>Connections that ended before their TLS handshake did.</summary>
    public long? FailedHandshakes { get; init; }

    /// <summary>TLS handshakes under way.</summary>
    public long? Handshakes { get; init; }

    /// <summary>Connections that may be open.</summary>
    public long? ConnectionLimit { get; init; }

    /// <summary>What the relay does about its memory.</summary>
    public MemoryState? MemoryState { get; init; }

    /// <summary>Connections closed since the start as their client did not read, or did not finish a block.</summary>
    public long CutStalled { get; init; }

    /// <summary>Connections closed since the start that held nothing and said nothing.</summary>
    public long CutInactive { get; init; }

    /// <summary>Connections closed since the start as memory was short.</summary>
    public long CutForMemory { get; init; }

    /// <summary>Looks at a relay.</summary>
    internal static SmpGauges Of(SmpRelay relay, ICollection<SmpConnection> clients, TlsListenerCounts? sockets)
    {
        DeliveryTimes delivered = new();
        long now = relay.NowSeconds();
        (int recipients, long recipientQueues) = relay.Queues.Services.Count(ServiceSide.Recipient);
        (int services, long serviceQueues) = relay.NotificationServices.Count();
        (int notifiers, long notifierQueues) = relay.Queues.Services.Count(ServiceSide.Notifier);
        return new SmpGauges
        {
            Queues = relay.Queues.Count,
            Notifiers = relay.Queues.NotifierCount,
            Messages = relay.Messages.Count,
            Notifications = relay.Notifications.Count,
            Clients = clients.Count,
            Subscriptions = clients.Sum(client => (long)client.Subscriptions.MessageCount),
            SubscribedClients = clients.Count(client => client.Subscriptions.MessageCount > 0),
            SubscribedServices = clients.Count(client => client.ServiceId is not null && client.Subscriptions.MessageCount > 0),
            NotificationSubscriptions = clients.Sum(client => (long)client.Subscriptions.NotificationCount) + serviceQueues,
            NotificationClients = clients.Count(client => client.Subscriptions.NotificationCount > 0) + services,
            NotificationServices = services,
            DeliveredClients = clients.Count(client => client.Subscriptions.CountDelivered(now, delivered)),
            Delivered = delivered,
            RecipientServices = recipients,
            RecipientServiceQueues = recipientQueues,
            NotifierServices = notifiers,
            NotifierServiceQueues = notifierQueues,
            Ports = sockets?.Ports ?? [],
            SocketsRefused = sockets?.Refused,
            SilentCut = sockets?.SilentCut,
            FailedHandshakes = sockets?.FailedHandshakes,
            Handshakes = sockets?.Handshakes,
        };
    }
}
