using System.Security.Cryptography;
using Pairwise.Crypto.Interop;

namespace Pairwise.Crypto;

/// <summary>The box construction over keys in the caller's memory, for keys used once; see <see cref="BoxKey"/>.</summary>
internal static unsafe class SecretBox
{
    // The first bytes of the key stream are the key of Poly1305, the content starts behind them. Both, as far as they
    // lie in the first four blocks, go through memory of our own.
    private const int AuthenticatorKeyLength = 32;
    private const int BeginningLength = 4 * Salsa20.BlockLength;
    private const int FirstLength = BeginningLength - AuthenticatorKeyLength;

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
    internal static void Seal(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, Span<byte> ciphertext, Span<byte> tag, Salsa20Path path)
    {
        Span<byte> prepared = stackalloc byte[BoxKey.KeyLength];
        Prepare(key, prepared);
        SealPrepared(prepared, nonce, plaintext, ciphertext, tag, path);
        CryptographicOperations.ZeroMemory(prepared);
    }

    /// <summary>Opens under a symmetric key that is used once.</summary>
    internal static bool TryOpen(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> ciphertext, ReadOnlySpan<byte> tag, Span<byte> plaintext, Salsa20Path path)
    {
        Span<byte> prepared = stackalloc byte[BoxKey.KeyLength];
        Prepare(key, prepared);
        var isAuthentic = TryOpenPrepared(prepared, nonce, ciphertext, tag, plaintext, path);
        CryptographicOperations.ZeroMemory(prepared);
        return isAuthentic;
    }

    // xsalsa20: the first 16 bytes of the nonce and HSalsa20 give the stream's key, the other 8 are its nonce.
    internal static void SealPrepared(
        ReadOnlySpan<byte> prepared, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, Span<byte> ciphertext, Span<byte> tag, Salsa20Path path)
    {
        BoxNonce.Check(nonce);
        CheckLength(ciphertext.Length, plaintext.Length, nameof(ciphertext));
        CheckLength(tag.Length, BoxKey.TagLength, nameof(tag));
        Span<byte> streamKey = stackalloc byte[BoxKey.KeyLength];
        Span<byte> beginning = stackalloc byte[BeginningLength];
        XorBeginning(prepared, nonce, plaintext, streamKey, beginning, path);
        XorRest(streamKey, nonce, plaintext, ciphertext, path);
        CopyFirst(beginning, ciphertext);
        Poly1305.Authenticate(beginning[..AuthenticatorKeyLength], ciphertext, tag);
        CryptographicOperations.ZeroMemory(streamKey);
        CryptographicOperations.ZeroMemory(beginning);
    }

    internal static bool TryOpenPrepared(
        ReadOnlySpan<byte> prepared, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> ciphertext, ReadOnlySpan<byte> tag, Span<byte> plaintext, Salsa20Path path)
    {
        BoxNonce.Check(nonce);
        CheckLength(plaintext.Length, ciphertext.Length, nameof(plaintext));
        Span<byte> streamKey = stackalloc byte[BoxKey.KeyLength];
        Span<byte> beginning = stackalloc byte[BeginningLength];
        Span<byte> expected = stackalloc byte[BoxKey.TagLength];
        XorBeginning(prepared, nonce, ciphertext, streamKey, beginning, path);
        Poly1305.Authenticate(beginning[..AuthenticatorKeyLength], ciphertext, expected);
        var isAuthentic = CryptographicOperations.FixedTimeEquals(expected, tag);
        if (isAuthentic)
        {
            XorRest(streamKey, nonce, ciphertext, plaintext, path);
            CopyFirst(beginning, plaintext);
        }

        CryptographicOperations.ZeroMemory(streamKey);
        CryptographicOperations.ZeroMemory(beginning);
        return isAuthentic;
    }

    /// <summary>Derives the stream's key and writes its first blocks: the key of Poly1305 and, behind it, the first bytes of
    /// the content, encrypted or decrypted.</summary>
    private static void XorBeginning(
        ReadOnlySpan<byte> prepared, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> content, Span<byte> streamKey, Span<byte> beginning, Salsa20Path path)
    {
        HSalsa20(prepared, nonce[..16], streamKey);
        beginning.Clear();
        content[..Math.Min(content.Length, FirstLength)].CopyTo(beginning[AuthenticatorKeyLength..]);
        Salsa20.Xor(path, streamKey, nonce[16..], 0, beginning, beginning);
    }

    /// <summary>XORs what lies behind the first bytes.</summary>
    private static void XorRest(ReadOnlySpan<byte> streamKey, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> source, Span<byte> destination, Salsa20Path path)
    {
        if (source.Length <= FirstLength)
            return;
        if (source.Overlaps(destination, out var offset) && offset != 0)
        {
            // Memory that overlaps with an offset is first moved to its place.
            source.CopyTo(destination);
            source = destination;
        }

        Salsa20.Xor(path, streamKey, nonce[16..], BeginningLength / Salsa20.BlockLength, source[FirstLength..], destination[FirstLength..]);
    }

    private static void CopyFirst(ReadOnlySpan<byte> beginning, Span<byte> destination) =>
        beginning.Slice(AuthenticatorKeyLength, Math.Min(destination.Length, FirstLength)).CopyTo(destination);

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
