using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Pairwise.Client;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Server.Smp.Operation;
using Pairwise.Server.Smp.Postgres;
using Pairwise.Server.Web;

namespace Pairwise.Server.Smp;

/// <summary>Where undelivered messages are kept.</summary>
public enum MessageStorage
{
    /// <summary>In memory; saved when the relay stops.</summary>
    Memory,

    /// <summary>In one file for each queue: a message answered with OK survives the death of the process.</summary>
    Journal,

    /// <summary>In memory and, before it is answered with OK, in the database. Needs <see cref="SmpServerOptions.Database"/>.</summary>
    Database,
}

/// <summary>Something that gets old, and how often it is looked for.</summary>
/// <param name="Lifetime">After this time it is removed.</param>
/// <param name="CheckInterval">The time between two searches.</param>
public sealed record Expiration(TimeSpan Lifetime, TimeSpan CheckInterval);

/// <summary>How a relay runs. Immutable; the defaults are the reference's.</summary>
public sealed record SmpServerOptions
{
    /// <summary>
    /// Where certificates, keys and the fingerprint are: ca.crt, server.crt, server.key, fingerprint. When there is no
    /// server.crt, all are made at the start.
    /// </summary>
    public required string ConfigurationFolder { get; init; }

    /// <summary>Where the store log and the messages are; null keeps nothing beyond the process.</summary>
    public string? StateFolder { get; init; }

    /// <summary>Addresses to listen on; port 0 takes a free one.</summary>
    public IReadOnlyList<IPEndPoint> Endpoints { get; init; } = [new IPEndPoint(IPAddress.Loopback, 0)];

    /// <summary>Addresses to listen on for clients that speak the same protocol through WebSockets over TLS.</summary>
    public IReadOnlyList<IPEndPoint> WebSocketEndpoints { get; init; } = [];

    /// <summary>The host names that the printed address shows; empty shows the first address listened on.</summary>
    public string Host { get; init; } = "";

    /// <summary>The certificate's common name, when certificates are made at the start.</summary>
    public string CommonName { get; init; } = "127.0.0.1";

    /// <summary>Queues are written to a log and restored from it. Needs a <see cref="StateFolder"/>.</summary>
    public bool KeepQueues { get; init; } = true;

    /// <summary>The database that queues are kept in, instead of a log; null = none.</summary>
    public PostgresOptions? Database { get; init; }

    /// <summary>Whether a store log is kept beside the database, from which the queues could be restored without it.</summary>
    public bool MirrorDatabaseToLog { get; init; }

    /// <summary>Undelivered messages in memory are saved at a stop and restored.</summary>
    public bool KeepMessages { get; init; } = true;

    /// <summary>Where messages wait.</summary>
    public MessageStorage MessageStorage { get; init; } = MessageStorage.Memory;

    /// <summary>Whether a broken line in a log, or a message of a queue that is gone, does not keep the relay from starting.</summary>
    public bool SkipWarnings { get; init; } = true;

    /// <summary>Whether NEW is answered at all; off to wind a relay down.</summary>
    public bool AllowNewQueues { get; init; } = true;

    /// <summary>The password for NEW and PRXY; null asks for none.</summary>
    public BasicAuth? CreatePassword { get; init; }

    /// <summary>Whether commands are forwarded to other relays, for whoever knows the password.</summary>
    public bool AllowForwarding { get; init; } = true;

    /// <summary>How other relays are reached: host mode, SOCKS proxy, times.</summary>
    public NetworkOptions Network { get; init; } = new() { HostMode = HostMode.Public };

    /// <summary>When undelivered messages are removed; null never.</summary>
    public Expiration? MessageExpiration { get; init; } = new(TimeSpan.FromDays(21), TimeSpan.FromHours(2));

    /// <summary>Whether old messages are left out when they are restored.</summary>
    public bool ExpireMessagesOnStart { get; init; } = true;

    /// <summary>Whether a SEND first removes old messages from its queue.</summary>
    public bool ExpireMessagesOnSend { get; init; } = true;

    /// <summary>When undelivered notifications are removed.</summary>
    public Expiration NotificationExpiration { get; init; } = new(TimeSpan.FromHours(24), TimeSpan.FromHours(1));

    /// <summary>How often notifications that wait are sent to their notifiers.</summary>
    public TimeSpan NotificationInterval { get; init; } = TimeSpan.FromMilliseconds(1500);

    /// <summary>When a connection without subscriptions that says nothing is closed; null never.</summary>
    public Expiration? InactiveClients { get; init; } = new(TimeSpan.FromSeconds(21600), TimeSpan.FromSeconds(3600));

    /// <summary>
    /// How often messages in memory are saved while the relay runs, when they have changed, to bound what a crash loses;
    /// null never. Saving takes at most a tenth of the time: when it takes longer than that, it is done less often.
    /// </summary>
    public TimeSpan? SnapshotInterval { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Domains of the operator's own relays, whose forwarded commands are counted apart too.</summary>
    public IReadOnlyList<string> OwnDomains { get; init; } = [];

    /// <summary>Pages for browsers, metrics and health.</summary>
    public ServerWebOptions Web { get; init; } = new();

    /// <summary>Whether failed TLS handshakes are told in the log: their reason, not who it was.</summary>
    public bool LogTlsErrors { get; init; }

    /// <summary>Whether counters are saved at a stop, restored at a start, and written each day. Needs a <see cref="StateFolder"/>.</summary>
    public bool KeepStatistics { get; init; }

    /// <summary>How often the metrics are written to a file in the state folder; null never.</summary>
    public TimeSpan? MetricsInterval { get; init; }

    /// <summary>The control port; null has none.</summary>
    public SmpControlOptions? Control { get; init; }

    /// <summary>Whether clients may present themselves as services, by their certificates.</summary>
    public bool AcceptServices { get; init; } = true;

    /// <summary>The bounds.</summary>
    public SmpServerLimits Limits { get; init; } = new();

    /// <summary>Asks the system for the memory in use.</summary>
    internal Func<MemoryReading> ReadMemory { get; init; } = SystemLimits.Memory;

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Randomness for ids, keys and nonces.</summary>
    public IRandomSource Random { get; init; } = SystemRandom.Instance;

    /// <summary>Where log lines go; none names a queue, a key or an address.</summary>
    public ILoggerFactory Logging { get; init; } = NullLoggerFactory.Instance;

    /// <summary>Whether a relay is one of the operator's own: its first host is one of the domains, or in it.</summary>
    internal bool IsOwn(ServerAddress relay)
    {
        string host = relay.Hosts[0].ToString();
        return OwnDomains.Any(domain => host == domain || host.EndsWith("." + domain, StringComparison.Ordinal));
    }
}
