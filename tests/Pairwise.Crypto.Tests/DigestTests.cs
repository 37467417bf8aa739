using System.Security.Cryptography;
using Pairwise.TestKit;
using Xunit;

namespace Pairwise.Crypto.Tests;

/// <summary>SHA-512 is called by functions of OpenSSL that the runtime does not use: the runtime's says whether they are right.</summary>
public sealed class DigestTests
{
    private readonly SeededRandom _random = new(20_261_121);

    [Fact]
    public void Sha512_is_that_of_the_runtime_at_every_length()
    {
        for (var length = 0; length < 400; length++)
        {
            var message = _random.NextBytes(length);
            Assert.Equal(SHA512.HashData(message), Digests.Sha512(message));
        }

        var longer = _random.NextBytes(1_000_003);
        Assert.Equal(SHA512.HashData(longer), Digests.Sha512(longer));
    }

    [Fact]
    public void A_digest_may_be_written_over_its_message()
    {
        var bytes = _random.NextBytes(300);
        var expected = SHA512.HashData(bytes);
        Digests.Sha512(bytes, bytes.AsSpan(100, Digests.Sha512Length));
        Assert.Equal(expected, bytes.AsSpan(100, Digests.Sha512Length).ToArray());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(63)]
    [InlineData(65)]
    public void A_destination_has_the_length_of_the_digest(int length) =>
        Assert.Throws<ArgumentException>(() => Digests.Sha512([1], new byte[length]));
}
