using System.IO.Compression;

namespace Pairwise.Server.Web;

/// <summary>What a path answers with.</summary>
/// <param name="ContentType">The media type.</param>
/// <param name="Content">The bytes.</param>
/// <param name="IsText">Whether compression is worth its work.</param>
/// <param name="Status">The HTTP status.</param>
/// <param name="CacheControl">How long the answer may be kept.</param>
public sealed record WebResource(
    string ContentType,
    ReadOnlyMemory<byte> Content,
    bool IsText = true,
    int Status = 200,
    string CacheControl = "no-store")
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

        using MemoryStream content = new();
        using (GZipStream gzip = new(content, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(Content.Span);
        }

        compressed = this with { Content = content.ToArray() };
        return true;
    }
}

/// <summary>Resources by path. Thread-safe.</summary>
public interface IWebContent
{
    /// <summary>The resource of a decoded path that begins with a slash, or null when there is none.</summary>
    ValueTask<WebResource?> FindAsync(string path, CancellationToken cancellationToken);
}
