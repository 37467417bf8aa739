using System.Globalization;
using System.Net;
using System.Reflection;
using System.Text;

namespace Pairwise.Server.Web;

/// <summary>The page that tells what a relay is and who runs it. Everything the operator wrote is text in it, never markup.</summary>
internal static class InformationPage
{
    /// <summary>The whole page.</summary>
    /// <param name="title">What the relay is.</param>
    /// <param name="lead">A paragraph for those who never heard of it.</param>
    /// <param name="configuration">Its settings; what has no value is left out.</param>
    /// <param name="information">What the operator says.</param>
    /// <param name="iniFileName">Where the operator says it.</param>
    /// <param name="more">Markup that follows the lead.</param>
    public static string Write(string title, string lead, ReadOnlySpan<(string Name, string? Value)> configuration, ServerInformation information, string iniFileName, string more = "")
    {
        StringBuilder page = new();
        page.Append(CultureInfo.InvariantCulture, $"<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
            .Append(CultureInfo.InvariantCulture, $"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n")
            .Append(CultureInfo.InvariantCulture, $"<link rel=\"stylesheet\" href=\"/media/style.css\">\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n")
            .Append(CultureInfo.InvariantCulture, $"<p>{lead}</p>\n")
            .Append(more);

        Section(page, "Configuration", [.. configuration, ("Version", Version())]);
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
            .Append(Text(iniFileName))
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
        typeof(InformationPage).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

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
}
