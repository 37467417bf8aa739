namespace Pairwise.Server.Web;

/// <summary>The header fields of every answer to a browser.</summary>
internal static class WebFields
{
    /// <summary>Pages bring all they need, talk to nobody, and tell no other site where the reader came from.</summary>
    private const string UsualPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    /// <summary>The fields of an answer.</summary>
    public static IEnumerable<KeyValuePair<string, string>> Of(WebResource resource) =>
    [
        new("Content-Security-Policy", resource.Policy ?? UsualPolicy),
        new("Referrer-Policy", "no-referrer"),
        new("X-Content-Type-Options", "nosniff"),
        new("Cross-Origin-Opener-Policy", "same-origin"),
    ];

    /// <summary>The same as the lines of a head in HTTP/1.1.</summary>
    public static string LinesOf(WebResource resource) => string.Concat(Of(resource).Select(field => $"{field.Key}: {field.Value}\r\n"));
}
