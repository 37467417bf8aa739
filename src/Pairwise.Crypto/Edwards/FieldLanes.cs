using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Pairwise.Crypto.Edwards;

/// <summary>
/// Four elements of the field modulo p = 2^255 - 19, worked on side by side with AVX2 (<see cref="IsSupported"/>).
/// Variable time is nobody's concern here: everything in it is public.
/// </summary>
/// <remarks>
/// element = l0 + 2^26 l1 + 2^51 l2 + 2^77 l3 + ... + 2^230 l9: limbs of 26 and 25 bits in turn, each in the lower half
/// of 64 bits. "Reduced" limbs are below 2^26 and 2^25 (the second and sixth by up to 2^17 above); sums and differences
/// of a few reduced ones need not be reduced before they are multiplied, see <see cref="Multiply"/>.
/// </remarks>
[InlineArray(Count)]
[SkipLocalsInit]
internal struct FieldLanes
{
    /// <summary>Limbs of an element.</summary>
    internal const int Count = 10;

    private Vector256<ulong> _first;

    /// <summary>Whether this processor has what it takes.</summary>
    internal static bool IsSupported => Avx2.IsSupported;

    /// <summary>Bits of a limb: 26 and 25 in turn.</summary>
    internal static int BitsOf(int limb) => 26 - (limb & 1);

    /// <summary>
    /// What makes the bitwise complement of reduced limbs their negative value, in the lanes whose bit is set: 2p limb by
    /// limb, larger than anything reduced, and one.
    /// </summary>
    internal static FieldLanes Negative(int lanes)
    {
        FieldLanes value;
        Unsafe.SkipInit(out value);
        for (var i = 0; i < Count; i++)
        {
            var limb = i == 0 ? (1ul << 27) - 37 : (2ul << BitsOf(i)) - 1;
            value[i] = Vector256.Create(limb * (ulong)(lanes & 1), limb * (ulong)((lanes >> 1) & 1), limb * (ulong)((lanes >> 2) & 1), limb * (ulong)(lanes >> 3));
        }

        return value;
    }

    /// <summary>Each of the four elements.</summary>
    internal static FieldLanes Create(in FieldElement first, in FieldElement second, in FieldElement third, in FieldElement fourth)
    {
        FieldLanes lanes;
        Unsafe.SkipInit(out lanes);
        for (var i = 0; i < Count; i++)
            lanes[i] = Vector256.Create(first.Limb(i), second.Limb(i), third.Limb(i), fourth.Limb(i));
        return lanes;
    }

    /// <summary>The element of one lane, whose limbs may be up to 2^31.</summary>
    internal readonly FieldElement ToElement(int lane)
    {
        Span<ulong> limbs = stackalloc ulong[Count];
        for (var i = 0; i < Count; i++)
            limbs[i] = this[i].GetElement(lane);
        return FieldElement.FromLimbs(limbs);
    }

