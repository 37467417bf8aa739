using System.Globalization;
using System.Text;
using Npgsql;

namespace Pairwise.Server.Smp.Postgres;

/// <summary>
/// Reads the text that names a database, in the two forms of PostgreSQL's own programs and in Npgsql's. A parameter that
/// is not obeyed is never passed over: it may be the one that makes the connection safe.
/// </summary>
internal static class PostgresConnection
{
    private const string UnixSocketFolder = "/var/run/postgresql";

    // in the place of a file with root certificates: those of the system
    private const string SystemRoots = "system";

    /// <summary>The settings that a text asks for.</summary>
    /// <exception cref="SmpServerException">It cannot be obeyed. The message names the parameter, and no password.</exception>
    /// <exception cref="ArgumentException">Npgsql does not take a value.</exception>
    public static NpgsqlConnectionStringBuilder Parse(string text)
    {
        if (text.StartsWith("postgresql://", StringComparison.Ordinal) || text.StartsWith("postgres://", StringComparison.Ordinal))
        {
            return Complete(ParseAddress(text[(text.IndexOf("//", StringComparison.Ordinal) + 2)..]));
        }

        if (!text.Contains(';', StringComparison.Ordinal))
        {
            return Complete(ParsePairs(text));
        }

        try
        {
            return new NpgsqlConnectionStringBuilder(text);
        }
        catch (Exception fault) when (fault is FormatException or OverflowException)
        {
            throw new SmpServerException($"The database connection cannot be used: {fault.Message}", fault);
        }
    }

    // [user [":" password] "@"] [host [":" port]] ["/" database] ["?" key "=" value *("&" key "=" value)], percent-encoded;
    // a host may be missing, which Uri does not allow
    private static NpgsqlConnectionStringBuilder ParseAddress(string address)
    {
        var settings = new NpgsqlConnectionStringBuilder();
        var question = address.IndexOf('?', StringComparison.Ordinal);
        var parameters = question < 0 ? "" : address[(question + 1)..];
        var place = question < 0 ? address : address[..question];
        var slash = place.IndexOf('/', StringComparison.Ordinal);
        var authority = slash < 0 ? place : place[..slash];
        if (slash >= 0 && slash + 1 < place.Length)
        {
            settings.Database = Uri.UnescapeDataString(place[(slash + 1)..]);
        }

        var at = authority.LastIndexOf('@');
        if (at > 0)
        {
            var credentials = authority[..at].Split(':', 2);
            settings.Username = Uri.UnescapeDataString(credentials[0]);
            settings.Password = credentials.Length > 1 ? Uri.UnescapeDataString(credentials[1]) : null;
        }

        SetHost(settings, authority[(at + 1)..]);
        foreach (var pair in parameters.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            Set(settings, Uri.UnescapeDataString(equals < 0 ? pair : pair[..equals]), equals < 0 ? "" : Uri.UnescapeDataString(pair[(equals + 1)..]));
        }

        return settings;
    }

    // host = name / address / "[" IPv6 address "]" / percent-encoded folder of a socket; several are separated by commas
    private static void SetHost(NpgsqlConnectionStringBuilder settings, string host)
    {
        if (host.Length == 0)
        {
            return;
        }

        var port = host.LastIndexOf(':');
        if (host.Contains(',', StringComparison.Ordinal) || port < host.LastIndexOf(']'))
        {
            port = -1;
        }

        Set(settings, "host", Uri.UnescapeDataString(port < 0 ? host : host[..port]).Trim('[', ']'));
        if (port >= 0)
        {
            Set(settings, "port", host[(port + 1)..]);
        }
    }

    // *(key *SP "=" *SP value), value = *non-space / "'" *any "'", with "\" before a quote or backslash that means itself
    private static NpgsqlConnectionStringBuilder ParsePairs(string text)
    {
        var settings = new NpgsqlConnectionStringBuilder();
        var position = 0;
        while (SkipSpaces(text, ref position))
        {
            var equals = text.IndexOf('=', position);
            var key = equals < 0 ? "" : text[position..equals].Trim();
            if (key.Length == 0 || key.Any(char.IsWhiteSpace))
            {
                throw new SmpServerException("The database connection is neither a postgresql:// address nor a list of key=value pairs.");
            }

            position = equals + 1;
            SkipSpaces(text, ref position);
            Set(settings, key, TakeValue(text, ref position));
        }

        return settings;
    }

    private static bool SkipSpaces(string text, ref int position)
    {
        while (position < text.Length && char.IsWhiteSpace(text[position]))
        {
            position++;
        }

        return position < text.Length;
    }

