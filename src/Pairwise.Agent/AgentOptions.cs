using Pairwise.Agent.Files;
using Pairwise.Wire;

namespace Pairwise.Agent;

/// <summary>Settings of an agent. The defaults are those of the reference (defaultAgentConfig of release 6.5.5).</summary>
public sealed record AgentOptions
{
    /// <summary>Versions of the agent protocol to offer and accept. Narrower ranges are for tests against old peers.</summary>
    public VersionRange AgentVersions { get; init; } = new(2, 7);

    /// <summary>Versions of the SMP client protocol (the envelope between the two clients).</summary>
    public VersionRange ClientVersions { get; init; } = new(1, 4);

    /// <summary>Versions of the end-to-end encryption (2: classic, 3: post-quantum).</summary>
    public VersionRange RatchetVersions { get; init; } = new(2, 3);

    /// <summary>
    /// How long the making of a connection, for which somebody waits, waits for a relay that is being reached. The attempt
    /// itself goes on for as long as the network's own limit.
    /// </summary>
    public TimeSpan ReachTime { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Delays between attempts to reach a relay.</summary>
    public RetryInterval Reconnect { get; init; } = new(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(180));

    /// <summary>Delays between attempts to send a message after network failures.</summary>
    public RetryInterval FastRetry { get; init; } = new(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(120));

    /// <summary>Delays between attempts to send a message to a full queue.</summary>
    public RetryInterval SlowRetry { get; init; } = new(TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(1), TimeSpan.FromHours(6));

    /// <summary>A message that could not reach the relay in this time is given up.</summary>
    public TimeSpan MessageTimeout { get; init; } = TimeSpan.FromDays(2);

    /// <summary>The same for the greeting of the classic handshake.</summary>
    public TimeSpan HelloTimeout { get; init; } = TimeSpan.FromDays(2);

    /// <summary>A message that finds the queue full for this time is given up.</summary>
    public TimeSpan QuotaTimeout { get; init; } = TimeSpan.FromDays(7);

    /// <summary>Deletion that waits for pending messages waits at most this time.</summary>
    public TimeSpan DeleteDeliveryTimeout { get; init; } = TimeSpan.FromDays(2);

    /// <summary>Attempts to delete a queue at its relay before the agent forgets it.</summary>
    public int DeleteAttempts { get; init; } = 10;

    /// <summary>Queues in one batch of subscriptions.</summary>
    public int SubscriptionBatch { get; init; } = 1350;

    /// <summary>How often a message is offered to the application before it may be dropped.</summary>
    public int ReceiveAttempts { get; init; } = 8;

    /// <summary>How old such a message must be as well.</summary>
    public TimeSpan ReceiveExpiry { get; init; } = TimeSpan.FromDays(1);

    /// <summary>How long hashes of received messages and records of sent ones are kept.</summary>
    public TimeSpan StoredMessageLifetime { get; init; } = TimeSpan.FromDays(21);

    /// <summary>Time between clean-ups of the store.</summary>
    public TimeSpan CleanupInterval { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Rows removed by one clean-up of one table.</summary>
    public int CleanupBatch { get; init; } = 10_000;

    /// <summary>Settings of file transfer.</summary>
    public FileTransferOptions Files { get; init; } = new();
}

/// <summary>
/// Growing delays between attempts: <paramref name="Initial"/> until <paramref name="IncreaseAfter"/> has passed in all,
/// then each 3/2 of the one before, at most <paramref name="Maximum"/>.
/// </summary>
public readonly record struct RetryInterval(TimeSpan Initial, TimeSpan IncreaseAfter, TimeSpan Maximum)
{
    /// <summary>The delay after <paramref name="delay"/>, when <paramref name="elapsed"/> was waited in all.</summary>
    public TimeSpan Next(TimeSpan elapsed, TimeSpan delay)
    {
        if (elapsed < IncreaseAfter || delay == Maximum) return delay;
        var longer = new TimeSpan(delay.Ticks * 3 / 2);
        return longer < Maximum ? longer : Maximum;
    }
}
