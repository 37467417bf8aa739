using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using static Pairwise.Crypto.Sntrup761Lanes;

namespace Pairwise.Crypto;

/// <summary>
/// Products in the rings R/q and R/3 of sntrup761, R = Z[x]/(x^761 - x - 1), where one factor has coefficients -1, 0, 1.
/// </summary>
/// <remarks>
/// Polynomials are <see cref="Length"/> 16-bit coefficients, the constant one first, zero from the 762nd on. Every loop
/// bound and every index depends on sizes alone.
/// </remarks>
internal static class Sntrup761Ring
{
    /// <summary>Degree of the ring's polynomial: the number of coefficients.</summary>
    public const int P = 761;

    /// <summary>Coefficients in a buffer: 761 rounded up to whole vectors.</summary>
    public const int Length = 768;

    // Sixteen-bit sums hold 14 terms of 2,295; a reduced sum of 2,296 and 12 more terms stay below 2^15.
    private const int TermsPerReduction = 12;

    // One vector after another would wait for the loads: eight sums side by side fill the registers.
    private const int VectorsPerWindow = 8;

    private const int WindowLength = VectorsPerWindow * Sntrup761Lanes.Count;

    // The product has degree 1520 at most: 12 windows of 128 coefficients.
    private const int ProductLength = 2 * Length;

    /// <summary>Coefficients that <see cref="Multiply"/> needs as working memory.</summary>
    public const int ScratchLength = Length + ProductLength + ProductLength;

    /// <summary>
    /// The product in R/q of <paramref name="factor"/>, coefficients in -2295..2295, and <paramref name="small"/>,
    /// coefficients in -1..1. The result's are in -2295..2295. If the factor's are in -1..1 too, the same numbers are
    /// the product's coefficients before any reduction modulo q matters, for use in R/3.
    /// </summary>
    /// <param name="scratch">At least <see cref="ScratchLength"/> coefficients; left with secrets in it.</param>
    public static void Multiply(ReadOnlySpan<short> factor, ReadOnlySpan<short> small, Span<short> result, Span<short> scratch)
    {
        CheckLength(factor.Length);
        CheckLength(small.Length);
        CheckLength(result.Length);
        var padded = scratch[..(Length + ProductLength)];
        var product = scratch.Slice(Length + ProductLength, ProductLength);

        // Zeros before and after the factor, so that no window has to know where it begins or ends.
        padded.Clear();
        factor[..P].CopyTo(padded[Length..]);
        for (var start = 0; start < ProductLength; start += WindowLength)
        {
            var firstTerm = Math.Max(0, start - (P - 1));
            var lastTerm = Math.Min(P - 1, start + WindowLength - 1);
            MultiplyWindow(padded, small, product, start, firstTerm, lastTerm);
        }

        Fold(product, result);
    }

    /// <summary>Brings coefficients of at most 9,000 in absolute value to -1..1 modulo 3.</summary>
    public static void ReduceModulo3(Span<short> polynomial)
    {
        CheckLength(polynomial.Length);
        ref var first = ref MemoryMarshal.GetReference(polynomial);
        for (nuint i = 0; i < Length; i += Sntrup761Lanes.Count)
            Sntrup761Lanes.ReduceModulo3(Vector256.LoadUnsafe(ref first, i)).StoreUnsafe(ref first, i);
    }

    /// <summary>Multiplies by 3 in R/q.</summary>
    public static void Triple(Span<short> polynomial)
    {
        CheckLength(polynomial.Length);
        ref var first = ref MemoryMarshal.GetReference(polynomial);
        for (nuint i = 0; i < Length; i += Sntrup761Lanes.Count)
            ReduceFully(Vector256.LoadUnsafe(ref first, i) * Vector256.Create((short)3)).StoreUnsafe(ref first, i);
    }

    /// <summary>Rounds every coefficient, in -2295..2295, to the nearest multiple of 3.</summary>
    public static void Round(Span<short> polynomial)
    {
        CheckLength(polynomial.Length);
        ref var first = ref MemoryMarshal.GetReference(polynomial);
        for (nuint i = 0; i < Length; i += Sntrup761Lanes.Count)
        {
            var value = Vector256.LoadUnsafe(ref first, i);
            (value - Sntrup761Lanes.ReduceModulo3(value)).StoreUnsafe(ref first, i);
        }
    }

