using System.Text;
using Pairwise.Chat;
using Pairwise.Chat.Protocol;

namespace Pairwise.Fuzz;

/// <summary>Chat messages.</summary>
internal static class ChatTargets
{
    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("chat message", [typeof(ChatMessageCodec)], () => Corpus.Texts("chat_messages.json"), input => ChatMessageCodec.TryDecode(input, out var message) && ChatMessageCodec.Encode(message).Length > 0) { Cost = 2 },
        new("chat file chunk", [typeof(FileChunk)], () => Corpus.Bytes("chat_messages.json"), input => FileChunk.TryDecodeDirect(input, out _)),
        new("chat body", [typeof(SharedMessageId)], () => Corpus.Of(Corpus.Bytes("chat_messages.json"), Corpus.Texts("chat_messages.json")), input =>
        {
            SharedMessageId.TryParse(Encoding.UTF8.GetString(input), out _);
            return ChatBody.Decode(input).Any(item => item is not ChatBodyItem.Invalid);
        })
        { Cost = 2 },
    ];
}
