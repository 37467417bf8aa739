using Pairwise.TestKit;

namespace Pairwise.Crypto.Tests;

/// <summary>The box, whole and in pieces, in place, and under every kind of damage.</summary>
public sealed class BoxTests
{
    private readonly SeededRandom _random = new(20_26);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(31)]
    [InlineData(32)]
    [InlineData(33)]
    [InlineData(16_368)]
    public void Boxes_are_sealed_and_opened_in_place(int length)
    {
        using var key = BoxKey.FromSymmetric(_random.NextBytes(32));
        var (nonce, message) = (_random.NextBytes(24), _random.NextBytes(length));
        var separate = key.Seal(nonce, message);

        var block = new byte[length + BoxKey.TagLength];
        message.CopyTo(block, BoxKey.TagLength);
        key.Seal(nonce, block.AsSpan(BoxKey.TagLength), block);
        Assert.Equal(separate, block);
        Assert.True(key.TryOpen(nonce, block, block.AsSpan(BoxKey.TagLength)));
        Assert.Equal(message, block[BoxKey.TagLength..]);
    }

    [Theory]
    [InlineData(5)]
    [InlineData(32)]
    [InlineData(1_000)]
    public void Memory_may_overlap_with_an_offset(int length)
    {
        using var key = BoxKey.FromSymmetric(_random.NextBytes(32));
        var (nonce, message) = (_random.NextBytes(24), _random.NextBytes(length));
        var separate = key.Seal(nonce, message);

        var fromStart = new byte[separate.Length];
        message.CopyTo(fromStart, 0);
        key.Seal(nonce, fromStart.AsSpan(0, length), fromStart);
        Assert.Equal(separate, fromStart);
        Assert.True(key.TryOpen(nonce, fromStart, fromStart.AsSpan(0, length)));
        Assert.Equal(message, fromStart[..length]);
    }

    [Fact]
    public void A_box_with_any_bit_changed_or_any_byte_missing_does_not_open()
    {
        using var key = BoxKey.FromSymmetric(_random.NextBytes(32));
        var nonce = _random.NextBytes(24);
        var box = key.Seal(nonce, _random.NextBytes(40));
        for (var bit = 0; bit < box.Length * 8; bit++)
        {
            box[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(key.TryOpen(nonce, box, out byte[]? _));
            box[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        for (var length = 0; length < box.Length; length++)
            Assert.False(key.TryOpen(nonce, box.AsSpan(0, length), out byte[]? _));
        nonce[23] ^= 1;
        Assert.False(key.TryOpen(nonce, box, out byte[]? _));
    }

    [Fact]
    public void The_tail_tag_form_holds_the_same_bytes_in_another_order()
    {
        using var key = BoxKey.FromSymmetric(_random.NextBytes(32));
        var (nonce, message) = (_random.NextBytes(24), _random.NextBytes(1000));
        var box = key.Seal(nonce, message);
        var tailTag = new byte[box.Length];
        key.SealTailTag(nonce, message, tailTag);
        Assert.Equal([.. box[16..], .. box[..16]], tailTag);
        var opened = new byte[message.Length];
        Assert.True(key.TryOpenTailTag(nonce, tailTag, opened));
        Assert.Equal(message, opened);
        tailTag[^1] ^= 1;
        Assert.False(key.TryOpenTailTag(nonce, tailTag, opened));
        Assert.False(key.TryOpenTailTag(nonce, tailTag.AsSpan(0, 15), []));
    }

    [Fact]
    public void Pieces_of_any_length_give_the_bytes_of_one_box()
    {
        for (var round = 0; round < 100; round++)
        {
            using var key = BoxKey.FromSymmetric(_random.NextBytes(32));
            var (nonce, message) = (_random.NextBytes(24), _random.NextBytes(_random.Next(700)));
            var expected = key.Seal(nonce, message);

            var (ciphertext, tag) = (new byte[message.Length], new byte[16]);
            using (var stream = key.StartStream(nonce))
            {
                InPieces(message.Length, (start, count) => stream.Encrypt(message.AsSpan(start, count), ciphertext.AsSpan(start, count)));
                stream.Finish(tag);
                Assert.Throws<InvalidOperationException>(() => stream.Encrypt([1], new byte[1]));
            }

            Assert.Equal(expected, tag.Concat(ciphertext));
            Decrypt(key, nonce, ciphertext, tag, isAuthentic: true);
            tag[_random.Next(16)] ^= 4;
            Decrypt(key, nonce, ciphertext, tag, isAuthentic: false);

            void Decrypt(BoxKey decryptionKey, byte[] decryptionNonce, byte[] source, byte[] expectedTag, bool isAuthentic)
            {
                using var stream = decryptionKey.StartStream(decryptionNonce);
                var plaintext = (byte[])source.Clone();
                InPieces(source.Length, (start, count) => stream.Decrypt(plaintext.AsSpan(start, count), plaintext.AsSpan(start, count)));
                Assert.Equal(isAuthentic, stream.TryFinish(expectedTag));
                Assert.Equal(message, plaintext);
            }
        }
    }

    [Fact]
    public void Two_ends_of_a_session_read_each_others_blocks_in_order_only()
    {
        var (sessionId, secretBytes) = (_random.NextBytes(32), _random.NextBytes(32));
        using var secret = SharedSecret.FromBytes(secretBytes);
        var (sends, unusedClient) = SecretBoxChain.Init(sessionId, secret);
        var (receives, otherDirection) = SecretBoxChain.Init(sessionId, secret);
        using (sends)
        using (unusedClient)
        using (receives)
        using (otherDirection)
        {
            var block = new byte[16_384];
            for (var i = 0; i < 3; i++)
            {
                var content = _random.NextBytes(block.Length - 16);
                content.CopyTo(block, 16);
                sends.Seal(block.AsSpan(16), block);
                Assert.True(receives.TryOpen(block, block.AsSpan(16)));
                Assert.Equal(content, block[16..]);
            }

            sends.Seal(block.AsSpan(16), block);
            var skipped = (byte[])block.Clone();
            sends.Seal(block.AsSpan(16), block);
            Assert.False(receives.TryOpen(block, new byte[block.Length - 16]));
            Assert.False(receives.TryOpen(skipped, new byte[block.Length - 16]));
            Assert.False(receives.TryOpen([1, 2, 3], []));
        }
    }

    [Fact]
    public void Block_encryption_allocates_nothing()
    {
        using var secret = SharedSecret.FromBytes(_random.NextBytes(32));
        var (sends, other) = SecretBoxChain.Init(_random.NextBytes(32), secret);
        using (other)
        using (sends)
        {
            var block = new byte[16_384];
            sends.Seal(block.AsSpan(16), block);
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 10; i++)
                sends.Seal(block.AsSpan(16), block);
            Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        }
    }

    [Fact]
    public void Keys_and_nonces_of_a_wrong_length_are_the_callers_mistake()
    {
        Assert.Throws<ArgumentException>(() => BoxKey.FromSymmetric(new byte[31]));
        using var x448 = SharedSecret.FromBytes(new byte[56]);
        Assert.Throws<ArgumentException>(() => BoxKey.From(x448));
        using var key = BoxKey.FromSymmetric(new byte[32]);
        Assert.Throws<ArgumentException>(() => key.Seal(new byte[23], [1]));
        Assert.Throws<ArgumentException>(() => key.Seal(new byte[24], new byte[5], new byte[20]));
        Assert.Equal("[secret]", key.ToString());
        key.Dispose();
        Assert.Throws<ObjectDisposedException>(() => key.Seal(new byte[24], [1]));
    }

    private void InPieces(int length, Action<int, int> act)
    {
        for (var start = 0; start < length;)
        {
            var count = Math.Min(1 + _random.Next(150), length - start);
            act(start, count);
            start += count;
        }
    }
}
