using Pairwise.TestKit;
using static Pairwise.Crypto.Sntrup761;

namespace Pairwise.Crypto.Tests;

/// <summary>sntrup761 as a KEM, and its parts against plain definitions of them.</summary>
public sealed class Sntrup761Tests
{
    private const int Seed = 761;
    private const int P = Sntrup761Ring.P;
    private const int Q = Sntrup761Lanes.Q;

    [Fact]
    public void Both_sides_get_the_same_secret_and_a_changed_ciphertext_gives_another()
    {
        var random = new SeededRandom(Seed);
        for (var round = 0; round < 40; round++)
        {
            var publicKey = new byte[PublicKeyLength];
            var secretKey = new byte[SecretKeyLength];
            var ciphertext = new byte[CiphertextLength];
            var sent = new byte[SharedSecretLength];
            var received = new byte[SharedSecretLength];
            GenerateKeyPair(random, publicKey, secretKey);
            Encapsulate(random, publicKey, ciphertext, sent);
            Decapsulate(secretKey, ciphertext, received);
            Assert.True(sent.SequenceEqual(received), $"seed {Seed}, round {round}");

            ciphertext[random.Next(CiphertextLength)] ^= (byte)(1 << random.Next(8));
            Decapsulate(secretKey, ciphertext, received);
            Assert.False(sent.SequenceEqual(received), $"seed {Seed}, round {round}");
            var again = new byte[SharedSecretLength];
            Decapsulate(secretKey, ciphertext, again);
            Assert.Equal(received, again);
        }
    }

    [Fact]
    public void Any_bytes_are_taken_for_a_key_or_ciphertext()
    {
        var random = new SeededRandom(Seed);
        var secret = new byte[SharedSecretLength];
        for (var round = 0; round < 20; round++)
        {
            Decapsulate(random.NextBytes(SecretKeyLength), random.NextBytes(CiphertextLength), secret);
            Encapsulate(random, random.NextBytes(PublicKeyLength), new byte[CiphertextLength], secret);
        }

        byte[] ones = [.. Enumerable.Repeat((byte)0xff, SecretKeyLength)];
        Decapsulate(ones, ones.AsSpan(0, CiphertextLength), secret);
        Encapsulate(random, ones.AsSpan(0, PublicKeyLength), new byte[CiphertextLength], secret);
    }

    [Fact]
    public void A_draw_without_inverse_is_thrown_away()
    {
        // Numbers that give the zero polynomial, which has no inverse, before those of a recorded key.
        var record = VectorFile.Load("sntrup761.json").OfKind("kem").First();
        var zero = new byte[P * sizeof(uint)];
        for (var i = 0; i < P; i++)
            zero[(4 * i) + 3] = 0x20;
        var random = new ReplayRandom(zero, zero, record.Bytes("keyRandom"));
        var publicKey = new byte[PublicKeyLength];
        var secretKey = new byte[SecretKeyLength];
        GenerateKeyPair(random, publicKey, secretKey);
        Assert.Equal(0, random.Remaining);
        Assert.Equal(record.Bytes("secretKey"), secretKey);
    }

    [Fact]
    public void Wrong_lengths_are_a_callers_mistake()
    {
        var random = new SeededRandom(Seed);
        Assert.Throws<ArgumentException>(() => GenerateKeyPair(random, new byte[PublicKeyLength + 1], new byte[SecretKeyLength]));
        Assert.Throws<ArgumentException>(() => GenerateKeyPair(random, new byte[PublicKeyLength], new byte[SecretKeyLength - 1]));
        Assert.Throws<ArgumentException>(() => Encapsulate(random, [], new byte[CiphertextLength], new byte[SharedSecretLength]));
        Assert.Throws<ArgumentException>(() => Encapsulate(random, new byte[PublicKeyLength], new byte[CiphertextLength - 1], new byte[SharedSecretLength]));
        Assert.Throws<ArgumentException>(() => Decapsulate(new byte[SecretKeyLength], new byte[CiphertextLength + 1], new byte[SharedSecretLength]));
        Assert.Throws<ArgumentException>(() => Decapsulate(new byte[SecretKeyLength], new byte[CiphertextLength], new byte[33]));
        Assert.False(Sntrup761PublicKey.TryFromRaw(new byte[PublicKeyLength - 1], out _));
        Assert.False(Sntrup761Ciphertext.TryFromRaw(new byte[CiphertextLength + 1], out _));
    }

