using System.Numerics;
using System.Security.Cryptography;

namespace Pairwise.Crypto.Tests;

/// <summary>The curve of RFC 8032 by its plain definition on big integers: what the fast code is compared with.</summary>
internal static class EdwardsReference
{
    internal static readonly BigInteger P = BigInteger.Pow(2, 255) - 19;
    internal static readonly BigInteger L = BigInteger.Pow(2, 252) + BigInteger.Parse("27742317777372353535851937790883648493", System.Globalization.CultureInfo.InvariantCulture);
    private static readonly BigInteger D = Modulo(-121665 * Inverse(121666));

    internal static readonly (BigInteger X, BigInteger Y) Neutral = (0, 1);
    internal static readonly (BigInteger X, BigInteger Y) Base = Decode(Bytes(Modulo(4 * Inverse(5))))!.Value;

    /// <summary>The eight points whose order divides eight, each a multiple of the second.</summary>
    internal static readonly (BigInteger X, BigInteger Y)[] Torsion = FindTorsion();

    internal static (BigInteger X, BigInteger Y) Add((BigInteger X, BigInteger Y) a, (BigInteger X, BigInteger Y) b) => Affine(Add((a.X, a.Y, 1), (b.X, b.Y, 1)));

    internal static (BigInteger X, BigInteger Y) Multiply(BigInteger factor, (BigInteger X, BigInteger Y) point)
    {
        (BigInteger X, BigInteger Y, BigInteger Z) sum = (0, 1, 1), doubled = (point.X, point.Y, 1);
        for (; factor > 0; factor >>= 1)
        {
            if (!factor.IsEven)
                sum = Add(sum, doubled);
            doubled = Add(doubled, doubled);
        }

        return Affine(sum);
    }

    internal static byte[] Encode((BigInteger X, BigInteger Y) point)
    {
        var bytes = Bytes(point.Y);
        bytes[31] |= (byte)(point.X.IsEven ? 0 : 0x80);
        return bytes;
    }

    /// <summary>The point, or null when y is not below p, no point has it, or x = 0 is said to be odd.</summary>
    internal static (BigInteger X, BigInteger Y)? Decode(byte[] encoded)
    {
        var isOdd = (encoded[31] & 0x80) != 0;
        var y = Number([.. encoded.AsSpan(0, 31), (byte)(encoded[31] & 0x7f)]);
        if (y >= P)
            return null;
        var square = Modulo((y * y - 1) * Inverse(D * y * y + 1));
        var x = BigInteger.ModPow(square, (P + 3) / 8, P);
        if (Modulo(x * x) != square)
            x = Modulo(x * BigInteger.ModPow(2, (P - 1) / 4, P));
        if (Modulo(x * x) != square || (x.IsZero && isOdd))
            return null;
        return (x.IsEven == isOdd ? P - x : x, y);
    }

    /// <summary>h of RFC 8032.</summary>
    internal static BigInteger Hash(byte[] r, byte[] key, byte[] message) => Number(SHA512.HashData([.. r, .. key, .. message])) % L;

    internal static BigInteger Number(ReadOnlySpan<byte> bytes) => new(bytes, isUnsigned: true);

    internal static byte[] Bytes(BigInteger number, int length = 32)
    {
        var bytes = new byte[length];
        Assert.True(number.TryWriteBytes(bytes, out _, isUnsigned: true));
        return bytes;
    }

    internal static BigInteger Modulo(BigInteger value)
    {
        var rest = value % P;
        return rest.Sign < 0 ? rest + P : rest;
    }

    // x = (x1 y2 + y1 x2) / (1 + d x1 x2 y1 y2) and y = (y1 y2 + x1 x2) / (1 - d x1 x2 y1 y2), over a common denominator.
    private static (BigInteger X, BigInteger Y, BigInteger Z) Add((BigInteger X, BigInteger Y, BigInteger Z) a, (BigInteger X, BigInteger Y, BigInteger Z) b)
    {
        var (z, xx, yy) = (Modulo(a.Z * b.Z), Modulo(a.X * b.X), Modulo(a.Y * b.Y));
        var (square, product) = (z * z, D * xx * yy);
        var (minus, plus) = (Modulo(square - product), Modulo(square + product));
        return (Modulo(z * minus * ((a.X * b.Y) + (a.Y * b.X))), Modulo(z * plus * (yy + xx)), Modulo(minus * plus));
    }

    private static (BigInteger X, BigInteger Y) Affine((BigInteger X, BigInteger Y, BigInteger Z) point)
    {
        var inverse = Inverse(point.Z);
        return (Modulo(point.X * inverse), Modulo(point.Y * inverse));
    }

    private static BigInteger Inverse(BigInteger value) => BigInteger.ModPow(Modulo(value), P - 2, P);

    private static (BigInteger X, BigInteger Y)[] FindTorsion()
    {
        for (BigInteger y = 3; ; y++)
        {
            if (Decode(Bytes(y)) is { } point && Multiply(L, point) is var generator && Multiply(4, generator) != Neutral)
                return [.. Enumerable.Range(0, 8).Select(i => Multiply(i, generator))];
        }
    }
}
