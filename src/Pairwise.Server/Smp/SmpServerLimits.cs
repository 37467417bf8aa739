using Pairwise.Protocol.Smp;

namespace Pairwise.Server.Smp;

/// <summary>Bounds of one relay, each with its unit and where the number comes from.</summary>
public sealed record SmpServerLimits
{
    /// <summary>Messages a queue takes before it refuses with QUOTA: the reference's number.</summary>
    public int QueueQuota { get; init; } = SmpLimits.DefaultQueueQuota;

    /// <summary>
    /// Answers and events that may wait for a client that does not read, large ones counted once more for each half KB:
    /// about half a MB. When they are that many, the relay stops reading the client's commands; the reference's internal
    /// queues have 128 places for whole batches of up to 255.
    /// </summary>
    public int PendingAnswers { get; init; } = 1024;

    /// <summary>Shared secrets of senders that a connection keeps; when there is no room they are all forgotten.</summary>
    public int CachedSenderSecrets { get; init; } = 256;

    /// <summary>
    /// Bytes that tables for often used keys may take in all connections together, about 8 KB each: beyond it signatures
    /// are verified without.
    /// </summary>
    public long KeyTableMemory { get; init; } = 16 << 20;

    /// <summary>Time for the handshake of the protocol after TLS: the reference's 120 seconds.</summary>
    public TimeSpan HandshakeTime { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>What memory has to fall below the watermark before it counts as enough again, in percent.</summary>
    public const int MemoryRestPercent = 10;

    /// <summary>
    /// How many connections may be open, from being accepted on; more are refused as they come. Where the system allows
    /// fewer descriptors, that counts.
    /// </summary>
    public int Connections { get; init; } = 100_000;

    /// <summary>Of so many connections one may be a socket that has sent no whole hello yet; they cost little.</summary>
    public const int SilentShare = 4;

    /// <summary>How many TLS handshakes may run at the same time.</summary>
    public int Handshakes { get; init; } = 1024;

    /// <summary>How long a client may take to send the rest of a block that it has begun, about: this is looked at now and then.</summary>
    public TimeSpan BlockTime { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Memory that the process may use, in bytes; null is what the container or machine has.</summary>
    public long? MemoryLimit { get; init; }

    /// <summary>At so much of the memory, in percent, no new connections are taken.</summary>
    public int MemoryRefusePercent { get; init; } = 80;

    /// <summary>At so much of the memory, in percent, connections are closed.</summary>
    public int MemoryCutPercent { get; init; } = 90;

    /// <summary>How long a block may take to be written to a client that does not read, before it is cut off.</summary>
    public TimeSpan WriteTime { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long a stop waits for connections and running work to end before it saves the state regardless.</summary>
    public TimeSpan StopTime { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Sessions with other relays, for commands that clients have forwarded: beyond it the one that was used longest ago
    /// ends. Fewer where the system allows few descriptors: they are set apart from those of <see cref="Connections"/>.
    /// </summary>
    public int RelaySessions { get; init; } = 2_000;

    /// <summary>Commands forwarded to other relays at the same time for one client: the reference's number.</summary>
    public int ForwardedCommands { get; init; } = 32;

    /// <summary>A relay that could not be reached is not tried again for this time: the reference's 30 seconds.</summary>
    public TimeSpan ForwardingPause { get; init; } = TimeSpan.FromSeconds(30);
}
