using System.Globalization;
using System.Net;
using System.Reflection;
using System.Text;

namespace Pairwise.Server.Web;

/// <summary>What a relay's page says about its settings.</summary>
public sealed record SmpSiteSettings
{
    /// <summary>What survives a restart, in words.</summary>
    public required string Persistence { get; init; }

    /// <summary>When undelivered messages are removed; null never.</summary>
    public required TimeSpan? MessageExpiration { get; init; }

    public required bool IsStatisticsEnabled { get; init; }

    public required bool AreNewQueuesAllowed { get; init; }

    public required bool IsPasswordRequired { get; init; }

    /// <summary>The relay's onion host, if its address has one.</summary>
    public string? OnionHost { get; init; }

    /// <summary>The name of the ini file in which the operator changes what the page says.</summary>
    public string IniFileName { get; init; } = "smp-server.ini";
}

/// <summary>
/// The pages of a relay: what it is and who runs it, and a page for each kind of connection link, so that a link opened
/// in a browser shows its QR code and opens the app. The link itself is behind the "#" and never reaches the server.
/// </summary>
public static class SmpSite
{
    private const string ResourcePrefix = "Pairwise.Server.Web.Site.";

    /// <summary>Paths that show the page of a link: long and short names of the kinds of links.</summary>
    public static IReadOnlyList<string> LinkPaths { get; } = ["contact", "invitation", "a", "c", "g", "r", "i"];

    /// <summary>Writes all pages into <paramref name="folder"/>; files of other names stay.</summary>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public static void Write(string folder, ServerInformation information, SmpSiteSettings settings)
    {
        ArgumentNullException.ThrowIfNull(information);
        ArgumentNullException.ThrowIfNull(settings);
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "index.html"), IndexPage(information, settings));
        foreach (string name in new[] { "style.css", "link.js", "qrcode.js" })
        {
            WriteResource(folder, "media", name);
        }

        WriteResource(folder, "well-known", "apple-app-site-association");
        WriteResource(folder, "well-known", "assetlinks.json");
        byte[] linkPage = Resource("link.html");
        foreach (string path in LinkPaths)
        {
            Directory.CreateDirectory(Path.Combine(folder, path));
            File.WriteAllBytes(Path.Combine(folder, path, "index.html"), linkPage);
        }
    }

    /// <summary>The page that tells what the relay is. Everything the operator wrote is text in it, never markup.</summary>
    public static string IndexPage(ServerInformation information, SmpSiteSettings settings)
    {
        ArgumentNullException.ThrowIfNull(information);
        ArgumentNullException.ThrowIfNull(settings);
        StringBuilder page = new();
        page.Append("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
            .Append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>SMP relay</title>\n")
            .Append("<link rel=\"stylesheet\" href=\"/media/style.css\">\n</head>\n<body>\n<main>\n<h1>SMP relay</h1>\n")
            .Append("<p>This server passes on encrypted messages of the SimpleX network. It has no accounts, cannot read what it passes on, ")
            .Append("and keeps messages only until they are received or expire.</p>\n");

        Section(page, "Configuration", [
            ("What survives a restart", settings.Persistence),
            ("Messages expire after", settings.MessageExpiration is { } expiration ? Duration(expiration) : "never"),
            ("Statistics", settings.IsStatisticsEnabled ? "counted daily, without identifiers" : "off"),
            ("New queues", settings.AreNewQueuesAllowed ? "allowed" : "not allowed: this relay is being closed"),
            ("Password", settings.IsPasswordRequired ? "required to create queues" : "not required"),
            ("Onion address", settings.OnionHost),
            ("Version", Version()),
        ]);
        Section(page, "Operator", [
            ("Operator", Named(information.Operator)),
            ("Website", information.Website),
            ("Server location", information.ServerCountry),
            ("Hosting", Named(information.Hosting)),
            ("Kind of hosting", information.HostingType),
            ("Conditions of use", information.UsageConditions),
            ("Amendments", information.ConditionAmendments),
            ("Source code", information.SourceCode),
        ]);
        Contact(page, "Administration", information.Administration);
        Contact(page, "Complaints and feedback", information.Complaints);
        page.Append("<p class=\"quiet\">The operator changes what stands here in ")
            .Append(Text(settings.IniFileName))
            .Append(".</p>\n</main>\n</body>\n</html>\n");
        return page.ToString();
    }

    /// <summary>A time in words: the two largest units that are not zero.</summary>
    internal static string Duration(TimeSpan time)
    {
        (long Count, string Unit)[] units = [(time.Days, "day"), (time.Hours, "hour"), (time.Minutes, "minute"), (time.Seconds, "second")];
        string[] parts = [.. units.Where(unit => unit.Count != 0).Take(2)
            .Select(unit => string.Create(CultureInfo.InvariantCulture, $"{unit.Count} {unit.Unit}{(unit.Count == 1 ? "" : "s")}"))];
        return parts.Length == 0 ? "0 seconds" : string.Join(" ", parts);
    }

    private static string Version() =>
        typeof(SmpSite).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    private static void Contact(StringBuilder page, string title, ServerContact contact)
    {
        if (contact.IsEmpty)
        {
            return;
        }

        Section(page, title, [
            ("SimpleX address", contact.SimplexAddress),
            ("E-mail", contact.Email),
            ("PGP key", contact.Pgp),
            ("PGP fingerprint", contact.PgpFingerprint),
        ]);
    }

    private static void Section(StringBuilder page, string title, ReadOnlySpan<(string Name, string? Value)> rows)
    {
        page.Append("<h2>").Append(title).Append("</h2>\n<dl>\n");
        bool isEmpty = true;
        foreach ((string name, string? value) in rows)
        {
            if (value is null)
            {
                continue;
            }

            isEmpty = false;
            page.Append("<dt>").Append(name).Append("</dt><dd>").Append(TextOrLink(value)).Append("</dd>\n");
        }

        page.Append("</dl>\n");
        if (isEmpty)
        {
            page.Append("<p class=\"quiet\">The operator has said nothing here.</p>\n");
        }
    }

    private static string? Named(ServerEntity? entity) =>
        entity is null ? null : entity.Country is null ? entity.Name : $"{entity.Name} ({entity.Country})";

    private static string TextOrLink(string value) =>
        value.StartsWith("https://", StringComparison.Ordinal) || value.StartsWith("http://", StringComparison.Ordinal)
            ? $"<a href=\"{Text(value)}\" rel=\"noreferrer\">{Text(value)}</a>"
            : Text(value);

    private static string Text(string value) => WebUtility.HtmlEncode(value);

    private static void WriteResource(string folder, string subfolder, string name)
    {
        Directory.CreateDirectory(Path.Combine(folder, subfolder));
        File.WriteAllBytes(Path.Combine(folder, subfolder, name), Resource(name));
    }

    private static byte[] Resource(string name)
    {
        using Stream stream = typeof(SmpSite).Assembly.GetManifestResourceStream(ResourcePrefix + name)
            ?? throw new InvalidOperationException($"The program lacks its page {name}.");
        using MemoryStream copy = new();
        stream.CopyTo(copy);
        return copy.ToArray();
    }
}
