using Npgsql;

namespace Pairwise.Server.Smp.Postgres;

/// <summary>Which PostgreSQL database holds a relay's queues and messages. Immutable.</summary>
/// <param name="Connection">A <c>postgresql://</c> address or <c>key=value</c> pairs, as PostgreSQL's own programs take them, or Npgsql's form with semicolons.</param>
/// <param name="Schema">The schema for the relay's tables.</param>
/// <param name="PoolSize">Most connections; one writes, the others read messages.</param>
public sealed record PostgresOptions(string Connection, string Schema = PostgresOptions.DefaultSchema, int PoolSize = PostgresOptions.DefaultPoolSize)
{
    /// <summary>The reference's default schema.</summary>
    public const string DefaultSchema = "smp_server";

    /// <summary>The reference's default pool.</summary>
    public const int DefaultPoolSize = 10;

    /// <summary>How long rows of deleted queues stay: the reference's three weeks.</summary>
    public static readonly TimeSpan DefaultDeletedLifetime = TimeSpan.FromDays(21);

    /// <summary>What may be done about a schema of another version.</summary>
    public MigrationConsent Migrations { get; init; }

    /// <summary>How long rows of deleted queues stay.</summary>
    public TimeSpan DeletedLifetime { get; init; } = DefaultDeletedLifetime;

    /// <summary>Opens a pool of connections whose unqualified names mean the schema.</summary>
    /// <param name="program">What the database shows as the one who is connected, unless the connection says it.</param>
    /// <exception cref="SmpServerException">The connection text cannot be obeyed; the message says what of it.</exception>
    public NpgsqlDataSource OpenPool(string program = "pairwise-smp-server")
    {
        try
        {
            var settings = PostgresConnection.Parse(Connection);
            using var builder = new NpgsqlCommandBuilder();
            settings.SearchPath = builder.QuoteIdentifier(Schema);
            settings.MaxPoolSize = Math.Max(2, PoolSize);
            settings.ApplicationName ??= program;
            settings.IncludeErrorDetail = false;
            return NpgsqlDataSource.Create(settings);
        }
        catch (ArgumentException fault)
        {
            throw new SmpServerException($"The database connection cannot be used: {fault.Message}", fault);
        }
    }

    /// <summary>The schema only: a connection holds a password.</summary>
    public override string ToString() => $"database schema {Schema}";
}
