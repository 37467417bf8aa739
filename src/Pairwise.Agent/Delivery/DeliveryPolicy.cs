using Pairwise.Protocol.Smp;

namespace Pairwise.Agent.Delivery;

/// <summary>What becomes of a message after an attempt to send it failed.</summary>
internal abstract record DeliveryDecision
{
    private DeliveryDecision()
    {
    }

    /// <summary>Try again after a delay.</summary>
    /// <param name="Pace">Which delay.</param>
    /// <param name="IsWarned">Whether the application is told that the message is late.</param>
    public sealed record Retry(RetryPace Pace, bool IsWarned) : DeliveryDecision;

    /// <summary>Give this message up.</summary>
    /// <param name="Error">What the application is told.</param>
    public sealed record Drop(AgentError Error) : DeliveryDecision;

    /// <summary>Give this message up, and with it all in the queue that are older than the limit.</summary>
    public sealed record Expire(AgentError Error, TimeSpan Limit) : DeliveryDecision;
}

/// <summary>
/// The reference's rules for failed sends: a full queue is tried again slowly for days, a network failure quickly;
/// AUTH means that the queue is gone or was never ours. Pure.
/// </summary>
internal static class DeliveryPolicy
{
    /// <param name="kind">The message.</param>
    /// <param name="error">Why the attempt failed.</param>
    /// <param name="age">How long ago the message was created.</param>
    /// <param name="hasReceiveQueue">Whether this connection receives as well (the side that made the link, or past the handshake).</param>
    /// <param name="options">Time limits.</param>
    public static DeliveryDecision AfterFailure(MessageKind kind, AgentError error, TimeSpan age, bool hasReceiveQueue, AgentOptions options)
    {
        switch (error)
        {
            case AgentError.Relay { Error: SmpError.Quota }:
                if (kind is MessageKind.ConnectionInfo or MessageKind.ConnectionInfoReply) return Drop(ConnectionFault.NotAvailable);
                return age > options.QuotaTimeout
                    ? new DeliveryDecision.Expire(error, options.QuotaTimeout)
                    : new DeliveryDecision.Retry(RetryPace.Slow, IsWarned: true);
            case AgentError.Relay { Error: SmpError.Auth }:
                return kind switch
                {
                    MessageKind.ConnectionInfo or MessageKind.ConnectionInfoReply or MessageKind.RatchetKey => Drop(ConnectionFault.NotAvailable),
                    MessageKind.Hello => Drop(hasReceiveQueue ? ConnectionFault.NotAvailable : ConnectionFault.NotAccepted),
                    MessageKind.QueueAdd or MessageKind.QueueKey or MessageKind.QueueUse or MessageKind.QueueTest =>
                        new DeliveryDecision.Drop(new AgentError.Peer(PeerFault.Queue, $"{kind}: AUTH")),
                    _ => new DeliveryDecision.Drop(error),
                };
            case { IsWorthRetrying: true }:
                var limit = kind == MessageKind.Hello ? options.HelloTimeout : options.MessageTimeout;
                return age > limit
                    ? new DeliveryDecision.Expire(error, limit)
                    : new DeliveryDecision.Retry(RetryPace.Fast, IsWarned: error is AgentError.Broker { Fault: BrokerFault.Host or BrokerFault.Version or BrokerFault.Transport });
            default:
                return new DeliveryDecision.Drop(error);
        }
    }

    private static DeliveryDecision.Drop Drop(ConnectionFault fault) => new(new AgentError.Connection(fault));
}
