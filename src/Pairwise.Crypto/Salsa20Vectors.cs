using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Pairwise.Crypto;

/// <summary>
/// Salsa20 with 20 rounds for processors with 512-bit vectors. No operation's time depends on key, nonce or content.
/// </summary>
/// <remarks>
/// The state of a block is sixteen words: constants at 0, 5, 10 and 15, the key at 1..4 and 11..14, the nonce at 6
/// and 7, the number of the block at 8 and 9. Long content takes sixteen blocks at a time: a vector holds one word of
/// each. Short content takes four: a vector holds one diagonal of each. Nothing secret is left on the stack: all is in
/// registers.
/// </remarks>
internal static class Salsa20Vectors
{
    /// <summary>Bytes of sixteen blocks, what <see cref="XorSixteens"/> takes at a time.</summary>
    internal const int SixteenLength = 16 * Salsa20.BlockLength;

    /// <summary>Bytes of four blocks, what <see cref="XorFours"/> takes at a time.</summary>
    internal const int FourLength = 4 * Salsa20.BlockLength;

    /// <summary>Words of a state.</summary>
    internal const int Words = 16;

    private const int DoubleRounds = 10;

    // Of a shuffle of four lanes or words, from the lowest: which four places come from where.
    private const byte Places0101 = 0b01_00_01_00;
    private const byte Places0202 = 0b10_00_10_00;
    private const byte Places1313 = 0b11_01_11_01;
    private const byte Places2323 = 0b11_10_11_10;
    private const byte Places1230 = 0b00_11_10_01;
    private const byte Places2301 = 0b01_00_11_10;
    private const byte Places3012 = 0b10_01_00_11;

    internal static bool IsSupported => Vector512.IsHardwareAccelerated && Avx512F.IsSupported;

    /// <summary>XORs a multiple of 1,024 bytes; content and result are the same memory or apart.</summary>
    /// <param name="words">The state of the first block, and afterwards of the next one.</param>
    /// <param name="content">What is XORed with the key stream.</param>
    /// <param name="result">As many bytes.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void XorSixteens(Span<uint> words, ReadOnlySpan<byte> content, Span<byte> result)
    {
        Check(words, content, result, SixteenLength);
        ref var state = ref MemoryMarshal.GetReference(words);
        ref var source = ref MemoryMarshal.GetReference(content);
        ref var destination = ref MemoryMarshal.GetReference(result);
        var length = (nuint)content.Length;
        var number = Number(ref state);
        for (nuint offset = 0; offset < length; offset += SixteenLength)
        {
            var lower = Vector512.Create(unchecked((uint)number)) + Vector512<uint>.Indices;
            var upper = Vector512.Create(unchecked((uint)(number >> 32))) - Vector512.LessThan(lower, Vector512<uint>.Indices);
            var (x0, x1, x2, x3) = (Word(ref state, 0), Word(ref state, 1), Word(ref state, 2), Word(ref state, 3));
            var (x4, x5, x6, x7) = (Word(ref state, 4), Word(ref state, 5), Word(ref state, 6), Word(ref state, 7));
            var (x8, x9, x10, x11) = (lower, upper, Word(ref state, 10), Word(ref state, 11));
            var (x12, x13, x14, x15) = (Word(ref state, 12), Word(ref state, 13), Word(ref state, 14), Word(ref state, 15));
            for (var round = 0; round < DoubleRounds; round++)
            {
                x4 = Mix(x4, x0, x12, 7);
                x9 = Mix(x9, x5, x1, 7);
                x14 = Mix(x14, x10, x6, 7);
                x3 = Mix(x3, x15, x11, 7);
                x8 = Mix(x8, x4, x0, 9);
                x13 = Mix(x13, x9, x5, 9);
                x2 = Mix(x2, x14, x10, 9);
                x7 = Mix(x7, x3, x15, 9);
                x12 = Mix(x12, x8, x4, 13);
                x1 = Mix(x1, x13, x9, 13);
                x6 = Mix(x6, x2, x14, 13);
                x11 = Mix(x11, x7, x3, 13);
                x0 = Mix(x0, x12, x8, 18);
                x5 = Mix(x5, x1, x13, 18);
                x10 = Mix(x10, x6, x2, 18);
                x15 = Mix(x15, x11, x7, 18);

                x1 = Mix(x1, x0, x3, 7);
                x6 = Mix(x6, x5, x4, 7);
                x11 = Mix(x11, x10, x9, 7);
                x12 = Mix(x12, x15, x14, 7);
                x2 = Mix(x2, x1, x0, 9);
                x7 = Mix(x7, x6, x5, 9);
                x8 = Mix(x8, x11, x10, 9);
                x13 = Mix(x13, x12, x15, 9);
                x3 = Mix(x3, x2, x1, 13);
                x4 = Mix(x4, x7, x6, 13);
                x9 = Mix(x9, x8, x11, 13);
                x14 = Mix(x14, x13, x12, 13);
                x0 = Mix(x0, x3, x2, 18);
                x5 = Mix(x5, x4, x7, 18);
                x10 = Mix(x10, x9, x8, 18);
                x15 = Mix(x15, x14, x13, 18);
            }

            var (a0, a1, a2, a3) = TransposeWords(x0 + Word(ref state, 0), x1 + Word(ref state, 1), x2 + Word(ref state, 2), x3 + Word(ref state, 3));
            var (b0, b1, b2, b3) = TransposeWords(x4 + Word(ref state, 4), x5 + Word(ref state, 5), x6 + Word(ref state, 6), x7 + Word(ref state, 7));
            var (c0, c1, c2, c3) = TransposeWords(x8 + lower, x9 + upper, x10 + Word(ref state, 10), x11 + Word(ref state, 11));
            var (d0, d1, d2, d3) = TransposeWords(x12 + Word(ref state, 12), x13 + Word(ref state, 13), x14 + Word(ref state, 14), x15 + Word(ref state, 15));
            XorEveryFourth(a0, b0, c0, d0, ref source, ref destination, offset);
            XorEveryFourth(a1, b1, c1, d1, ref source, ref destination, offset + Salsa20.BlockLength);
            XorEveryFourth(a2, b2, c2, d2, ref source, ref destination, offset + (2 * Salsa20.BlockLength));
            XorEveryFourth(a3, b3, c3, d3, ref source, ref destination, offset + (3 * Salsa20.BlockLength));
            number = unchecked(number + 16);
        }

        SetNumber(ref state, number);
    }

