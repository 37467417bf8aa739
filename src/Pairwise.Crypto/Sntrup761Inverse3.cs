using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Pairwise.Crypto;

/// <summary>
/// Inversion in R/3 of sntrup761 by division steps, 768 coefficients at a time: each coefficient is one bit in two
/// planes, "is 1" and "is -1".
/// </summary>
/// <remarks>
/// The steps are those of <see cref="Sntrup761InverseQ"/>. Coefficient i is in vector i % 3 at bit i / 3, so that a
/// shift by one coefficient moves whole vectors and shifts the bits of one only.
/// </remarks>
internal static class Sntrup761Inverse3
{
    private const int P = Sntrup761Ring.P;
    private const int Steps = (2 * P) - 1;
    private const int Vectors = 3;
    private const int WordBits = 64;

    /// <summary>64-bit words that <see cref="TryInvert"/> needs as working memory.</summary>
    public const int ScratchLength = 2 * Vectors * 4;

    /// <summary>
    /// Writes the inverse in R/3; coefficients in -1..1 on both sides. False when there is none; that, and only that,
    /// may be seen by others.
    /// </summary>
    /// <param name="scratch">At least <see cref="ScratchLength"/> words; left with secrets in it.</param>
    public static bool TryInvert(ReadOnlySpan<short> input, Span<short> result, Span<ulong> scratch)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(input.Length, Sntrup761Ring.Length);
        ArgumentOutOfRangeException.ThrowIfNotEqual(result.Length, Sntrup761Ring.Length);
        var words = scratch[..ScratchLength];

        // x^761 - x - 1 and the input, reversed.
        words.Clear();
        SetCoefficient(words, 0, 1);
        SetCoefficient(words, P - 1, -1);
        SetCoefficient(words, P, -1);
        var f = Planes.Load(words);
        words.Clear();
        for (var i = 0; i < P; i++)
            SetCoefficient(words, i, input[P - 1 - i]);
        var g = Planes.Load(words);
        words.Clear();
        var v = Planes.Load(words);
        SetCoefficient(words, 0, 1);
        var r = Planes.Load(words);

        var delta = Run(ref f, ref g, ref v, ref r);

