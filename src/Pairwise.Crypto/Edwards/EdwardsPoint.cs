using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Pairwise.Crypto.Edwards;

/// <summary>
/// A point of the curve -x² + y² = 1 + d x² y² of RFC 8032, x = X/Z, y = Y/Z, xy = T/Z (Hisil, Wong, Carter and Dawson,
/// "Twisted Edwards Curves Revisited", 2008). Its formulas hold for all points of the curve.
/// </summary>
/// <remarks>
/// The lanes are X, Y, T, Z, so that both rounds of multiplications of an operation are one of lanes each. What most of the
/// time goes into is compiled with all optimisations at once: before that it would be slower than the library.
/// </remarks>
[SkipLocalsInit]
internal struct EdwardsPoint
{
    // Twice the curve's d = -121665/121666.
    private static readonly FieldElement TwiceD = new(0xebd69b9426b2f159, 0x00e0149a8283b156, 0x198e80f2eef3d130, 0x2406d9dc56dffce7);

    private static readonly FieldElement D = new(0x75eb4dca135978a3, 0x00700a4d4141d8ab, 0x8cc740797779e898, 0x52036cee2b6ffe73);

    // A square root of -1.
    private static readonly FieldElement RootOfMinusOne = new(0xc4ee1b274a0ea0b0, 0x2f431806ad2fe478, 0x2b4d00993dfbd7a7, 0x2b8324804fc1df0b);

    private static readonly FieldLanes OneOneTwiceDTwo = FieldLanes.Create(FieldElement.One, FieldElement.One, TwiceD, new FieldElement(2, 0, 0, 0));

    // Which lanes are subtracted: those of Y-X, of B-A and D-C, and of A+B-(X+Y)², A-B+C and A-B.
    private static readonly FieldLanes NegativeFirst = FieldLanes.Negative(0b0001);
    private static readonly FieldLanes NegativeFirstAndThird = FieldLanes.Negative(0b0101);
    private static readonly FieldLanes NegativeAllButSecond = FieldLanes.Negative(0b1101);

    /// <summary>Words of an addend.</summary>
    internal const int AddendLength = 3 * FieldLanes.Count;

    private FieldLanes _lanes;

    internal EdwardsPoint(in FieldElement x, in FieldElement y)
    {
        _lanes = FieldLanes.Create(x, y, FieldElement.Zero, FieldElement.One);
        var first = FieldLanes.Create(x, x, x, x);
        var second = FieldLanes.Create(y, y, y, y);
        FieldLanes.Multiply(first, second, out var product);
        for (var i = 0; i < FieldLanes.Count; i++)
            _lanes[i] = Avx2.Blend(_lanes[i].AsUInt32(), product[i].AsUInt32(), 0b00110000).AsUInt64();
    }

    /// <summary>The neutral element.</summary>
    internal static EdwardsPoint Neutral { get; } = new(FieldElement.Zero, FieldElement.One);

    /// <summary>The point B of RFC 8032.</summary>
    internal static EdwardsPoint Base { get; } = new(
        new FieldElement(0xc9562d608f25d51a, 0x692cc7609525a7b2, 0xc0a4e231fdd6dc5c, 0x216936d3cd6e53fe),
        new FieldElement(0x6666666666666658, 0x6666666666666666, 0x6666666666666666, 0x6666666666666666));

    /// <summary>X, Y, T and Z.</summary>
    [UnscopedRef]
    internal readonly ref readonly FieldLanes Lanes => ref _lanes;

    /// <summary>Whether eight times the point is the neutral element.</summary>
    internal readonly bool IsOfSmallOrder
    {
        get
        {
            // No point times eight is that of order 2, which has x = 0 too: the curve has none of order 16.
            var point = this;
            point.Double();
            point.Double();
            point.Double();
            return point._lanes.ToElement(0) == FieldElement.Zero;
        }
    }

    /// <summary>
    /// Reads an encoded point; false when y is not below p, when no point of the curve has it, or when x is zero and
    /// said to be odd.
    /// </summary>
    internal static bool TryRead(ReadOnlySpan<byte> encoded, out EdwardsPoint point)
    {
        Unsafe.SkipInit(out point);
        if (encoded.Length != FieldElement.Length || !FieldElement.TryRead(encoded, out var y))
            return false;

        // x² = u/v with u = y² - 1 and v = d y² + 1; a root of it is u v³ (u v⁷)^((p-5)/8), or that times a root of -1.
        var ySquare = Multiply(y, y);
        var u = ySquare.Plus(FieldElement.One.Negated);
        var v = Multiply(D, ySquare).Plus(FieldElement.One);
        var v3 = Multiply(Multiply(v, v), v);
        var uv3 = Multiply(u, v3);
        var uv7 = Multiply(uv3, Multiply(v3, v));
        var x = Multiply(uv3, Power252Minus3(uv7));
        var check = Multiply(v, Multiply(x, x));
        if (check != u)
        {
            if (check != u.Negated)
                return false;
            x = Multiply(x, RootOfMinusOne);
        }

        var isOdd = (encoded[^1] & 0x80) != 0;
        if (isOdd && x == FieldElement.Zero)
            return false;
        point = new EdwardsPoint(x.IsOdd == isOdd ? x : x.Negated, y);
        return true;
    }