    /// <summary>
    /// The four products, reduced. Limbs of <paramref name="a"/> may be four times as large as reduced ones, those of
    /// <paramref name="b"/> three times: nineteen times a limb has 32 bits then, and ten products have 64. The upper half of
    /// a lane may hold anything. The product may be either of the two.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Multiply(in FieldLanes a, in FieldLanes b, out FieldLanes product)
    {
        // Row by row. A limb of b that comes to stand above 2^255 counts nineteen times from then on; two odd limbs stand
        // half a bit each above their place.
        Vector256<ulong> b0 = b[0], b1 = b[1], b2 = b[2], b3 = b[3], b4 = b[4], b5 = b[5], b6 = b[6], b7 = b[7], b8 = b[8], b9 = b[9];
        var nineteen = Vector256.Create(19ul);
        Vector256<ulong> twice;
        var x = a[0];
        Vector256<ulong> c0 = M(x, b0), c1 = M(x, b1), c2 = M(x, b2), c3 = M(x, b3), c4 = M(x, b4), c5 = M(x, b5), c6 = M(x, b6), c7 = M(x, b7), c8 = M(x, b8), c9 = M(x, b9);

        x = a[1];
        twice = x + x;
        b9 = M(b9, nineteen);
        c0 += M(twice, b9);
        c1 += M(x, b0);
        c2 += M(twice, b1);
        c3 += M(x, b2);
        c4 += M(twice, b3);
        c5 += M(x, b4);
        c6 += M(twice, b5);
        c7 += M(x, b6);
        c8 += M(twice, b7);
        c9 += M(x, b8);

        x = a[2];
        b8 = M(b8, nineteen);
        c0 += M(x, b8);
        c1 += M(x, b9);
        c2 += M(x, b0);
        c3 += M(x, b1);
        c4 += M(x, b2);
        c5 += M(x, b3);
        c6 += M(x, b4);
        c7 += M(x, b5);
        c8 += M(x, b6);
        c9 += M(x, b7);

        x = a[3];
        twice = x + x;
        b7 = M(b7, nineteen);
        c0 += M(twice, b7);
        c1 += M(x, b8);
        c2 += M(twice, b9);
        c3 += M(x, b0);
        c4 += M(twice, b1);
        c5 += M(x, b2);
        c6 += M(twice, b3);
        c7 += M(x, b4);
        c8 += M(twice, b5);
        c9 += M(x, b6);

        x = a[4];
        b6 = M(b6, nineteen);
        c0 += M(x, b6);
        c1 += M(x, b7);
        c2 += M(x, b8);
        c3 += M(x, b9);
        c4 += M(x, b0);
        c5 += M(x, b1);
        c6 += M(x, b2);
        c7 += M(x, b3);
        c8 += M(x, b4);
        c9 += M(x, b5);

        x = a[5];
        twice = x + x;
        b5 = M(b5, nineteen);
        c0 += M(twice, b5);
        c1 += M(x, b6);
        c2 += M(twice, b7);
        c3 += M(x, b8);
        c4 += M(twice, b9);
        c5 += M(x, b0);
        c6 += M(twice, b1);
        c7 += M(x, b2);
        c8 += M(twice, b3);
        c9 += M(x, b4);

        x = a[6];
        b4 = M(b4, nineteen);
        c0 += M(x, b4);
        c1 += M(x, b5);
        c2 += M(x, b6);
        c3 += M(x, b7);
        c4 += M(x, b8);
        c5 += M(x, b9);
        c6 += M(x, b0);
        c7 += M(x, b1);
        c8 += M(x, b2);
        c9 += M(x, b3);

        x = a[7];
        twice = x + x;
        b3 = M(b3, nineteen);
        c0 += M(twice, b3);
        c1 += M(x, b4);
        c2 += M(twice, b5);
        c3 += M(x, b6);
        c4 += M(twice, b7);
        c5 += M(x, b8);
        c6 += M(twice, b9);
        c7 += M(x, b0);
        c8 += M(twice, b1);
        c9 += M(x, b2);

        x = a[8];
        b2 = M(b2, nineteen);
        c0 += M(x, b2);
        c1 += M(x, b3);
        c2 += M(x, b4);
        c3 += M(x, b5);
        c4 += M(x, b6);
        c5 += M(x, b7);
        c6 += M(x, b8);
        c7 += M(x, b9);
        c8 += M(x, b0);
        c9 += M(x, b1);

        x = a[9];
        twice = x + x;
        b1 = M(b1, nineteen);
        c0 += M(twice, b1);
        c1 += M(x, b2);
        c2 += M(twice, b3);
        c3 += M(x, b4);
        c4 += M(twice, b5);
        c5 += M(x, b6);
        c6 += M(twice, b7);
        c7 += M(x, b8);
        c8 += M(twice, b9);
        c9 += M(x, b0);

        // Two carries at a time, half a turn apart.
        Vector256<ulong> low26 = Vector256.Create((1ul << 26) - 1), low25 = Vector256.Create((1ul << 25) - 1);
        c1 += c0 >>> 26;
        c5 += c4 >>> 26;
        c0 &= low26;
        c4 &= low26;
        c2 += c1 >>> 25;
        c6 += c5 >>> 25;
        c1 &= low25;
        c5 &= low25;
        c3 += c2 >>> 26;
        c7 += c6 >>> 26;
        c2 &= low26;
        c6 &= low26;
        c4 += c3 >>> 25;
        c8 += c7 >>> 25;
        c3 &= low25;
        c7 &= low25;
        c5 += c4 >>> 26;
        c9 += c8 >>> 26;
        c4 &= low26;
        c8 &= low26;
        var top = c9 >>> 25; // up to 39 bits: too many for a multiplication
        c0 += top + (top << 1) + (top << 4);
        c9 &= low25;
        c1 += c0 >>> 26;
        c0 &= low26;

        Unsafe.SkipInit(out product);
        product[0] = c0;
        product[1] = c1;
        product[2] = c2;
        product[3] = c3;
        product[4] = c4;
        product[5] = c5;
        product[6] = c6;
        product[7] = c7;
        product[8] = c8;
        product[9] = c9;
    }

    /// <summary>Brings limbs of up to 2^30 back to reduced ones, but for a few units.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal void Carry()
    {
        var last = this[9] >>> 25;
        var carried = last + (last << 1) + (last << 4);
        for (var i = 0; i < Count; i++)
        {
            var limb = this[i];
            var bits = BitsOf(i);
            this[i] = (limb & Vector256.Create((1ul << bits) - 1)) + carried;
            carried = limb >>> bits;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ulong> M(Vector256<ulong> a, Vector256<ulong> b) => Avx2.Multiply(a.AsUInt32(), b.AsUInt32());
}
