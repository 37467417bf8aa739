using Pairwise.Server.Smp.Store;

namespace Pairwise.Server.Smp.Postgres;

/// <summary>One statement that waits to be carried out, with the values it had when it was asked for.</summary>
internal sealed record PostgresChange(string Sql, object?[] Values)
{
    /// <summary>
    /// The statement for a change that may have been made already, where making it twice in a row would not be the same as
    /// once; null where it is.
    /// </summary>
    public string? RepeatedSql { get; init; }

    /// <summary>The recipient id of the queue that it is about: that is read again when the change is refused. Null where it is about none.</summary>
    public StoredId? Queue { get; init; }

    /// <summary>Whether it has to touch a row; none means that the database was changed by somebody else.</summary>
    public bool MustChangeRow { get; init; }

    /// <summary>The bytes of its longest values: what it takes to hold it.</summary>
    public long Length { get; } = Values.Sum(value => value switch
    {
        byte[] bytes => bytes.Length,
        ReadOnlyMemory<byte> bytes => bytes.Length,
        _ => 0,
    });

    /// <summary>The same change, as it is made when it may have been made already.</summary>
    public PostgresChange ForRepetition() => RepeatedSql is { } sql ? new PostgresChange(sql, Values) : this;
}
