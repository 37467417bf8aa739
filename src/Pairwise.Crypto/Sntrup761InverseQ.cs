using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using static Pairwise.Crypto.Sntrup761Lanes;

namespace Pairwise.Crypto;

/// <summary>
/// Inversion in the field R/q of sntrup761 by division steps: a fixed number of identical steps, whatever the input.
/// </summary>
/// <remarks>
/// Source: D. J. Bernstein, B.-Y. Yang, "Fast constant-time gcd computation and modular inversion", 2019, section 7 and
/// appendix. Both polynomials are reversed, so that a step divides by x instead of cancelling leading terms:
/// (f, g) becomes (f, (f0 g - g0 f) / x), or (g, (f0 g - g0 f) / x) when delta is positive and g0 is not zero. The sign
/// of the second is left open, as it goes along in the cofactors. The cofactors v and r satisfy f = v * input and
/// g = r * input up to powers of x and the modulus polynomial.
/// </remarks>
internal static class Sntrup761InverseQ
{
    private const int P = Sntrup761Ring.P;
    private const int Steps = (2 * P) - 1;

    // One vector of zeros in front of each polynomial for the shift of the cofactors, one behind for that of f and g.
    private const int Margin = Sntrup761Lanes.Count;
    private const int PolynomialLength = Margin + Sntrup761Ring.Length + Margin;

    /// <summary>Coefficients that <see cref="Invert"/> needs as working memory.</summary>
    public const int ScratchLength = 4 * PolynomialLength;

    /// <summary>Writes the inverse in R/q of an input that is not zero; coefficients in -2295..2295 on both sides.</summary>
    /// <param name="scratch">At least <see cref="ScratchLength"/> coefficients; left with secrets in it.</param>
    public static void Invert(ReadOnlySpan<short> input, Span<short> result, Span<short> scratch)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(input.Length, Sntrup761Ring.Length);
        ArgumentOutOfRangeException.ThrowIfNotEqual(result.Length, Sntrup761Ring.Length);
        scratch = scratch[..ScratchLength];
        scratch.Clear();
        var f = scratch.Slice(Margin, Sntrup761Ring.Length + Margin);
        var g = scratch.Slice(PolynomialLength + Margin, Sntrup761Ring.Length + Margin);
        var v = scratch.Slice((2 * PolynomialLength) + Margin, Sntrup761Ring.Length + Margin);
        var r = scratch.Slice((3 * PolynomialLength) + Margin, Sntrup761Ring.Length + Margin);

        // x^761 - x - 1 and the input, reversed.
        f[0] = 1;
        f[P - 1] = -1;
        f[P] = -1;
        for (var i = 0; i < P; i++)
            g[i] = input[P - 1 - i];
        r[0] = 1;

        Run(f, g, v, r);

