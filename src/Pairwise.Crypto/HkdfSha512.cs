using System.Security.Cryptography;

namespace Pairwise.Crypto;

/// <summary>HKDF over SHA-512 (RFC 5869), the only key derivation of the protocols. An empty salt is 64 zero bytes.</summary>
public static class HkdfSha512
{
    /// <summary>The most that one derivation gives, in bytes.</summary>
    public const int MaxLength = 255 * Digests.Sha512Length;

    /// <summary>Derives as many bytes as <paramref name="destination"/> holds.</summary>
    public static void Derive(ReadOnlySpan<byte> salt, ReadOnlySpan<byte> secret, ReadOnlySpan<byte> info, Span<byte> destination) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA512, secret, destination, salt, info);

    /// <summary>Derives <paramref name="length"/> bytes; the caller wipes them.</summary>
    public static byte[] Derive(ReadOnlySpan<byte> salt, ReadOnlySpan<byte> secret, ReadOnlySpan<byte> info, int length)
    {
        var derived = new byte[length];
        Derive(salt, secret, info, derived);
        return derived;
    }
}
