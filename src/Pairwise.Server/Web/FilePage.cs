using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Pairwise.Server.Web;

/// <summary>What the upload page has to know of its server.</summary>
/// <param name="Address">The server's address; one without a host that is known takes the page's own.</param>
/// <param name="IsPasswordNeeded">Whether a password is needed to send.</param>
/// <param name="AreNewFilesTaken">Whether files are taken at all.</param>
/// <param name="Kept">After what time files are removed; null never.</param>
public sealed record FilePageSettings(string Address, bool IsPasswordNeeded, bool AreNewFilesTaken, TimeSpan? Kept)
{
    /// <summary>Stands in an address for hosts that the operator has not named.</summary>
    public const string UnknownHost = "<hostnames>";
}

/// <summary>
/// The page that sends and receives files in the browser, under "/file/": it is part of the program, and never on disk.
/// Its scripts have the hash of all of them in their paths, so that browsers may keep them and never mix two versions. All
/// other paths are those of another content. Thread-safe.
/// </summary>
public sealed class FilePage : IWebContent
{
    /// <summary>The path under which all of it is.</summary>
    public const string Root = "/file";

    private const string ResourcePrefix = "Pairwise.Server.Web.Page.";
    private const string Page = "index.html";
    private const string Forward = "forward.js";
    private const string KeptForever = "public, max-age=31536000, immutable";

    // Connections go to the servers that a link names, which are not known here. libsodium is WebAssembly. Nothing that stands in
    // the page itself is executed, and nothing of it may be framed, submitted or loaded from elsewhere.
    private const string Policy =
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; img-src data:; connect-src 'self' https:; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private readonly IWebContent _others;
    private readonly Func<FilePageSettings> _readSettings;
    private readonly Dictionary<string, WebResource> _assets = new(StringComparer.Ordinal);
    private readonly string _page;

    /// <param name="others">Content of all other paths.</param>
    /// <param name="readSettings">Asked at every view of the page.</param>
    public FilePage(IWebContent others, Func<FilePageSettings> readSettings)
    {
        _others = others;
        _readSettings = readSettings;
        var files = typeof(FilePage).Assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(ResourcePrefix, StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)
            .Select(name => (Name: name[ResourcePrefix.Length..], Content: Read(name)))
            .ToArray();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (name, content) in files)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(name));
            hash.AppendData(content);
        }

        var folder = $"{Root}/{Convert.ToHexStringLower(hash.GetHashAndReset())[..16]}";
        foreach (var (name, content) in files.Where(file => file.Name != Page))
        {
            var asset = new WebResource(TypeOf(name), content, CacheControl: KeptForever, Policy: Policy, Compressed: WebResource.Compress(content, CompressionLevel.Optimal));
            _assets.Add($"{folder}/{name}", asset);
            if (name == Forward)
            {
                // Other pages name it, so it may not be kept.
                _assets.Add($"{Root}/{name}", asset with { CacheControl = "no-cache" });
            }
        }

        _page = Encoding.UTF8.GetString(files.Single(file => file.Name == Page).Content).Replace("{{assets}}", folder, StringComparison.Ordinal);
    }

    public ValueTask<WebResource?> FindAsync(string path, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(path);
        return path switch
        {
            Root or Root + "/" or $"{Root}/{Page}" => new ValueTask<WebResource?>(WritePage()),
            _ when path.StartsWith(Root + "/", StringComparison.Ordinal) => new ValueTask<WebResource?>(_assets.GetValueOrDefault(path)),
            _ => _others.FindAsync(path, cancellationToken),
        };
    }

    private WebResource WritePage()
    {
        var settings = _readSettings();
        var told = new JsonObject
        {
            ["address"] = settings.Address,
            ["isPasswordNeeded"] = settings.IsPasswordNeeded,
            ["areNewFilesTaken"] = settings.AreNewFilesTaken,
            ["keptHours"] = settings.Kept is { } kept ? Math.Round(kept.TotalHours, 1) : null,
        }.ToJsonString();
        var page = _page.Replace("{{settings}}", WebUtility.HtmlEncode(told), StringComparison.Ordinal);
        return new WebResource("text/html; charset=utf-8", Encoding.UTF8.GetBytes(page), Policy: Policy);
    }

    private static string TypeOf(string name) => Path.GetExtension(name) switch
    {
        ".js" => "text/javascript; charset=utf-8",
        ".css" => "text/css; charset=utf-8",
        ".txt" => "text/plain; charset=utf-8",
        var other => throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"The page has a file of an unknown kind ({other}).")),
    };

    private static byte[] Read(string name)
    {
        using var stream = typeof(FilePage).Assembly.GetManifestResourceStream(name)!;
        var content = new byte[stream.Length];
        stream.ReadExactly(content);
        return content;
    }
}
