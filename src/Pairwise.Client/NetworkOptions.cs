using System.Net;
using Pairwise.Transport.Sockets;

namespace Pairwise.Client;

/// <summary>Which of a server's hosts is used.</summary>
public enum HostMode
{
    /// <summary>The onion host when there is a SOCKS proxy, else a public one.</summary>
    OnionViaSocks,

    /// <summary>The onion host.</summary>
    Onion,

    /// <summary>A public host.</summary>
    Public,
}

/// <summary>When the SOCKS proxy is used.</summary>
public enum SocksMode
{
    Always,

    /// <summary>For onion hosts only.</summary>
    OnionOnly,
}

/// <summary>What shares a connection and, at a SOCKS proxy that isolates by name, a circuit with what.</summary>
public enum SessionMode
{
    /// <summary>All that one user does, also over restarts of the program.</summary>
    User,

    /// <summary>All that one user does between two starts of the program.</summary>
    Session,

    /// <summary>What one user does at one server between two starts.</summary>
    Server,

    /// <summary>Nothing: every queue and every chunk has a connection of its own.</summary>
    Entity,
}

/// <summary>How this client presents itself to the SOCKS proxy.</summary>
public abstract record SocksAuthentication
{
    private SocksAuthentication()
    {
    }

    /// <summary>By a name made of the session: sessions that must not be linked do not share a Tor circuit. The default.</summary>
    public sealed record Isolate : SocksAuthentication
    {
        public static readonly Isolate Instance = new();
    }

    /// <summary>By a fixed name and password.</summary>
    public sealed record Fixed(SocksCredentials Credentials) : SocksAuthentication;

    /// <summary>Not at all.</summary>
    public sealed record None : SocksAuthentication
    {
        public static readonly None Instance = new();
    }
}

/// <summary>The SOCKS5 proxy for outgoing connections; Tor's usual one by default.</summary>
public sealed record SocksOptions
{
    public IPEndPoint EndPoint { get; init; } = new(IPAddress.Loopback, 9050);

    public SocksAuthentication Authentication { get; init; } = SocksAuthentication.Isolate.Instance;

    public SocksMode Mode { get; init; } = SocksMode.Always;

    /// <summary>
    /// Whether relays on this machine are reached without the proxy, in either mode: nobody learns an address from that, and
    /// proxies such as Tor do not lead there.
    /// </summary>
    public bool IsThisMachineDirect { get; init; }
}

/// <summary>A time limit that depends on whether somebody waits in front of a screen.</summary>
public readonly record struct NetworkTime(TimeSpan Background, TimeSpan Interactive)
{
    public TimeSpan For(bool isInteractive) => isInteractive ? Interactive : Background;
}

/// <summary>How clients use the network. The defaults are the reference's.</summary>
public sealed record NetworkOptions
{
    /// <summary>Null connects directly.</summary>
    public SocksOptions? Socks { get; init; }

    public HostMode HostMode { get; init; } = HostMode.OnionViaSocks;

    /// <summary>Whether a server without a host of the wanted kind is not used at all.</summary>
    public bool IsHostModeRequired { get; init; }

    /// <summary>For the name, the TCP connection, TLS and the SMP handshake together.</summary>
    public NetworkTime ConnectTime { get; init; } = new(TimeSpan.FromSeconds(45), TimeSpan.FromSeconds(15));

    /// <summary>For the answer to a command.</summary>
    public NetworkTime CommandTime { get; init; } = new(TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(10));

    /// <summary>More time for each 1,024 bytes that a command sends.</summary>
    public TimeSpan CommandTimePerKilobyte { get; init; } = TimeSpan.FromMilliseconds(5);

    /// <summary>Silence after which a subscribed client pings; zero turns pings off.</summary>
    public TimeSpan PingInterval { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Commands in a row without an answer after which the connection is dropped; 0 never drops it.</summary>
    public int MaxMissedAnswers { get; init; } = 3;

    /// <summary>Null leaves TCP keep-alive off.</summary>
    public KeepAliveOptions? KeepAlive { get; init; } = new();
}
