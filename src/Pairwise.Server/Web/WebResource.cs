using System.IO.Compression;

namespace Pairwise.Server.Web;

/// <summary>What a path answers with.</summary>
/// <param name="ContentType">The media type.</param>
/// <param name="Content">The bytes.</param>
/// <param name="IsText">Whether compression is worth its work.</param>
/// <param name="Status">The HTTP status.</param>
/// <param name="CacheControl">How long the answer may be kept.</param>
/// <param name="Policy">What the page may do, as a content security policy; null is the usual one.</param>
/// <param name="Compressed">The content in gzip, if it was made once for all answers.</param>
public sealed record WebResource(
    string ContentType,
    ReadOnlyMemory<byte> Content,
    bool IsText = true,
    int Status = 200,
    string CacheControl = "no-store",
    string? Policy = null,
    ReadOnlyMemory<byte>? Compressed = null)
{
    private const int SmallestCompressed = 512;

    /// <summary>The same with its content in gzip; false, and itself, where that is not worth its work.</summary>
    internal bool TryCompress(out WebResource compressed)
    {
        compressed = this;
        if (!IsText || Content.Length < SmallestCompressed)
        {
            return false;
        }

        compressed = this with { Content = Compressed ?? Compress(Content, CompressionLevel.Fastest) };
        return true;
    }

    /// <summary>Content in gzip.</summary>
    internal static byte[] Compress(ReadOnlyMemory<byte> content, CompressionLevel level)
    {
        using MemoryStream compressed = new();
        using (GZipStream gzip = new(compressed, level, leaveOpen: true))
        {
            gzip.Write(content.Span);
        }

        return compressed.ToArray();
    }
}

/// <summary>Resources by path. Thread-safe.</summary>
public interface IWebContent
{
    /// <summary>The resource of a decoded path that begins with a slash, or null when there is none.</summary>
    ValueTask<WebResource?> FindAsync(string path, CancellationToken cancellationToken);
}
