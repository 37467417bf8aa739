using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pairwise.Wire;

namespace Pairwise.Chat.Protocol;

/// <summary>One chat message as JSON (reference: chat protocol, 1 to 16). Reading never throws, whatever the bytes.</summary>
public static class ChatMessageCodec
{
    // message = {["v": versionRange,] ["msgId": base64url,] "event": tag, "params": object}
    internal static bool TryRead(JsonElement json, [NotNullWhen(true)] out ChatMessage? message)
    {
        message = null;
        if (!JsonShape.TryGetProperties(json, out var properties)
            || !TryReadVersions(properties, out var versions)
            || !TryReadId(properties, out var id)
            || !properties.TryGetValue("event", out var tagJson) || !JsonShape.TryGetText(tagJson, out var tag) || !tag.StartsWith('x')
            || !properties.TryGetValue("params", out var parametersJson) || parametersJson.ValueKind != JsonValueKind.Object)
            return false;

        // A tag is a word: no spaces.
        if (tag.Contains(' ', StringComparison.Ordinal))
            return false;
        var shape = ChatMessageShapes.Events.GetValueOrDefault(tag, Unknown);
        if (!shape.TryNormalize(parametersJson, out var normal) || normal is not JsonObject parameters)
            return false;
        // The first message of a contact request has an id and content, or it is not there.
        if (tag == ChatEventTags.Contact && (parameters.ContainsKey("msgId") != parameters.ContainsKey("content")))
        {
            parameters.Remove("msgId");
            parameters.Remove("content");
        }

        message = new ChatMessage(versions, id, tag, parameters);
        return true;
    }

    /// <summary>Reads a message that is the whole JSON text.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> json, [NotNullWhen(true)] out ChatMessage? message)
    {
        message = null;
        if (!TryParseJson(json, out var document))
            return false;
        using (document)
            return TryRead(document.RootElement, out message);
    }

    /// <summary>Writes the message as the reference does: <c>v</c>, <c>msgId</c>, <c>event</c>, <c>params</c>.</summary>
    public static byte[] Encode(ChatMessage message) => Encoding.UTF8.GetBytes(JsonWriting.ToText(ToJson(message)));

    internal static JsonObject ToJson(ChatMessage message)
    {
        var json = new JsonObject { ["v"] = message.Versions.ToString() };
        if (message.Id is { } id)
            json["msgId"] = id.ToString();
        json["event"] = message.Tag;
        json["params"] = message.Parameters.DeepClone();
        return json;
    }

    internal static bool TryParseJson(ReadOnlySpan<byte> json, [NotNullWhen(true)] out JsonDocument? document)
    {
        document = null;
        if (json.Length > ChatMessageLimits.MaxDecompressedLength)
            return false;
        var reader = new Utf8JsonReader(json, isFinalBlock: true, state: default);
        try
        {
            var parsed = JsonDocument.ParseValue(ref reader);
            if (json[(int)reader.BytesConsumed..].ContainsAnyExcept(" \t\r\n"u8))
            {
                parsed.Dispose();
                return false;
            }

            document = parsed;
            return true;
        }
        catch (JsonException)
        {
            // The BCL's JSON parser says "not JSON" in no other way.
            return false;
        }
    }

    private static readonly JsonShape Unknown = new JsonShape.AnyObject();

    private static bool TryReadVersions(SortedDictionary<string, JsonElement> properties, out VersionRange versions)
    {
        versions = new VersionRange(ChatVersions.Initial, ChatVersions.Initial);
        if (!properties.TryGetValue("v", out var json) || json.ValueKind == JsonValueKind.Null)
            return true;
        return JsonShape.TryGetText(json, out var text) && VersionRange.TryParse(Encoding.UTF8.GetBytes(text), out versions);
    }

    private static bool TryReadId(SortedDictionary<string, JsonElement> properties, out SharedMessageId? id)
    {
        id = null;
        if (!properties.TryGetValue("msgId", out var json) || json.ValueKind == JsonValueKind.Null)
            return true;
        if (!JsonShape.TryGetText(json, out var text) || !SharedMessageId.TryParse(text, out var parsed))
            return false;
        id = parsed;
        return true;
    }
}
