using System.Numerics;
using Pairwise.Crypto.Edwards;
using Pairwise.TestKit;
using static Pairwise.Crypto.Tests.EdwardsReference;

namespace Pairwise.Crypto.Tests;

/// <summary>
/// Tables of multiples and the sums made with them, against big integers: with scalars that no hash would ever give, and
/// where equal, opposite and neutral points meet.
/// </summary>
public sealed class PointMultiplesTests
{
    private const int Seed = 252;
    private const int Parts = Scalar.Digits / PointMultiples.Levels;

    public PointMultiplesTests() => Assert.SkipUnless(Ed25519KeyTable.IsSupported, "this processor has no AVX2");

    [Theory]
    [InlineData(7, 0)]
    [InlineData(4, 1)]
    [InlineData(4, 4)]
    public void Every_entry_is_the_multiple_that_its_place_says(int width, int torsion)
    {
        var point = Add(Base, Torsion[torsion]);
        var table = new PointMultiples(Read(point), width);
        for (var part = 0; part < Parts; part++)
        {
            var (multiple, twice) = (point, Add(point, point));
            for (var digit = 1; digit < 1 << (width - 1); digit += 2)
            {
                Assert.Equal(Encode(multiple), Alone(digit));
                Assert.Equal(Encode((Modulo(-multiple.X), multiple.Y)), Alone(-digit));
                multiple = Add(multiple, twice);
            }

            point = Multiply(1 << PointMultiples.Levels, point);

            byte[] Alone(int digit)
            {
                var digits = new sbyte[Parts];
                digits[part] = (sbyte)digit;
                var sum = EdwardsPoint.Neutral;
                table.AddLevel(ref sum, digits, 0);
                return Written(sum);
            }
        }
    }

    [Fact]
    public void Sums_are_right_for_scalars_at_every_edge_and_wherever_points_meet()
    {
        var random = new SeededRandom(Seed);
        var ofBase = new PointMultiples(Read(Base), 7);
        BigInteger[] edges =
        [
            0, 1, 2, 7, 8, 63, 64, L - 1, L - 2, L - 8, L / 2, (L / 2) + 1,
            .. new[] { 16, 64, 128, 240, 248, 249, 250, 251, 252 }.SelectMany(bit => new[] { BigInteger.Pow(2, bit) - 1, BigInteger.Pow(2, bit), BigInteger.Pow(2, bit) + 1, L - BigInteger.Pow(2, bit) }),
        ];

        // Keys among whose multiples are those of the base point: sums meet equal and opposite points on the way.
        foreach (var a in new[] { 1, L - 1, 2, (L + 1) / 2, BigInteger.Pow(2, 16), BigInteger.Pow(2, 240), Number(random.NextBytes(32)) % L })
        {
            var torsion = random.Next(Torsion.Length);
            var ofKey = new PointMultiples(Read(Add(Multiply(a, Base), Torsion[torsion])), 4);
            foreach (var h in edges)
            {
                var opposite = (L - (h * a % L)) % L;
                foreach (var s in new[] { opposite, (opposite + 1) % L, edges[random.Next(edges.Length)] })
                {
                    var expected = Add(Multiply((s + (h * a)) % L, Base), Torsion[(int)(h * torsion % Torsion.Length)]);
                    Assert.Equal(Encode(expected), Written(Sum(ofBase, s, ofKey, h)));
                }
            }
        }
    }

    // sP + hQ as a verification computes it.
    private static EdwardsPoint Sum(PointMultiples first, BigInteger s, PointMultiples second, BigInteger h)
    {
        var (digitsOfFirst, digitsOfSecond) = (new sbyte[Scalar.Digits], new sbyte[Scalar.Digits]);
        Assert.True(Scalar.TryRead(Bytes(s), out var scalar));
        first.WriteDigits(scalar, digitsOfFirst);
        Assert.True(Scalar.TryRead(Bytes(h), out scalar));
        second.WriteDigits(scalar, digitsOfSecond);
        var sum = EdwardsPoint.Neutral;
        for (var level = PointMultiples.Levels - 1; level >= 0; level--)
        {
            sum.Double();
            first.AddLevel(ref sum, digitsOfFirst, level);
            second.AddLevel(ref sum, digitsOfSecond, level);
        }

        return sum;
    }

    private static EdwardsPoint Read((BigInteger X, BigInteger Y) point)
    {
        Assert.True(EdwardsPoint.TryRead(Encode(point), out var read));
        return read;
    }

    private static byte[] Written(EdwardsPoint point)
    {
        var encoded = new byte[32];
        point.Write(encoded);
        return encoded;
    }
}