        // f is 1 or -1 now, its own inverse, and v its cofactor, reversed.
        f.Store(words);
        var sign = GetCoefficient(words, 0);
        v.Store(words);
        for (var i = 0; i < P; i++)
            result[i] = unchecked((short)(GetCoefficient(words, P - 1 - i) * sign));
        result[P..].Clear();
        return delta == 0;
    }

    private static int Run(ref Planes fState, ref Planes gState, ref Planes vState, ref Planes rState)
    {
        Planes f = fState, g = gState, v = vState, r = rState;
        var delta = 1;
        for (var step = 0; step < Steps; step++)
        {
            unchecked
            {
                v = v.MultipliedByX();

                var (fPlus, fMinus) = f.Constant;
                var (gPlus, gMinus) = g.Constant;
                // The product f0 g0 as two masks: g + f0 g0 f has the opposite constant term where it is subtracted.
                var isEqual = -(long)((fPlus & gPlus) | (fMinus & gMinus));
                var isOpposite = -(long)((fPlus & gMinus) | (fMinus & gPlus));
                var isPositive = (long)(-delta >> 31);
                var swap = isPositive & (isEqual | isOpposite);
                var swapMask = (int)swap;
                delta = (delta ^ (swapMask & (delta ^ -delta))) + 1;

                var add = Vector256.Create((ulong)isOpposite);
                var subtract = Vector256.Create((ulong)isEqual);
                var exchange = Vector256.Create((ulong)swap);
                var nextG = g.PlusOrMinus(f, add, subtract);
                f = Planes.Select(exchange, g, f);
                g = nextG.DividedByX();
                var nextR = r.PlusOrMinus(v, add, subtract);
                v = Planes.Select(exchange, r, v);
                r = nextR;
            }
        }

        (fState, gState, vState, rState) = (f, g, v, r);
        return delta;
    }

    private static void SetCoefficient(Span<ulong> words, int index, int value)
    {
        unchecked
        {
            var (word, shift) = Position(index);
            words[word] |= (ulong)((value & 1) & ~(value >> 31)) << shift;
            words[word + (Vectors * 4)] |= (ulong)((value >> 31) & 1) << shift;
        }
    }

    private static int GetCoefficient(ReadOnlySpan<ulong> words, int index)
    {
        unchecked
        {
            var (word, shift) = Position(index);
            return (int)((words[word] >> shift) & 1) - (int)((words[word + (Vectors * 4)] >> shift) & 1);
        }
    }

    private static (int Word, int Shift) Position(int index)
    {
        var bit = index / Vectors;
        return (((index % Vectors) * 4) + (bit / WordBits), bit % WordBits);
    }

    /// <summary>768 coefficients in -1..1: three vectors that say which are 1, three that say which are -1.</summary>
    private struct Planes
    {
        private Vector256<ulong> _plus0, _plus1, _plus2, _minus0, _minus1, _minus2;

        /// <summary>The constant coefficient as two bits.</summary>
        public readonly (ulong Plus, ulong Minus) Constant => (_plus0.ToScalar() & 1, _minus0.ToScalar() & 1);

        public static Planes Load(ReadOnlySpan<ulong> words) => new()
        {
            _plus0 = Vector256.Create(words),
            _plus1 = Vector256.Create(words[4..]),
            _plus2 = Vector256.Create(words[8..]),
            _minus0 = Vector256.Create(words[12..]),
            _minus1 = Vector256.Create(words[16..]),
            _minus2 = Vector256.Create(words[20..]),
        };

        public readonly void Store(Span<ulong> words)
        {
            _plus0.CopyTo(words);
            _plus1.CopyTo(words[4..]);
            _plus2.CopyTo(words[8..]);
            _minus0.CopyTo(words[12..]);
            _minus1.CopyTo(words[16..]);
            _minus2.CopyTo(words[20..]);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Planes Select(Vector256<ulong> mask, in Planes whenSet, in Planes otherwise) => new()
        {
            _plus0 = Vector256.ConditionalSelect(mask, whenSet._plus0, otherwise._plus0),
            _plus1 = Vector256.ConditionalSelect(mask, whenSet._plus1, otherwise._plus1),
            _plus2 = Vector256.ConditionalSelect(mask, whenSet._plus2, otherwise._plus2),
            _minus0 = Vector256.ConditionalSelect(mask, whenSet._minus0, otherwise._minus0),
            _minus1 = Vector256.ConditionalSelect(mask, whenSet._minus1, otherwise._minus1),
            _minus2 = Vector256.ConditionalSelect(mask, whenSet._minus2, otherwise._minus2),
        };

        /// <summary>Coefficient i + 1 moves to i, and the constant one is dropped.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly Planes DividedByX() => new()
        {
            _plus0 = _plus1,
            _plus1 = _plus2,
            _plus2 = ShiftDown(_plus0),
            _minus0 = _minus1,
            _minus1 = _minus2,
            _minus2 = ShiftDown(_minus0),
        };

        /// <summary>Coefficient i moves to i + 1, and the constant one becomes zero.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly Planes MultipliedByX() => new()
        {
            _plus0 = ShiftUp(_plus2),
            _plus1 = _plus0,
            _plus2 = _plus1,
            _minus0 = ShiftUp(_minus2),
            _minus1 = _minus0,
            _minus2 = _minus1,
        };

        /// <summary>This plus <paramref name="other"/>, or minus it, or unchanged, as the masks say.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly Planes PlusOrMinus(in Planes other, Vector256<ulong> add, Vector256<ulong> subtract)
        {
            Planes sum = default;
            Add(_plus0, _minus0, other._plus0, other._minus0, add, subtract, out sum._plus0, out sum._minus0);
            Add(_plus1, _minus1, other._plus1, other._minus1, add, subtract, out sum._plus1, out sum._minus1);
            Add(_plus2, _minus2, other._plus2, other._minus2, add, subtract, out sum._plus2, out sum._minus2);
            return sum;
        }

        // 1 + 1 = -1, -1 + -1 = 1, 1 + -1 = 0, and zero adds nothing
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Add(
            Vector256<ulong> leftPlus,
            Vector256<ulong> leftMinus,
            Vector256<ulong> otherPlus,
            Vector256<ulong> otherMinus,
            Vector256<ulong> add,
            Vector256<ulong> subtract,
            out Vector256<ulong> plus,
            out Vector256<ulong> minus)
        {
            var rightPlus = (otherPlus & add) | (otherMinus & subtract);
            var rightMinus = (otherMinus & add) | (otherPlus & subtract);
            var isLeft = leftPlus | leftMinus;
            var isRight = rightPlus | rightMinus;
            plus = Vector256.AndNot(leftPlus, isRight) | Vector256.AndNot(rightPlus, isLeft) | (leftMinus & rightMinus);
            minus = Vector256.AndNot(leftMinus, isRight) | Vector256.AndNot(rightMinus, isLeft) | (leftPlus & rightPlus);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector256<ulong> ShiftDown(Vector256<ulong> value)
        {
            // An index out of range takes zero: nothing comes in at the top.
            var next = Vector256.Shuffle(value, Vector256.Create(1UL, 2UL, 3UL, 4UL));
            return (value >>> 1) | (next << (WordBits - 1));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector256<ulong> ShiftUp(Vector256<ulong> value)
        {
            var previous = Vector256.Shuffle(value, Vector256.Create(4UL, 0UL, 1UL, 2UL));
            return (value << 1) | (previous >>> (WordBits - 1));
        }
    }
}
