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
    string CacheControl = "no-store");

/// <summary>Resources by path. Thread-safe.</summary>
public interface IWebContent
{
    /// <summary>The resource of a decoded path that begins with a slash, or null when there is none.</summary>
    ValueTask<WebResource?> FindAsync(string path, CancellationToken cancellationToken);
}
