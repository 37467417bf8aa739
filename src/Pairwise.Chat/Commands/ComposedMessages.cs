using System.Text.Json;
using System.Text.Json.Nodes;
using Pairwise.Chat.Protocol;

namespace Pairwise.Chat.Commands;

/// <summary>A message as <c>/_send</c> takes it.</summary>
/// <param name="Content">What it says.</param>
/// <param name="File">Its file; null for none.</param>
internal sealed record ComposedMessage(MessageContent Content, TypedFile? File);

/// <summary>The JSON of <c>/_send</c>.</summary>
internal static class ComposedMessages
{
    // composed = "[" message *("," message) "]" / message
    // message = {["filePath": path / "fileSource": {"filePath": path [, "cryptoArgs": {"fileKey": base64url, "fileNonce": base64url}]},] "msgContent": content}
    /// <exception cref="ChatException">It is no such JSON, or of a kind that cannot be sent.</exception>
    public static IReadOnlyList<ComposedMessage> Parse(string json)
    {
        JsonNode? root;
        try
        {
            root = JsonNode.Parse(json);
        }
        catch (JsonException e)
        {
            throw Fault(e);
        }

        IEnumerable<JsonNode?> messages = root is JsonArray array ? array : [root];
        var composed = messages.Select(static message => message is JsonObject json ? Read(json) : throw Fault()).ToList();
        return composed.Count > 0 ? composed : throw Fault();
    }

    /// <summary>The JSON of a plain text.</summary>
    public static string OfText(string text) =>
        JsonWriting.ToText(new JsonObject { ["msgContent"] = new MessageContent(MessageContent.TextType, text).ToJson() });

    private static ComposedMessage Read(JsonObject message)
    {
        using var document = JsonDocument.Parse((message["msgContent"] ?? throw Fault()).ToJsonString());
        if (!ChatMessageShapes.Content.TryNormalize(document.RootElement, out var normal) || normal is not JsonObject content)
            throw Fault();
        var parsed = MessageContent.From(content);
        if (parsed.Type is not (MessageContent.TextType or MessageContent.FileType or MessageContent.ImageType or MessageContent.VideoType or MessageContent.VoiceType))
            throw new ChatException(ChatError.Syntax, $"This program sends text, file, image, video and voice, not {parsed.Type}.");
        if (parsed.Preview is { Length: > ChatMessageLimits.MaxPreviewLength })
            throw new ChatException(ChatError.TooLong, $"The preview is too long: at most {ChatMessageLimits.MaxPreviewLength} characters.");
        var file = ReadFile(message);
        if (file is null && parsed.Type is (MessageContent.FileType or MessageContent.VoiceType))
            throw new ChatException(ChatError.Syntax, $"A message of type {parsed.Type} needs a filePath.");
        return new ComposedMessage(parsed, file);
    }

    private static TypedFile? ReadFile(JsonObject message)
    {
        if (Text(message["filePath"]) is { } plain)
            return new TypedFile(plain);
        if (message["fileSource"] is not JsonObject source || Text(source["filePath"]) is not { } path)
            return null;
        if (source["cryptoArgs"] is not JsonObject arguments)
            return source["cryptoArgs"] is null ? new TypedFile(path) : throw Fault();
        return TypedFile.TryReadKey(Text(arguments["fileKey"]), Text(arguments["fileNonce"]), out var key) ? new TypedFile(path, key) : throw Fault();
    }

    private static string? Text(JsonNode? node) => node is JsonValue value && value.TryGetValue(out string? text) ? text : null;

    private static ChatException Fault(Exception? cause = null) => new(
        ChatError.Syntax,
        """This is no message: write [{"filePath": PATH, "msgContent": {"type": "file", "text": ""}}].""",
        innerException: cause);
}
