using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Pairwise.Crypto;

/// <summary>
/// Arithmetic on sixteen 16-bit lanes for sntrup761: one instruction each where the processor has it, the same result
/// anywhere else. No operation's time depends on its operands.
/// </summary>
internal static class Sntrup761Lanes
{
    /// <summary>The modulus of the ring R/q.</summary>
    public const int Q = 4591;

    /// <summary>Half of q, rounded down: residues are kept in -2295..2295.</summary>
    public const int HalfQ = (Q - 1) / 2;

    /// <summary>The inverse of q modulo 2^16.</summary>
    public const int InverseOfQ = 15631;

    /// <summary>Lanes in a vector.</summary>
    public const int Count = 16;

    // 2^26 / q, rounded down.
    private const short BarrettFactor = 14617;
    private const int BarrettShift = 26;

    /// <summary>Upper halves of the 32-bit products.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> MultiplyHigh(Vector256<short> left, Vector256<short> right)
    {
        if (Avx2.IsSupported)
            return Avx2.MultiplyHigh(left, right);
        var (leftLower, leftUpper) = Vector256.Widen(left);
        var (rightLower, rightUpper) = Vector256.Widen(right);
        return Vector256.Narrow(
            Vector256.ShiftRightArithmetic(leftLower * rightLower, 16),
            Vector256.ShiftRightArithmetic(leftUpper * rightUpper, 16));
    }

    /// <summary>
    /// Montgomery product: value * factor / 2^16 modulo q, of absolute value at most |value * factor| / 2^16 + q / 2.
    /// </summary>
    /// <param name="factor">The factor in every lane.</param>
    /// <param name="factorTimesInverse">The factor times <see cref="InverseOfQ"/> modulo 2^16 in every lane.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> MultiplyMontgomery(Vector256<short> value, Vector256<short> factor, Vector256<short> factorTimesInverse) =>
        MultiplyHigh(value, factor) - MultiplyHigh(value * factorTimesInverse, Vector256.Create((short)Q));

    /// <summary>Any 16-bit values modulo q, to absolute values of at most 2,296.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> Reduce(Vector256<short> value)
    {
        // The quotient is rounded after the upper half of the product with 2^26 / q.
        const int shift = BarrettShift - 16;
        var quotient = Vector256.ShiftRightArithmetic(
            MultiplyHigh(value, Vector256.Create(BarrettFactor)) + Vector256.Create((short)(1 << (shift - 1))),
            shift);
        return value - (quotient * Vector256.Create((short)Q));
    }

    /// <summary>Any 16-bit values modulo q, to -2295..2295.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> ReduceFully(Vector256<short> value)
    {
        var q = Vector256.Create((short)Q);
        var reduced = Reduce(value);
        reduced -= q & Vector256.GreaterThan(reduced, Vector256.Create((short)HalfQ));
        return reduced + (q & Vector256.LessThan(reduced, Vector256.Create((short)-HalfQ)));
    }

    /// <summary>Values of at most 9,000 in absolute value modulo 3, to -1..1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> ReduceModulo3(Vector256<short> value)
    {
        // 21846 is 2^16 / 3 rounded up, exact for what is not negative: hence the multiple of 3 added, and 1 to round.
        var shifted = value + Vector256.Create((short)(9000 + 1));
        var quotient = MultiplyHigh(shifted, Vector256.Create((short)21846));
        return shifted - (quotient * Vector256.Create((short)3)) - Vector256<short>.One;
    }

    /// <summary>A value of at most 10,000 in absolute value modulo q, to -2295..2295.</summary>
    public static int ReduceScalar(int value)
    {
        unchecked
        {
            return value - (Q * (((value * BarrettFactor) + (1 << (BarrettShift - 1))) >> BarrettShift));
        }
    }
}
