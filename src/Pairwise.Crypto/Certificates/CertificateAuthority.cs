using System.Diagnostics.CodeAnalysis;
using System.Formats.Asn1;
using System.Security.Cryptography;

namespace Pairwise.Crypto;

/// <summary>
/// A server's long-term identity: the key and the self-signed certificate that sign its online certificates, as the
/// reference's <c>init</c> makes them.
/// </summary>
/// <remarks>It owns its key. Thread-safe except for disposal.</remarks>
public sealed class CertificateAuthority : IDisposable
{
    /// <summary>How long certificates are valid, in days: the reference's choice, until the year 4764.</summary>
    public const int ValidityDays = 999_999;

    private const string CommonName = "SMP server CA";
    private const string Organization = "SimpleX";
    private const int SerialLength = 20;

    private const string CommonNameOid = "2.5.4.3";
    private const string OrganizationOid = "2.5.4.10";
    private const string SubjectKeyIdOid = "2.5.29.14";
    private const string AuthorityKeyIdOid = "2.5.29.35";
    private const string ExtendedKeyUsageOid = "2.5.29.37";
    private const string ServerAuthOid = "1.3.6.1.5.5.7.3.1";

    private CertificateAuthority(SigningKey key, Certificate certificate)
    {
        Key = key;
        Certificate = certificate;
    }

    public SigningKey Key { get; }

    public Certificate Certificate { get; }

    /// <summary>Makes a new identity: a key of <paramref name="algorithm"/> (Ed25519 or Ed448) and its certificate.</summary>
    public static CertificateAuthority Create(KeyAlgorithm algorithm, IRandomSource random, DateTimeOffset now)
    {
        var key = GenerateKey(algorithm, random);
        var name = Name((CommonNameOid, CommonName), (OrganizationOid, Organization));
        var certificate = Issue(key, name, name, key.PublicKey, random, now, extensions =>
        {
            WriteSubjectKeyId(extensions, key.PublicKey);
            WriteAuthorityKeyId(extensions, key.PublicKey);
            WriteExtension(extensions, CertificateFields.BasicConstraintsOid, isCritical: true, value =>
            {
                using (value.PushSequence())
                    value.WriteBoolean(true);
            });
        });
        return new CertificateAuthority(key, certificate);
    }

