using Pairwise.Crypto;
using Pairwise.Wire;

namespace Pairwise.Transport.Tls;

/// <summary>The network's rules for who a peer is.</summary>
public static class PeerChecks
{
    /// <summary>
    /// A server has to show a chain of 2 to 4 certificates whose identity certificate has the fingerprint in its address.
    /// </summary>
    public static TlsPeerCheck Server(Bytes keyHash, TimeProvider time) => certificates =>
    {
        if (!CertificateChain.TryParse(certificates, out var chain))
            return certificates.Count > CertificateChain.MaxCertificates ? TlsPeerVerdict.UnknownAuthority : TlsPeerVerdict.BadCertificate;
        return ToVerdict(chain.Validate(keyHash.Span, time.GetUtcNow()));
    };

    /// <summary>A client that shows certificates is a service: a valid chain, or one certificate that vouches for itself.</summary>
    public static TlsPeerCheck Service(TimeProvider time) => certificates =>
    {
        if (!CertificateChain.TryParse(certificates, out var chain))
            return certificates.Count > CertificateChain.MaxCertificates ? TlsPeerVerdict.UnknownAuthority : TlsPeerVerdict.BadCertificate;
        var now = time.GetUtcNow();
        if (!chain.IsSelfSigned)
            return ToVerdict(chain.Validate(now));
        if (!chain.Leaf.IsValidAt(now))
            return TlsPeerVerdict.Expired;
        return chain.Leaf.IsSignedBy(chain.Leaf) ? TlsPeerVerdict.Accepted : TlsPeerVerdict.BadCertificate;
    };

    private static TlsPeerVerdict ToVerdict(CertificateVerdict verdict) => verdict switch
    {
        CertificateVerdict.Valid => TlsPeerVerdict.Accepted,
        CertificateVerdict.NotYetValid or CertificateVerdict.Expired => TlsPeerVerdict.Expired,
        CertificateVerdict.UnknownIdentity or CertificateVerdict.SelfSigned => TlsPeerVerdict.UnknownAuthority,
        _ => TlsPeerVerdict.BadCertificate,
    };
}
