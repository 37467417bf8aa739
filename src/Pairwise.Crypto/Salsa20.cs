using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Pairwise.Crypto.Interop;

namespace Pairwise.Crypto;

/// <summary>Who computes Salsa20. All give the same bytes.</summary>
internal enum Salsa20Path
{
    /// <summary>libsodium, on any processor.</summary>
    Libsodium,

    /// <summary><see cref="Salsa20Vectors"/>, where <see cref="Salsa20Vectors.IsSupported"/>.</summary>
    Vectors,
}

/// <summary>The key stream of Salsa20 with 20 rounds; a block of it has 64 bytes. Thread-safe.</summary>
internal static unsafe class Salsa20
{
    /// <summary>Bytes of key stream that have one number.</summary>
    internal const int BlockLength = 64;

    /// <summary>Size of a key in bytes.</summary>
    internal const int KeyLength = 32;

    /// <summary>Size of the stream's nonce in bytes.</summary>
    internal const int NonceLength = 8;

    // Up to so many bytes, four blocks at a time are faster than sixteen of which a part is thrown away.
    private const int LongestOfFours = 2 * Salsa20Vectors.FourLength;

    /// <summary>The fastest on this processor.</summary>
    internal static Salsa20Path FastestPath => Salsa20Vectors.IsSupported ? Salsa20Path.Vectors : Salsa20Path.Libsodium;

    /// <summary>XORs with the key stream from the start of a block on.</summary>
    /// <param name="path">Who computes it: <see cref="FastestPath"/>, except where paths are compared.</param>
    /// <param name="key">32 bytes.</param>
    /// <param name="nonce">8 bytes.</param>
    /// <param name="block">The number of the first block; it may pass 2^32.</param>
    /// <param name="source">Any number of bytes.</param>
    /// <param name="destination">As many: the same memory, or memory that does not overlap.</param>
    internal static void Xor(Salsa20Path path, ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ulong block, ReadOnlySpan<byte> source, Span<byte> destination)
    {
        SecretBox.CheckLength(key.Length, KeyLength, nameof(key));
        SecretBox.CheckLength(nonce.Length, NonceLength, nameof(nonce));
        SecretBox.CheckLength(destination.Length, source.Length, nameof(destination));
        if (path == Salsa20Path.Vectors)
        {
            XorByVectors(key, nonce, block, source, destination);
            return;
        }

        fixed (byte* d = destination, s = source, n = nonce, k = key)
            SecretBox.Check(LibSodium.crypto_stream_salsa20_xor_ic(d, s, (ulong)source.Length, n, block, k));
    }

    /// <summary>XORs with as many bytes of key stream that the caller has; the destination may be the source.</summary>
    internal static void XorStream(ReadOnlySpan<byte> source, ReadOnlySpan<byte> stream, Span<byte> destination)
    {
        SecretBox.CheckLength(stream.Length, source.Length, nameof(stream));
        SecretBox.CheckLength(destination.Length, source.Length, nameof(destination));
        while (source.Length >= Vector<byte>.Count)
        {
            (new Vector<byte>(source) ^ new Vector<byte>(stream)).CopyTo(destination);
            source = source[Vector<byte>.Count..];
            stream = stream[Vector<byte>.Count..];
            destination = destination[Vector<byte>.Count..];
        }

        for (var i = 0; i < source.Length; i++)
            destination[i] = (byte)(source[i] ^ stream[i]);
    }

    [SkipLocalsInit]
    private static void XorByVectors(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ulong block, ReadOnlySpan<byte> source, Span<byte> destination)
    {
        Span<uint> state = stackalloc uint[Salsa20Vectors.Words];
        Load(key, nonce, block, state);
        var sixteens = source.Length - (source.Length % Salsa20Vectors.SixteenLength);
        if (sixteens > 0)
            Salsa20Vectors.XorSixteens(state, source[..sixteens], destination[..sixteens]);
        XorRest(state, source[sixteens..], destination[sixteens..]);
        CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(state));
    }

    /// <summary>XORs fewer than sixteen blocks.</summary>
    [SkipLocalsInit]
    private static void XorRest(Span<uint> state, ReadOnlySpan<byte> source, Span<byte> destination)
    {
        var isShort = source.Length <= LongestOfFours;
        if (isShort)
        {
            var fours = source.Length - (source.Length % Salsa20Vectors.FourLength);
            if (fours > 0)
                Salsa20Vectors.XorFours(state, source[..fours], destination[..fours]);
            source = source[fours..];
            destination = destination[fours..];
        }

        if (source.IsEmpty)
            return;

        // The end needs memory that is long enough.
        Span<byte> end = stackalloc byte[Salsa20Vectors.SixteenLength];
        if (isShort)
            end = end[..Salsa20Vectors.FourLength];
        source.CopyTo(end);
        if (isShort)
            Salsa20Vectors.XorFours(state, end, end);
        else
            Salsa20Vectors.XorSixteens(state, end, end);
        end[..source.Length].CopyTo(destination);
        CryptographicOperations.ZeroMemory(end);
    }

    private static void Load(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ulong block, Span<uint> state)
    {
        var words = MemoryMarshal.Cast<byte, uint>(key);
        state[0] = 0x61707865; // "expa"
        words[..4].CopyTo(state[1..]);
        state[5] = 0x3320646e; // "nd 3"
        MemoryMarshal.Cast<byte, uint>(nonce).CopyTo(state[6..]);
        state[8] = unchecked((uint)block);
        state[9] = unchecked((uint)(block >> 32));
        state[10] = 0x79622d32; // "2-by"
        words[4..].CopyTo(state[11..]);
        state[15] = 0x6b206574; // "te k"
    }
}
