using System.Formats.Asn1;

namespace Pairwise.Crypto;

/// <summary>What is read out of a certificate's DER (RFC 5280, section 4.1).</summary>
internal sealed record CertificateFields
{
    internal const string BasicConstraintsOid = "2.5.29.19";
    internal const string KeyUsageOid = "2.5.29.15";
    internal const string Ed25519Oid = "1.3.101.112";
    internal const string Ed448Oid = "1.3.101.113";

    private static readonly Asn1Tag VersionTag = new(TagClass.ContextSpecific, 0, isConstructed: true);
    private static readonly Asn1Tag IssuerIdTag = new(TagClass.ContextSpecific, 1);
    private static readonly Asn1Tag SubjectIdTag = new(TagClass.ContextSpecific, 2);
    private static readonly Asn1Tag ExtensionsTag = new(TagClass.ContextSpecific, 3, isConstructed: true);

    internal required ReadOnlyMemory<byte> SignedPart { get; init; }

    internal required ReadOnlyMemory<byte> Signature { get; init; }

    /// <summary>The signature's algorithm; null when it is none of ours.</summary>
    internal required KeyAlgorithm? SignatureAlgorithm { get; init; }

    internal required int Version { get; init; }

    internal required ReadOnlyMemory<byte> Issuer { get; init; }

    internal required ReadOnlyMemory<byte> Subject { get; init; }

    internal required DateTimeOffset NotBefore { get; init; }

    internal required DateTimeOffset NotAfter { get; init; }

    internal required ReadOnlyMemory<byte> PublicKey { get; init; }

    internal bool IsAuthority { get; private set; }

    internal int? PathLength { get; private set; }

    internal bool MaySignCertificates { get; private set; } = true;

    // Certificate = SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue BIT STRING }
    // tbsCertificate = SEQUENCE { [0] version, serialNumber, signature, issuer, validity, subject, publicKeyInfo,
    //                             [1] issuerUniqueId, [2] subjectUniqueId, [3] extensions }
    /// <exception cref="AsnContentException">The bytes are not a certificate.</exception>
    internal static CertificateFields Read(ReadOnlyMemory<byte> der)
    {
        var outer = new AsnReader(der, AsnEncodingRules.DER);
        var certificate = outer.ReadSequence();
        outer.ThrowIfNotEmpty();
        var signedPart = certificate.PeekEncodedValue();
        var body = certificate.ReadSequence();
        var signatureAlgorithm = ReadAlgorithm(certificate);
        var signature = ReadWholeBits(certificate);
        certificate.ThrowIfNotEmpty();

        var version = 1;
        if (body.PeekTag().HasSameClassAndValue(VersionTag))
        {
            var explicitVersion = body.ReadSequence(VersionTag);
            if (!explicitVersion.TryReadInt32(out var number) || number is < 0 or > 2)
                throw new AsnContentException("The version is unknown.");
            explicitVersion.ThrowIfNotEmpty();
            version = number + 1;
        }

        body.ReadIntegerBytes();
        if (ReadAlgorithm(body) != signatureAlgorithm)
            throw new AsnContentException("The two signature algorithms differ.");
        var issuer = ReadName(body);
        var validity = body.ReadSequence();
        var notBefore = ReadTime(validity);
        var notAfter = ReadTime(validity);
        validity.ThrowIfNotEmpty();
        var fields = new CertificateFields
        {
            SignedPart = signedPart,
            Signature = signature,
            SignatureAlgorithm = signatureAlgorithm,
            Version = version,
            Issuer = issuer,
            NotBefore = notBefore,
            NotAfter = notAfter,
            Subject = ReadName(body),
            PublicKey = ReadSequenceBytes(body),
        };
        SkipOptional(body, IssuerIdTag);
        SkipOptional(body, SubjectIdTag);
        if (body.HasData)
        {
            var wrapper = body.ReadSequence(ExtensionsTag);
            fields.ReadExtensions(wrapper.ReadSequence());
            wrapper.ThrowIfNotEmpty();
        }

        body.ThrowIfNotEmpty();
        return fields;
    }