    /// <summary>Writes the 32 bytes of RFC 8032: y, with the lowest bit of x as the highest.</summary>
    internal readonly void Write(Span<byte> encoded)
    {
        var inverse = _lanes.ToElement(3).Invert();
        FieldLanes.Multiply(_lanes, FieldLanes.Create(inverse, inverse, inverse, inverse), out var affine);
        affine.ToElement(1).Write(encoded);
        if (affine.ToElement(0).IsOdd)
            encoded[FieldElement.Length - 1] |= 0x80;
    }

    /// <summary>-P, which has x negated.</summary>
    internal readonly EdwardsPoint Negate()
    {
        EdwardsPoint negated = default;
        negated._lanes = FieldLanes.Create(_lanes.ToElement(0).Negated, _lanes.ToElement(1), _lanes.ToElement(2).Negated, _lanes.ToElement(3));
        return negated;
    }

    /// <summary>P = 2P.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal void Double()
    {
        // (X, Y, X+Y, 2Z) times (X, Y, X+Y, Z) are A, B, (X+Y)² and C of "dbl-2008-hwcd".
        FieldLanes first, second;
        Unsafe.SkipInit(out first);
        Unsafe.SkipInit(out second);
        var twiceZ = Vector256.Create(0ul, 0, 0, ulong.MaxValue);
        for (var i = 0; i < FieldLanes.Count; i++)
        {
            var lanes = _lanes[i];
            var sum = Avx2.Permute4x64(lanes, 0b00_00_00_00) + Avx2.Permute4x64(lanes, 0b01_01_01_01);
            var both = Avx2.Blend(lanes.AsUInt32(), sum.AsUInt32(), 0b00110000).AsUInt64();
            second[i] = both;
            first[i] = both + (lanes & twiceZ);
        }

        FieldLanes.Multiply(first, second, out var squares);

        // -E, -H, -F, -G: A+B-(X+Y)², A+B, A-B+C, A-B
        var minusB = Vector256.Create(0ul, 0, ulong.MaxValue, ulong.MaxValue);
        var minusSum = Vector256.Create(ulong.MaxValue, 0, 0, 0);
        var sumAndC = Vector256.Create(ulong.MaxValue, 0, ulong.MaxValue, 0);
        ref readonly var negative = ref NegativeAllButSecond;
        for (var i = 0; i < FieldLanes.Count; i++)
        {
            var lanes = squares[i];
            var b = Avx2.Permute4x64(lanes, 0b01_01_01_01) ^ minusB;
            var last = (Avx2.Permute4x64(lanes, 0b11_11_11_10) & sumAndC) ^ minusSum;
            first[i] = Avx2.Permute4x64(lanes, 0) + b + last + negative[i];
        }

        first.Carry();
        Combine(first, isNegative: 0);
    }

    /// <summary>P = P + Q, Q as <see cref="ToAddend"/> gives it.</summary>
    internal void Add(in FieldLanes addend)
    {
        PrepareForAddition(out var lanes);
        FieldLanes.Multiply(addend, lanes, out lanes);
        FinishAddition(lanes, isNegative: 0);
    }

    /// <summary>P = P + Q, or P - Q when <paramref name="isNegative"/> is 1 instead of 0.</summary>
    /// <param name="addend">
    /// Q as ten limbs of y-x, y+x and 2dxy (<see cref="AddendLength"/>); one word behind them is read too.
    /// </param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal unsafe void Add(uint* addend, int isNegative)
    {
        // -Q has y-x and y+x exchanged; the sign of its 2dxy is seen to when the products are combined. The upper halves
        // of lanes may hold anything, and the fourth is 2Z = 2.
        var order = Controls(isNegative);
        var z = Vector256.Create(0, 0, 0, 2ul);
        FieldLanes lanes, entry;
        Unsafe.SkipInit(out entry);
        for (var i = 0; i < FieldLanes.Count; i++)
        {
            var three = Avx2.PermuteVar8x32(Vector128.Load(addend + (3 * i)).ToVector256Unsafe(), order);
            entry[i] = Avx2.Blend(three, z.AsUInt32(), 0b11000000).AsUInt64();
            z = Vector256<ulong>.Zero;
        }

        PrepareForAddition(out lanes);
        FieldLanes.Multiply(entry, lanes, out lanes);
        FinishAddition(lanes, isNegative);
    }

