using System.Security.Cryptography;
using Pairwise.Crypto.Interop;

namespace Pairwise.Crypto;

/// <summary>The box construction over keys in the caller's memory, for keys used once; see <see cref="BoxKey"/>.</summary>
internal static unsafe class SecretBox
{
    /// <summary>Turns a secret into the key of a NaCl secretbox: HSalsa20 with a zero input.</summary>
    internal static void Prepare(ReadOnlySpan<byte> secret, Span<byte> prepared)
    {
        if (secret.Length != BoxKey.KeyLength)
            throw new ArgumentException($"A box key has {BoxKey.KeyLength} bytes, not {secret.Length}.", nameof(secret));
        Span<byte> zero = stackalloc byte[16];
        zero.Clear();
        HSalsa20(secret, zero, prepared);
    }

    internal static void HSalsa20(ReadOnlySpan<byte> key, ReadOnlySpan<byte> input, Span<byte> output)
    {
        CheckLength(output.Length, BoxKey.KeyLength, nameof(output));
        fixed (byte* o = output, i = input, k = key)
            Check(LibSodium.crypto_core_hsalsa20(o, i, k, null));
    }

    /// <summary>Seals under a symmetric key that is used once.</summary>
    internal static void Seal(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, Span<byte> ciphertext, Span<byte> tag)
    {
        Span<byte> prepared = stackalloc byte[BoxKey.KeyLength];
        Prepare(key, prepared);
        SealPrepared(prepared, nonce, plaintext, ciphertext, tag);
        CryptographicOperations.ZeroMemory(prepared);
    }

    /// <summary>Opens under a symmetric key that is used once.</summary>
    internal static bool TryOpen(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> ciphertext, ReadOnlySpan<byte> tag, Span<byte> plaintext)
    {
        Span<byte> prepared = stackalloc byte[BoxKey.KeyLength];
        Prepare(key, prepared);
        var isAuthentic = TryOpenPrepared(prepared, nonce, ciphertext, tag, plaintext);
        CryptographicOperations.ZeroMemory(prepared);
        return isAuthentic;
    }

    internal static void SealPrepared(ReadOnlySpan<byte> prepared, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, Span<byte> ciphertext, Span<byte> tag)
    {
        BoxNonce.Check(nonce);
        CheckLength(ciphertext.Length, plaintext.Length, nameof(ciphertext));
        CheckLength(tag.Length, BoxKey.TagLength, nameof(tag));
        fixed (byte* c = ciphertext, t = tag, m = plaintext, n = nonce, k = prepared)
            Check(LibSodium.crypto_secretbox_detached(c, t, m, (ulong)plaintext.Length, n, k));
    }

    internal static bool TryOpenPrepared(ReadOnlySpan<byte> prepared, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> ciphertext, ReadOnlySpan<byte> tag, Span<byte> plaintext)
    {
        BoxNonce.Check(nonce);
        CheckLength(plaintext.Length, ciphertext.Length, nameof(plaintext));
        // With a null destination libsodium would only verify; for empty content that is all there is to do.
        fixed (byte* m = plaintext, c = ciphertext, t = tag, n = nonce, k = prepared)
            return LibSodium.crypto_secretbox_open_detached(m, c, t, (ulong)ciphertext.Length, n, k) == 0;
    }

    internal static void CheckLength(int actual, int expected, string name)
    {
        if (actual != expected)
            throw new ArgumentException($"{expected} bytes are expected, not {actual}.", name);
    }

    internal static void Check(int result)
    {
        if (result != 0)
            throw new InvalidOperationException("libsodium refused an operation that cannot fail.");
    }
}