        // f is a constant now and v its cofactor, reversed.
        var scale = InvertScalar(ReduceScalar(f[0]));
        for (var i = 0; i < P; i++)
            result[i] = unchecked((short)MultiplyScalar(ReduceScalar(v[P - 1 - i]), scale));
        result[P..].Clear();
    }

    private static void Run(Span<short> f, Span<short> g, Span<short> v, Span<short> r)
    {
        ref var f0 = ref MemoryMarshal.GetReference(f);
        ref var g0 = ref MemoryMarshal.GetReference(g);
        ref var v0 = ref MemoryMarshal.GetReference(v);
        ref var r0 = ref MemoryMarshal.GetReference(r);
        var delta = 1;
        for (var step = 0; step < Steps; step++)
        {
            unchecked
            {
                var fFactor = ReduceScalar(f0);
                var gFactor = ReduceScalar(g0);
                var isPositive = -delta >> 31;
                var isNotZero = (gFactor | -gFactor) >> 31;
                var swap = isPositive & isNotZero;
                delta = (delta ^ (swap & (delta ^ -delta))) + 1;

                var factors = new Factors(fFactor, gFactor, swap);
                // Later steps look at ever fewer coefficients of f and g, and the cofactors grow by one a step.
                StepDown(ref f0, ref g0, Math.Min(P + 1, Steps - step), factors);
                StepUp(ref v0, ref r0, Math.Min(P + 1, step + 2), factors);
            }
        }
    }

    // f[i] = swap ? g[i] : f[i] ; g[i] = f0 g[i + 1] - g0 f[i + 1]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StepDown(ref short f, ref short g, int length, in Factors factors)
    {
        var (fFactor, fInverse, gFactor, gInverse, swap) = factors;
        for (nuint i = 0; i < (nuint)length; i += Sntrup761Lanes.Count)
        {
            var oldF = Vector256.LoadUnsafe(ref f, i);
            var oldG = Vector256.LoadUnsafe(ref g, i);
            var shiftedF = Vector256.LoadUnsafe(ref f, i + 1);
            var shiftedG = Vector256.LoadUnsafe(ref g, i + 1);
            Vector256.ConditionalSelect(swap, oldG, oldF).StoreUnsafe(ref f, i);
            (MultiplyMontgomery(shiftedG, fFactor, fInverse) - MultiplyMontgomery(shiftedF, gFactor, gInverse)).StoreUnsafe(ref g, i);
        }
    }

    // v[i] = swap ? r[i] : v[i - 1] ; r[i] = f0 r[i] - g0 v[i - 1], from the top because v moves up
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StepUp(ref short v, ref short r, int length, in Factors factors)
    {
        var (fFactor, fInverse, gFactor, gInverse, swap) = factors;
        var vectors = (length + Sntrup761Lanes.Count - 1) / Sntrup761Lanes.Count;
        for (var i = (vectors - 1) * Sntrup761Lanes.Count; i >= 0; i -= Sntrup761Lanes.Count)
        {
            ref var target = ref Unsafe.Add(ref v, i);
            var shiftedV = Vector256.LoadUnsafe(ref Unsafe.Subtract(ref target, 1));
            var oldR = Vector256.LoadUnsafe(ref r, (nuint)i);
            Vector256.ConditionalSelect(swap, oldR, shiftedV).StoreUnsafe(ref target);
            (MultiplyMontgomery(oldR, fFactor, fInverse) - MultiplyMontgomery(shiftedV, gFactor, gInverse)).StoreUnsafe(ref r, (nuint)i);
        }
    }

    // value^(q - 2) with the fixed exponent 4589
    private static int InvertScalar(int value)
    {
        var result = 1;
        for (var bit = 12; bit >= 0; bit--)
        {
            result = MultiplyScalar(result, result);
            if (((Q - 2) >> bit & 1) != 0)
                result = MultiplyScalar(result, value);
        }

        return result;
    }

    // The product of two residues is below 2^23, so the quotient needs 64 bits for its factor.
    private static int MultiplyScalar(int left, int right)
    {
        unchecked
        {
            const long factor = (1L << 40) / Q;
            var product = left * right;
            var quotient = (int)(((product * factor) + (1L << 39)) >> 40);
            return product - (quotient * Q);
        }
    }

    /// <summary>What one step multiplies with, spread over the lanes.</summary>
    private readonly struct Factors(int fFactor, int gFactor, int swap)
    {
        private readonly Vector256<short> _fFactor = Vector256.Create(unchecked((short)fFactor));
        private readonly Vector256<short> _fInverse = Vector256.Create(unchecked((short)(fFactor * InverseOfQ)));
        private readonly Vector256<short> _gFactor = Vector256.Create(unchecked((short)gFactor));
        private readonly Vector256<short> _gInverse = Vector256.Create(unchecked((short)(gFactor * InverseOfQ)));
        private readonly Vector256<short> _swap = Vector256.Create(unchecked((short)swap));

        public void Deconstruct(out Vector256<short> f, out Vector256<short> fInverse, out Vector256<short> g, out Vector256<short> gInverse, out Vector256<short> swapMask)
        {
            f = _fFactor;
            fInverse = _fInverse;
            g = _gFactor;
            gInverse = _gInverse;
            swapMask = _swap;
        }
    }
}
