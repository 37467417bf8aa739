using Microsoft.Extensions.Logging;
using Pairwise.Agent.Connections;
using Pairwise.Agent.Events;
using Pairwise.Agent.Relays;
using Pairwise.Agent.Store;
using Pairwise.Crypto;

namespace Pairwise.Agent;

/// <summary>What the parts of one agent share. Fixed once the agent has started.</summary>
internal sealed class AgentServices
{
    public required AgentOptions Options { get; init; }

    public required AgentStore Store { get; init; }

    public required EventOutbox Outbox { get; init; }

    public required TimeProvider Time { get; init; }

    public required IRandomSource Random { get; init; }

    public required ILogger Log { get; init; }

    public required BackgroundTasks Tasks { get; init; }

    public required RelayPool Relays { get; init; }

    /// <summary>One step at a time for each connection.</summary>
    public KeyedLocks<ConnectionId> Locks { get; } = new();

    /// <summary>Delivery workers by send queue. Set once, while the agent starts: workers and steps know each other.</summary>
    public KeyedWorkers<long> Deliveries { get; set; } = null!;

    /// <summary>Workers of background commands by connection. Set once, while the agent starts.</summary>
    public KeyedWorkers<ConnectionId> Commands { get; set; } = null!;

    public DateTimeOffset Now => Time.GetUtcNow();
}