    private static string TakeValue(string text, ref int position)
    {
        var value = new StringBuilder();
        var isQuoted = position < text.Length && text[position] == '\'';
        if (isQuoted)
        {
            position++;
        }

        for (; position < text.Length; position++)
        {
            var each = text[position];
            if (isQuoted ? each == '\'' : char.IsWhiteSpace(each))
            {
                position++;
                return value.ToString();
            }

            if (each == '\\' && position + 1 < text.Length)
            {
                each = text[++position];
            }

            value.Append(each);
        }

        return isQuoted ? throw new SmpServerException("The database connection ends inside a quoted value.") : value.ToString();
    }

    private static void Set(NpgsqlConnectionStringBuilder settings, string key, string value)
    {
        switch (key)
        {
            case "host" or "hostaddr":
                settings.Host = value;
                break;
            case "port":
                settings.Port = Number(key, value, 1, 65535);
                break;
            case "user":
                settings.Username = value;
                break;
            case "password":
                settings.Password = value;
                break;
            case "passfile":
                settings.Passfile = value;
                break;
            case "dbname":
                settings.Database = value;
                break;
            case "connect_timeout":
                settings.Timeout = Number(key, value, 0, 1024); // seconds; 0 = no limit
                break;
            case "application_name":
                settings.ApplicationName = value;
                break;
            case "fallback_application_name":
                break; // the relay says its own
            case "sslmode":
                settings.SslMode = Word<SslMode>(key, value);
                break;
            case "sslrootcert":
                settings.RootCertificate = value; // "system" is left to Complete: the mode may follow
                break;
            case "sslcert":
                settings.SslCertificate = value;
                break;
            case "sslkey":
                settings.SslKey = value;
                break;
            case "sslpassword":
                settings.SslPassword = value;
                break;
            case "sslnegotiation":
                settings.SslNegotiation = Word<SslNegotiation>(key, value);
                break;
            case "channel_binding":
                settings.ChannelBinding = Word<ChannelBinding>(key, value);
                break;
            case "gssencmode":
                settings.GssEncryptionMode = Word<GssEncryptionMode>(key, value);
                break;
            case "require_auth":
                settings.RequireAuth = value;
                break;
            case "target_session_attrs":
                settings.TargetSessionAttributes = value;
                break;
            case "keepalives":
                settings.TcpKeepAlive = Number(key, value, 0, 1) == 1;
                break;
            case "keepalives_idle":
                settings.TcpKeepAliveTime = Number(key, value, 0, int.MaxValue);
                break;
            case "keepalives_interval":
                settings.TcpKeepAliveInterval = Number(key, value, 0, int.MaxValue);
                break;
            case "options":
                settings.Options = value;
                break;
            default:
                throw new SmpServerException($"The database connection has the parameter \"{key}\", which is not known here: remove it, or write the connection in Npgsql's form (Host=...;Username=...;...).");
        }
    }

    private static int Number(string key, string value, int least, int most) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw new SmpServerException($"The database connection has {key}={value}: write a number from {least} to {most}.");

    // The words are Npgsql's names without the hyphens.
    private static T Word<T>(string key, string value)
        where T : struct, Enum
    {
        var name = value.Replace("-", "", StringComparison.Ordinal);
        return Enum.GetNames<T>().Contains(name, StringComparer.OrdinalIgnoreCase)
            ? Enum.Parse<T>(name, ignoreCase: true)
            : throw new SmpServerException($"The database connection has {key}={value}: write {string.Join(", ", Enum.GetNames<T>().Select(PostgresWord))}.");
    }

    // VerifyFull -> verify-full
    private static string PostgresWord(string name) => name switch
    {
        nameof(SslMode.VerifyCA) => "verify-ca",
        nameof(SslMode.VerifyFull) => "verify-full",
        _ => name.ToLowerInvariant(),
    };

    private static NpgsqlConnectionStringBuilder Complete(NpgsqlConnectionStringBuilder settings)
    {
        settings.Host ??= UnixSocketFolder;

        // Anybody can have a certificate of the system's roots: it says something only together with the name in it.
        if (settings.RootCertificate == SystemRoots)
        {
            settings.RootCertificate = null;
            settings.SslMode = settings.SslMode is SslMode.VerifyFull or SslMode.Prefer // the latter if none is given
                ? SslMode.VerifyFull
                : throw new SmpServerException($"The database connection has sslrootcert={SystemRoots} with sslmode={PostgresWord(settings.SslMode.ToString())}: write sslmode=verify-full.");
        }

        // With a root certificate at hand, PostgreSQL's programs take "require" to mean that it is to be checked.
        if (settings is { SslMode: SslMode.Require, RootCertificate: not null })
        {
            settings.SslMode = SslMode.VerifyCA;
        }

        return settings;
    }
}
