using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.Transport.Smp;
using Pairwise.Wire;

namespace Pairwise.Client;

/// <summary>What a client of a relay needs to know.</summary>
public sealed record SmpClientOptions
{
    public NetworkOptions Network { get; init; } = new();

    /// <summary>
    /// Names the session to a SOCKS proxy that isolates by name: connections with different values do not share a circuit.
    /// It is hashed before it is used. Null means that all connections may share one.
    /// </summary>
    public string? IsolationKey { get; init; }

    /// <summary>The versions offered.</summary>
    public VersionRange Versions { get; init; } = SmpVersions.ClientRange;

    /// <summary>Whether this client is a proxy that connects to a destination relay.</summary>
    public bool IsProxy { get; init; }

    /// <summary>The certificates of a service; null for everybody else.</summary>
    public SmpServiceCredential? Service { get; init; }

    /// <summary>Uses port 443 for addresses without a port, and looks like a web client.</summary>
    public bool IsWebPortUsed { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;

    public IRandomSource Random { get; init; } = SystemRandom.Instance;

    public ILogger Logger { get; init; } = NullLogger.Instance;
}

/// <summary>Bounds of what one client keeps.</summary>
public static class SmpClientLimits
{
    /// <summary>
    /// Events that wait for their reader. When they are this many the client stops reading from the relay until some are
    /// taken, so a slow reader costs the relay's patience and no memory.
    /// </summary>
    public const int MaxWaitingEvents = 1024;

    /// <summary>Commands that wait to be written. When they are this many, callers wait.</summary>
    public const int MaxWaitingCommands = 1024;

    /// <summary>Commands whose caller gave up and whose answer may still come. Older ones are forgotten: their answers are dropped.</summary>
    public const int MaxLateAnswers = 1024;
}
