using Pairwise.TestKit;

namespace Pairwise.Crypto.Tests;

/// <summary>What holds for keys of every algorithm.</summary>
public sealed class KeyContractTests
{
    public static TheoryData<KeyAlgorithm> All => [KeyAlgorithm.X25519, KeyAlgorithm.X448, KeyAlgorithm.Ed25519, KeyAlgorithm.Ed448];

    public static TheoryData<KeyAlgorithm> Signing => [KeyAlgorithm.Ed25519, KeyAlgorithm.Ed448];

    [Theory]
    [MemberData(nameof(All))]
    public void Forms_are_inverse_to_their_parsers(KeyAlgorithm algorithm)
    {
        using var key = Generate(algorithm, new SeededRandom(1));
        Assert.True(PrivateKey.TryFromPkcs8(key.ToPkcs8(), out var parsed));
        using (parsed)
        {
            Assert.Equal(key, parsed);
            Assert.Equal(key.PublicKey, parsed.PublicKey);
        }

        Assert.True(PublicKey.TryFromSpki(key.PublicKey.ToSpki(), out var publicKey));
        Assert.Equal(key.PublicKey, publicKey);
        Assert.Equal(key.PublicKey.GetHashCode(), publicKey.GetHashCode());
        Assert.Equal(key.PublicKey.ToSpki().Length, publicKey.SpkiLength);
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Forms_cut_or_changed_in_their_prefix_are_refused(KeyAlgorithm algorithm)
    {
        using var key = Generate(algorithm, new SeededRandom(2));
        var (spki, pkcs8) = (key.PublicKey.ToSpki(), key.ToPkcs8());
        for (var length = 0; length < spki.Length; length++)
            Assert.False(PublicKey.TryFromSpki(spki.AsSpan(0, length), out _));
        for (var length = 0; length < pkcs8.Length; length++)
            Assert.False(PrivateKey.TryFromPkcs8(pkcs8.AsSpan(0, length), out _));
        Assert.False(PublicKey.TryFromSpki([.. spki, 0], out _));
        Assert.False(PrivateKey.TryFromPkcs8([.. pkcs8, 0], out _));
        for (var i = 0; i < spki.Length - key.Raw.Length; i++)
        {
            spki[i] ^= 0x80;
            Assert.False(PublicKey.TryFromSpki(spki, out _));
            spki[i] ^= 0x80;
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Keys_of_one_algorithm_differ_from_each_other_and_from_other_algorithms(KeyAlgorithm algorithm)
    {
        var random = new SeededRandom(3);
        using var first = Generate(algorithm, random);
        using var second = Generate(algorithm, random);
        Assert.NotEqual(first, second);
        Assert.NotEqual(first.PublicKey, second.PublicKey);
        foreach (var row in All)
        {
            if (row.Data == algorithm)
                continue;
            using var other = Generate(row.Data, new SeededRandom(3));
            Assert.False(first.Equals(other));
            Assert.False(first.PublicKey.Equals(other.PublicKey));
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public void A_disposed_key_gives_nothing_away(KeyAlgorithm algorithm)
    {
        var key = Generate(algorithm, new SeededRandom(4));
        key.Dispose();
        key.Dispose();
        Assert.Throws<ObjectDisposedException>(() => key.Raw.ToArray());
        Assert.Throws<ObjectDisposedException>(key.ToPkcs8);
        if (key is SigningKey signer)
            Assert.Throws<ObjectDisposedException>(() => signer.Sign([1]));
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Nothing_secret_or_identifying_is_printed(KeyAlgorithm algorithm)
    {
        using var key = Generate(algorithm, new SeededRandom(5));
        Assert.Equal("[secret]", key.ToString());
        Assert.Equal($"{algorithm} public key", key.PublicKey.ToString());
    }

    [Theory]
    [MemberData(nameof(Signing))]
    public void A_signature_holds_for_its_message_and_key_only(KeyAlgorithm algorithm)
    {
        var random = new SeededRandom(6);
        using var key = (SigningKey)Generate(algorithm, random);
        using var other = (SigningKey)Generate(algorithm, random);
        var message = random.NextBytes(100);
        var signature = key.Sign(message);
        Assert.Equal(key.PublicKey.SignatureLength, signature.Length);
        Assert.True(key.PublicKey.Verify(message, signature));
        Assert.False(other.PublicKey.Verify(message, signature));
        Assert.False(key.PublicKey.Verify([.. message, 0], signature));
        Assert.False(key.PublicKey.Verify(message, []));
        Assert.False(key.PublicKey.Verify(message, [.. signature, 0]));
        for (var i = 0; i < signature.Length; i++)
        {
            signature[i] ^= 1;
            Assert.False(key.PublicKey.Verify(message, signature));
            signature[i] ^= 1;
        }

        Assert.Throws<ArgumentException>(() => key.Sign(message, new byte[signature.Length - 1]));
    }

    [Theory]
    [MemberData(nameof(Signing))]
    public void Any_bytes_as_a_public_key_verify_nothing_and_do_not_throw(KeyAlgorithm algorithm)
    {
        var random = new SeededRandom(7);
        var length = algorithm == KeyAlgorithm.Ed25519 ? Ed25519PublicKey.RawLength : Ed448PublicKey.RawLength;
        for (var i = 0; i < 200; i++)
        {
            VerificationKey key = algorithm == KeyAlgorithm.Ed25519
                ? Ed25519PublicKey.FromRaw(random.NextBytes(length))
                : Ed448PublicKey.FromRaw(random.NextBytes(length));
            Assert.False(key.Verify([1, 2, 3], random.NextBytes(key.SignatureLength)));
        }
    }

    [Fact]
    public void A_point_of_small_order_gives_a_zero_secret_as_in_the_reference()
    {
        using var x25519 = X25519PrivateKey.Generate(new SeededRandom(8));
        using var zero25519 = x25519.DeriveSharedSecret(X25519PublicKey.FromRaw(new byte[32]));
        Assert.Equal(new byte[32], zero25519.Bytes.ToArray());

        using var x448 = X448PrivateKey.Generate(new SeededRandom(8));
        using var zero448 = x448.DeriveSharedSecret(X448PublicKey.FromRaw(new byte[56]));
        Assert.Equal(new byte[56], zero448.Bytes.ToArray());
    }

    [Fact]
    public void Generated_agreement_keys_are_clamped_where_the_reference_clamps_them()
    {
        var ones = new byte[56];
        ones.AsSpan().Fill(0xff);
        using var x25519 = X25519PrivateKey.Generate(new ReplayRandom(ones.AsMemory(0, 32)));
        Assert.Equal((0xf8, 0x7f), (x25519.Raw[0], x25519.Raw[31]));
        // Ratchet states of the reference hold the X448 bytes as drawn; they are clamped in use.
        using var x448 = X448PrivateKey.Generate(new ReplayRandom(ones));
        Assert.Equal(ones, x448.Raw.ToArray());
        var clamped = ones.ToArray();
        clamped[0] = 0xfc;
        using var same = X448PrivateKey.FromRaw(clamped);
        Assert.Equal(same.PublicKey, x448.PublicKey);
    }

    private static PrivateKey Generate(KeyAlgorithm algorithm, IRandomSource random) => algorithm switch
    {
        KeyAlgorithm.X25519 => X25519PrivateKey.Generate(random),
        KeyAlgorithm.X448 => X448PrivateKey.Generate(random),
        _ => CertificateAuthority.GenerateKey(algorithm, random),
    };
}
