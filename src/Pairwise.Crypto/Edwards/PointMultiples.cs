using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Pairwise.Crypto.Edwards;

/// <summary>
/// Odd multiples of a point P, of 2^16 P, of 2^32 P and so on to 2^240 P: with them a multiple of P takes fifteen
/// doublings, which several points share, and an addition for each digit. Immutable.
/// </summary>
[SkipLocalsInit]
internal sealed unsafe class PointMultiples
{
    /// <summary>Doublings between the places of two parts.</summary>
    internal const int Levels = 16;

    private const int Parts = Scalar.Digits / Levels;
    private const int LanesInRow = 4;

    private readonly uint[] _addends;
    private readonly int _width;

    /// <summary>Makes the table.</summary>
    /// <param name="point">The point.</param>
    /// <param name="width">Digits are odd and below 2^(width-1): the table has 2^(width-2) entries of 120 bytes for each of 16 parts.</param>
    internal PointMultiples(EdwardsPoint point, int width)
    {
        _width = width;
        var perPart = 1 << (width - 2);
        var points = new EdwardsPoint[Parts * perPart];
        for (var part = 0; part < Parts; part++)
        {
            var odd = point;
            point.Double();
            var twice = point.ToAddend();
            for (var i = 0; i < perPart; i++)
            {
                points[(part * perPart) + i] = odd;
                odd.Add(twice);
            }

            for (var i = 1; i < Levels; i++)
                point.Double();
        }

        // One word more, because an addend is read in steps of 16 bytes.
        _addends = GC.AllocateUninitializedArray<uint>((points.Length * EdwardsPoint.AddendLength) + 1);
        _addends[^1] = 0;
        MakeAffine(points);
        for (var i = 0; i < points.Length; i++)
            Write(points[i].ToAddend(), _addends.AsSpan(i * EdwardsPoint.AddendLength, EdwardsPoint.AddendLength));
    }

    /// <summary>Size in bytes.</summary>
    internal int Size => _addends.Length * sizeof(uint);

    /// <summary>Writes a scalar's digits as <see cref="AddLevel"/> takes them.</summary>
    internal void WriteDigits(in Scalar scalar, Span<sbyte> digits) => scalar.WriteDigits(_width, digits);

    /// <summary>Adds what the digits of one level say: a place in each of 16 parts.</summary>
    internal void AddLevel(ref EdwardsPoint sum, ReadOnlySpan<sbyte> digits, int level)
    {
        var ofLevel = digits.Slice(level * Parts, Parts);
        var set = ~Vector128.Equals(Vector128.Create(ofLevel), Vector128<sbyte>.Zero).ExtractMostSignificantBits() & 0xffff;
        fixed (uint* addends = _addends)
        {
            for (; set != 0; set &= set - 1)
            {
                var part = BitOperations.TrailingZeroCount(set);
                int digit = ofLevel[part];
                var entry = (part << (_width - 2)) + (Math.Abs(digit) >> 1);
                sum.Add(addends + (entry * EdwardsPoint.AddendLength), digit >>> 31);
            }
        }
    }

    // Divides each point by its Z. All are inverted by a single inversion of each lane: products of all before, and back.
    private static void MakeAffine(EdwardsPoint[] points)
    {
        var rows = points.Length / LanesInRow;
        var before = new FieldLanes[rows];
        var product = FieldLanes.Create(FieldElement.One, FieldElement.One, FieldElement.One, FieldElement.One);
        for (var row = 0; row < rows; row++)
        {
            before[row] = product;
            FieldLanes.Multiply(product, ZOf(points, row), out product);
        }

        var inverse = FieldLanes.Create(
            product.ToElement(0).Invert(), product.ToElement(1).Invert(), product.ToElement(2).Invert(), product.ToElement(3).Invert());
        for (var row = rows - 1; row >= 0; row--)
        {
            FieldLanes.Multiply(inverse, before[row], out var ofRow);
            FieldLanes.Multiply(inverse, ZOf(points, row), out inverse);
            for (var lane = 0; lane < LanesInRow; lane++)
                points[(row * LanesInRow) + lane].Scale(ofRow.ToElement(lane));
        }
    }

    private static FieldLanes ZOf(EdwardsPoint[] points, int row)
    {
        const int z = 3;
        FieldLanes lanes;
        Unsafe.SkipInit(out lanes);
        var four = points.AsSpan(row * LanesInRow, LanesInRow);
        for (var i = 0; i < FieldLanes.Count; i++)
        {
            lanes[i] = Vector256.Create(
                four[0].Lanes[i].GetElement(z), four[1].Lanes[i].GetElement(z), four[2].Lanes[i].GetElement(z), four[3].Lanes[i].GetElement(z));
        }

        return lanes;
    }

    private static void Write(in FieldLanes addend, Span<uint> words)
    {
        for (var i = 0; i < FieldLanes.Count; i++)
        {
            for (var lane = 0; lane < 3; lane++)
                words[(3 * i) + lane] = (uint)addend[i].GetElement(lane);
        }
    }
}
