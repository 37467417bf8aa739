namespace Pairwise.Server.Web;

/// <summary>
/// The files of one folder. A folder answers with its index.html; "/.well-known/" is kept in "well-known", because files
/// with a dot are never served. Nothing outside the folder can be reached, through links neither.
/// </summary>
public sealed class StaticFolder : IWebContent
{
    /// <summary>Larger files are not served, in bytes.</summary>
    public const int MaxFileLength = 8 * 1024 * 1024;

    private const string WellKnown = "/.well-known/";
    private const string AppleAssociation = "apple-app-site-association";

    private readonly string _root;

    /// <summary>Serves <paramref name="root"/>, which need not exist yet.</summary>
    public StaticFolder(string root) => _root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(root));

    public async ValueTask<WebResource?> FindAsync(string path, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (path.StartsWith(WellKnown, StringComparison.Ordinal))
        {
            path = string.Concat("/well-known/", path.AsSpan(WellKnown.Length));
        }

        if (Resolve(path) is not { } file)
        {
            return null;
        }

        try
        {
            if (new FileInfo(file).Length > MaxFileLength)
            {
                return null;
            }

            byte[] content = await File.ReadAllBytesAsync(file, cancellationToken);
            (string type, bool isText) = TypeOf(file);
            return new WebResource(type, content, isText, CacheControl: "max-age=300");
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            // It was removed meanwhile, or is not the server's to read: there is no such page.
            return null;
        }
    }

    private string? Resolve(string path)
    {
        string[] segments = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (segments.Any(segment => segment[0] == '.' || segment.Contains('\\', StringComparison.Ordinal) || segment.Contains('\0', StringComparison.Ordinal)))
        {
            return null;
        }

        string file = segments.Length == 0 ? _root : Path.Combine([_root, .. segments]);
        if (Directory.Exists(file))
        {
            file = Path.Combine(file, "index.html");
        }

        return File.Exists(file) && IsInside(file, segments) ? file : null;
    }

    /// <summary>No part of the way, from the root down, may be a link.</summary>
    private bool IsInside(string file, string[] segments)
    {
        string current = _root;
        foreach (string segment in segments)
        {
            current = Path.Combine(current, segment);
            if (new FileInfo(current).LinkTarget is not null)
            {
                return false;
            }
        }

        return new FileInfo(file).LinkTarget is null;
    }

    private static (string Type, bool IsText) TypeOf(string file) => Path.GetExtension(file) switch
    {
        ".html" => ("text/html; charset=utf-8", true),
        ".css" => ("text/css; charset=utf-8", true),
        ".js" or ".mjs" => ("text/javascript; charset=utf-8", true),
        ".svg" => ("image/svg+xml", true),
        ".json" or ".webmanifest" => ("application/json", true),
        ".txt" => ("text/plain; charset=utf-8", true),
        ".png" => ("image/png", false),
        ".ico" => ("image/x-icon", false),
        ".woff2" => ("font/woff2", false),
        ".wasm" => ("application/wasm", false),
        _ when Path.GetFileName(file) == AppleAssociation => ("application/json", true),
        _ => ("application/octet-stream", false),
    };
}
