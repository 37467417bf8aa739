using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Pairwise.Crypto.Edwards;

/// <summary>A number below the order L = 2^252 + 27742317777372353535851937790883648493 of the base point. Variable time.</summary>
[SkipLocalsInit]
internal readonly record struct Scalar(ulong W0, ulong W1, ulong W2, ulong W3)
{
    /// <summary>Size of the encoded form: the value with its lowest byte first.</summary>
    internal const int Length = 32;

    /// <summary>Positions of digits (<see cref="WriteDigits"/>).</summary>
    internal const int Digits = 256;

    /// <summary>L itself.</summary>
    private static ReadOnlySpan<ulong> Order => [0x5812631a5cf5d3ed, 0x14def9dea2f79cd6, 0, 0x1000000000000000];

    // 2^512 / L, rounded down
    private static ReadOnlySpan<ulong> Reciprocal => [0xed9ce5a30a2c131b, 0x2106215d086329a7, 0xffffffffffffffeb, 0xffffffffffffffff, 0xf];

    /// <summary>Reads 32 bytes; false when they are L or more.</summary>
    internal static bool TryRead(ReadOnlySpan<byte> bytes, out Scalar scalar)
    {
        Span<ulong> words = stackalloc ulong[4];
        for (var i = 0; i < words.Length; i++)
            words[i] = BinaryPrimitives.ReadUInt64LittleEndian(bytes[(8 * i)..]);
        scalar = new Scalar(words[0], words[1], words[2], words[3]);
        return !TrySubtractOrder(words);
    }

    /// <summary>The remainder of 64 bytes by L (Barrett's reduction).</summary>
    internal static Scalar Reduce(ReadOnlySpan<byte> bytes)
    {
        const int words = 5;
        unchecked
        {
            Span<ulong> value = stackalloc ulong[8];
            for (var i = 0; i < value.Length; i++)
                value[i] = BinaryPrimitives.ReadUInt64LittleEndian(bytes[(8 * i)..]);

            // The quotient, too small by 2 at most; then what is left, of which five words are enough.
            Span<ulong> product = stackalloc ulong[2 * words];
            Multiply(value[3..], Reciprocal, product);
            Span<ulong> multiple = stackalloc ulong[words + 4];
            Multiply(product[words..], Order, multiple);
            Span<ulong> rest = stackalloc ulong[words];
            ulong borrow = 0;
            for (var i = 0; i < words; i++)
            {
                var difference = (UInt128)value[i] - multiple[i] - borrow;
                rest[i] = (ulong)difference;
                borrow = (ulong)(difference >> 64) & 1;
            }

            while (TrySubtractOrder(rest))
            {
                // until it is the remainder
            }

            return new Scalar(rest[0], rest[1], rest[2], rest[3]);
        }
    }

    /// <summary>
    /// Writes the value as digits: the sum of digit · 2^position over all positions. A digit is zero or odd and below
    /// 2^(width-1) either way, and between two that are not zero lie width-1 zeros at least.
    /// </summary>
    /// <param name="width">3 to 8.</param>
    /// <param name="digits">256 digits; that of a position is at position % 16 * 16 + position / 16.</param>
    internal void WriteDigits(int width, Span<sbyte> digits)
    {
        unchecked
        {
            digits.Clear();
            Span<ulong> words = [W0, W1, W2, W3, 0];
            ulong carry = 0;
            for (var position = 0; position < Digits;)
            {
                var (word, shift) = (position / 64, position % 64);
                var bits = words[word] >> shift;
                if (shift != 0)
                    bits |= words[word + 1] << (64 - shift);

                // Past what is even, the carry included.
                var even = BitOperations.TrailingZeroCount(carry == 0 ? bits : ~bits);
                if (even != 0)
                {
                    position += even;
                    continue;
                }

                var digit = (int)((bits + carry) & ((1ul << width) - 1));
                carry = (ulong)(digit >> (width - 1));
                digits[(position % 16 * 16) + (position / 16)] = (sbyte)(digit - ((int)carry << width));
                position += width;
            }
        }
    }

    private static void Multiply(ReadOnlySpan<ulong> a, ReadOnlySpan<ulong> b, Span<ulong> product)
    {
        unchecked
        {
            product.Clear();
            for (var i = 0; i < a.Length; i++)
            {
                ulong carry = 0;
                for (var j = 0; j < b.Length; j++)
                {
                    var high = Math.BigMul(a[i], b[j], out var low);
                    low += carry;
                    high += low < carry ? 1ul : 0;
                    var sum = product[i + j] + low;
                    carry = high + (sum < low ? 1ul : 0);
                    product[i + j] = sum;
                }

                product[i + b.Length] = carry;
            }
        }
    }

    // Takes L off a number of four or more words, unless it is smaller.
    private static bool TrySubtractOrder(Span<ulong> words)
    {
        unchecked
        {
            Span<ulong> less = stackalloc ulong[words.Length];
            ulong borrow = 0;
            for (var i = 0; i < words.Length; i++)
            {
                var difference = (UInt128)words[i] - (i < Order.Length ? Order[i] : 0) - borrow;
                less[i] = (ulong)difference;
                borrow = (ulong)(difference >> 64) & 1;
            }

            if (borrow != 0)
                return false;
            less.CopyTo(words);
            return true;
        }
    }
}
