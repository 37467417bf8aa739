using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.Transport.Tls;
using Pairwise.Wire;

namespace Pairwise.Transport.Smp;

/// <summary>
/// The long-term certificates of a service, which it shows both in TLS and in the SMP handshake. The key is the owner's to
/// dispose.
/// </summary>
public sealed class SmpServiceCredential(SmpServiceRole role, CertificateChain certificates, SigningKey key)
{
    public SmpServiceRole Role { get; } = role;

    /// <summary>Leaf first; a single self-signed certificate will do.</summary>
    public CertificateChain Certificates { get; } = certificates;

    /// <summary>The leaf's key.</summary>
    public SigningKey Key { get; } = key;

    /// <summary>SHA-256 of the identity certificate: what the relay knows the service by.</summary>
    public Bytes CertificateHash => Certificates.IdentityFingerprint;

    /// <summary>The same for TLS.</summary>
    public TlsCredential ToTlsCredential() => TlsCredential.From(Certificates, Key);
}

/// <summary>The service a client proved to be, on the relay's side.</summary>
/// <param name="Id">The relay's id of the service.</param>
/// <param name="Role">What it does.</param>
/// <param name="CertificateHash">SHA-256 of its identity certificate: signed by the queue's key in front of commands.</param>
/// <param name="SessionKey">Signs its commands in this session.</param>
public sealed record SmpPeerService(ServiceId Id, SmpServiceRole Role, Bytes CertificateHash, Ed25519PublicKey SessionKey);

/// <summary>The service this client is, as the relay accepted it.</summary>
/// <param name="Id">The relay's id of the service: the entity of its own commands.</param>
/// <param name="Role">What it does.</param>
/// <param name="CertificateHash">SHA-256 of its identity certificate.</param>
/// <param name="SessionKey">Signs its commands in this session.</param>
public sealed record SmpOwnService(ServiceId Id, SmpServiceRole Role, Bytes CertificateHash, Ed25519PrivateKey SessionKey);
