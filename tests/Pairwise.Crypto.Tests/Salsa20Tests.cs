using Pairwise.TestKit;

namespace Pairwise.Crypto.Tests;

/// <summary>Every way to compute the key stream gives libsodium's bytes, and boxes made of it are the same.</summary>
public sealed class Salsa20Tests
{
    private const int Margin = 64;
    private const int LongestOfAll = 2_100;

    private readonly SeededRandom _random = new(20_08);

    public static TheoryData<ulong> FirstBlocks =>
        [0, 1, 4, uint.MaxValue - 20UL, uint.MaxValue - 3UL, uint.MaxValue, uint.MaxValue + 1UL, (7UL << 32) - 9, ulong.MaxValue - 20, ulong.MaxValue - 2];

    [Theory]
    [MemberData(nameof(FirstBlocks))]
    public void Vectors_give_the_bytes_of_libsodium_at_every_length(ulong block)
    {
        SkipWithoutVectors();
        var (key, nonce, source) = (_random.NextBytes(32), _random.NextBytes(8), _random.NextBytes(LongestOfAll));
        for (var length = 0; length <= LongestOfAll; length++)
            Compare(key, nonce, block, source.AsSpan(0, length), _random.Next(Margin));
    }

    [Fact]
    public void Vectors_give_the_bytes_of_libsodium_at_every_place_in_memory()
    {
        SkipWithoutVectors();
        foreach (var length in (int[])[1, 63, 256, 300, 1_024, 1_500, 16_368])
        {
            for (var place = 0; place < Margin; place++)
                Compare(_random.NextBytes(32), _random.NextBytes(8), (ulong)_random.Next(1_000), _random.NextBytes(length), place);
        }
    }

