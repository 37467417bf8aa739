using System.Security.Cryptography;
using Pairwise.Crypto.Interop;

namespace Pairwise.Crypto;

/// <summary>HKDF over SHA-512 (RFC 5869), the only key derivation of the protocols. An empty salt is 64 zero bytes.</summary>
public static class HkdfSha512
{
    /// <summary>The most that one derivation gives, in bytes.</summary>
    public const int MaxLength = 255 * Digests.Sha512Length;

    // prk = HMAC(salt, secret) ; T(n) = HMAC(prk, T(n-1) info n) ; output = T(1) T(2) ... cut to its length
    /// <summary>Derives as many bytes as <paramref name="destination"/> holds.</summary>
    public static void Derive(ReadOnlySpan<byte> salt, ReadOnlySpan<byte> secret, ReadOnlySpan<byte> info, Span<byte> destination)
    {
        if (destination.Length > MaxLength)
            throw new ArgumentException($"One derivation gives at most {MaxLength} bytes, not {destination.Length}.", nameof(destination));
        Span<byte> block = stackalloc byte[Digests.Sha512Length];
        Span<byte> counter = stackalloc byte[1];
        using (var extract = new HmacSha512(salt))
            extract.Compute(secret, default, default, block);
        using (var expand = new HmacSha512(block))
        {
            scoped ReadOnlySpan<byte> previous = default;
            while (!destination.IsEmpty)
            {
                counter[0]++;
                expand.Compute(previous, info, counter, block);
                previous = block;
                var count = Math.Min(destination.Length, block.Length);
                block[..count].CopyTo(destination);
                destination = destination[count..];
            }
        }

        CryptographicOperations.ZeroMemory(block);
    }

    /// <summary>Derives <paramref name="length"/> bytes; the caller wipes them.</summary>
    public static byte[] Derive(ReadOnlySpan<byte> salt, ReadOnlySpan<byte> secret, ReadOnlySpan<byte> info, int length)
    {
        var derived = new byte[length];
        Derive(salt, secret, info, derived);
        return derived;
    }
}
