using System.Text;
using Pairwise.Chat.Protocol;
using Pairwise.TestKit;

namespace Pairwise.Chat.Tests.Protocol;

public sealed class ChatBodyTests
{
    [Fact]
    public void Reading_never_throws_on_damaged_bodies()
    {
        var random = SeededRandom.Usual();
        TestContext.Current.SendDiagnosticMessage("seed {0}", random.Seed);
        var corpus = VectorFile.Load("chat_messages.json").Records
            .Select(record => record.Kind switch
            {
                "chatMessage" => Encoding.UTF8.GetBytes(record.String("input")),
                "fileChunk" or "compressed" or "compressedParse" => record.Bytes("encoded"),
                _ => [],
            })
            .ToArray();
        var valid = 0;
        for (var round = 0; round < 20_000; round++)
        {
            var body = corpus[random.Next(corpus.Length)].ToArray();
            for (var change = random.Next(4); change > 0 && body.Length > 0; change--)
                body[random.Next(body.Length)] = (byte)random.Next(256);
            if (random.Next(4) == 0 && body.Length > 0)
                body = body[..random.Next(body.Length)];
            foreach (var item in ChatBody.Decode(body))
            {
                if (item is not ChatBodyItem.Message { Value: var message })
                    continue;
                valid++;
                _ = (message.Content?.Display, message.Profile?.Display, message.Target, message.IsForwarded);
                Assert.True(ChatMessageCodec.TryDecode(ChatMessageCodec.Encode(message), out var again), $"seed {random.Seed}");
                Assert.Equal(ChatMessageCodec.Encode(message), ChatMessageCodec.Encode(again));
            }
        }

        Assert.True(valid > 1000, "The changes leave enough bodies valid to mean something.");
    }

    [Theory]
    [InlineData("")]
    [InlineData("[")]
    [InlineData("{\"v\":\"1\",\"event\":\"x.ok\",\"params\":{},\"msgId\":\"\\ud800\"}")]
    [InlineData("{\"v\":\"1\",\"event\":\"x.info\",\"params\":{\"profile\":{\"displayName\":\"\\ud800\",\"fullName\":\"\"}}}")]
    [InlineData("{\"v\":\"1\",\"event\":\"x.future\",\"params\":{\"\\ud800\":1}}")]
    [InlineData("{\"v\":1,\"event\":\"x.ok\",\"params\":{}}")]
    [InlineData("{\"v\":\"1\",\"event\":\"x.msg.new\",\"params\":{\"content\":{\"type\":1}}}")]
    public void Invalid_text_is_an_invalid_item(string body) =>
        Assert.IsType<ChatBodyItem.Invalid>(Assert.Single(ChatBody.Decode(Encoding.UTF8.GetBytes(body))));

    [Fact]
    public void Deep_nesting_is_invalid()
    {
        var body = string.Concat(Enumerable.Repeat("[", 5000)) + string.Concat(Enumerable.Repeat("]", 5000));
        Assert.IsType<ChatBodyItem.Invalid>(Assert.Single(ChatBody.Decode(Encoding.UTF8.GetBytes(body))));
    }

    [Fact]
    public void Parts_may_not_expand_beyond_the_limit()
    {
        var bomb = CompressedParts.Encode(new byte[ChatMessageLimits.MaxDecompressedLength + 1]);
        Assert.IsType<ChatBodyItem.Invalid>(Assert.Single(ChatBody.Decode(bomb)));
        var largest = CompressedParts.Encode(new byte[ChatMessageLimits.MaxDecompressedLength]);
        Assert.True(CompressedParts.TryDecode(largest, out var parts));
        Assert.Equal(ChatMessageLimits.MaxDecompressedLength, Assert.Single(parts)!.Length);
        // Two parts of the largest size: the second is over.
        byte[] two = [(byte)'X', 2, .. largest[2..], .. largest[2..]];
        Assert.True(CompressedParts.TryDecode(two, out parts));
        Assert.Null(parts[1]);
    }

    [Fact]
    public void Compressed_body_inside_a_compressed_one_is_invalid()
    {
        var inner = CompressedParts.Encode("{\"v\":\"1\",\"event\":\"x.ok\",\"params\":{}}"u8);
        Assert.IsType<ChatBodyItem.Invalid>(Assert.Single(ChatBody.Decode(CompressedParts.Encode(inner))));
    }

    [Fact]
    public void Message_is_compressed_only_when_the_ratchet_leaves_no_room()
    {
        var message = ChatMessage.NewText(SharedMessageId.Create(new SeededRandom(1)), new string('a', 14_000));
        Assert.True(ChatBody.TryEncode(message, ChatMessageLimits.MaxMessageLength, null, out var plain));
        Assert.Equal((byte)'{', plain[0]);
        Assert.True(ChatBody.TryEncode(message, ChatMessageLimits.MaxMessageLength, ChatMessageLimits.MaxCompressedMessageLength, out var compressed));
        Assert.Equal((byte)'X', compressed[0]);
        Assert.Equal(message.Content, Assert.IsType<ChatBodyItem.Message>(Assert.Single(ChatBody.Decode(compressed))).Value.Content);

        var tooLong = ChatMessage.NewText(SharedMessageId.Create(new SeededRandom(1)), new string('a', 15_600));
        Assert.False(ChatBody.TryEncode(tooLong, ChatMessageLimits.MaxMessageLength, null, out _));
    }
}
