using System.Diagnostics.CodeAnalysis;
using Npgsql;

namespace Pairwise.Server.Smp.Postgres;

/// <summary>Which PostgreSQL database holds a relay's queues and messages. Immutable.</summary>
/// <param name="Connection">A <c>postgresql://</c> address, as the reference's ini has it, or Npgsql's key-value form.</param>
/// <param name="Schema">The schema for the relay's tables.</param>
/// <param name="PoolSize">Most connections; one writes, the others serve imports and exports.</param>
public sealed record PostgresOptions(string Connection, string Schema = PostgresOptions.DefaultSchema, int PoolSize = PostgresOptions.DefaultPoolSize)
{
    /// <summary>The reference's default schema.</summary>
    public const string DefaultSchema = "smp_server";

    /// <summary>The reference's default pool.</summary>
    public const int DefaultPoolSize = 10;

    /// <summary>How long rows of deleted queues stay: the reference's three weeks.</summary>
    public static readonly TimeSpan DefaultDeletedLifetime = TimeSpan.FromDays(21);

    private const string UnixSocketFolder = "/var/run/postgresql";

    /// <summary>What may be done about a schema of another version.</summary>
    public MigrationConsent Migrations { get; init; }

    /// <summary>How long rows of deleted queues stay.</summary>
    public TimeSpan DeletedLifetime { get; init; } = DefaultDeletedLifetime;

    /// <summary>Opens a pool of connections whose unqualified names mean the schema.</summary>
    /// <exception cref="SmpServerException">The connection text cannot be understood.</exception>
    /// <param name="program">What the database shows as the one who is connected.</param>
    public NpgsqlDataSource OpenPool(string program = "pairwise-smp-server")
    {
        if (!TryGetSettings(out var settings))
        {
            throw new SmpServerException("The database connection is neither a postgresql:// address nor a list of key=value pairs.");
        }

        settings.SearchPath = Schema;
        settings.MaxPoolSize = Math.Max(2, PoolSize);
        settings.ApplicationName = program;
        settings.IncludeErrorDetail = false;
        return NpgsqlDataSource.Create(settings);
    }

    // "postgresql://" [user [":" password] "@"] [host [":" port]] ["/" database] ["?" key "=" value *("&" key "=" value)]
    // or, as libpq has it, *(key "=" value) with spaces between; or Npgsql's form with semicolons
    private bool TryGetSettings([NotNullWhen(true)] out NpgsqlConnectionStringBuilder? settings)
    {
        settings = null;
        try
        {
            if (!Connection.StartsWith("postgresql://", StringComparison.Ordinal) && !Connection.StartsWith("postgres://", StringComparison.Ordinal))
            {
                settings = Connection.Contains(';') ? new NpgsqlConnectionStringBuilder(Connection) : new NpgsqlConnectionStringBuilder { Host = UnixSocketFolder };
                if (!Connection.Contains(';'))
                {
                    foreach (var pair in Connection.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                    {
                        Set(settings, pair);
                    }
                }

                return true;
            }

            // A host may be missing, which Uri does not allow.
            var address = Connection.Split('?', 2);
            var rest = address[0][(address[0].IndexOf("//", StringComparison.Ordinal) + 2)..];
            var slash = rest.IndexOf('/', StringComparison.Ordinal);
            var authority = slash < 0 ? rest : rest[..slash];
            var database = slash < 0 ? "" : rest[(slash + 1)..];
            var at = authority.LastIndexOf('@');
            var credentials = at < 0 ? "" : authority[..at];
            var host = authority[(at + 1)..];
            settings = new NpgsqlConnectionStringBuilder { Host = UnixSocketFolder };
            if (database.Length > 0)
            {
                settings.Database = Uri.UnescapeDataString(database);
            }

            if (credentials.Length > 0)
            {
                var parts = credentials.Split(':', 2);
                settings.Username = Uri.UnescapeDataString(parts[0]);
                settings.Password = parts.Length > 1 ? Uri.UnescapeDataString(parts[1]) : null;
            }

            if (host.Length > 0)
            {
                var port = host.LastIndexOf(':');
                settings.Host = Uri.UnescapeDataString(port < 0 ? host : host[..port]);
                if (port >= 0)
                {
                    settings.Port = int.Parse(host[(port + 1)..], System.Globalization.CultureInfo.InvariantCulture);
                }
            }

            foreach (var pair in address.Length > 1 ? address[1].Split('&', StringSplitOptions.RemoveEmptyEntries) : [])
            {
                Set(settings, Uri.UnescapeDataString(pair));
            }

            return true;
        }
        catch (Exception fault) when (fault is ArgumentException or FormatException or OverflowException)
        {
            settings = null;
            return false;
        }
    }

    // A parameter that is not obeyed must not be passed over: it may be the one that makes the connection safe.
    private static void Set(NpgsqlConnectionStringBuilder settings, string pair)
    {
        var equals = pair.IndexOf('=', StringComparison.Ordinal);
        var value = equals < 0 ? "" : pair[(equals + 1)..].Trim('\'');
        switch (equals < 0 ? pair : pair[..equals])
        {
            case "host" or "hostaddr":
                settings.Host = value;
                break;
            case "port":
                settings.Port = int.Parse(value, System.Globalization.CultureInfo.InvariantCulture);
                break;
            case "user":
                settings.Username = value;
                break;
            case "password":
                settings.Password = value;
                break;
            case "dbname":
                settings.Database = value;
                break;
            case "connect_timeout":
                settings.Timeout = int.Parse(value, System.Globalization.CultureInfo.InvariantCulture);
                break;
            case "sslmode":
                settings.SslMode = Enum.Parse<SslMode>(value.Replace("-", "", StringComparison.Ordinal), ignoreCase: true);
                break;
            case "sslrootcert":
                settings.RootCertificate = value;
                break;
            case "sslcert":
                settings.SslCertificate = value;
                break;
            case "sslkey":
                settings.SslKey = value;
                break;
            case "passfile":
                settings.Passfile = value;
                break;
            case "application_name":
                break; // the relay's own
            case var key:
                throw new SmpServerException($"The database connection has the parameter \"{key}\", which is not known here: remove it, or write the connection in Npgsql's form (Host=...;Username=...;...).");
        }
    }

    /// <summary>The schema only: a connection holds a password.</summary>
    public override string ToString() => $"database schema {Schema}";
}
