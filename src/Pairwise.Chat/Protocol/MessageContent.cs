using System.Globalization;
using System.Text.Json.Nodes;

namespace Pairwise.Chat.Protocol;

/// <summary>What a message says: a type, and text that stands for it wherever the type cannot be shown.</summary>
/// <param name="Type">For example <c>text</c>, <c>image</c>, <c>voice</c>; types of later versions are kept.</param>
/// <param name="Text">The text part, possibly empty.</param>
/// <param name="Duration">Seconds of a voice or video message.</param>
/// <param name="Reason">Why a report was made.</param>
public sealed record MessageContent(string Type, string Text, long? Duration, string? Reason)
{
    private const string UnknownText = "unknown message type";

    /// <summary>One text for any content, as a terminal shows it.</summary>
    public string Display => Type switch
    {
        "text" or "link" or "chat" => Text,
        "voice" => Join(string.Create(CultureInfo.InvariantCulture, $"voice message ({Duration / 60:00}:{Duration % 60:00})"), "; "),
        "video" => Join(string.Create(CultureInfo.InvariantCulture, $"video ({Duration / 60:00}:{Duration % 60:00})"), "; "),
        "image" => Join("image", "; "),
        "file" => Join("file", "; "),
        "report" => Join($"report {Reason}", ": "),
        _ => Text,
    };

    /// <summary>Reads the content of a checked message.</summary>
    internal static MessageContent From(JsonObject content) => new(
        content["type"]!.GetValue<string>(),
        content["text"] is JsonValue text && text.TryGetValue(out string? value) ? value : UnknownText,
        content["duration"] is JsonValue duration && duration.TryGetValue(out long seconds) ? seconds : null,
        content["reason"] is JsonValue reason && reason.TryGetValue(out string? word) ? word : null);

    private string Join(string kind, string separator) => Text.Length == 0 ? kind : kind + separator + Text;
}
