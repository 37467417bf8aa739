using System.Diagnostics.CodeAnalysis;
using Pairwise.Wire;

namespace Pairwise.Crypto;

/// <summary>What was found when a certificate chain was checked.</summary>
public enum CertificateVerdict
{
    /// <summary>The chain proves the identity that was asked for.</summary>
    Valid,

    /// <summary>There is no certificate besides the leaf, so nobody vouches for it.</summary>
    SelfSigned,

    /// <summary>The identity certificate is not the one whose fingerprint was expected.</summary>
    UnknownIdentity,

    /// <summary>A certificate's issuer is not the next certificate's subject.</summary>
    BrokenOrder,

    /// <summary>A signature was not made by the next certificate's key.</summary>
    BadSignature,

    /// <summary>A certificate that signed another one is not an authority's, may not sign or not so deep.</summary>
    NotAuthority,

    /// <summary>The leaf is not an X.509 version 3 certificate.</summary>
    OldVersion,

    /// <summary>A certificate is not valid yet.</summary>
    NotYetValid,

    /// <summary>A certificate is not valid any more.</summary>
    Expired,
}

/// <summary>
/// The certificates a server (or a client service) shows: leaf first, authority last, 1 to 4 of them.
/// </summary>
/// <remarks>
/// The identity in an address is the fingerprint of one certificate: the second of 2, 3 or 4, which are leaf and
/// identity, with an operator's and a network's authority above. Immutable.
/// </remarks>
public sealed class CertificateChain
{
    /// <summary>The longest chain that is looked at.</summary>
    public const int MaxCertificates = 4;

    private readonly Certificate[] _certificates;

    private CertificateChain(Certificate[] certificates) => _certificates = certificates;

    /// <summary>The certificates, leaf first.</summary>
    public IReadOnlyList<Certificate> Certificates => _certificates;

    /// <summary>The certificate of the key that signs the TLS handshake and session keys.</summary>
    public Certificate Leaf => _certificates[0];

    /// <summary>The certificate whose fingerprint is the identity; of a self-signed certificate, itself.</summary>
    public Certificate Identity => _certificates[Math.Min(1, _certificates.Length - 1)];

    /// <summary>The last certificate, which is trusted because the identity is.</summary>
    public Certificate Authority => _certificates[^1];

    /// <summary>SHA-256 of the identity certificate, 32 bytes: the key hash in an address.</summary>
    public Bytes IdentityFingerprint => Identity.Fingerprint;

    /// <summary>Whether the leaf stands alone.</summary>
    public bool IsSelfSigned => _certificates.Length == 1;

    /// <summary>Parses certificates in DER, leaf first; false for none, for more than four and for what is no certificate.</summary>
    public static bool TryParse(IReadOnlyList<ReadOnlyMemory<byte>> certificates, [NotNullWhen(true)] out CertificateChain? chain)
    {
        ArgumentNullException.ThrowIfNull(certificates);
        chain = null;
        if (certificates.Count is 0 or > MaxCertificates)
            return false;
        var parsed = new Certificate[certificates.Count];
        for (var i = 0; i < parsed.Length; i++)
        {
            if (!Certificate.TryParse(certificates[i].Span, out var certificate))
                return false;
            parsed[i] = certificate;
        }

        chain = new CertificateChain(parsed);
        return true;
    }

    /// <summary>Puts certificates together, leaf first.</summary>
    /// <exception cref="ArgumentException">There are none, or more than four.</exception>
    public static CertificateChain From(params Certificate[] certificates)
    {
        ArgumentNullException.ThrowIfNull(certificates);
        if (certificates.Length is 0 or > MaxCertificates)
            throw new ArgumentException($"A chain has 1 to {MaxCertificates} certificates, not {certificates.Length}.", nameof(certificates));
        return new CertificateChain([.. certificates]);
    }

    // certChain = length 1*certificate ; length = 1*1(byte), certificate = largeString of DER
    public static bool TryRead(ref WireReader reader, [NotNullWhen(true)] out CertificateChain? chain)
    {
        chain = null;
        var attempt = reader;
        if (!attempt.TryReadNonEmptyListCount(out var count) || count > MaxCertificates)
            return false;
        var parsed = new Certificate[count];
        for (var i = 0; i < count; i++)
        {
            if (!attempt.TryReadLarge(out var der) || !Certificate.TryParse(der, out var certificate))
                return false;
            parsed[i] = certificate;
        }

        reader = attempt;
        chain = new CertificateChain(parsed);
        return true;
    }

    public void Write(ref WireWriter writer)
    {
        writer.WriteListCount(_certificates.Length);
        foreach (var certificate in _certificates)
            writer.WriteLarge(certificate.Der.Span);
    }

    /// <summary>Whether the chain proves the identity with this fingerprint at <paramref name="now"/>.</summary>
    public CertificateVerdict Validate(ReadOnlySpan<byte> identityFingerprint, DateTimeOffset now)
    {
        if (IsSelfSigned)
            return CertificateVerdict.SelfSigned;
        return IdentityFingerprint.Span.SequenceEqual(identityFingerprint) ? Validate(now) : CertificateVerdict.UnknownIdentity;
    }

    /// <summary>
    /// Whether every certificate is valid at <paramref name="now"/> and vouched for by the next one, up to the last. Whose
    /// identity that is, is another question: <see cref="Validate(ReadOnlySpan{byte}, DateTimeOffset)"/>.
    /// </summary>
    /// <remarks>
    /// Stricter than the reference in one thing: each certificate must be signed by the next one, so that the identity
    /// certificate is part of the proof. The last one's own dates are not looked at, as there.
    /// </remarks>
    public CertificateVerdict Validate(DateTimeOffset now)
    {
        if (IsSelfSigned)
            return CertificateVerdict.SelfSigned;
        if (Leaf.Version != 3)
            return CertificateVerdict.OldVersion;
        for (var i = 0; i < _certificates.Length - 1; i++)
        {
            var (current, issuer) = (_certificates[i], _certificates[i + 1]);
            if (now < current.NotBefore)
                return CertificateVerdict.NotYetValid;
            if (now > current.NotAfter)
                return CertificateVerdict.Expired;
            if (current.Issuer != issuer.Subject)
                return CertificateVerdict.BrokenOrder;
            // i authorities stand between this issuer and the leaf.
            if (!issuer.IsAuthority || !issuer.MaySignCertificates || issuer.PathLength < i)
                return CertificateVerdict.NotAuthority;
            if (!current.IsSignedBy(issuer))
                return CertificateVerdict.BadSignature;
        }

        return CertificateVerdict.Valid;
    }
}
