using System.Numerics;
using System.Runtime.Intrinsics;
using Pairwise.Crypto.Edwards;
using Pairwise.TestKit;
using static Pairwise.Crypto.Tests.EdwardsReference;

namespace Pairwise.Crypto.Tests;

/// <summary>The parts of verification with tables, each against big integers: field, division steps, scalars, points.</summary>
public sealed class EdwardsTests
{
    private const int Seed = 25519;

    public EdwardsTests() => Assert.SkipUnless(Ed25519KeyTable.IsSupported, "this processor has no AVX2");

    [Fact]
    public void Elements_below_p_are_read_and_others_refused()
    {
        foreach (var value in Values().Concat([P, P + 1, P + 18, BigInteger.Pow(2, 255) - 1]))
        {
            Assert.Equal(value < P, FieldElement.TryRead(Bytes(value), out var element));
            if (value < P)
            {
                Assert.Equal(value, Number(element));
                byte[] withSign = Bytes(value + BigInteger.Pow(2, 255));
                Assert.True(FieldElement.TryRead(withSign, out var same));
                Assert.Equal(element, same);
            }
        }
    }

    [Fact]
    public void Sums_products_negatives_and_inverses_are_those_of_big_integers()
    {
        var values = Values();
        foreach (var a in values)
        {
            var element = Element(a);
            Assert.Equal(Modulo(-a), Number(element.Negated));
            var inverse = Number(element.Invert());
            Assert.Equal(a.IsZero ? 0 : 1, Modulo(a * inverse));
            Assert.True(inverse < P && (!a.IsZero || inverse.IsZero));
            foreach (var b in values)
            {
                var other = Element(b);
                Assert.Equal(Modulo(a + b), Number(element.Plus(other)));
                FieldLanes.Multiply(FieldLanes.Create(element, other, element, other), FieldLanes.Create(other, element, element, other), out var products);
                Assert.Equal(Modulo(a * b), Number(products.ToElement(0)));
                Assert.Equal(Modulo(a * b), Number(products.ToElement(1)));
                Assert.Equal(Modulo(a * a), Number(products.ToElement(2)));
                Assert.Equal(Modulo(b * b), Number(products.ToElement(3)));
            }
        }
    }

