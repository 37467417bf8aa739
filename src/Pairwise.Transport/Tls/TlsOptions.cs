namespace Pairwise.Transport.Tls;

/// <summary>What a check of the peer's certificates found. Each value has its own TLS alert.</summary>
public enum TlsPeerVerdict
{
    Accepted,

    /// <summary>The chain does not lead to the expected authority.</summary>
    UnknownAuthority,

    /// <summary>A certificate is past its time, or before it.</summary>
    Expired,

    /// <summary>A certificate does not parse or a signature in the chain is wrong.</summary>
    BadCertificate,
}

/// <summary>Checks certificates (DER, leaf first) during the handshake. It must not throw on any bytes.</summary>
public delegate TlsPeerVerdict TlsPeerCheck(IReadOnlyList<ReadOnlyMemory<byte>> certificates);

/// <summary>What one connection of a client needs beside its context.</summary>
/// <param name="CheckServer">Says whether the server is who the address says.</param>
/// <param name="ServerName">The host name to send (SNI); null sends none, as SMP clients do.</param>
public sealed record TlsTarget(TlsPeerCheck CheckServer, string? ServerName = null);

/// <summary>How a client sets up TLS: only ChaCha20-Poly1305, X448 and X25519, Ed448 and Ed25519.</summary>
public sealed record TlsClientOptions
{
    /// <summary>The application protocols offered, best first; empty offers none.</summary>
    public IReadOnlyList<string> ApplicationProtocols { get; init; } = [];

    /// <summary>The certificate to show when the server asks; only services have one.</summary>
    public TlsCredential? Credential { get; init; }
}

/// <summary>How a server sets up TLS.</summary>
public sealed record TlsServerOptions
{
    /// <summary>The protocol's own certificates.</summary>
    public required TlsCredential Credential { get; init; }

    /// <summary>What clients get that send a host name: a certificate browsers know, and their usual algorithms.</summary>
    public TlsCredential? WebCredential { get; init; }

    /// <summary>The application protocols served, best first. A client that offers others only is refused; one that offers none is not.</summary>
    public IReadOnlyList<string> ApplicationProtocols { get; init; } = [];

    /// <summary>Checks the certificates of clients; null does not ask for any. Clients may always come without.</summary>
    public TlsPeerCheck? CheckClient { get; init; }
}
