namespace Pairwise.Crypto;

/// <summary>The four curves of the network. The name is the one RFC 8410 uses.</summary>
public enum KeyAlgorithm
{
    X25519,
    X448,
    Ed25519,
    Ed448,
}

/// <summary>DER forms of the four curves' keys (RFC 8410): each is a fixed prefix followed by the raw key.</summary>
internal static class KeyDer
{
    // SubjectPublicKeyInfo = SEQUENCE { SEQUENCE { OID 1.3.101.n }, BIT STRING (0 unused bits) rawKey }
    internal static ReadOnlySpan<byte> SpkiPrefix(KeyAlgorithm algorithm) => algorithm switch
    {
        KeyAlgorithm.X25519 => [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x03, 0x21, 0x00],
        KeyAlgorithm.X448 => [0x30, 0x42, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6f, 0x03, 0x39, 0x00],
        KeyAlgorithm.Ed25519 => [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00],
        KeyAlgorithm.Ed448 => [0x30, 0x43, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x71, 0x03, 0x3a, 0x00],
        _ => throw new ArgumentOutOfRangeException(nameof(algorithm)),
    };

    // PrivateKeyInfo = SEQUENCE { INTEGER 0, SEQUENCE { OID 1.3.101.n }, OCTET STRING { OCTET STRING rawKey } }
    internal static ReadOnlySpan<byte> Pkcs8Prefix(KeyAlgorithm algorithm) => algorithm switch
    {
        KeyAlgorithm.X25519 => [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x04, 0x22, 0x04, 0x20],
        KeyAlgorithm.X448 => [0x30, 0x46, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6f, 0x04, 0x3a, 0x04, 0x38],
        KeyAlgorithm.Ed25519 => [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20],
        KeyAlgorithm.Ed448 => [0x30, 0x47, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x71, 0x04, 0x3b, 0x04, 0x39],
        _ => throw new ArgumentOutOfRangeException(nameof(algorithm)),
    };

    /// <summary>Size of a raw key, public or private, in bytes.</summary>
    internal static int RawLength(KeyAlgorithm algorithm) => algorithm switch
    {
        KeyAlgorithm.X25519 or KeyAlgorithm.Ed25519 => 32,
        KeyAlgorithm.X448 => 56,
        KeyAlgorithm.Ed448 => 57,
        _ => throw new ArgumentOutOfRangeException(nameof(algorithm)),
    };

    /// <summary>The raw key in <paramref name="der"/> when that is exactly the prefix and a key of the right length.</summary>
    internal static bool TryStrip(ReadOnlySpan<byte> prefix, int rawLength, ReadOnlySpan<byte> der, out ReadOnlySpan<byte> raw)
    {
        if (der.Length == prefix.Length + rawLength && der.StartsWith(prefix))
        {
            raw = der[prefix.Length..];
            return true;
        }

        raw = default;
        return false;
    }

    internal static byte[] Join(ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> raw)
    {
        var der = new byte[prefix.Length + raw.Length];
        prefix.CopyTo(der);
        raw.CopyTo(der.AsSpan(prefix.Length));
        return der;
    }
}
