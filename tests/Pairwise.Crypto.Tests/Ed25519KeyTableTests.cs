using System.Numerics;
using Pairwise.Crypto.Interop;
using Pairwise.TestKit;
using static Pairwise.Crypto.Tests.EdwardsReference;

namespace Pairwise.Crypto.Tests;

/// <summary>
/// Verification with a table says what <see cref="Ed25519PublicKey.Verify"/> says, and what OpenSSL says, of signatures of
/// every kind. The two libraries differ about an R of small order, which only OpenSSL takes.
/// </summary>
public sealed class Ed25519KeyTableTests
{
    private const int Seed = 8032;

    public Ed25519KeyTableTests() => Assert.SkipUnless(Ed25519KeyTable.IsSupported, "this processor has no AVX2");

    // RFC 8032, 7.1: tests 1, 2, 3 and "SHA(abc)".
    [Theory]
    [InlineData(
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b")]
    [InlineData(
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")]
    [InlineData(
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a")]
    [InlineData(
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704")]
    public void Known_signatures_are_right(string key, string message, string signature)
    {
        var judges = new Judges(Convert.FromHexString(key));
        Assert.True(judges.Agree(Convert.FromHexString(message), Convert.FromHexString(signature)));
    }

    [Fact]
    public void Signatures_of_any_length_and_all_their_faults_are_judged_alike()
    {
        var random = new SeededRandom(Seed);
        for (var i = 0; i < 60; i++)
        {
            using var key = Ed25519PrivateKey.Generate(random);
            var judges = new Judges(key.PublicKey.Raw.ToArray());
            for (var j = 0; j < 8; j++)
            {
                // Around the blocks of the hash, around what is copied, and longer.
                var message = random.NextBytes(j < 6 ? random.Next(300) : j == 6 ? 1015 + random.Next(20) : random.Next(20_000));
                var signature = key.Sign(message);
                Assert.True(judges.Agree(message, signature), $"seed {Seed}, key {i}, message {j}");
                foreach (var faulty in Faults(signature, random))
                    Assert.False(judges.Agree(message, faulty), $"seed {Seed}, key {i}, message {j}");
                Assert.False(judges.Agree([.. message, 0], signature));
                if (message.Length > 0)
                {
                    message[random.Next(message.Length)] ^= (byte)(1 << random.Next(8));
                    Assert.False(judges.Agree(message, signature));
                }
            }
        }
    }

    [Fact]
    public void Flipped_bits_are_noticed_one_by_one()
    {
        using var key = Ed25519PrivateKey.Generate(new SeededRandom(Seed));
        var message = new byte[] { 1, 2, 3 };
        var signature = key.Sign(message);
        var judges = new Judges(key.PublicKey.Raw.ToArray());
        for (var bit = 0; bit < 512; bit++)
        {
            signature[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(judges.Agree(message, signature), $"bit {bit}");
            signature[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        for (var bit = 0; bit < 256; bit++)
        {
            var raw = key.PublicKey.Raw.ToArray();
            raw[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Equal(Decode(raw) is not null, Ed25519KeyTable.TryCreate(Ed25519PublicKey.FromRaw(raw)) is not null);
            if (Decode(raw) is not null)
                Assert.False(new Judges(raw).Agree(message, signature), $"bit {bit} of the key");
        }
    }

    [Fact]
    public void Signatures_of_a_wrong_length_are_wrong()
    {
        using var key = Ed25519PrivateKey.Generate(new SeededRandom(Seed));
        var table = Ed25519KeyTable.TryCreate(key.PublicKey)!;
        var signature = key.Sign([]);
        Assert.True(table.Verify([], signature));
        for (var length = 0; length < 64; length++)
            Assert.False(table.Verify([], signature.AsSpan(0, length)));
        Assert.False(table.Verify([], [.. signature, 0]));
    }

    // Keys and R with a part of small order: a check with the factor 8 of RFC 8032 takes them all, one without only those
    // where the parts happen to cancel out.
    [Fact]
    public void Points_with_a_part_of_small_order_are_judged_alike()
    {
        var random = new SeededRandom(Seed);
        var (right, wrong) = (0, 0);
        for (var i = 0; i < 8; i++)
        {
            var a = EdwardsReference.Number(random.NextBytes(32)) % L;
            var key = Encode(Add(Multiply(a, Base), Torsion[i]));
            var judges = new Judges(key);
            for (var j = 0; j < 8; j++)
            {
                for (var round = 0; round < 8; round++)
                {
                    var message = random.NextBytes(40);
                    var r = EdwardsReference.Number(random.NextBytes(32)) % L;
                    var encodedR = Encode(Add(Multiply(r, Base), Torsion[j]));
                    var s = (r + (Hash(encodedR, key, message) * a)) % L;
                    var isRight = judges.Agree(message, [.. encodedR, .. Bytes(s)]);
                    right += isRight ? 1 : 0;
                    wrong += isRight ? 0 : 1;
                }
            }
        }

        Assert.True(right > 20 && wrong > 200, $"{right} right, {wrong} wrong");
    }

    [Fact]
    public void An_R_of_small_order_is_refused_even_where_the_equation_holds()
    {
        var random = new SeededRandom(Seed);
        var holds = 0;
        for (var i = 0; i < 8; i++)
        {
            var a = EdwardsReference.Number(random.NextBytes(32)) % L;
            var key = Encode(Add(Multiply(a, Base), Torsion[i]));
            var judges = new Judges(key);
            for (var j = 0; j < 8; j++)
            {
                for (var round = 0; round < 6; round++)
                {
                    var message = random.NextBytes(40);
                    var r = Encode(Torsion[j]);
                    byte[] signature = [.. r, .. Bytes(Hash(r, key, message) * a % L)];
                    holds += judges.IsRightByOpenSsl(message, signature) ? 1 : 0;
                    Assert.False(judges.AgreeWithSodium(message, signature));
                }
            }
        }

        Assert.True(holds > 20, $"{holds}");
    }

    [Fact]
    public void Encodings_that_are_not_the_only_one_are_wrong()
    {
        var random = new SeededRandom(Seed);
        var a = EdwardsReference.Number(random.NextBytes(32)) % L;
        var key = Encode(Multiply(a, Base));
        var judges = new Judges(key);
        for (var y = P; y < BigInteger.Pow(2, 255); y++)
        {
            foreach (var sign in new[] { 0, BigInteger.Pow(2, 255) })
            {
                // As R, with the s that would be right if R were the neutral element; and as a key.
                var encoded = Bytes(y + sign);
                var message = random.NextBytes(20);
                Assert.False(judges.Agree(message, [.. encoded, .. Bytes(Hash(encoded, key, message) * a % L)]));
                Assert.Null(Ed25519KeyTable.TryCreate(Ed25519PublicKey.FromRaw(encoded)));
                Assert.False(Ed25519PublicKey.FromRaw(encoded).Verify(message, [.. encoded, .. Bytes(0)]));
            }
        }
    }

    [Fact]
    public void There_is_no_table_for_a_key_under_which_nothing_is_right()
    {
        var random = new SeededRandom(Seed);
        foreach (var raw in Torsion.Select(Encode).Concat([Bytes(2), Bytes(1 + BigInteger.Pow(2, 255))]))
        {
            var key = Ed25519PublicKey.FromRaw(raw);
            Assert.Null(Ed25519KeyTable.TryCreate(key));
            for (var round = 0; round < 16; round++)
            {
                // R = rB and s = r: right for OpenSSL whenever h is a multiple of the key's order.
                var r = EdwardsReference.Number(random.NextBytes(32)) % L;
                Assert.False(key.Verify(random.NextBytes(round), [.. Encode(Multiply(r, Base)), .. Bytes(r)]));
            }
        }
    }

    [Fact]
    public async Task A_table_may_be_used_by_several_threads()
    {
        using var key = Ed25519PrivateKey.Generate(new SeededRandom(Seed));
        var table = Ed25519KeyTable.TryCreate(key.PublicKey)!;
        await Task.WhenAll(Enumerable.Range(0, 4).Select(thread => Task.Run(() =>
        {
            for (var i = 0; i < 200; i++)
            {
                var message = new[] { (byte)thread, (byte)i };
                var signature = key.Sign(message);
                Assert.True(table.Verify(message, signature));
                signature[i % 64] ^= 1;
                Assert.False(table.Verify(message, signature));
            }
        })));
    }

    // Changes none of which leaves a signature right.
    private static IEnumerable<byte[]> Faults(byte[] signature, SeededRandom random)
    {
        var (r, s) = (signature[..32], EdwardsReference.Number(signature.AsSpan(32)));
        for (var i = 0; i < 4; i++)
        {
            var flipped = signature.ToArray();
            flipped[random.Next(64)] ^= (byte)(1 << random.Next(8));
            yield return flipped;
        }

        yield return [.. r, .. Bytes(s + L)];
        yield return [.. r, .. Bytes(s + BigInteger.Pow(2, 253))];
        yield return [.. r, .. Bytes(s + BigInteger.Pow(2, 255))];
        yield return [.. r, .. Bytes(L - s)];
        yield return [.. r, .. Bytes((s + 1) % L)];
        yield return [.. r, .. random.NextBytes(32)];
        yield return [.. r, .. new byte[32]];
        yield return [.. r, .. Bytes(BigInteger.Pow(2, 256) - 1)];
        yield return [.. random.NextBytes(32), .. signature.AsSpan(32)];
        yield return [.. new byte[32], .. signature.AsSpan(32)];
        yield return [.. signature.AsSpan(32), .. r];
    }

    // The table, libsodium and OpenSSL.
    private sealed class Judges(byte[] raw)
    {
        private readonly Ed25519PublicKey _key = Ed25519PublicKey.FromRaw(raw);

        private readonly Ed25519KeyTable _table = Ed25519KeyTable.TryCreate(Ed25519PublicKey.FromRaw(raw))
            ?? throw new InvalidOperationException("There is no table for this key.");

        internal bool Agree(byte[] message, byte[] signature)
        {
            var isRight = AgreeWithSodium(message, signature);
            Assert.Equal(IsRightByOpenSsl(message, signature), isRight);
            return isRight;
        }

        internal bool AgreeWithSodium(byte[] message, byte[] signature)
        {
            var isRight = _table.Verify(message, signature);
            Assert.Equal(_key.Verify(message, signature), isRight);
            return isRight;
        }

        internal bool IsRightByOpenSsl(byte[] message, byte[] signature) => Evp.Verify(LibCrypto.EvpPkeyEd25519, raw, message, signature);
    }
}
