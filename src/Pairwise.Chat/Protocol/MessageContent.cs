using System.Globalization;
using System.Text.Json.Nodes;

namespace Pairwise.Chat.Protocol;

/// <summary>What a message says: a type, and text that stands for it wherever the type cannot be shown.</summary>
/// <param name="Type">For example <c>text</c>, <c>image</c>, <c>voice</c>; types of later versions are kept.</param>
/// <param name="Text">The text part, possibly empty.</param>
/// <param name="Duration">Seconds of a voice or video message.</param>
/// <param name="Reason">Why a report was made.</param>
/// <param name="Preview">A small picture of an image or video, as a <c>data:</c> URI.</param>
public sealed record MessageContent(string Type, string Text, long? Duration = null, string? Reason = null, string? Preview = null)
{
    public const string TextType = "text";
    public const string FileType = "file";
    public const string ImageType = "image";
    public const string VideoType = "video";
    public const string VoiceType = "voice";

    private const string UnknownText = "unknown message type";

    public static MessageContent File(string text = "") => new(FileType, text);

    public static MessageContent Image(string preview, string text = "") => new(ImageType, text, Preview: preview);

    /// <summary>One text for any content, as a terminal shows it.</summary>
    public string Display => Type switch
    {
        TextType or "link" or "chat" => Text,
        VoiceType => Join(string.Create(CultureInfo.InvariantCulture, $"voice message ({Duration / 60:00}:{Duration % 60:00})"), "; "),
        VideoType => Join(string.Create(CultureInfo.InvariantCulture, $"video ({Duration / 60:00}:{Duration % 60:00})"), "; "),
        ImageType => Join("image", "; "),
        // The line of the file says what it is.
        FileType => Text.Length == 0 ? "file" : Text,
        "report" => Join($"report {Reason}", ": "),
        _ => Text,
    };

    /// <summary>Reads the content of a checked message.</summary>
    internal static MessageContent From(JsonObject content) => new(
        content["type"]!.GetValue<string>(),
        content["text"] is JsonValue text && text.TryGetValue(out string? value) ? value : UnknownText,
        content["duration"] is JsonValue duration && duration.TryGetValue(out long seconds) ? seconds : null,
        content["reason"] is JsonValue reason && reason.TryGetValue(out string? word) ? word : null,
        content["image"] is JsonValue image && image.TryGetValue(out string? preview) ? preview : null);

    /// <summary>The form of the types that this program sends.</summary>
    internal JsonObject ToJson()
    {
        var json = new JsonObject();
        if (Duration is { } duration)
            json["duration"] = duration;
        if (Preview is { } preview)
            json["image"] = preview;
        json["text"] = Text;
        json["type"] = Type;
        return json;
    }

    private string Join(string kind, string separator) => Text.Length == 0 ? kind : kind + separator + Text;
}
