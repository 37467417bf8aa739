using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Pairwise.Chat.Protocol;
using Pairwise.TestKit;
using Pairwise.Wire;

namespace Pairwise.Chat.Tests.Protocol;

/// <summary>Chat messages as the reference parses and writes them: every record of chat_messages.json.</summary>
public sealed class ChatMessageVectorTests
{
    [Fact]
    public void Every_record_of_the_reference_holds() => VectorFile.Load("chat_messages.json").Check(
        new Dictionary<string, Action<VectorRecord>>
        {
            ["chatMessage"] = CheckMessage,
            ["fileChunk"] = CheckFileChunk,
            ["compressed"] = CheckCompressed,
            ["compressedParse"] = record => CheckItems(record["messages"], ChatBody.Decode(record.Bytes("encoded"))),
            ["batching"] = CheckBatching,
            ["limits"] = CheckLimits,
        });

    private static void CheckMessage(VectorRecord record) =>
        CheckItems(record["messages"], ChatBody.Decode(Encoding.UTF8.GetBytes(record.String("input"))));

    private static void CheckItems(JsonElement expected, IReadOnlyList<ChatBodyItem> items)
    {
        Assert.Equal(expected.GetArrayLength(), items.Count);
        foreach (var (want, item) in expected.EnumerateArray().Zip(items))
        {
            if (want.GetProperty("parse").GetString() != "ok")
            {
                Assert.IsType<ChatBodyItem.Invalid>(item);
                continue;
            }

            var message = Assert.IsType<ChatBodyItem.Message>(item).Value;
            Assert.Equal(want.GetProperty("canonical").GetString(), Encoding.UTF8.GetString(ChatMessageCodec.Encode(message)));
            Assert.Equal(want.GetProperty("versionRange").GetString(), message.Versions.ToString());
            Assert.Equal(want.GetProperty("msgId").GetString(), message.Id is { } id ? Convert.ToHexStringLower(id.Value.Span) : null);
            Assert.Equal(want.GetProperty("event").GetString(), message.Tag);
            Assert.Equal(want.GetProperty("notification").GetBoolean(), message.IsNotifying);
            Assert.Equal(want.GetProperty("deliveryReceipt").GetBoolean(), message.HasReceipt);
            Assert.Equal(want.GetProperty("forwardedInGroup").GetBoolean(), message.IsForwarded);
            Assert.Equal(want.GetProperty("unknownEvent").GetBoolean(), !message.IsKnown);
        }
    }

    private static void CheckFileChunk(VectorRecord record)
    {
        var id = new SharedMessageId(Bytes.CopyOf(record.Bytes("sharedMsgId")));
        var chunk = record["chunk"].ValueKind == JsonValueKind.String
            ? FileChunk.Cancelled
            : new FileChunk(record["chunk"].GetProperty("number").GetUInt32(), Bytes.CopyOf(record["chunk"].Bytes("bytes")));
        var encoded = record.Bytes("encoded");
        var item = Assert.IsType<ChatBodyItem.Chunk>(Assert.Single(ChatBody.Decode(encoded)));
        Assert.Equal(id, item.File);
        Assert.Equal(chunk, item.Value);
        Assert.Equal(encoded, chunk.EncodeInline(id));
        Assert.Equal(record.Bytes("directFileEncoding"), chunk.EncodeDirect());
        Assert.True(FileChunk.TryDecodeDirect(chunk.EncodeDirect(), out var direct));
        Assert.Equal(chunk, direct);
    }

    private static void CheckCompressed(VectorRecord record)
    {
        Assert.True(CompressedParts.TryDecode(record.Bytes("encoded"), out var parts));
        var body = Assert.Single(parts)!;
        if (record.Has("body"))
            Assert.Equal(record.String("body"), Encoding.UTF8.GetString(body));
        else
            Assert.Equal(record["bodyDigest"].GetProperty("sha256").GetString(), Convert.ToHexStringLower(SHA256.HashData(body)));

        var ours = CompressedParts.Encode(body);
        Assert.True(CompressedParts.TryDecode(ours, out parts));
        Assert.Equal(body, Assert.Single(parts));
        if (record.Has("passthrough") && record.Bool("passthrough"))
            Assert.Equal(record.Bytes("encoded"), ours);
    }

    private static void CheckBatching(VectorRecord record)
    {
        var bodies = record["bodies"].EnumerateArray().Select(body => Encoding.UTF8.GetBytes(body.GetString()!)).ToArray();
        var batches = ChatBatch.Split(bodies, record.Int("maxLength")).Select(batch => batch is null ? null : Encoding.UTF8.GetString(batch));
        var expected = record["batches"].EnumerateArray().Select(batch => batch.ValueKind == JsonValueKind.String ? batch.GetString() : null);
        Assert.Equal(expected, batches);
    }

    private static void CheckLimits(VectorRecord record)
    {
        Assert.Equal(ChatMessageLimits.MaxMessageLength, record.Int("maxEncodedMsgLength"));
        Assert.Equal(ChatMessageLimits.MaxCompressedMessageLength, record.Int("maxCompressedMsgLength"));
        Assert.Equal(ChatMessageLimits.MaxInfoLength, record.Int("maxEncodedInfoLength"));
        Assert.Equal(ChatMessageLimits.MaxCompressedInfoLength, record.Int("maxCompressedInfoLength"));
        Assert.Equal(record.String("chatVersionRange"), ChatVersions.Supported.ToString());
    }
}
