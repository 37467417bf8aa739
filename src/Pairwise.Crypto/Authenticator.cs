using System.Security.Cryptography;

namespace Pairwise.Crypto;

/// <summary>
/// The deniable alternative to a signature: the box of a message's SHA-512, under the X25519 secret of the queue's key
/// and the relay's session key. The nonce is the transmission's correlation id. Always 80 bytes.
/// </summary>
public static class Authenticator
{
    /// <summary>Size in bytes: a tag and a SHA-512 digest.</summary>
    public const int Length = BoxKey.TagLength + Digests.Sha512Length;

    // authenticator = tag encrypted(sha512(message)) ; 80*80(byte)
    /// <summary>Writes the authenticator of <paramref name="message"/> into 80 bytes.</summary>
    public static void Create(BoxKey key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> message, Span<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(key);
        SecretBox.CheckLength(destination.Length, Length, nameof(destination));
        Span<byte> digest = stackalloc byte[Digests.Sha512Length];
        Digests.Sha512(message, digest);
        key.Seal(nonce, digest, destination);
    }

    /// <summary>The authenticator of <paramref name="message"/> as a new array.</summary>
    public static byte[] Create(BoxKey key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> message)
    {
        var authenticator = new byte[Length];
        Create(key, nonce, message, authenticator);
        return authenticator;
    }

    /// <summary>Whether <paramref name="authenticator"/> belongs to <paramref name="message"/>; false for a wrong length
    /// of it or of the nonce. Compares in constant time.</summary>
    public static bool Verify(BoxKey key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> message, ReadOnlySpan<byte> authenticator)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (authenticator.Length != Length || nonce.Length != BoxNonce.Length)
            return false;
        Span<byte> digest = stackalloc byte[Digests.Sha512Length];
        Span<byte> opened = stackalloc byte[Digests.Sha512Length];
        Digests.Sha512(message, digest);
        return key.TryOpen(nonce, authenticator, opened) && CryptographicOperations.FixedTimeEquals(digest, opened);
    }
}
