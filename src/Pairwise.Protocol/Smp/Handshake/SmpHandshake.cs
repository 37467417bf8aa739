using Pairwise.Crypto;
using Pairwise.Wire;

namespace Pairwise.Protocol.Smp;

/// <summary>The first block of a connection, from the server.</summary>
/// <param name="Versions">What the server speaks.</param>
/// <param name="SessionId">The channel binding as the server sees it; has to be the client's own.</param>
/// <param name="SessionKey">Since <see cref="SmpVersions.AuthenticatedCommands"/>: the server's X25519 key for this session.</param>
public sealed record SmpServerHello(VersionRange Versions, Bytes SessionId, CertificateSignedKey? SessionKey);

/// <summary>The second block, from the client.</summary>
/// <param name="Version">The version the client chose.</param>
/// <param name="KeyHash">The fingerprint in the address the client used.</param>
/// <param name="SessionKey">Since <see cref="SmpVersions.AuthenticatedCommands"/>: the client's key for this session.</param>
/// <param name="IsProxy">Since <see cref="SmpVersions.ProxyServerHandshake"/>: the client is a proxy, whose blocks are not encrypted once more.</param>
/// <param name="Service">Since <see cref="SmpVersions.ServiceCertificates"/>: the client is a service with a certificate.</param>
public sealed record SmpClientHello(SmpVersion Version, Bytes KeyHash, X25519PublicKey? SessionKey, bool IsProxy, SmpServiceHello? Service);

/// <summary>What a service says of itself.</summary>
/// <param name="Role">What it does.</param>
/// <param name="SignedKey">Its certificates, the same as in TLS, and the Ed25519 key that signs its commands in this session.</param>
public sealed record SmpServiceHello(SmpServiceRole Role, CertificateSignedKey SignedKey);

/// <summary>What a service does.</summary>
public enum SmpServiceRole
{
    /// <summary>A high-volume client that receives messages.</summary>
    Messaging,

    /// <summary>A notification server.</summary>
    Notifier,

    /// <summary>A proxy.</summary>
    Proxy,
}

/// <summary>The third block, from the server, only to a client that said it is a service.</summary>
public abstract record SmpServiceAnswer
{
    private protected SmpServiceAnswer()
    {
    }

    /// <summary>The service is known, or became known, by this id.</summary>
    public sealed record Accepted(ServiceId Service) : SmpServiceAnswer;

    /// <summary>The service is not accepted; the connection ends.</summary>
    public sealed record Rejected(TransportError Error) : SmpServiceAnswer;
}
