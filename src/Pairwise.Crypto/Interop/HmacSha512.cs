using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace Pairwise.Crypto.Interop;

/// <summary>
/// HMAC-SHA-512 (RFC 2104) under one key, for short inputs: the key is hashed once, then each message costs two blocks.
/// Disposing wipes the key's states.
/// </summary>
internal unsafe ref struct HmacSha512
{
    private const int BlockLength = 128;

    private Sha512State _inner;
    private Sha512State _outer;

    internal HmacSha512(scoped ReadOnlySpan<byte> key)
    {
        Span<byte> padded = stackalloc byte[BlockLength];
        padded.Clear();
        if (key.Length > BlockLength)
            Digests.Sha512(key, padded[..Digests.Sha512Length]);
        else
            key.CopyTo(padded);
        Xor(padded, 0x36);
        _inner.Start(padded);
        Xor(padded, 0x36 ^ 0x5c);
        _outer.Start(padded);
        CryptographicOperations.ZeroMemory(padded);
    }

    /// <summary>Writes the 64-byte code of the three parts together; <paramref name="code"/> may be one of them.</summary>
    internal readonly void Compute(scoped ReadOnlySpan<byte> first, scoped ReadOnlySpan<byte> second, scoped ReadOnlySpan<byte> third, scoped Span<byte> code)
    {
        SecretBox.CheckLength(code.Length, Digests.Sha512Length, nameof(code));
        var state = _inner;
        state.Add(first);
        state.Add(second);
        state.Add(third);
        state.Finish(code);
        state = _outer;
        state.Add(code);
        state.Finish(code);
        state.Wipe();
    }

    internal void Dispose()
    {
        _inner.Wipe();
        _outer.Wipe();
    }

    private static void Xor(Span<byte> bytes, byte value)
    {
        foreach (ref var each in bytes)
            each ^= value;
    }

    /// <summary>OpenSSL's SHA512_CTX: eight words, two of length, one block and two counters, 216 bytes; some to spare.</summary>
    [InlineArray(Words)]
    private struct Sha512State
    {
        private const int Words = 32;

        private ulong _first;

        internal void Start(scoped ReadOnlySpan<byte> block)
        {
            fixed (void* state = &_first)
                Check(LibCrypto.SHA512_Init(state));
            Add(block);
        }

        internal void Add(scoped ReadOnlySpan<byte> bytes)
        {
            if (bytes.IsEmpty)
                return;
            fixed (void* state = &_first)
            fixed (byte* b = bytes)
                Check(LibCrypto.SHA512_Update(state, b, (nuint)bytes.Length));
        }

        internal void Finish(scoped Span<byte> digest)
        {
            fixed (void* state = &_first)
            fixed (byte* d = digest)
                Check(LibCrypto.SHA512_Final(d, state));
        }

        internal void Wipe()
        {
            fixed (void* state = &_first)
                CryptographicOperations.ZeroMemory(new Span<byte>(state, Words * sizeof(ulong)));
        }

        private static void Check(int result)
        {
            if (result != 1)
                throw Evp.Failure("SHA-512 failed.");
        }
    }
}
