using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Pairwise.Crypto.Interop;

/// <summary>
/// HMAC-SHA-512 (RFC 2104) under one key, for short inputs: the key is hashed once, then each message costs two blocks.
/// Disposing wipes the key's states.
/// </summary>
internal ref struct HmacSha512
{
    private const int BlockLength = 128;

    private static readonly (Sha512State Inner, Sha512State Outer) OfEmptyKey = StatesOf([]);

    private Sha512State _inner;
    private Sha512State _outer;

    internal HmacSha512(scoped ReadOnlySpan<byte> key) => (_inner, _outer) = key.IsEmpty ? OfEmptyKey : StatesOf(key);

    /// <summary>Writes the 64-byte code of the three parts together; <paramref name="code"/> may be one of them.</summary>
    internal readonly void Compute(scoped ReadOnlySpan<byte> first, scoped ReadOnlySpan<byte> second, scoped ReadOnlySpan<byte> third, scoped Span<byte> code)
    {
        SecretBox.CheckLength(code.Length, Digests.Sha512Length, nameof(code));
        var state = _inner;
        state.Finish(first, second, third, code);
        state = _outer;
        state.Finish(code, default, default, code);
        state.Wipe();
    }

    internal void Dispose()
    {
        _inner.Wipe();
        _outer.Wipe();
    }

    private static (Sha512State Inner, Sha512State Outer) StatesOf(scoped ReadOnlySpan<byte> key)
    {
        Span<byte> padded = stackalloc byte[BlockLength];
        padded.Clear();
        if (key.Length > BlockLength)
            Digests.Sha512(key, padded[..Digests.Sha512Length]);
        else
            key.CopyTo(padded);
        Xor(padded, 0x36);
        var inner = Sha512State.After(padded);
        Xor(padded, 0x36 ^ 0x5c);
        var outer = Sha512State.After(padded);
        CryptographicOperations.ZeroMemory(padded);
        return (inner, outer);
    }

    private static void Xor(Span<byte> bytes, byte value)
    {
        foreach (ref var each in bytes)
            each ^= value;
    }

    /// <summary>The eight words of SHA-512 behind the block of a key. OpenSSL computes one block at a time: its own state
    /// begins with these words, and only they are touched.</summary>
    [InlineArray(Words)]
    private struct Sha512State
    {
        private const int Words = 8;

        private ulong _first;

        internal static Sha512State After(scoped ReadOnlySpan<byte> block)
        {
            // FIPS 180-4, 5.3.5.
            Sha512State state = default;
            state[0] = 0x6a09e667f3bcc908;
            state[1] = 0xbb67ae8584caa73b;
            state[2] = 0x3c6ef372fe94f82b;
            state[3] = 0xa54ff53a5f1d36f1;
            state[4] = 0x510e527fade682d1;
            state[5] = 0x9b05688c2b3e6c1f;
            state[6] = 0x1f83d9abfb41bd6b;
            state[7] = 0x5be0cd19137e2179;
            state.Compress(block);
            return state;
        }

        // padded = first second third %x80 *%x00 bits ; whole blocks, bits = the length with the key's block, 16 bytes
        /// <summary>Hashes the parts and writes the digest, which may be one of them.</summary>
        internal void Finish(scoped ReadOnlySpan<byte> first, scoped ReadOnlySpan<byte> second, scoped ReadOnlySpan<byte> third, scoped Span<byte> digest)
        {
            const int bitsLength = 16;
            Span<byte> block = stackalloc byte[BlockLength];
            var bits = 8 * (BlockLength + (ulong)first.Length + (ulong)second.Length + (ulong)third.Length);
            var used = Add(first, block, 0);
            used = Add(second, block, used);
            used = Add(third, block, used);
            block[used] = 0x80;
            block[(used + 1)..].Clear();
            if (used >= BlockLength - bitsLength)
            {
                Compress(block);
                block.Clear();
            }

            BinaryPrimitives.WriteUInt64BigEndian(block[^sizeof(ulong)..], bits);
            Compress(block);
            for (var i = 0; i < Words; i++)
                BinaryPrimitives.WriteUInt64BigEndian(digest[(i * sizeof(ulong))..], this[i]);
            CryptographicOperations.ZeroMemory(block);
        }

        internal void Wipe() => CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes((Span<ulong>)this));

        /// <summary>Fills the block, hashes it whenever it is full, and tells how much of it is used then.</summary>
        private int Add(scoped ReadOnlySpan<byte> bytes, scoped Span<byte> block, int used)
        {
            while (bytes.Length >= BlockLength - used)
            {
                bytes[..(BlockLength - used)].CopyTo(block[used..]);
                Compress(block);
                bytes = bytes[(BlockLength - used)..];
                used = 0;
            }

            bytes.CopyTo(block[used..]);
            return used + bytes.Length;
        }

        private unsafe void Compress(scoped ReadOnlySpan<byte> block)
        {
            SecretBox.CheckLength(block.Length, BlockLength, nameof(block));
            fixed (void* state = &_first)
            fixed (byte* b = block)
                LibCrypto.SHA512_Transform(state, b);
        }
    }
}
