using Pairwise.Agent.Files;
using Pairwise.Chat.Protocol;

namespace Pairwise.Chat.Images;

/// <summary>The small picture that travels in a message, before the image or video itself is loaded: a <c>data:</c> URI.</summary>
internal static class ImagePreview
{
    private const int MaxFileSize = 16 * 1024 * 1024;
    private const int LongestSide = 320;

    private static readonly (int Side, int Quality)[] Attempts = [(LongestSide, 70), (LongestSide, 50), (240, 50), (160, 50), (96, 40), (48, 30)];

    /// <summary>A grey square, for what cannot be shown.</summary>
    public static string Placeholder { get; } = Encode(Grey(), 50);

    /// <summary>The preview of a picture; the placeholder when this program cannot read it.</summary>
    /// <exception cref="ChatException">The file is gone or was changed.</exception>
    public static async Task<string> OfAsync(LocalFile file, CancellationToken cancellationToken)
    {
        try
        {
            if (file.GetContentLength() > MaxFileSize)
                return Placeholder;
            return Of(await file.ReadAllAsync(MaxFileSize, cancellationToken));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new ChatException(ChatError.File, $"{file.Path} cannot be read: {e.Message}", innerException: e);
        }
    }

    /// <summary>The preview of a picture in memory.</summary>
    public static string Of(ReadOnlySpan<byte> content)
    {
        if (!PngReader.TryRead(content, out var raster) && !GifReader.TryRead(content, out raster) && !JpegReader.TryRead(content, LongestSide, out raster))
            return Placeholder;
        foreach (var (side, quality) in Attempts)
        {
            if (Encode(raster.Shrink(side), quality) is { Length: <= ChatMessageLimits.MaxPreviewLength } preview)
                return preview;
        }

        return Placeholder;
    }

    private static string Encode(Raster raster, int quality) => "data:image/jpg;base64," + Convert.ToBase64String(JpegWriter.Write(raster, quality));

    private static Raster Grey()
    {
        var raster = new Raster(8, 8);
        Array.Fill(raster.Points, (byte)0xbf);
        return raster;
    }
}