    // AlgorithmIdentifier = SEQUENCE { OID, parameters? } ; the signatures of RFC 8410 have no parameters
    private static KeyAlgorithm? ReadAlgorithm(AsnReader reader)
    {
        var identifier = reader.ReadSequence();
        var oid = identifier.ReadObjectIdentifier();
        return identifier.HasData
            ? null
            : oid switch
            {
                Ed25519Oid => KeyAlgorithm.Ed25519,
                Ed448Oid => KeyAlgorithm.Ed448,
                _ => null,
            };
    }

    private static byte[] ReadWholeBits(AsnReader reader)
    {
        var bits = reader.ReadBitString(out var unused);
        return unused == 0 ? bits : throw new AsnContentException("A signature has whole bytes.");
    }

    private static ReadOnlyMemory<byte> ReadName(AsnReader reader) => ReadSequenceBytes(reader);

    private static ReadOnlyMemory<byte> ReadSequenceBytes(AsnReader reader)
    {
        var bytes = reader.PeekEncodedValue();
        reader.ReadSequence();
        return bytes;
    }

    // Time = UTCTime (two-digit years 1950 to 2049) / GeneralizedTime
    private static DateTimeOffset ReadTime(AsnReader reader) =>
        reader.PeekTag().HasSameClassAndValue(Asn1Tag.UtcTime) ? reader.ReadUtcTime() : reader.ReadGeneralizedTime();

    private static void SkipOptional(AsnReader reader, Asn1Tag tag)
    {
        if (reader.HasData && reader.PeekTag().HasSameClassAndValue(tag))
            reader.ReadEncodedValue();
    }

    // Extension = SEQUENCE { OID, critical BOOLEAN DEFAULT FALSE, value OCTET STRING }
    private void ReadExtensions(AsnReader extensions)
    {
        while (extensions.HasData)
        {
            var extension = extensions.ReadSequence();
            var oid = extension.ReadObjectIdentifier();
            if (extension.HasData && extension.PeekTag().HasSameClassAndValue(Asn1Tag.Boolean))
                extension.ReadBoolean();
            var value = new AsnReader(extension.ReadOctetString(), AsnEncodingRules.DER);
            extension.ThrowIfNotEmpty();
            if (oid == BasicConstraintsOid)
                ReadBasicConstraints(value);
            else if (oid == KeyUsageOid)
                MaySignCertificates = (value.ReadNamedBitListValue<KeyUsages>() & KeyUsages.KeyCertSign) != 0;
        }
    }

    // BasicConstraints = SEQUENCE { cA BOOLEAN DEFAULT FALSE, pathLenConstraint INTEGER OPTIONAL }
    private void ReadBasicConstraints(AsnReader value)
    {
        var constraints = value.ReadSequence();
        value.ThrowIfNotEmpty();
        if (constraints.HasData && constraints.PeekTag().HasSameClassAndValue(Asn1Tag.Boolean))
            IsAuthority = constraints.ReadBoolean();
        if (!constraints.HasData)
            return;
        if (!constraints.TryReadInt32(out var length) || length < 0)
            throw new AsnContentException("The path length is out of range.");
        PathLength = length;
        constraints.ThrowIfNotEmpty();
    }
}

/// <summary>The bits of the key usage extension (RFC 5280, section 4.2.1.3); bit 0 is the lowest here.</summary>
[Flags]
internal enum KeyUsages
{
    None = 0,
    DigitalSignature = 1 << 0,
    NonRepudiation = 1 << 1,
    KeyEncipherment = 1 << 2,
    DataEncipherment = 1 << 3,
    KeyAgreement = 1 << 4,
    KeyCertSign = 1 << 5,
    CrlSign = 1 << 6,
    EncipherOnly = 1 << 7,
    DecipherOnly = 1 << 8,
}
