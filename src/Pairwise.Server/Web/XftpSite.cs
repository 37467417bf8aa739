namespace Pairwise.Server.Web;

/// <summary>What a file server's page says about its settings.</summary>
public sealed record XftpSiteSettings
{
    /// <summary>When files are removed; null never.</summary>
    public required TimeSpan? FileExpiration { get; init; }

    public required bool IsStatisticsEnabled { get; init; }

    public required bool AreNewFilesAllowed { get; init; }

    public required bool IsPasswordRequired { get; init; }

    /// <summary>The server's onion host, if its address has one.</summary>
    public string? OnionHost { get; init; }

    /// <summary>The name of the ini file in which the operator changes what the page says.</summary>
    public string IniFileName { get; init; } = "file-server.ini";
}

/// <summary>The pages of a file server: what it is and who runs it.</summary>
public static class XftpSite
{
    /// <summary>Writes all pages into <paramref name="folder"/>; files of other names stay.</summary>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public static void Write(string folder, ServerInformation information, XftpSiteSettings settings)
    {
        ArgumentNullException.ThrowIfNull(information);
        ArgumentNullException.ThrowIfNull(settings);
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "index.html"), IndexPage(information, settings));
        SiteResource.Write(folder, "media", "style.css");
        SiteResource.Write(folder, "well-known", "apple-app-site-association");
        SiteResource.Write(folder, "well-known", "assetlinks.json");
    }

    /// <summary>The page that tells what the server is. Everything the operator wrote is text in it, never markup.</summary>
    public static string IndexPage(ServerInformation information, XftpSiteSettings settings)
    {
        ArgumentNullException.ThrowIfNull(information);
        ArgumentNullException.ThrowIfNull(settings);
        return InformationPage.Write(
            "XFTP file server",
            "This server keeps encrypted parts of files of the SimpleX network for those who have their keys. It has no accounts, cannot read "
            + "what it keeps, and removes it when it expires.",
            [
                ("Files expire after", settings.FileExpiration is { } expiration ? InformationPage.Duration(expiration) : "never"),
                ("Statistics", settings.IsStatisticsEnabled ? "counted daily, without identifiers" : "off"),
                ("New files", settings.AreNewFilesAllowed ? "allowed" : "not allowed: this server is being closed"),
                ("Password", settings.IsPasswordRequired ? "required to upload files" : "not required"),
                ("Onion address", settings.OnionHost),
            ],
            information,
            settings.IniFileName,
            // Links that programs print lead here; the script hands them on, since what is behind the "#" is the browser's alone.
            $"<p><a href=\"{FilePage.Root}/\">{(settings.AreNewFilesAllowed ? "Send or receive a file" : "Receive a file")}</a></p>\n<script src=\"{FilePage.Root}/forward.js\"></script>\n");
    }
}