    /// <summary>XORs a multiple of 256 bytes; content and result are the same memory or apart.</summary>
    /// <param name="words">The state of the first block, and afterwards of the next one.</param>
    /// <param name="content">What is XORed with the key stream.</param>
    /// <param name="result">As many bytes.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void XorFours(Span<uint> words, ReadOnlySpan<byte> content, Span<byte> result)
    {
        Check(words, content, result, FourLength);
        ref var state = ref MemoryMarshal.GetReference(words);
        ref var source = ref MemoryMarshal.GetReference(content);
        ref var destination = ref MemoryMarshal.GetReference(result);
        var length = (nuint)content.Length;
        // Each diagonal is in all four lanes. The number of the block is the first word of c and the second of b.
        var all = Vector512.LoadUnsafe(ref state);
        var a = Avx512F.PermuteVar16x32(all, Vector512.Create(0u, 5, 10, 15, 0, 5, 10, 15, 0, 5, 10, 15, 0, 5, 10, 15));
        var b = Avx512F.PermuteVar16x32(all, Vector512.Create(4u, 9, 14, 3, 4, 9, 14, 3, 4, 9, 14, 3, 4, 9, 14, 3));
        var c = Avx512F.PermuteVar16x32(all, Vector512.Create(8u, 13, 2, 7, 8, 13, 2, 7, 8, 13, 2, 7, 8, 13, 2, 7));
        var d = Avx512F.PermuteVar16x32(all, Vector512.Create(12u, 1, 6, 11, 12, 1, 6, 11, 12, 1, 6, 11, 12, 1, 6, 11));
        var first = Vector512.Create(uint.MaxValue, 0, 0, 0, uint.MaxValue, 0, 0, 0, uint.MaxValue, 0, 0, 0, uint.MaxValue, 0, 0, 0);
        var second = Vector512.Create(0, uint.MaxValue, 0, 0, 0, uint.MaxValue, 0, 0, 0, uint.MaxValue, 0, 0, 0, uint.MaxValue, 0, 0);
        var even = Vector512.Create(uint.MaxValue, 0, uint.MaxValue, 0, uint.MaxValue, 0, uint.MaxValue, 0, uint.MaxValue, 0, uint.MaxValue, 0, uint.MaxValue, 0, uint.MaxValue, 0);
        var lowerHalf = Vector512.Create(ulong.MaxValue, 0, ulong.MaxValue, 0, ulong.MaxValue, 0, ulong.MaxValue, 0).AsUInt32();
        var number = Number(ref state);
        for (nuint offset = 0; offset < length; offset += FourLength)
        {
            var numbers = (Vector512.Create(number) + Vector512.Create(0UL, 0, 1, 0, 2, 0, 3, 0)).AsUInt32();
            b = Vector512.ConditionalSelect(second, numbers, b);
            c = Vector512.ConditionalSelect(first, numbers, c);
            var (w, x, y, z) = (a, b, c, d);
            for (var round = 0; round < DoubleRounds; round++)
            {
                x = Mix(x, w, z, 7);
                y = Mix(y, x, w, 9);
                z = Mix(z, y, x, 13);
                w = Mix(w, z, y, 18);
                x = Avx512F.Shuffle(x, Places3012);
                y = Avx512F.Shuffle(y, Places2301);
                z = Avx512F.Shuffle(z, Places1230);

                z = Mix(z, w, x, 7);
                y = Mix(y, z, w, 9);
                x = Mix(x, y, z, 13);
                w = Mix(w, x, y, 18);
                x = Avx512F.Shuffle(x, Places1230);
                y = Avx512F.Shuffle(y, Places2301);
                z = Avx512F.Shuffle(z, Places3012);
            }

            // From diagonals to rows: every second word comes from a neighbour, then every second half.
            (w, x, y, z) = (w + a, x + b, y + c, z + d);
            var wz = Vector512.ConditionalSelect(even, w, z);
            var xw = Vector512.ConditionalSelect(even, x, w);
            var yx = Vector512.ConditionalSelect(even, y, x);
            var zy = Vector512.ConditionalSelect(even, z, y);
            var (block0, block1, block2, block3) = TransposeLanes(
                Vector512.ConditionalSelect(lowerHalf, wz, yx),
                Vector512.ConditionalSelect(lowerHalf, xw, zy),
                Vector512.ConditionalSelect(lowerHalf, yx, wz),
                Vector512.ConditionalSelect(lowerHalf, zy, xw));
            Xor(block0, ref source, ref destination, offset);
            Xor(block1, ref source, ref destination, offset + Salsa20.BlockLength);
            Xor(block2, ref source, ref destination, offset + (2 * Salsa20.BlockLength));
            Xor(block3, ref source, ref destination, offset + (3 * Salsa20.BlockLength));
            number = unchecked(number + 4);
        }

        SetNumber(ref state, number);
    }

