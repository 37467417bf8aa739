using System.Security.Cryptography;
using Pairwise.Crypto.Interop;

namespace Pairwise.Crypto;

/// <summary>The box construction over keys in the caller's memory, for keys used once; see <see cref="BoxKey"/>.</summary>
internal static unsafe class SecretBox
{
    private const int BlockLength = 64;
    private const int FirstLength = 32;

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

    // xsalsa20: the first 16 bytes of the nonce and HSalsa20 give the stream's key, the other 8 are its nonce.
    // The stream's first 32 bytes are the key of Poly1305, the content starts behind them.
    internal static void SealPrepared(ReadOnlySpan<byte> prepared, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, Span<byte> ciphertext, Span<byte> tag)
    {
        BoxNonce.Check(nonce);
        CheckLength(ciphertext.Length, plaintext.Length, nameof(ciphertext));
        CheckLength(tag.Length, BoxKey.TagLength, nameof(tag));
        Span<byte> streamKey = stackalloc byte[BoxKey.KeyLength];
        Span<byte> block = stackalloc byte[BlockLength];
        HSalsa20(prepared, nonce[..16], streamKey);
        block.Clear();
        plaintext[..Math.Min(plaintext.Length, FirstLength)].CopyTo(block[FirstLength..]);
        XorFirst(streamKey, nonce[16..], block);
        XorRest(streamKey, nonce[16..], plaintext, ciphertext);
        block.Slice(FirstLength, Math.Min(plaintext.Length, FirstLength)).CopyTo(ciphertext);
        Poly1305.Authenticate(block[..FirstLength], ciphertext, tag);
        CryptographicOperations.ZeroMemory(streamKey);
        CryptographicOperations.ZeroMemory(block);
    }

    internal static bool TryOpenPrepared(ReadOnlySpan<byte> prepared, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> ciphertext, ReadOnlySpan<byte> tag, Span<byte> plaintext)
    {
        BoxNonce.Check(nonce);
        CheckLength(plaintext.Length, ciphertext.Length, nameof(plaintext));
        Span<byte> streamKey = stackalloc byte[BoxKey.KeyLength];
        Span<byte> block = stackalloc byte[BlockLength];
        Span<byte> expected = stackalloc byte[BoxKey.TagLength];
        HSalsa20(prepared, nonce[..16], streamKey);
        block.Clear();
        ciphertext[..Math.Min(ciphertext.Length, FirstLength)].CopyTo(block[FirstLength..]);
        XorFirst(streamKey, nonce[16..], block);
        Poly1305.Authenticate(block[..FirstLength], ciphertext, expected);
        var isAuthentic = CryptographicOperations.FixedTimeEquals(expected, tag);
        if (isAuthentic)
        {
            XorRest(streamKey, nonce[16..], ciphertext, plaintext);
            block.Slice(FirstLength, Math.Min(ciphertext.Length, FirstLength)).CopyTo(plaintext);
        }

        CryptographicOperations.ZeroMemory(streamKey);
        CryptographicOperations.ZeroMemory(block);
        return isAuthentic;
    }

    /// <summary>XORs whole memory with the key stream from the given 64-byte block on.</summary>
    internal static void Xor(ReadOnlySpan<byte> streamKey, ReadOnlySpan<byte> streamNonce, ulong block, ReadOnlySpan<byte> source, Span<byte> destination)
    {
        fixed (byte* d = destination, s = source, n = streamNonce, k = streamKey)
            Check(LibSodium.crypto_stream_salsa20_xor_ic(d, s, (ulong)source.Length, n, block, k));
    }

    /// <summary>The first block: the key of Poly1305 and, behind it, the first bytes of the content.</summary>
    private static void XorFirst(ReadOnlySpan<byte> streamKey, ReadOnlySpan<byte> streamNonce, Span<byte> block) =>
        Xor(streamKey, streamNonce, 0, block, block);

    private static void XorRest(ReadOnlySpan<byte> streamKey, ReadOnlySpan<byte> streamNonce, ReadOnlySpan<byte> source, Span<byte> destination)
    {
        if (source.Length <= FirstLength)
            return;
        if (source.Overlaps(destination, out var offset) && offset != 0)
        {
            // Memory that overlaps with an offset is first moved to its place.
            source.CopyTo(destination);
            source = destination;
        }

        Xor(streamKey, streamNonce, 1, source[FirstLength..], destination[FirstLength..]);
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
