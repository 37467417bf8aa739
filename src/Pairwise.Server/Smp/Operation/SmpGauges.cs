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

    /// <summary>Clients connected.</summary>
    public required long Clients { get; init; }

    /// <summary>Queues subscribed by clients that are connected.</summary>
    public long? Subscriptions { get; init; }

    /// <summary>Queues whose notifications are subscribed.</summary>
    public long? NotificationSubscriptions { get; init; }

    /// <summary>Connections accepted since the start.</summary>
    public long? SocketsAccepted { get; init; }

    /// <summary>Connections open now.</summary>
    public long? SocketsActive { get; init; }
}
