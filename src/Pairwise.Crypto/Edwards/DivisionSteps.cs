using System.Numerics;
using System.Runtime.CompilerServices;

namespace Pairwise.Crypto.Edwards;

/// <summary>
/// Inverts modulo p = 2^255 - 19 by Bernstein and Yang's division steps ("Fast constant-time gcd computation and modular
/// inversion", 2019), 62 at a time on the lowest words; zeros are skipped, so the time depends on the value.
/// </summary>
/// <remarks>
/// Beside f = p and g = the value, which become ±1 and 0, go d and e with f = d·value and g = e·value modulo p. Numbers
/// have five limbs of 62 bits with the sign in the last.
/// </remarks>
[SkipLocalsInit]
internal static class DivisionSteps
{
    private const int Limbs = 5;
    private const int Bits = 62;
    private const ulong Mask = (1ul << Bits) - 1;

    // p = 2^255 - 19 and its inverse modulo 2^62
    private const long ModulusFirst = (long)(Mask - 18);
    private const long ModulusMiddle = (long)Mask;
    private const long ModulusLast = (1L << (255 - (4 * Bits))) - 1;
    private const ulong ModulusInverse = 0x39435e50d79435e5;

    /// <summary>The inverse; zero for zero.</summary>
    internal static FieldElement Invert(in FieldElement value)
    {
        unchecked
        {
            Span<long> f = [ModulusFirst, ModulusMiddle, ModulusMiddle, ModulusMiddle, ModulusLast];
            Span<long> g =
            [
                (long)(value.W0 & Mask),
                (long)(((value.W0 >> 62) | (value.W1 << 2)) & Mask),
                (long)(((value.W1 >> 60) | (value.W2 << 4)) & Mask),
                (long)(((value.W2 >> 58) | (value.W3 << 6)) & Mask),
                (long)(value.W3 >> 56),
            ];
            Span<long> d = [0, 0, 0, 0, 0];
            Span<long> e = [1, 0, 0, 0, 0];
            var eta = -1L;
            do
            {
                eta = Step(eta, (ulong)f[0], (ulong)g[0], out var matrix);
                ApplyModulo(d, e, matrix);
                Apply(f, g, matrix);
            }
            while ((g[0] | g[1] | g[2] | g[3] | g[4]) != 0);
            return Normalize(d, f[Limbs - 1] < 0);
        }
    }

    // The 62 steps on the lowest words, as the matrix that does the same to the whole numbers.
    private static long Step(long eta, ulong f, ulong g, out Matrix matrix)
    {
        unchecked
        {
            ulong u = 1, v = 0, q = 0, r = 1;
            var left = Bits;
            while (true)
            {
                var zeros = BitOperations.TrailingZeroCount(g | (ulong.MaxValue << left));
                g >>= zeros;
                u <<= zeros;
                v <<= zeros;
                eta -= zeros;
                left -= zeros;
                if (left == 0)
                    break;
                if (eta < 0)
                {
                    eta = -eta;
                    (f, g) = (g, 0 - f);
                    (u, q) = (q, 0 - u);
                    (v, r) = (r, 0 - v);
                }

                // The multiple of f that makes as many low bits of g zero as may go before f and g would change places.
                var most = (int)Math.Min(Math.Min(eta + 1, left), 6);
                var inverse = f * (2 - (f * f)); // modulo 2^6 the inverse of an odd f, see below
                var multiple = (0 - (g * inverse)) & ((1ul << most) - 1);
                g += f * multiple;
                q += u * multiple;
                r += v * multiple;
            }

            matrix = new Matrix((long)u, (long)v, (long)q, (long)r);
            return eta;
        }
    }