    [Fact]
    public void Vectors_give_the_bytes_of_libsodium_for_long_content()
    {
        SkipWithoutVectors();
        for (var round = 0; round < 60; round++)
        {
            var block = (ulong)uint.MaxValue - (ulong)_random.Next(3_000);
            Compare(_random.NextBytes(32), _random.NextBytes(8), block, _random.NextBytes(_random.Next(200_000)), _random.Next(Margin));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_key_stream_continues_where_another_call_ended(bool areVectors)
    {
        var path = PathOf(areVectors);
        var (key, nonce, content) = (_random.NextBytes(32), _random.NextBytes(8), _random.NextBytes(100 * Salsa20.BlockLength));
        var whole = new byte[content.Length];
        Salsa20.Xor(path, key, nonce, 5, content, whole);
        for (var start = 0; start < content.Length;)
        {
            var count = Math.Min((1 + _random.Next(40)) * Salsa20.BlockLength, content.Length - start);
            Salsa20.Xor(path, key, nonce, 5 + (ulong)(start / Salsa20.BlockLength), content.AsSpan(start, count), content.AsSpan(start, count));
            start += count;
        }

        Assert.Equal(whole, content);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Key_nonce_and_destination_of_a_wrong_length_are_the_callers_mistake(bool areVectors)
    {
        var path = PathOf(areVectors);
        var content = new byte[10];
        Assert.Throws<ArgumentException>(() => Salsa20.Xor(path, new byte[31], new byte[8], 0, content, content));
        Assert.Throws<ArgumentException>(() => Salsa20.Xor(path, new byte[32], new byte[7], 0, content, content));
        Assert.Throws<ArgumentException>(() => Salsa20.Xor(path, new byte[32], new byte[8], 0, content, new byte[9]));
    }

    [Fact]
    public void Boxes_of_every_length_are_the_same_by_each_path_and_open_by_the_other()
    {
        SkipWithoutVectors();
        using var key = BoxKey.FromSymmetric(_random.NextBytes(32));
        var nonce = _random.NextBytes(24);
        var message = _random.NextBytes(17_000);
        for (var length = 0; length <= message.Length; length += length < LongestOfAll ? 1 : 997)
        {
            var content = message.AsSpan(0, length);
            var (expected, box) = (new byte[length + BoxKey.TagLength], new byte[length + BoxKey.TagLength]);
            key.Seal(nonce, content, expected, Salsa20Path.Libsodium);
            content.CopyTo(box.AsSpan(BoxKey.TagLength));
            key.Seal(nonce, box.AsSpan(BoxKey.TagLength), box, Salsa20Path.Vectors);
            AssertSame(expected, box, length);

            Assert.True(key.TryOpen(nonce, box, box.AsSpan(BoxKey.TagLength), Salsa20Path.Vectors));
            AssertSame(content, box.AsSpan(BoxKey.TagLength), length);
            Assert.True(key.TryOpen(nonce, expected, box.AsSpan(0, length), Salsa20Path.Libsodium));
            AssertSame(content, box.AsSpan(0, length), length);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Content_in_pieces_gives_the_bytes_of_one_box(bool areVectors)
    {
        var path = PathOf(areVectors);
        using var key = BoxKey.FromSymmetric(_random.NextBytes(32));
        for (var round = 0; round < 30; round++)
        {
            var (nonce, message) = (_random.NextBytes(24), _random.NextBytes(_random.Next(100_000)));
            var longest = 1 + _random.Next(30_000);
            var (expected, pieces) = (new byte[message.Length + BoxKey.TagLength], (byte[])message.Clone());
            key.Seal(nonce, message, expected, Salsa20Path.Libsodium);
            using (var encryption = key.StartStream(nonce, path))
            {
                InPieces(pieces, longest, piece => encryption.Encrypt(piece.Span, piece.Span));
                encryption.Finish(expected.AsSpan(0, BoxKey.TagLength));
            }

            AssertSame(expected.AsSpan(BoxKey.TagLength), pieces, message.Length);
            Assert.True(key.TryOpen(nonce, expected, new byte[message.Length], Salsa20Path.Libsodium));
            using var decryption = key.StartStream(nonce, path);
            InPieces(pieces, longest, piece => decryption.Decrypt(piece.Span, piece.Span));
            Assert.True(decryption.TryFinish(expected.AsSpan(0, BoxKey.TagLength)));
            AssertSame(message, pieces, message.Length);
        }
    }

    private static void SkipWithoutVectors() => Assert.SkipUnless(Salsa20Vectors.IsSupported, "This processor has no 512-bit vectors.");

    private static Salsa20Path PathOf(bool areVectors)
    {
        if (areVectors)
            SkipWithoutVectors();
        return areVectors ? Salsa20Path.Vectors : Salsa20Path.Libsodium;
    }

    /// <summary>Compares both paths, into other memory and in place, and that nothing around the destination changes.</summary>
    private static void Compare(byte[] key, byte[] nonce, ulong block, ReadOnlySpan<byte> source, int place)
    {
        var expected = new byte[source.Length];
        Salsa20.Xor(Salsa20Path.Libsodium, key, nonce, block, source, expected);

        var memory = new byte[Margin + source.Length + Margin];
        memory.AsSpan().Fill(0xa5);
        var destination = memory.AsSpan(place, source.Length);
        Salsa20.Xor(Salsa20Path.Vectors, key, nonce, block, source, destination);
        AssertSame(expected, destination, source.Length);

        source.CopyTo(destination);
        Salsa20.Xor(Salsa20Path.Vectors, key, nonce, block, destination, destination);
        AssertSame(expected, destination, source.Length);
        Assert.False(memory.AsSpan(0, place).ContainsAnyExcept((byte)0xa5), $"bytes before {source.Length} changed");
        Assert.False(memory.AsSpan(place + source.Length).ContainsAnyExcept((byte)0xa5), $"bytes behind {source.Length} changed");
    }

    private static void AssertSame(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> actual, int length) =>
        Assert.True(expected.SequenceEqual(actual), $"{length} bytes differ from number {expected.CommonPrefixLength(actual)} on");

    private void InPieces(byte[] bytes, int longest, Action<Memory<byte>> act)
    {
        for (var start = 0; start < bytes.Length;)
        {
            var count = Math.Min(1 + _random.Next(longest), bytes.Length - start);
            act(bytes.AsMemory(start, count));
            start += count;
        }
    }
}
