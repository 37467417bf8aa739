using Pairwise.Agent.Files;

namespace Pairwise.Chat.Images;

/// <summary>The small picture that travels in a message, before the image or video itself is loaded.</summary>
internal static class ImagePreview
{
    /// <summary>A grey square, for what has no picture: a PNG of 8 by 8 points.</summary>
    public const string Placeholder = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAgAAAAIAQMAAAD+wSzIAAAABlBMVEX///+/v7+jQ3Y5AAAADklEQVQI12P4AIX8EAgALgAD/aNpbtEAAAAASUVORK5CYII=";

    public static string Of(LocalFile file) => Placeholder;
}
