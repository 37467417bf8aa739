using System.Net;
using System.Net.Sockets;

namespace Pairwise.Transport.Sockets;

/// <summary>How the system finds out that a silent peer is gone. The defaults are the reference's.</summary>
public sealed record KeepAliveOptions
{
    /// <summary>Silence before the first probe, in seconds.</summary>
    public int IdleSeconds { get; init; } = 30;

    /// <summary>Time between probes, in seconds.</summary>
    public int IntervalSeconds { get; init; } = 15;

    /// <summary>Probes without an answer before the connection counts as lost.</summary>
    public int Count { get; init; } = 4;

    internal void ApplyTo(Socket socket)
    {
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, IdleSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, IntervalSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, Count);
    }
}

/// <summary>A SOCKS5 proxy (RFC 1928) with the name and password (RFC 1929) to give it, if any.</summary>
public sealed record SocksProxy(IPEndPoint EndPoint, SocksCredentials? Credentials = null);

/// <summary>
/// A user name and a password for a SOCKS proxy, 1 to 255 and 0 to 255 bytes of UTF-8. Tor isolates circuits by them:
/// connections with different names do not share one.
/// </summary>
public sealed record SocksCredentials(string UserName, string Password)
{
    /// <summary>
    /// Whether a proxy that knows no users will do: the name only keeps connections apart, and Tor takes it wherever it is
    /// offered.
    /// </summary>
    public bool IsOptional { get; init; }

    /// <summary>Does not show the values.</summary>
    public override string ToString() => "[secret]";
}

/// <summary>How TCP connections are made.</summary>
public sealed record TcpConnectOptions
{
    /// <summary>The proxy to go through; null connects directly.</summary>
    public SocksProxy? Proxy { get; init; }

    /// <summary>Null leaves keep-alive off.</summary>
    public KeepAliveOptions? KeepAlive { get; init; } = new();
}
