using System.Buffers.Binary;

namespace Pairwise.Crypto.Edwards;

/// <summary>An element of the field modulo p = 2^255 - 19 in its one form: below p, four words with the lowest first.</summary>
internal readonly record struct FieldElement(ulong W0, ulong W1, ulong W2, ulong W3)
{
    /// <summary>Size of the encoded form: the value with its lowest byte first, the highest bit unused.</summary>
    internal const int Length = 32;

    private const ulong ModulusLow = unchecked((ulong)-19);
    private const ulong ModulusHigh = ulong.MaxValue >> 1;

    internal static FieldElement Zero => default;

    internal static FieldElement One => new(1, 0, 0, 0);

    internal bool IsOdd => (W0 & 1) != 0;

    /// <summary>p minus the value; zero for zero.</summary>
    internal FieldElement Negated => this == Zero ? this : Subtract(new FieldElement(ModulusLow, ulong.MaxValue, ulong.MaxValue, ModulusHigh), this, out _);

    /// <summary>The sum.</summary>
    internal FieldElement Plus(in FieldElement other)
    {
        Span<ulong> limbs = stackalloc ulong[FieldLanes.Count];
        for (var i = 0; i < FieldLanes.Count; i++)
            limbs[i] = Limb(i) + other.Limb(i);
        return FromLimbs(limbs);
    }

    /// <summary>Reads 32 bytes without their highest bit; false when they are p or more.</summary>
    internal static bool TryRead(ReadOnlySpan<byte> bytes, out FieldElement element)
    {
        element = new FieldElement(
            BinaryPrimitives.ReadUInt64LittleEndian(bytes),
            BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]),
            BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]),
            BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]) & ModulusHigh);
        return !element.IsModulusOrMore;
    }

    /// <summary>Writes 32 bytes.</summary>
    internal void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, W0);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[8..], W1);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[16..], W2);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[24..], W3);
    }

    /// <summary>The limb of <see cref="FieldLanes"/> with this index.</summary>
    internal ulong Limb(int index)
    {
        var position = ((51 * index) + 1) / 2;
        var (word, shift) = (position / 64, position % 64);
        var bits = Word(word) >> shift;
        if (shift > 38 && word < 3)
            bits |= Word(word + 1) << (64 - shift);
        return bits & ((1ul << FieldLanes.BitsOf(index)) - 1);
    }

    /// <summary>The element of ten limbs of up to 2^31, which are changed.</summary>
    internal static FieldElement FromLimbs(Span<ulong> limbs)
    {
        // What the first round carries out of the top comes back as nineteen times as much; after the second it fits.
        unchecked
        {
            for (var round = 0; round < 2; round++)
            {
                ulong carried = 0;
                for (var i = 0; i < FieldLanes.Count; i++)
                {
                    var limb = limbs[i] + carried;
                    var bits = FieldLanes.BitsOf(i);
                    limbs[i] = limb & ((1ul << bits) - 1);
                    carried = limb >> bits;
                }

                limbs[0] += 19 * carried;
            }

            var element = new FieldElement(
                limbs[0] | (limbs[1] << 26) | (limbs[2] << 51),
                (limbs[2] >> 13) | (limbs[3] << 13) | (limbs[4] << 38),
                limbs[5] | (limbs[6] << 25) | (limbs[7] << 51),
                (limbs[7] >> 13) | (limbs[8] << 12) | (limbs[9] << 38));
            return element.IsModulusOrMore ? new FieldElement(element.W0 - ModulusLow, 0, 0, 0) : element;
        }
    }

    /// <summary>The element that this one times gives 1; zero for zero.</summary>
    internal FieldElement Invert() => DivisionSteps.Invert(this);

    private bool IsModulusOrMore => W3 == ModulusHigh && W2 == ulong.MaxValue && W1 == ulong.MaxValue && W0 >= ModulusLow;

    private ulong Word(int index) => index switch
    {
        0 => W0,
        1 => W1,
        2 => W2,
        _ => W3,
    };

    private static FieldElement Subtract(in FieldElement a, in FieldElement b, out ulong borrow)
    {
        borrow = 0;
        return new FieldElement(Minus(a.W0, b.W0, ref borrow), Minus(a.W1, b.W1, ref borrow), Minus(a.W2, b.W2, ref borrow), Minus(a.W3, b.W3, ref borrow));
    }

    private static ulong Minus(ulong a, ulong b, ref ulong borrow)
    {
        unchecked
        {
            var difference = a - b - borrow;
            borrow = a < b || (a == b && borrow != 0) ? 1ul : 0;
            return difference;
        }
    }
}
