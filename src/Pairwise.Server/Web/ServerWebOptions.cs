using System.Net;
using Pairwise.Transport.Tls;

namespace Pairwise.Server.Web;

/// <summary>What a relay serves to browsers and to its operator's monitoring. Every part may be left out.</summary>
public sealed record ServerWebOptions
{
    /// <summary>Where the pages are written at the start, and served from; null has no pages.</summary>
    public string? StaticPath { get; init; }

    /// <summary>What the operator says about the relay.</summary>
    public ServerInformation Information { get; init; } = new();

    /// <summary>Whether daily statistics are kept; shown on the page.</summary>
    public bool IsStatisticsEnabled { get; init; }

    /// <summary>Addresses that serve the pages without TLS.</summary>
    public IReadOnlyList<IPEndPoint> Http { get; init; } = [];

    /// <summary>Addresses of their own that serve the pages with TLS.</summary>
    public IReadOnlyList<IPEndPoint> Https { get; init; } = [];

    /// <summary>The certificate that browsers believe.</summary>
    public TlsCredential? Credential { get; init; }

    /// <summary>Whether the relay's own ports serve the pages too, to clients that name a host (SNI) as browsers do.</summary>
    public bool IsOnRelayPorts { get; init; }

    /// <summary>The one of the relay's ports that serves them; null means all. On the others a client that names a host is a client.</summary>
    public int? RelayPort { get; init; }

    /// <summary>Addresses of "/metrics" and "/health"; loopback ones, since anybody who reaches them may read them.</summary>
    public IReadOnlyList<IPEndPoint> Operation { get; init; } = [];
}
