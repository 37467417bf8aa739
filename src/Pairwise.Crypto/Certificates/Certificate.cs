using System.Diagnostics.CodeAnalysis;
using System.Formats.Asn1;
using Pairwise.Wire;

namespace Pairwise.Crypto;

/// <summary>
/// One X.509 certificate (RFC 5280), parsed as far as the network's identity rules need it. Immutable.
/// </summary>
public sealed class Certificate
{
    /// <summary>Certificates over this size are refused before they are parsed, in bytes. The network's are below 1 KB,
    /// and no handshake block could carry a larger one.</summary>
    public const int MaxLength = 16_384;

    private readonly ReadOnlyMemory<byte> _signedPart;
    private readonly ReadOnlyMemory<byte> _signature;
    private readonly KeyAlgorithm? _signatureAlgorithm;

    private Certificate(byte[] der, CertificateFields fields)
    {
        Der = der;
        Fingerprint = Bytes.Wrap(Digests.Sha256(der));
        PublicKey = Crypto.PublicKey.TryFromSpki(fields.PublicKey.Span, out var key) ? key : null;
        NotBefore = fields.NotBefore;
        NotAfter = fields.NotAfter;
        Version = fields.Version;
        Subject = Bytes.Wrap(fields.Subject);
        Issuer = Bytes.Wrap(fields.Issuer);
        IsAuthority = fields.IsAuthority;
        PathLength = fields.PathLength;
        MaySignCertificates = fields.MaySignCertificates;
        _signedPart = fields.SignedPart;
        _signature = fields.Signature;
        _signatureAlgorithm = fields.SignatureAlgorithm;
    }

    /// <summary>The certificate's DER bytes.</summary>
    public ReadOnlyMemory<byte> Der { get; }

    /// <summary>SHA-256 of the DER bytes: for an identity certificate, the key hash in an address.</summary>
    public Bytes Fingerprint { get; }

    /// <summary>The certified key; null when it is not of one of the network's four curves.</summary>
    public PublicKey? PublicKey { get; }

    public DateTimeOffset NotBefore { get; }

    public DateTimeOffset NotAfter { get; }

    /// <summary>X.509 version as people count it: 3 for every modern certificate.</summary>
    public int Version { get; }

    /// <summary>The subject's distinguished name in DER.</summary>
    internal Bytes Subject { get; }

    /// <summary>The issuer's distinguished name in DER.</summary>
    internal Bytes Issuer { get; }

    /// <summary>Whether the basic constraints say that it is an authority's.</summary>
    internal bool IsAuthority { get; }

    /// <summary>How many authorities may stand below this one, if limited.</summary>
    internal int? PathLength { get; }

    /// <summary>Whether a key usage extension, if there is one, allows to sign certificates.</summary>
    internal bool MaySignCertificates { get; }

    /// <summary>Parses one certificate that takes up the whole of <paramref name="der"/>. Never throws.</summary>
    public static bool TryParse(ReadOnlySpan<byte> der, [NotNullWhen(true)] out Certificate? certificate)
    {
        certificate = null;
        if (der.Length > MaxLength)
            return false;
        var copy = der.ToArray();
        try
        {
            certificate = new Certificate(copy, CertificateFields.Read(copy));
            return true;
        }
        catch (AsnContentException)
        {
            return false;
        }
    }

    /// <summary>Whether <paramref name="issuer"/>'s key made the signature. Names and dates are not looked at.</summary>
    public bool IsSignedBy(Certificate issuer)
    {
        ArgumentNullException.ThrowIfNull(issuer);
        return issuer.PublicKey is VerificationKey key
            && key.Algorithm == _signatureAlgorithm
            && key.Verify(_signedPart.Span, _signature.Span);
    }

    /// <summary>Whether <paramref name="time"/> lies within the validity, both ends included.</summary>
    public bool IsValidAt(DateTimeOffset time) => time >= NotBefore && time <= NotAfter;
}
