using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Pairwise.Crypto;

/// <summary>Random small polynomials of sntrup761, from 761 little-endian 32-bit numbers each.</summary>
internal static class Sntrup761Sampler
{
    private const int P = Sntrup761Ring.P;

    /// <summary>How many coefficients of a short polynomial are not zero.</summary>
    public const int Weight = 286;

    /// <summary>32-bit numbers of working memory: those drawn, padded to a power of two for sorting.</summary>
    public const int ScratchLength = 1024;

    /// <summary>A polynomial of uniform coefficients -1, 0, 1.</summary>
    public static void DrawSmall(IRandomSource random, Span<short> polynomial, Span<uint> scratch)
    {
        var drawn = Draw(random, scratch);
        for (var i = 0; i < P; i++)
        {
            // The lower 30 bits, scaled to 0..2.
            unchecked
            {
                polynomial[i] = (short)((int)(((drawn[i] & 0x3fffffff) * 3) >> 30) - 1);
            }
        }

        polynomial[P..].Clear();
    }

    /// <summary>A polynomial with exactly 286 coefficients 1 or -1 at random places: the drawn numbers are sorted.</summary>
    public static void DrawShort(IRandomSource random, Span<short> polynomial, Span<uint> scratch)
    {
        var drawn = Draw(random, scratch);

        // The two lowest bits become the coefficient plus 1: 0 or 2 for the first 286, 1 for the others.
        for (var i = 0; i < Weight; i++)
            drawn[i] &= ~1u;
        for (var i = Weight; i < P; i++)
            drawn[i] = (drawn[i] & ~3u) | 1;
        scratch[P..ScratchLength].Fill(uint.MaxValue);
        Sort(scratch[..ScratchLength]);
        for (var i = 0; i < P; i++)
            polynomial[i] = unchecked((short)((int)(drawn[i] & 3) - 1));
        polynomial[P..].Clear();
    }

    /// <summary>
    /// Sorts 1,024 numbers in ascending order by a fixed network of minimum and maximum operations (bitonic, with the
    /// first step of each merge mirrored, so that all comparisons have one direction).
    /// </summary>
    internal static void Sort(Span<uint> numbers)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(numbers.Length, ScratchLength);
        const int lanes = 8;
        ref var first = ref MemoryMarshal.GetReference(numbers);
        for (nuint i = 0; i < ScratchLength; i += lanes)
            SortLanes(Vector256.LoadUnsafe(ref first, i)).StoreUnsafe(ref first, i);

        for (nuint merged = 2 * lanes; merged <= ScratchLength; merged *= 2)
        {
            for (nuint start = 0; start < ScratchLength; start += merged)
            {
                for (nuint k = 0; k < merged / 2; k += lanes)
                    CompareMirrored(ref first, start + k, start + merged - lanes - k);
            }

            for (var stride = merged / 4; stride >= lanes; stride /= 2)
            {
                for (nuint start = 0; start < ScratchLength; start += 2 * stride)
                {
                    for (nuint k = 0; k < stride; k += lanes)
                        Compare(ref first, start + k, start + k + stride);
                }
            }

            for (nuint i = 0; i < ScratchLength; i += lanes)
                MergeLanes(Vector256.LoadUnsafe(ref first, i)).StoreUnsafe(ref first, i);
        }
    }

    private static Span<uint> Draw(IRandomSource random, Span<uint> scratch)
    {
        var drawn = scratch[..P];
        random.Fill(MemoryMarshal.AsBytes(drawn));
        if (!BitConverter.IsLittleEndian)
            BinaryPrimitives.ReverseEndianness(drawn, drawn);
        return drawn;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Compare(ref uint first, nuint low, nuint high)
    {
        var a = Vector256.LoadUnsafe(ref first, low);
        var b = Vector256.LoadUnsafe(ref first, high);
        Vector256.Min(a, b).StoreUnsafe(ref first, low);
        Vector256.Max(a, b).StoreUnsafe(ref first, high);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CompareMirrored(ref uint first, nuint low, nuint high)
    {
        var a = Vector256.LoadUnsafe(ref first, low);
        var b = Reverse(Vector256.LoadUnsafe(ref first, high));
        Vector256.Min(a, b).StoreUnsafe(ref first, low);
        Reverse(Vector256.Max(a, b)).StoreUnsafe(ref first, high);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Reverse(Vector256<uint> value) =>
        Vector256.Shuffle(value, Vector256.Create(7u, 6, 5, 4, 3, 2, 1, 0));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> SortLanes(Vector256<uint> value)
    {
        value = Exchange(value, Vector256.Create(1u, 0, 3, 2, 5, 4, 7, 6), Vector256.Create(0, uint.MaxValue, 0, uint.MaxValue, 0, uint.MaxValue, 0, uint.MaxValue));
        value = Exchange(value, Vector256.Create(3u, 2, 1, 0, 7, 6, 5, 4), Vector256.Create(0u, 0, uint.MaxValue, uint.MaxValue, 0, 0, uint.MaxValue, uint.MaxValue));
        value = Exchange(value, Vector256.Create(1u, 0, 3, 2, 5, 4, 7, 6), Vector256.Create(0, uint.MaxValue, 0, uint.MaxValue, 0, uint.MaxValue, 0, uint.MaxValue));
        value = Exchange(value, Vector256.Create(7u, 6, 5, 4, 3, 2, 1, 0), Vector256.Create(0u, 0, 0, 0, uint.MaxValue, uint.MaxValue, uint.MaxValue, uint.MaxValue));
        value = Exchange(value, Vector256.Create(2u, 3, 0, 1, 6, 7, 4, 5), Vector256.Create(0u, 0, uint.MaxValue, uint.MaxValue, 0, 0, uint.MaxValue, uint.MaxValue));
        return Exchange(value, Vector256.Create(1u, 0, 3, 2, 5, 4, 7, 6), Vector256.Create(0, uint.MaxValue, 0, uint.MaxValue, 0, uint.MaxValue, 0, uint.MaxValue));
    }

    // strides 4, 2, 1
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> MergeLanes(Vector256<uint> value)
    {
        value = Exchange(value, Vector256.Create(4u, 5, 6, 7, 0, 1, 2, 3), Vector256.Create(0u, 0, 0, 0, uint.MaxValue, uint.MaxValue, uint.MaxValue, uint.MaxValue));
        value = Exchange(value, Vector256.Create(2u, 3, 0, 1, 6, 7, 4, 5), Vector256.Create(0u, 0, uint.MaxValue, uint.MaxValue, 0, 0, uint.MaxValue, uint.MaxValue));
        return Exchange(value, Vector256.Create(1u, 0, 3, 2, 5, 4, 7, 6), Vector256.Create(0, uint.MaxValue, 0, uint.MaxValue, 0, uint.MaxValue, 0, uint.MaxValue));
    }

    /// <summary>Compares each lane with its partner; the larger goes where <paramref name="takesLarger"/> says.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Exchange(Vector256<uint> value, Vector256<uint> partner, Vector256<uint> takesLarger)
    {
        var other = Vector256.Shuffle(value, partner);
        return Vector256.ConditionalSelect(takesLarger, Vector256.Max(value, other), Vector256.Min(value, other));
    }
}
