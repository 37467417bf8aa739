using System.Diagnostics.CodeAnalysis;
using System.Formats.Asn1;

namespace Pairwise.Crypto;

/// <summary>
/// A session key with the signature of a certificate's key, in the form that X.509 gives to signed objects.
/// </summary>
public static class SignedKey
{
    private const int MaxLength = 512;

    // signedKey = SEQUENCE { SEQUENCE { spki }, SEQUENCE { signature OID }, BIT STRING signature }
    // ; the signature is over the DER of the inner sequence
    /// <summary>The DER of <paramref name="key"/> signed by <paramref name="signer"/>.</summary>
    public static byte[] Sign(SigningKey signer, PublicKey key)
    {
        ArgumentNullException.ThrowIfNull(signer);
        ArgumentNullException.ThrowIfNull(key);
        var inner = new AsnWriter(AsnEncodingRules.DER);
        using (inner.PushSequence())
            inner.WriteEncodedValue(key.ToSpki());
        return SignedObject.Encode(signer, inner.Encode());
    }

    /// <summary>The key inside, if <paramref name="signer"/> signed it. Never throws on any bytes.</summary>
    public static bool TryVerify(ReadOnlySpan<byte> der, VerificationKey signer, [NotNullWhen(true)] out PublicKey? key)
    {
        ArgumentNullException.ThrowIfNull(signer);
        key = null;
        if (der.Length > MaxLength)
            return false;
        try
        {
            key = Read(der.ToArray(), signer);
        }
        catch (AsnContentException)
        {
            return false;
        }

        return key is not null;
    }

    private static PublicKey? Read(ReadOnlyMemory<byte> der, VerificationKey signer)
    {
        var outer = new AsnReader(der, AsnEncodingRules.DER);
        var signed = outer.ReadSequence();
        outer.ThrowIfNotEmpty();
        var signedPart = signed.PeekEncodedValue();
        var inner = signed.ReadSequence();
        var algorithm = signed.ReadSequence();
        var oid = algorithm.ReadObjectIdentifier();
        algorithm.ThrowIfNotEmpty();
        var signature = signed.ReadBitString(out var unusedBits);
        signed.ThrowIfNotEmpty();
        var spki = inner.ReadEncodedValue();
        inner.ThrowIfNotEmpty();
        return unusedBits == 0
            && oid == SignedObject.Oid(signer.Algorithm)
            && signer.Verify(signedPart.Span, signature)
            && PublicKey.TryFromSpki(spki.Span, out var key)
            ? key
            : null;
    }
}

/// <summary>The outer form of certificates and signed keys.</summary>
internal static class SignedObject
{
    /// <summary>SEQUENCE of the signed DER, the signature's algorithm and the signature.</summary>
    internal static byte[] Encode(SigningKey signer, byte[] signedPart)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteEncodedValue(signedPart);
            WriteAlgorithm(writer, signer.Algorithm);
            writer.WriteBitString(signer.Sign(signedPart));
        }

        return writer.Encode();
    }

    internal static void WriteAlgorithm(AsnWriter writer, KeyAlgorithm algorithm)
    {
        using (writer.PushSequence())
            writer.WriteObjectIdentifier(Oid(algorithm));
    }

    internal static string Oid(KeyAlgorithm algorithm) => algorithm switch
    {
        KeyAlgorithm.Ed25519 => CertificateFields.Ed25519Oid,
        KeyAlgorithm.Ed448 => CertificateFields.Ed448Oid,
        _ => throw new ArgumentException($"{algorithm} does not sign.", nameof(algorithm)),
    };
}
