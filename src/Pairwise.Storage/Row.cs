using SQLitePCL;

namespace Pairwise.Storage;

/// <summary>The current row of a query, columns counted from 0. Valid only inside the reader it is handed to.</summary>
public readonly ref struct Row
{
    private readonly sqlite3_stmt _statement;

    internal Row(sqlite3_stmt statement) => _statement = statement;

    public bool IsNull(int column) => raw.sqlite3_column_type(_statement, column) == raw.SQLITE_NULL;

    public long GetInt64(int column) => raw.sqlite3_column_int64(_statement, column);

    public int GetInt32(int column) => checked((int)raw.sqlite3_column_int64(_statement, column));

    public bool GetBoolean(int column) => raw.sqlite3_column_int64(_statement, column) != 0;

    public double GetDouble(int column) => raw.sqlite3_column_double(_statement, column);

    public string GetText(int column) => raw.sqlite3_column_text(_statement, column).utf8_to_string() ?? "";

    /// <summary>A copy of the blob; an SQL null gives an empty array.</summary>
    public byte[] GetBlob(int column) => raw.sqlite3_column_blob(_statement, column).ToArray();

    /// <summary>The blob in SQLite's own memory, valid until the next column access of another type or the next row.</summary>
    public ReadOnlySpan<byte> GetBlobSpan(int column) => raw.sqlite3_column_blob(_statement, column);

    /// <summary>Time kept as milliseconds since 1970 UTC.</summary>
    public DateTimeOffset GetTime(int column) => DateTimeOffset.FromUnixTimeMilliseconds(GetInt64(column));

    public long? GetInt64OrNull(int column) => IsNull(column) ? null : GetInt64(column);

    public int? GetInt32OrNull(int column) => IsNull(column) ? null : GetInt32(column);

    public string? GetTextOrNull(int column) => IsNull(column) ? null : GetText(column);

    public byte[]? GetBlobOrNull(int column) => IsNull(column) ? null : GetBlob(column);

    public DateTimeOffset? GetTimeOrNull(int column) => IsNull(column) ? null : GetTime(column);
}

/// <summary>Turns the current row into a value. It must not run statements of its own.</summary>
public delegate T RowReader<out T>(Row row);