    /// <summary>Takes a stored identity; false when the key is not the certificate's.</summary>
    public static bool TryLoad(SigningKey key, Certificate certificate, [NotNullWhen(true)] out CertificateAuthority? authority)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(certificate);
        authority = key.PublicKey.Equals(certificate.PublicKey) ? new CertificateAuthority(key, certificate) : null;
        return authority is not null;
    }

    /// <summary>A new key that signs.</summary>
    /// <exception cref="ArgumentException">The algorithm does not sign.</exception>
    public static SigningKey GenerateKey(KeyAlgorithm algorithm, IRandomSource random) => algorithm switch
    {
        KeyAlgorithm.Ed25519 => Ed25519PrivateKey.Generate(random),
        KeyAlgorithm.Ed448 => Ed448PrivateKey.Generate(random),
        _ => throw new ArgumentException($"{algorithm} does not sign.", nameof(algorithm)),
    };

    /// <summary>Makes the certificate of a server's online key.</summary>
    /// <param name="commonName">The server's host name or address.</param>
    /// <param name="key">The online key.</param>
    /// <param name="random">For the serial number.</param>
    /// <param name="now">The first instant of validity.</param>
    public Certificate IssueServerCertificate(string commonName, VerificationKey key, IRandomSource random, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(commonName);
        ArgumentNullException.ThrowIfNull(key);
        return Issue(Key, Certificate.Subject.Span.ToArray(), Name((CommonNameOid, commonName)), key, random, now, extensions =>
        {
            WriteExtension(extensions, CertificateFields.BasicConstraintsOid, isCritical: false, value =>
            {
                using (value.PushSequence())
                {
                }
            });
            WriteExtension(extensions, CertificateFields.KeyUsageOid, isCritical: false, value => value.WriteNamedBitList(
                KeyUsages.DigitalSignature | KeyUsages.NonRepudiation | KeyUsages.KeyAgreement));
            WriteExtension(extensions, ExtendedKeyUsageOid, isCritical: false, value =>
            {
                using (value.PushSequence())
                    value.WriteObjectIdentifier(ServerAuthOid);
            });
            WriteSubjectKeyId(extensions, key);
            WriteAuthorityKeyId(extensions, Key.PublicKey);
        });
    }

    public void Dispose() => Key.Dispose();

    // tbsCertificate = SEQUENCE { [0] 2, serial, signature, issuer, SEQUENCE { from, to }, subject, spki, [3] extensions }
    private static Certificate Issue(SigningKey signer, byte[] issuer, byte[] subject, VerificationKey key, IRandomSource random, DateTimeOffset now, Action<AsnWriter> writeExtensions)
    {
        ArgumentNullException.ThrowIfNull(random);
        var from = DateTimeOffset.FromUnixTimeSeconds(now.ToUnixTimeSeconds());
        var serial = random.Bytes(SerialLength);
        // A positive number of full length.
        serial[0] = (byte)((serial[0] & 0x7f) | 0x40);
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            using (writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 0)))
                writer.WriteInteger(2);
            writer.WriteInteger(serial);
            SignedObject.WriteAlgorithm(writer, signer.Algorithm);
            writer.WriteEncodedValue(issuer);
            using (writer.PushSequence())
            {
                WriteTime(writer, from);
                WriteTime(writer, from.AddDays(ValidityDays));
            }

            writer.WriteEncodedValue(subject);
            writer.WriteEncodedValue(key.ToSpki());
            using (writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 3)))
            using (writer.PushSequence())
                writeExtensions(writer);
        }

        var der = SignedObject.Encode(signer, writer.Encode());
        return Certificate.TryParse(der, out var certificate)
            ? certificate
            : throw new ArgumentException("The certificate would be too long.", nameof(subject));
    }

    // Time = UTCTime until the end of 2049, GeneralizedTime after it (RFC 5280, section 4.1.2.5)
    private static void WriteTime(AsnWriter writer, DateTimeOffset time)
    {
        if (time.UtcDateTime.Year < 2050)
            writer.WriteUtcTime(time);
        else
            writer.WriteGeneralizedTime(time, omitFractionalSeconds: true);
    }

    // Name = SEQUENCE OF SET OF SEQUENCE { OID, UTF8String }
    private static byte[] Name(params ReadOnlySpan<(string Oid, string Value)> attributes)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            foreach (var (oid, value) in attributes)
            {
                using (writer.PushSetOf())
                using (writer.PushSequence())
                {
                    writer.WriteObjectIdentifier(oid);
                    writer.WriteCharacterString(UniversalTagNumber.UTF8String, value);
                }
            }
        }

        return writer.Encode();
    }

    private static void WriteExtension(AsnWriter writer, string oid, bool isCritical, Action<AsnWriter> writeValue)
    {
        var value = new AsnWriter(AsnEncodingRules.DER);
        writeValue(value);
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(oid);
            if (isCritical)
                writer.WriteBoolean(true);
            writer.WriteOctetString(value.Encode());
        }
    }

    private static void WriteSubjectKeyId(AsnWriter writer, VerificationKey key) =>
        WriteExtension(writer, SubjectKeyIdOid, isCritical: false, value => value.WriteOctetString(KeyId(key)));

    private static void WriteAuthorityKeyId(AsnWriter writer, VerificationKey key) =>
        WriteExtension(writer, AuthorityKeyIdOid, isCritical: false, value =>
        {
            using (value.PushSequence())
                value.WriteOctetString(KeyId(key), new Asn1Tag(TagClass.ContextSpecific, 0));
        });

    // RFC 5280, section 4.2.1.2, method 1: an identifier, nothing depends on the digest's strength.
#pragma warning disable CA5350
    private static byte[] KeyId(VerificationKey key) => SHA1.HashData(key.Raw);
#pragma warning restore CA5350
}
