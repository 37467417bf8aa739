using SQLitePCL;

namespace Pairwise.Storage;

/// <summary>
/// The statements of one transaction (or one read). It exists only inside the step it is handed to, on that step's
/// thread; statements are prepared once per database and kept.
/// </summary>
public sealed class DatabaseSession
{
    private readonly sqlite3 _connection;
    private readonly Dictionary<string, sqlite3_stmt> _statements = [];

    internal DatabaseSession(sqlite3 connection) => _connection = connection;

    /// <summary>Row id of the last inserted row.</summary>
    public long LastInsertedId => raw.sqlite3_last_insert_rowid(_connection);

    /// <summary>Runs one statement; returns how many rows it changed.</summary>
    public int Execute(string sql, params ReadOnlySpan<SqlValue> arguments)
    {
        var statement = Prepare(sql, arguments);
        try
        {
            while (Step(statement))
            {
            }
        }
        finally
        {
            Release(statement);
        }

        return raw.sqlite3_changes(_connection);
    }

    /// <summary>All rows, in the order of the query. <typeparamref name="T"/> must not keep the row.</summary>
    public List<T> Query<T>(string sql, RowReader<T> read, params ReadOnlySpan<SqlValue> arguments)
    {
        var statement = Prepare(sql, arguments);
        try
        {
            var rows = new List<T>();
            while (Step(statement))
                rows.Add(read(new Row(statement)));
            return rows;
        }
        finally
        {
            Release(statement);
        }
    }

    /// <summary>The first row, or false when there is none.</summary>
    public bool TryQuery<T>(string sql, RowReader<T> read, [System.Diagnostics.CodeAnalysis.MaybeNullWhen(false)] out T value, params ReadOnlySpan<SqlValue> arguments)
    {
        var statement = Prepare(sql, arguments);
        try
        {
            if (!Step(statement))
            {
                value = default;
                return false;
            }

            value = read(new Row(statement));
            return true;
        }
        finally
        {
            Release(statement);
        }
    }

    /// <summary>The first column of the first row as an integer; null when there is no row or it holds SQL null.</summary>
    public long? Scalar(string sql, params ReadOnlySpan<SqlValue> arguments) =>
        TryQuery(sql, static row => row.GetInt64OrNull(0), out var value, arguments) ? value : null;

    /// <summary>Runs a script of several statements without arguments (migrations, pragmas).</summary>
    internal void ExecuteScript(string sql)
    {
        var result = raw.sqlite3_exec(_connection, sql);
        if (result != raw.SQLITE_OK)
            throw SqliteErrors.From(_connection, result);
    }

    internal void Close()
    {
        foreach (var statement in _statements.Values)
            raw.sqlite3_finalize(statement);
        _statements.Clear();
    }

    private sqlite3_stmt Prepare(string sql, ReadOnlySpan<SqlValue> arguments)
    {
        if (!_statements.TryGetValue(sql, out var statement))
        {
            var result = raw.sqlite3_prepare_v3(_connection, sql, raw.SQLITE_PREPARE_PERSISTENT, out statement);
            if (result != raw.SQLITE_OK)
                throw SqliteErrors.From(_connection, result);
            _statements.Add(sql, statement);
        }

        if (raw.sqlite3_bind_parameter_count(statement) != arguments.Length)
            throw new ArgumentException($"The statement takes {raw.sqlite3_bind_parameter_count(statement)} arguments, {arguments.Length} were given.", nameof(arguments));
        for (var i = 0; i < arguments.Length; i++)
            Bind(statement, i + 1, in arguments[i]);
        return statement;
    }

    private void Bind(sqlite3_stmt statement, int index, in SqlValue value)
    {
        var result = value.Type switch
        {
            SqlValue.Kind.Null => raw.sqlite3_bind_null(statement, index),
            SqlValue.Kind.Integer => raw.sqlite3_bind_int64(statement, index, value.Integer),
            SqlValue.Kind.Real => raw.sqlite3_bind_double(statement, index, value.Real),
            SqlValue.Kind.Text => raw.sqlite3_bind_text(statement, index, value.Text),
            SqlValue.Kind.Blob when value.Blob.IsEmpty => raw.sqlite3_bind_zeroblob(statement, index, 0),
            SqlValue.Kind.Blob => raw.sqlite3_bind_blob(statement, index, value.Blob.Span),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
        if (result != raw.SQLITE_OK)
            throw SqliteErrors.From(_connection, result);
    }

    private bool Step(sqlite3_stmt statement) => raw.sqlite3_step(statement) switch
    {
        raw.SQLITE_ROW => true,
        raw.SQLITE_DONE => false,
        var result => throw SqliteErrors.From(_connection, result),
    };

    // Bindings may hold keys or plaintext: they do not outlive the call.
    private static void Release(sqlite3_stmt statement)
    {
        raw.sqlite3_reset(statement);
        raw.sqlite3_clear_bindings(statement);
    }
}