    private static void Check(ReadOnlySpan<uint> words, ReadOnlySpan<byte> content, ReadOnlySpan<byte> result, int multiple)
    {
        SecretBox.CheckLength(words.Length, Words, nameof(words));
        SecretBox.CheckLength(result.Length, content.Length, nameof(result));
        SecretBox.CheckLength(content.Length % multiple, 0, nameof(content));
    }

    private static ulong Number(ref uint state) => Unsafe.Add(ref state, 8) | ((ulong)Unsafe.Add(ref state, 9) << 32);

    private static void SetNumber(ref uint state, ulong number)
    {
        Unsafe.Add(ref state, 8) = unchecked((uint)number);
        Unsafe.Add(ref state, 9) = unchecked((uint)(number >> 32));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> Word(ref uint state, int index) => Vector512.Create(Unsafe.Add(ref state, index));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> Mix(Vector512<uint> word, Vector512<uint> left, Vector512<uint> right, [ConstantExpected] byte distance) =>
        word ^ Avx512F.RotateLeft(left + right, distance);

    /// <summary>From four words of sixteen blocks to four neighbours of every fourth block: the first result has, lane by
    /// lane, those of blocks 0, 4, 8 and 12.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<uint> First, Vector512<uint> Second, Vector512<uint> Third, Vector512<uint> Fourth) TransposeWords(
        Vector512<uint> w0, Vector512<uint> w1, Vector512<uint> w2, Vector512<uint> w3)
    {
        var lower01 = Avx512F.UnpackLow(w0, w1).AsUInt64();
        var upper01 = Avx512F.UnpackHigh(w0, w1).AsUInt64();
        var lower23 = Avx512F.UnpackLow(w2, w3).AsUInt64();
        var upper23 = Avx512F.UnpackHigh(w2, w3).AsUInt64();
        return (
            Avx512F.UnpackLow(lower01, lower23).AsUInt32(),
            Avx512F.UnpackHigh(lower01, lower23).AsUInt32(),
            Avx512F.UnpackLow(upper01, upper23).AsUInt32(),
            Avx512F.UnpackHigh(upper01, upper23).AsUInt32());
    }

    /// <summary>From four rows of four blocks to the blocks.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<uint> First, Vector512<uint> Second, Vector512<uint> Third, Vector512<uint> Fourth) TransposeLanes(
        Vector512<uint> r0, Vector512<uint> r1, Vector512<uint> r2, Vector512<uint> r3)
    {
        var lower01 = Avx512F.Shuffle4x128(r0, r1, Places0101);
        var upper01 = Avx512F.Shuffle4x128(r0, r1, Places2323);
        var lower23 = Avx512F.Shuffle4x128(r2, r3, Places0101);
        var upper23 = Avx512F.Shuffle4x128(r2, r3, Places2323);
        return (
            Avx512F.Shuffle4x128(lower01, lower23, Places0202),
            Avx512F.Shuffle4x128(lower01, lower23, Places1313),
            Avx512F.Shuffle4x128(upper01, upper23, Places0202),
            Avx512F.Shuffle4x128(upper01, upper23, Places1313));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void XorEveryFourth(
        Vector512<uint> r0, Vector512<uint> r1, Vector512<uint> r2, Vector512<uint> r3, ref byte source, ref byte destination, nuint offset)
    {
        var (block0, block1, block2, block3) = TransposeLanes(r0, r1, r2, r3);
        Xor(block0, ref source, ref destination, offset);
        Xor(block1, ref source, ref destination, offset + (4 * Salsa20.BlockLength));
        Xor(block2, ref source, ref destination, offset + (8 * Salsa20.BlockLength));
        Xor(block3, ref source, ref destination, offset + (12 * Salsa20.BlockLength));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Xor(Vector512<uint> stream, ref byte source, ref byte destination, nuint offset) =>
        (stream.AsByte() ^ Vector512.LoadUnsafe(ref source, offset)).StoreUnsafe(ref destination, offset);
}