    [Fact]
    public void A_key_pair_owns_its_secret_and_checks_a_stored_one()
    {
        var pair = Sntrup761KeyPair.Generate(new SeededRandom(Seed));
        var publicKey = pair.PublicKey.Raw.ToArray();
        var secretKey = pair.SecretKey.ToArray();
        using var copy = pair.Copy();
        pair.Dispose();
        Assert.Throws<ObjectDisposedException>(() => pair.SecretKey.Length);
        Assert.Equal(secretKey, copy.SecretKey.ToArray());

        Assert.True(Sntrup761KeyPair.TryFromRaw(publicKey, secretKey, out var restored));
        restored.Dispose();
        publicKey[5] ^= 1;
        Assert.False(Sntrup761KeyPair.TryFromRaw(publicKey, secretKey, out _));
        Assert.False(Sntrup761KeyPair.TryFromRaw(publicKey, secretKey.AsSpan(1), out _));
    }

    [Fact]
    public void Products_are_those_of_the_definition_even_at_the_ends_of_the_range()
    {
        var random = new SeededRandom(Seed);
        for (var round = 0; round < 6; round++)
        {
            var extreme = round < 2;
            var factor = Polynomial(i => extreme ? (round == 0 ? Q / 2 : -(Q / 2)) : random.Next(Q) - (Q / 2));
            var small = Polynomial(i => extreme ? 1 : random.Next(3) - 1);
            var product = new short[Sntrup761Ring.Length];
            Sntrup761Ring.Multiply(factor, small, product, new short[Sntrup761Ring.ScratchLength]);
            Assert.Equal(PlainProduct(factor, small, Q), product);

            Sntrup761Ring.Multiply(small, small, product, new short[Sntrup761Ring.ScratchLength]);
            Sntrup761Ring.ReduceModulo3(product);
            Assert.Equal(PlainProduct(small, small, 3), product);
        }
    }

    [Fact]
    public void Inverses_times_their_origin_are_one()
    {
        var random = new SeededRandom(Seed);
        var one = Polynomial(i => i == 0 ? 1 : 0);
        var product = new short[Sntrup761Ring.Length];
        var inverse = new short[Sntrup761Ring.Length];
        var scratch = new short[Math.Max(Sntrup761InverseQ.ScratchLength, Sntrup761Ring.ScratchLength)];
        var invertible = 0;
        for (var round = 0; round < 12; round++)
        {
            // Some with a low degree or few coefficients, where the division steps swap rarely.
            var length = round < 4 ? 1 + (round * 3) : P;
            var small = Polynomial(i => i < length ? (i == 0 ? 1 : random.Next(3) - 1) : 0);
            Sntrup761InverseQ.Invert(small, inverse, scratch);
            Sntrup761Ring.Multiply(inverse, small, product, scratch);
            Assert.Equal(one, product);

            if (!Sntrup761Inverse3.TryInvert(small, inverse, new ulong[Sntrup761Inverse3.ScratchLength]))
                continue;
            invertible++;
            Sntrup761Ring.Multiply(inverse, small, product, scratch);
            Sntrup761Ring.ReduceModulo3(product);
            Assert.Equal(one, product);
        }

        Assert.True(invertible > 6);
    }

    [Fact]
    public void Sorting_sorts()
    {
        var random = new SeededRandom(Seed);
        for (var round = 0; round < 20; round++)
        {
            var numbers = new uint[Sntrup761Sampler.ScratchLength];
            for (var i = 0; i < numbers.Length; i++)
                numbers[i] = round < 3 ? (uint)random.Next(2 + round) * (uint.MaxValue / 3) : (uint)random.Next(int.MaxValue) << 1;
            var sorted = numbers.Order().ToArray();
            Sntrup761Sampler.Sort(numbers);
            Assert.Equal(sorted, numbers);
        }
    }