    /// <summary>Y-X, Y+X, 2dT and 2Z, reduced.</summary>
    internal readonly FieldLanes ToAddend()
    {
        PrepareForAddition(out var lanes);
        FieldLanes.Multiply(OneOneTwiceDTwo, lanes, out lanes);
        return lanes;
    }

    /// <summary>The same point with another Z.</summary>
    internal void Scale(in FieldElement factor) => FieldLanes.Multiply(_lanes, FieldLanes.Create(factor, factor, factor, factor), out _lanes);

    // Y-X, Y+X, T, Z
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void PrepareForAddition(out FieldLanes lanes)
    {
        Unsafe.SkipInit(out lanes);
        var kept = Vector256.Create(ulong.MaxValue, ulong.MaxValue, 0, 0);
        var minus = Vector256.Create(ulong.MaxValue, 0, 0, 0);
        ref readonly var negative = ref NegativeFirst;
        for (var i = 0; i < FieldLanes.Count; i++)
        {
            var x = (Avx2.Permute4x64(_lanes[i], 0) & kept) ^ minus;
            lanes[i] = Avx2.Permute4x64(_lanes[i], 0b11_10_01_01) + x + negative[i];
        }
    }

    // From A, B, C, D of "add-2008-hwcd-3": E = B-A, H = B+A, F = D-C, G = D+C.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void FinishAddition(in FieldLanes products, int isNegative)
    {
        FieldLanes lanes;
        Unsafe.SkipInit(out lanes);
        var minus = Vector256.Create(ulong.MaxValue, 0, ulong.MaxValue, 0);
        ref readonly var negative = ref NegativeFirstAndThird;
        for (var i = 0; i < FieldLanes.Count; i++)
        {
            var ac = Avx2.UnpackLow(products[i], products[i]) ^ minus;
            lanes[i] = Avx2.UnpackHigh(products[i], products[i]) + ac + negative[i];
        }

        Combine(lanes, isNegative);
    }

    // From E, H, F, G: X = EF, Y = GH, T = EH, Z = FG; F and G exchanged for a difference.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Combine(in FieldLanes lanes, int isNegative)
    {
        FieldLanes first, second;
        Unsafe.SkipInit(out first);
        Unsafe.SkipInit(out second);
        var order = Controls(2 + isNegative);
        for (var i = 0; i < FieldLanes.Count; i++)
        {
            first[i] = Avx2.Permute4x64(lanes[i], 0b10_00_01_00);
            second[i] = Avx2.PermuteVar8x32(lanes[i].AsUInt32(), order).AsUInt64();
        }

        FieldLanes.Multiply(first, second, out _lanes);
    }

    // Orders of 32-bit words: an addend spread over lanes as it is, and negated; F G H G for a sum, and for a difference.
    private static Vector256<uint> Controls(int index)
    {
        ReadOnlySpan<uint> controls =
        [
            0, 0, 1, 1, 2, 2, 2, 2,
            1, 1, 0, 0, 2, 2, 2, 2,
            4, 5, 6, 7, 2, 3, 6, 7,
            6, 7, 4, 5, 2, 3, 6, 7,
        ];
        return Vector256.LoadUnsafe(ref MemoryMarshal.GetReference(controls), (nuint)(8 * index));
    }

    private static FieldElement Multiply(in FieldElement a, in FieldElement b)
    {
        FieldLanes.Multiply(FieldLanes.Create(a, a, a, a), FieldLanes.Create(b, b, b, b), out var product);
        return product.ToElement(0);
    }

    // value^(2^252 - 3) by way of 2^n - 1 for n = 5, 10, 20, 40, 50, 100, 200, 250.
    private static FieldElement Power252Minus3(in FieldElement value)
    {
        var x = FieldLanes.Create(value, value, value, value);
        FieldLanes.Multiply(x, x, out var x2);
        var x9 = SquareTimes(2, x2, x);
        FieldLanes.Multiply(x2, x9, out var x11);
        var x5 = SquareTimes(1, x11, x9);
        var x10 = SquareTimes(5, x5, x5);
        var x20 = SquareTimes(10, x10, x10);
        var x40 = SquareTimes(20, x20, x20);
        var x50 = SquareTimes(10, x40, x10);
        var x100 = SquareTimes(50, x50, x50);
        var x200 = SquareTimes(100, x100, x100);
        var x250 = SquareTimes(50, x200, x50);
        return SquareTimes(2, x250, x).ToElement(0);
    }

    private static FieldLanes SquareTimes(int squares, FieldLanes value, in FieldLanes factor)
    {
        for (var i = 0; i < squares; i++)
            FieldLanes.Multiply(value, value, out value);
        FieldLanes.Multiply(value, factor, out value);
        return value;
    }
}