    // product[start + k] = sum over j of small[j] * factor[start + k - j], k = 0..127
    private static void MultiplyWindow(ReadOnlySpan<short> padded, ReadOnlySpan<short> small, Span<short> product, int start, int firstTerm, int lastTerm)
    {
        ref var smallFirst = ref MemoryMarshal.GetReference(small);
        ref var window = ref Unsafe.Add(ref MemoryMarshal.GetReference(padded), Length + start);
        ref var output = ref Unsafe.Add(ref MemoryMarshal.GetReference(product), start);
        Vector256<short> sum0 = default, sum1 = default, sum2 = default, sum3 = default;
        Vector256<short> sum4 = default, sum5 = default, sum6 = default, sum7 = default;
        for (var block = firstTerm; block <= lastTerm; block += TermsPerReduction)
        {
            var end = Math.Min(block + TermsPerReduction - 1, lastTerm);
            for (var j = block; j <= end; j++)
            {
                var term = Vector256.Create(Unsafe.Add(ref smallFirst, j));
                ref var source = ref Unsafe.Subtract(ref window, j);
                sum0 += Vector256.LoadUnsafe(ref source) * term;
                sum1 += Vector256.LoadUnsafe(ref source, 1 * Sntrup761Lanes.Count) * term;
                sum2 += Vector256.LoadUnsafe(ref source, 2 * Sntrup761Lanes.Count) * term;
                sum3 += Vector256.LoadUnsafe(ref source, 3 * Sntrup761Lanes.Count) * term;
                sum4 += Vector256.LoadUnsafe(ref source, 4 * Sntrup761Lanes.Count) * term;
                sum5 += Vector256.LoadUnsafe(ref source, 5 * Sntrup761Lanes.Count) * term;
                sum6 += Vector256.LoadUnsafe(ref source, 6 * Sntrup761Lanes.Count) * term;
                sum7 += Vector256.LoadUnsafe(ref source, 7 * Sntrup761Lanes.Count) * term;
            }

            sum0 = Reduce(sum0);
            sum1 = Reduce(sum1);
            sum2 = Reduce(sum2);
            sum3 = Reduce(sum3);
            sum4 = Reduce(sum4);
            sum5 = Reduce(sum5);
            sum6 = Reduce(sum6);
            sum7 = Reduce(sum7);
        }

        sum0.StoreUnsafe(ref output);
        sum1.StoreUnsafe(ref output, 1 * Sntrup761Lanes.Count);
        sum2.StoreUnsafe(ref output, 2 * Sntrup761Lanes.Count);
        sum3.StoreUnsafe(ref output, 3 * Sntrup761Lanes.Count);
        sum4.StoreUnsafe(ref output, 4 * Sntrup761Lanes.Count);
        sum5.StoreUnsafe(ref output, 5 * Sntrup761Lanes.Count);
        sum6.StoreUnsafe(ref output, 6 * Sntrup761Lanes.Count);
        sum7.StoreUnsafe(ref output, 7 * Sntrup761Lanes.Count);
    }

    // x^761 = x + 1: the coefficient of x^(761 + i) is added to those of x^i and x^(i + 1)
    private static void Fold(ReadOnlySpan<short> product, Span<short> result)
    {
        ref var low = ref MemoryMarshal.GetReference(product);
        ref var output = ref MemoryMarshal.GetReference(result);

        for (nuint i = 0; i < Length; i += Sntrup761Lanes.Count)
        {
            var sum = Vector256.LoadUnsafe(ref low, i) + Vector256.LoadUnsafe(ref low, i + P) + Vector256.LoadUnsafe(ref low, i + P - 1);
            ReduceFully(sum).StoreUnsafe(ref output, i);
        }

        // Nothing is folded onto x^0 by the second term, where the loop took the coefficient of x^760.
        result[0] = unchecked((short)ReduceScalar(product[0] + product[P]));
        result[P..Length].Clear();
    }

    private static void CheckLength(int length) => ArgumentOutOfRangeException.ThrowIfNotEqual(length, Length);
}
