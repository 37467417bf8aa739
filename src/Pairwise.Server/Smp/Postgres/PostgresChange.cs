namespace Pairwise.Server.Smp.Postgres;

/// <summary>One statement that waits to be carried out, with the values it had when it was asked for.</summary>
internal sealed record PostgresChange(string Sql, object?[] Values)
{
    /// <summary>How many rows it has to touch at least; fewer mean that the database was changed by somebody else.</summary>
    public bool MustChangeRow { get; init; }
}