    [Fact]
    public void A_short_polynomial_has_286_coefficients_that_are_not_zero()
    {
        var random = new SeededRandom(Seed);
        var polynomial = new short[Sntrup761Ring.Length];
        var seen = new HashSet<short>();
        for (var round = 0; round < 20; round++)
        {
            Sntrup761Sampler.DrawShort(random, polynomial, new uint[Sntrup761Sampler.ScratchLength]);
            Assert.Equal(Sntrup761Sampler.Weight, polynomial.Count(coefficient => coefficient != 0));
            seen.UnionWith(polynomial);
        }

        Assert.Equal<short>([-1, 0, 1], [.. seen.Order()]);
    }

    [Fact]
    public void Residues_are_exact_over_the_whole_range()
    {
        var product = new short[Sntrup761Ring.Length];
        var unit = Polynomial(i => i == 0 ? 1 : 0);
        for (var value = -10_000; value <= 10_000; value++)
            Assert.Equal(Centred(value, Q), Sntrup761Lanes.ReduceScalar(value));
        for (var start = -9_000; start + P <= 9_000; start += P)
        {
            var values = Polynomial(i => start + i);
            var reduced = values.ToArray();
            Sntrup761Ring.ReduceModulo3(reduced);
            for (var i = 0; i < P; i++)
                Assert.Equal(Centred(values[i], 3), reduced[i]);
            Sntrup761Ring.Multiply(values, unit, product, new short[Sntrup761Ring.ScratchLength]);
            for (var i = 0; i < P; i++)
                Assert.Equal(Centred(values[i], Q), product[i]);
        }
    }

    [Fact]
    public void Encodings_are_inverse_over_all_digits()
    {
        var random = new SeededRandom(Seed);
        var digits = new ushort[Sntrup761Codec.ScratchLength];
        var decoded = new short[Sntrup761Ring.Length];
        for (var round = 0; round < 10; round++)
        {
            var any = Polynomial(_ => round == 0 ? Q / 2 : round == 1 ? -(Q / 2) : random.Next(Q) - (Q / 2));
            var encoded = new byte[Sntrup761Codec.QuotientLength];
            Sntrup761Codec.EncodeQuotient(any, encoded, digits);
            Sntrup761Codec.DecodeQuotient(encoded, decoded, digits);
            Assert.Equal(any, decoded);

            Sntrup761Ring.Round(any);
            Assert.All(any.Take(P), coefficient => Assert.Equal(0, coefficient % 3));
            encoded = new byte[Sntrup761Codec.RoundedLength];
            Sntrup761Codec.EncodeRounded(any, encoded, digits);
            Sntrup761Codec.DecodeRounded(encoded, decoded, digits);
            Assert.Equal(any, decoded);

            var small = Polynomial(_ => random.Next(3) - 1);
            encoded = new byte[Sntrup761Codec.SmallLength];
            Sntrup761Codec.EncodeSmall(small, encoded);
            Sntrup761Codec.DecodeSmall(encoded, decoded);
            Assert.Equal(small, decoded);
        }
    }

    private static short[] Polynomial(Func<int, int> coefficient)
    {
        var polynomial = new short[Sntrup761Ring.Length];
        for (var i = 0; i < P; i++)
            polynomial[i] = (short)coefficient(i);
        return polynomial;
    }

    // The product modulo x^761 - x - 1 and modulo m, term by term.
    private static short[] PlainProduct(short[] left, short[] right, int modulus)
    {
        var product = new long[2 * P];
        for (var i = 0; i < P; i++)
        {
            for (var j = 0; j < P; j++)
                product[i + j] += left[i] * right[j];
        }

        for (var i = (2 * P) - 1; i >= P; i--)
        {
            product[i - P] += product[i];
            product[i - P + 1] += product[i];
        }

        return Polynomial(i => Centred((int)(product[i] % modulus), modulus));
    }

    private static int Centred(int value, int modulus)
    {
        var remainder = ((value % modulus) + modulus) % modulus;
        return remainder > modulus / 2 ? remainder - modulus : remainder;
    }
}