    // (f, g) = matrix (f, g) / 2^62, which goes without remainder.
    private static void Apply(Span<long> f, Span<long> g, in Matrix t)
    {
        unchecked
        {
            var cf = (Product(t.U, f[0]) + Product(t.V, g[0])) >> Bits;
            var cg = (Product(t.Q, f[0]) + Product(t.R, g[0])) >> Bits;
            for (var i = 1; i < Limbs; i++)
            {
                cf += Product(t.U, f[i]) + Product(t.V, g[i]);
                cg += Product(t.Q, f[i]) + Product(t.R, g[i]);
                f[i - 1] = (long)((ulong)cf & Mask);
                g[i - 1] = (long)((ulong)cg & Mask);
                cf >>= Bits;
                cg >>= Bits;
            }

            f[Limbs - 1] = (long)cf;
            g[Limbs - 1] = (long)cg;
        }
    }

    // (d, e) = matrix (d, e) / 2^62 modulo p, both from -2p to p: such a multiple of p is added that the division goes.
    private static void ApplyModulo(Span<long> d, Span<long> e, in Matrix t)
    {
        unchecked
        {
            // As if negative ones had p added before.
            var (dSign, eSign) = (d[Limbs - 1] >> 63, e[Limbs - 1] >> 63);
            var md = (t.U & dSign) + (t.V & eSign);
            var me = (t.Q & dSign) + (t.R & eSign);
            var cd = Product(t.U, d[0]) + Product(t.V, e[0]);
            var ce = Product(t.Q, d[0]) + Product(t.R, e[0]);
            md -= (long)(((ModulusInverse * (ulong)cd) + (ulong)md) & Mask);
            me -= (long)(((ModulusInverse * (ulong)ce) + (ulong)me) & Mask);
            cd = (cd + Product(ModulusFirst, md)) >> Bits;
            ce = (ce + Product(ModulusFirst, me)) >> Bits;
            for (var i = 1; i < Limbs; i++)
            {
                var modulus = i < Limbs - 1 ? ModulusMiddle : ModulusLast;
                cd += Product(t.U, d[i]) + Product(t.V, e[i]) + Product(modulus, md);
                ce += Product(t.Q, d[i]) + Product(t.R, e[i]) + Product(modulus, me);
                d[i - 1] = (long)((ulong)cd & Mask);
                e[i - 1] = (long)((ulong)ce & Mask);
                cd >>= Bits;
                ce >>= Bits;
            }

            d[Limbs - 1] = (long)cd;
            e[Limbs - 1] = (long)ce;
        }
    }

    // From -2p..p to 0..p, negated when f ended as -1.
    private static FieldElement Normalize(Span<long> d, bool isNegated)
    {
        unchecked
        {
            AddModulus(d, d[Limbs - 1] >> 63);
            if (isNegated)
            {
                for (var i = 0; i < Limbs; i++)
                    d[i] = -d[i];
            }

            Carry(d);
            AddModulus(d, d[Limbs - 1] >> 63);
            Carry(d);
            var (d0, d1, d2, d3, d4) = ((ulong)d[0], (ulong)d[1], (ulong)d[2], (ulong)d[3], (ulong)d[4]);
            return new FieldElement(d0 | (d1 << 62), (d1 >> 2) | (d2 << 60), (d2 >> 4) | (d3 << 58), (d3 >> 6) | (d4 << 56));
        }
    }

    private static void AddModulus(Span<long> d, long mask)
    {
        unchecked
        {
            d[0] += ModulusFirst & mask;
            for (var i = 1; i < Limbs - 1; i++)
                d[i] += ModulusMiddle & mask;
            d[Limbs - 1] += ModulusLast & mask;
        }
    }

    private static void Carry(Span<long> d)
    {
        unchecked
        {
            for (var i = 0; i < Limbs - 1; i++)
            {
                d[i + 1] += d[i] >> Bits;
                d[i] = (long)((ulong)d[i] & Mask);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Int128 Product(long a, long b)
    {
        unchecked
        {
            var high = Math.BigMul(a, b, out var low);
            return new Int128((ulong)high, (ulong)low);
        }
    }

    // Entries add up to 2^62 at most in each row.
    private readonly record struct Matrix(long U, long V, long Q, long R);
}