    [Fact]
    public void Many_inverses_are_right()
    {
        var random = new SeededRandom(Seed);
        for (var i = 0; i < 5_000; i++)
        {
            // Also values of few bits, at the bottom and at the top.
            var value = Modulo(Number(random.NextBytes(1 + (i % 32))) << (i % 2 == 0 ? 0 : 255 - (8 * (1 + (i % 32)))));
            Assert.True(value.IsZero || Modulo(value * Number(Element(value).Invert())).IsOne, $"{value}");
        }
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 3)]
    [InlineData(4, 1)]
    [InlineData(4, 3)]
    public void Limbs_as_large_as_they_may_be_are_multiplied_rightly(int factorA, int factorB)
    {
        var random = new SeededRandom(Seed);
        for (var round = 0; round < 200; round++)
        {
            var a = default(FieldLanes);
            var b = default(FieldLanes);
            var (numbersA, numbersB) = (new BigInteger[4], new BigInteger[4]);
            for (var i = 0; i < FieldLanes.Count; i++)
            {
                var highest = (1ul << FieldLanes.BitsOf(i)) - 1;
                for (var lane = 0; lane < 4; lane++)
                {
                    // All ones, zero, or something between.
                    var (limbA, limbB) = (Limb(highest * (ulong)factorA), Limb(highest * (ulong)factorB));
                    a[i] = a[i].WithElement(lane, limbA);
                    b[i] = b[i].WithElement(lane, limbB);
                    numbersA[lane] += new BigInteger(limbA) << (((51 * i) + 1) / 2);
                    numbersB[lane] += new BigInteger(limbB) << (((51 * i) + 1) / 2);
                }
            }

            FieldLanes.Multiply(a, b, out var product);
            var carried = a;
            carried.Carry();
            for (var lane = 0; lane < 4; lane++)
            {
                Assert.Equal(Modulo(numbersA[lane] * numbersB[lane]), Number(product.ToElement(lane)));
                Assert.Equal(Modulo(numbersA[lane]), Number(a.ToElement(lane)));
                Assert.Equal(Modulo(numbersA[lane]), Number(carried.ToElement(lane)));
                for (var i = 0; i < FieldLanes.Count; i++)
                {
                    Assert.True(product[i].GetElement(lane) < (1ul << FieldLanes.BitsOf(i)) + (1 << 17));
                    Assert.True(carried[i].GetElement(lane) < (1ul << FieldLanes.BitsOf(i)) + (1 << 7));
                }
            }

            ulong Limb(ulong highest) => round == 0 ? highest : random.Next(3) switch
            {
                0 => highest,
                1 => 0,
                _ => (ulong)Number(random.NextBytes(8)) % (highest + 1),
            };
        }
    }

    [Fact]
    public void Scalars_below_L_are_read_and_others_refused()
    {
        foreach (var value in new[] { 0, 1, L - 1, L, L + 1, 2 * L, BigInteger.Pow(2, 252), BigInteger.Pow(2, 253), BigInteger.Pow(2, 255), BigInteger.Pow(2, 256) - 1, L - BigInteger.Pow(2, 64), L + BigInteger.Pow(2, 64) })
        {
            Assert.Equal(value < L, Scalar.TryRead(Bytes(value), out var scalar));
            if (value < L)
                Assert.Equal(value, Number(scalar));
        }
    }

    [Fact]
    public void Digests_are_reduced_to_the_remainder()
    {
        var random = new SeededRandom(Seed);
        var highest = BigInteger.Pow(2, 512) - 1;
        List<BigInteger> values = [0, 1, L - 1, L, L + 1, 2 * L - 1, 2 * L, highest, highest - 1, highest / L * L, (highest / L * L) - 1, ((highest / L) - 1) * L];
        values.AddRange(Enumerable.Range(0, 512).Select(i => BigInteger.Pow(2, i)));
        values.AddRange(Enumerable.Range(0, 512).Select(i => BigInteger.Pow(2, i) - 1));
        for (var i = 0; i < 5_000; i++)
        {
            var value = Number(random.NextBytes(64));
            values.AddRange([value, value / L * L, (value / L * L) + L - 1 is var near && near <= highest ? near : value]);
        }

        foreach (var value in values)
            Assert.Equal(value % L, Number(Scalar.Reduce(Bytes(value, 64))));
    }

    [Theory]
    [InlineData(4)]
    [InlineData(7)]
    [InlineData(8)]
    public void Digits_add_up_to_the_scalar(int width)
    {
        var random = new SeededRandom(Seed);
        List<BigInteger> values = [0, 1, L - 1, L - 2, BigInteger.Pow(2, 252) - 1, BigInteger.Pow(2, 252), (BigInteger.Pow(2, 252) / 3), (1 << 16) - 1];
        values.AddRange(Enumerable.Range(0, 1_000).Select(_ => Number(random.NextBytes(32)) % L));
        foreach (var value in values)
        {
            Assert.True(Scalar.TryRead(Bytes(value), out var scalar));
            var digits = new sbyte[Scalar.Digits];
            scalar.WriteDigits(width, digits);
            var sum = BigInteger.Zero;
            for (var position = 0; position < Scalar.Digits; position++)
            {
                int digit = digits[(position % 16 * 16) + (position / 16)];
                Assert.True(digit == 0 || (digit % 2 != 0 && Math.Abs(digit) < 1 << (width - 1)));
                sum += new BigInteger(digit) << position;
            }

            Assert.Equal(value, sum);
        }
    }

    [Fact]
    public void Any_bytes_are_decoded_as_the_definition_says()
    {
        var random = new SeededRandom(Seed);
        List<byte[]> encodings = [.. Torsion.Select(Encode)];
        for (var i = 0; i < 19; i++)
            encodings.AddRange([Bytes(P + i), Bytes(P + i + BigInteger.Pow(2, 255)), Bytes(i), Bytes(i + BigInteger.Pow(2, 255)), Bytes(P - 1 - i)]);
        for (var i = 0; i < 300; i++)
            encodings.Add(random.NextBytes(32));
        foreach (var encoded in encodings)
        {
            var expected = Decode(encoded);
            Assert.Equal(expected is not null, EdwardsPoint.TryRead(encoded, out var point));
            if (expected is { } value)
            {
                Assert.Equal(encoded, Written(point));
                Assert.Equal(Encode((Modulo(-value.X), value.Y)), Written(point.Negate()));
                Assert.Equal(Multiply(8, value) == Neutral, point.IsOfSmallOrder);
            }
        }
    }

    [Fact]
    public void Sums_and_doubles_are_right_for_all_kinds_of_points()
    {
        var random = new SeededRandom(Seed);
        var points = Torsion.ToList();
        for (var i = 0; i < 4; i++)
        {
            var point = Multiply(Number(random.NextBytes(32)) % L, Base);
            points.AddRange([point, (Modulo(-point.X), point.Y), Add(point, Torsion[1 + i])]);
        }

        foreach (var a in points)
        {
            Assert.True(EdwardsPoint.TryRead(Encode(a), out var point));
            var doubled = point;
            doubled.Double();
            Assert.Equal(Encode(Add(a, a)), Written(doubled));
            foreach (var b in points)
            {
                Assert.True(EdwardsPoint.TryRead(Encode(b), out var sum));
                sum.Add(point.ToAddend());
                Assert.Equal(Encode(Add(a, b)), Written(sum));
            }
        }
    }

    private static byte[] Written(EdwardsPoint point)
    {
        var encoded = new byte[32];
        point.Write(encoded);
        return encoded;
    }

    private static List<BigInteger> Values()
    {
        var random = new SeededRandom(Seed);
        List<BigInteger> values = [0, 1, 2, 18, 19, 20, P - 1, P - 2, P - 19, (P - 1) / 2, (P + 1) / 2];
        foreach (var bit in new[] { 25, 26, 51, 62, 63, 64, 77, 102, 124, 127, 128, 153, 186, 192, 204, 230, 248, 254 })
            values.AddRange([BigInteger.Pow(2, bit), BigInteger.Pow(2, bit) - 1, P - BigInteger.Pow(2, bit)]);
        for (var i = 0; i < 40; i++)
            values.Add(Modulo(Number(random.NextBytes(32))));
        return values;
    }

    private static FieldElement Element(BigInteger value)
    {
        Assert.True(FieldElement.TryRead(Bytes(value), out var element));
        return element;
    }

    private static BigInteger Number(FieldElement element)
    {
        var bytes = new byte[FieldElement.Length];
        element.Write(bytes);
        return EdwardsReference.Number(bytes);
    }

    private static BigInteger Number(ReadOnlySpan<byte> bytes) => EdwardsReference.Number(bytes);

    private static BigInteger Number(Scalar scalar) =>
        scalar.W0 + ((BigInteger)scalar.W1 << 64) + ((BigInteger)scalar.W2 << 128) + ((BigInteger)scalar.W3 << 192);
}
