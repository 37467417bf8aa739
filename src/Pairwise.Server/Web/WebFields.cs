namespace Pairwise.Server.Web;

/// <summary>The header fields of every answer to a browser.</summary>
internal static class WebFields
{
    /// <summary>Pages bring all they need, talk to nobody, and tell no other site where the reader came from.</summary>
    public static IReadOnlyList<KeyValuePair<string, string>> All { get; } =
    [
        new("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
        new("Referrer-Policy", "no-referrer"),
        new("X-Content-Type-Options", "nosniff"),
    ];

    /// <summary>The same as the lines of a head in HTTP/1.1.</summary>
    public static string Lines { get; } = string.Concat(All.Select(field => $"{field.Key}: {field.Value}\r\n"));
}
