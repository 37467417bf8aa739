using System.Security.Cryptography;
using Pairwise.TestKit;

namespace Pairwise.Crypto.Tests;

/// <summary>The key derivation, beside the platform's own.</summary>
public sealed class HkdfTests
{
    [Fact]
    public void Every_length_agrees_with_the_platforms_derivation()
    {
        var random = new SeededRandom(5869);
        for (var length = 1; length < 300; length++)
        {
            var (salt, secret, info) = (random.NextBytes(random.Next(200)), random.NextBytes(random.Next(300)), random.NextBytes(random.Next(150)));
            Assert.Equal(HKDF.DeriveKey(HashAlgorithmName.SHA512, secret, length, salt, info), HkdfSha512.Derive(salt, secret, info, length));
        }

        // Every way in which what is hashed can end in a block.
        for (var length = 0; length < 400; length++)
        {
            var (salt, secret, info) = (random.NextBytes(length % 3 == 0 ? 0 : length), random.NextBytes(length), random.NextBytes(length));
            Assert.Equal(HKDF.DeriveKey(HashAlgorithmName.SHA512, secret, 150, salt, info), HkdfSha512.Derive(salt, secret, info, 150));
        }

        Assert.Empty(HkdfSha512.Derive([1], [2], [3], 0));
    }

    [Fact]
    public void More_than_255_blocks_cannot_be_derived()
    {
        Assert.Equal(HkdfSha512.MaxLength, HkdfSha512.Derive([], [1], [], HkdfSha512.MaxLength).Length);
        Assert.Throws<ArgumentException>(() => HkdfSha512.Derive([], [1], [], HkdfSha512.MaxLength + 1));
    }

    [Fact]
    public void A_derivation_allocates_nothing()
    {
        var (key, derived) = (new byte[32], new byte[96]);
        HkdfSha512.Derive(key, key, key, derived);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 10; i++)
            HkdfSha512.Derive(key, key, key, derived);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
