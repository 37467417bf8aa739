using System.Text.Json;
using Pairwise.Wire;

namespace Pairwise.Chat.Protocol;

/// <summary>One item of a received body.</summary>
public abstract record ChatBodyItem
{
    private protected ChatBodyItem()
    {
    }

    /// <summary>A chat message in JSON.</summary>
    public sealed record Message(ChatMessage Value) : ChatBodyItem;

    /// <summary>A piece of a file inside the conversation.</summary>
    public sealed record Chunk(SharedMessageId File, FileChunk Value) : ChatBodyItem;

    /// <summary>Bytes that are no chat message.</summary>
    public sealed record Invalid : ChatBodyItem
    {
        public static Invalid Instance { get; } = new();
    }
}

/// <summary>
/// The body of an agent message: one chat message, a batch of them, a compressed form of either, or a binary chunk.
/// Its first byte tells: <c>{</c>, <c>[</c>, <c>X</c>, <c>F</c>.
/// </summary>
public static class ChatBody
{
    /// <summary>
    /// Reads a body into its items (an empty batch has none); what does not parse is <see cref="ChatBodyItem.Invalid"/> in its place.
    /// A compressed body inside a compressed one is invalid.
    /// </summary>
    public static IReadOnlyList<ChatBodyItem> Decode(ReadOnlySpan<byte> body) =>
        body.Length > 0 && body[0] == CompressedParts.Mark ? DecodeCompressed(body) : DecodePlain(body);

    /// <summary>
    /// Encodes a message for a connection; false when it is too long even compressed. It is compressed only when it
    /// must be: a post-quantum ratchet leaves less room, and those who have one understand compression.
    /// </summary>
    /// <param name="message">What to send.</param>
    /// <param name="maxLength">Limit of the plain body.</param>
    /// <param name="maxCompressedLength">Limit under a post-quantum ratchet; null without one.</param>
    /// <param name="body">The encoded body.</param>
    public static bool TryEncode(ChatMessage message, int maxLength, int? maxCompressedLength, out byte[] body)
    {
        body = ChatMessageCodec.Encode(message);
        if (body.Length > maxLength)
            return false;
        if (maxCompressedLength is not { } limit || body.Length <= limit)
            return true;
        body = CompressedParts.Encode(body);
        return body.Length <= limit;
    }

    private static List<ChatBodyItem> DecodeCompressed(ReadOnlySpan<byte> body)
    {
        if (!CompressedParts.TryDecode(body, out var parts))
            return [ChatBodyItem.Invalid.Instance];
        return [.. parts.SelectMany(static part => part is null ? [ChatBodyItem.Invalid.Instance] : DecodePlain(part))];
    }

    // batch = "[" message *("," message) "]"
    private static List<ChatBodyItem> DecodePlain(ReadOnlySpan<byte> body)
    {
        if (body is [(byte)'F', ..])
            return [FileChunk.TryDecodeInline(body, out var file, out var chunk) ? new ChatBodyItem.Chunk(file, chunk) : ChatBodyItem.Invalid.Instance];
        if (body is not ([(byte)'{', ..] or [(byte)'[', ..]) || !ChatMessageCodec.TryParseJson(body, out var document))
            return [ChatBodyItem.Invalid.Instance];
        using (document)
        {
            var root = document.RootElement;
            return root.ValueKind == JsonValueKind.Array ? [.. root.EnumerateArray().Select(Item)] : [Item(root)];
        }
    }

    private static ChatBodyItem Item(JsonElement json) =>
        ChatMessageCodec.TryRead(json, out var message) ? new ChatBodyItem.Message(message) : ChatBodyItem.Invalid.Instance;
}

/// <summary>Packs encoded messages into as few bodies as fit, in order.</summary>
public static class ChatBatch
{
    /// <summary>
    /// Fills batches from the last message backwards, as the reference does, so that the first batch may be the small
    /// one. A batch of one is the message itself. A message longer than <paramref name="maxLength"/> gives null in its place.
    /// </summary>
    public static IReadOnlyList<byte[]?> Split(IReadOnlyList<byte[]> messages, int maxLength)
    {
        var batches = new List<byte[]?>();
        var batch = new List<byte[]>();
        var length = 0;
        for (var i = messages.Count - 1; i >= 0; i--)
        {
            var message = messages[i];
            // Between brackets, with a comma before every message but the first.
            var lengthWith = batch.Count == 0 ? message.Length : length + 1 + message.Length;
            if (lengthWith + (batch.Count == 0 ? 0 : 2) <= maxLength)
            {
                batch.Add(message);
                length = lengthWith;
                continue;
            }

            Flush();
            if (message.Length <= maxLength)
            {
                batch.Add(message);
                length = message.Length;
            }
            else
            {
                batches.Add(null);
            }
        }

        Flush();
        batches.Reverse();
        return batches;

        void Flush()
        {
            if (batch.Count > 0)
                batches.Add(Join(batch, length));
            batch.Clear();
            length = 0;
        }
    }

    private static byte[] Join(List<byte[]> reversed, int length)
    {
        if (reversed.Count == 1)
            return reversed[0];
        var joined = new byte[length + 2];
        var writer = new WireWriter(joined);
        for (var i = reversed.Count - 1; i >= 0; i--)
        {
            writer.WriteByte(i == reversed.Count - 1 ? (byte)'[' : (byte)',');
            writer.WriteBytes(reversed[i]);
        }

        writer.WriteByte((byte)']');
        return joined;
    }
}
