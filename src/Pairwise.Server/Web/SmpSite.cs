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
            SiteResource.Write(folder, "media", name);
        }

        SiteResource.Write(folder, "well-known", "apple-app-site-association");
        SiteResource.Write(folder, "well-known", "assetlinks.json");
        byte[] linkPage = SiteResource.Read("link.html");
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
        return InformationPage.Write(
            "SMP relay",
            "This server passes on encrypted messages of the SimpleX network. It has no accounts, cannot read what it passes on, "
            + "and keeps messages only until they are received or expire.",
            [
                ("What survives a restart", settings.Persistence),
                ("Messages expire after", settings.MessageExpiration is { } expiration ? InformationPage.Duration(expiration) : "never"),
                ("Statistics", settings.IsStatisticsEnabled ? "counted daily, without identifiers" : "off"),
                ("New queues", settings.AreNewQueuesAllowed ? "allowed" : "not allowed: this relay is being closed"),
                ("Password", settings.IsPasswordRequired ? "required to create queues" : "not required"),
                ("Onion address", settings.OnionHost),
            ],
            information,
            settings.IniFileName);
    }
}
