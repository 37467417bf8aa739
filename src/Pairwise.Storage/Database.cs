using Pairwise.Storage.Interop;
using SQLitePCL;

namespace Pairwise.Storage;

/// <summary>Where a database is and how it is opened.</summary>
public sealed record DatabaseOptions
{
    /// <summary>Path of the file; it is created (readable by its owner only) when absent. The folder must exist.</summary>
    public required string Path { get; init; }

    /// <summary>The components whose tables this program uses. Components of the file that are not listed are left alone.</summary>
    public required IReadOnlyList<DatabaseSchema> Schemas { get; init; }

    /// <summary>Clock for the record of migrations.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>How long to wait for another process that holds the file before <see cref="StorageError.InUse"/>.</summary>
    public TimeSpan BusyTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>An upper limit of the file in pages of 4 KiB, as a quota would set it; null for none.</summary>
    public int? MaxPages { get; init; }
}

/// <summary>
/// One encrypted SQLite file (SQLCipher 4 format, or plain SQLite when the passphrase is empty), held by this process
/// alone from <see cref="Open"/> to disposal. All work goes through one connection, one step at a time, in the order of
/// the calls; a step is a transaction that is durable (WAL, synchronous FULL) when its task completes, or leaves no trace.
/// Thread-safe. It does not know what the tables mean.
/// </summary>
public sealed class Database : IAsyncDisposable
{
    /// <summary>Marks our files in SQLite's header ("Pwse"), so that another program's database is recognised.</summary>
    private const int ApplicationId = 0x50777365;

    private const int SqlCipherVersion = 4;

    private readonly SemaphoreSlim _turn = new(1, 1);

    // Owned by whoever holds _turn.
    private readonly sqlite3 _connection;
    private readonly DatabaseSession _session;
    private bool _disposed;

    private Database(string path, sqlite3 connection)
    {
        Path = path;
        _connection = connection;
        _session = new DatabaseSession(connection);
    }

    /// <summary>The file this database was opened from.</summary>
    public string Path { get; }

    /// <summary>
    /// Opens or creates the file, takes it for this process, and applies the migrations that are missing, each in its own transaction.
    /// Takes about a quarter of a second with a passphrase (256,000 rounds of key derivation).
    /// </summary>
    /// <exception cref="StorageException">Any <see cref="StorageError"/>; the file is as it was.</exception>
    public static Database Open(DatabaseOptions options, Passphrase passphrase)
    {
        raw.SetProvider(new SQLite3Provider_e_sqlite3());
        var isNew = Prepare(options.Path, passphrase);
        var opened = raw.sqlite3_open_v2(options.Path, out var connection, raw.SQLITE_OPEN_READWRITE | raw.SQLITE_OPEN_FULLMUTEX, null);
        var database = new Database(options.Path, connection);
        try
        {
            if (opened != raw.SQLITE_OK)
                throw SqliteErrors.From(connection, opened);
            database.Unlock(options, passphrase, isNew);
            database.Migrate(options);
            return database;
        }
        catch
        {
            database.Close();
            throw;
        }
    }

    /// <summary>Runs <paramref name="step"/> as one transaction; when it throws, everything it did is rolled back.</summary>
    public async Task<T> TransactAsync<T>(Func<DatabaseSession, T> step, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return Transact(step);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <inheritdoc cref="TransactAsync{T}"/>
    public Task TransactAsync(Action<DatabaseSession> step, CancellationToken cancellationToken) =>
        TransactAsync(
            session =>
            {
                step(session);
                return true;
            },
            cancellationToken);

    /// <summary>Runs <paramref name="read"/> between transactions. It must not change anything.</summary>
    public async Task<T> ReadAsync<T>(Func<DatabaseSession, T> read, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return read(_session);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>
    /// Changes the passphrase (to or from the empty one as well) and rewrites the whole file under it, in one transaction.
    /// </summary>
    public async Task RekeyAsync(Passphrase passphrase, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            // The cipher rewrites pages in place under a rollback journal; it refuses to do so under a write-ahead log.
            _session.Close();
            _session.ExecuteScript("PRAGMA journal_mode = DELETE;");
            try
            {
                var result = SqliteCipher.ChangeKey(_connection, passphrase.Span);
                if (result != raw.SQLITE_OK)
                    throw SqliteErrors.From(_connection, result);
            }
            finally
            {
                _session.ExecuteScript("PRAGMA journal_mode = WAL;");
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>The SQL of all tables, indexes and triggers in a canonical order: what golden schema files hold.</summary>
    public Task<string> DescribeSchemaAsync(CancellationToken cancellationToken) =>
        ReadAsync(
            static session => string.Join(
                "\n\n",
                session.Query("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT GLOB 'sqlite_*' ORDER BY tbl_name, type DESC, name", static row => row.GetText(0) + ";")) + "\n",
            cancellationToken);

    /// <summary>Reads every page and index; false when something does not fit together or does not authenticate.</summary>
    public async Task<bool> CheckIntegrityAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await ReadAsync(
                static session => session.Query("PRAGMA integrity_check", static row => row.GetText(0)) is ["ok"],
                cancellationToken);
        }
        catch (StorageException e) when (e.Error is StorageError.Broken or StorageError.InputOutput)
        {
            return false;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _turn.WaitAsync();
        try
        {
            if (!_disposed)
                Close();
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Creates an absent file for its owner alone, and sorts out what can be told from the first bytes; true for an empty file.</summary>
    private static bool Prepare(string path, Passphrase passphrase)
    {
        try
        {
            var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.ReadWrite };
            if (!OperatingSystem.IsWindows())
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            using var file = new FileStream(path, options);
            if (file.Length == 0)
                return true;
            Span<byte> header = stackalloc byte[16];
            var isPlain = file.ReadAtLeast(header, header.Length, throwOnEndOfStream: false) == header.Length && header.SequenceEqual("SQLite format 3\0"u8);
            if (file.Length < 512)
                throw new StorageException(StorageError.Broken, $"{path} is too short to be a database.");
            if (isPlain && !passphrase.IsEmpty)
                throw new StorageException(StorageError.NotEncrypted, $"{path} is not encrypted: open it with an empty passphrase.");
            return false;
        }
        catch (UnauthorizedAccessException e)
        {
            throw new StorageException(StorageError.AccessDenied, $"{path} cannot be opened for writing.", e);
        }
        catch (IOException e)
        {
            throw new StorageException(StorageError.AccessDenied, $"{path} cannot be opened: {e.Message}", e);
        }
    }

    private void Unlock(DatabaseOptions options, Passphrase passphrase, bool isNew)
    {
        raw.sqlite3_extended_result_codes(_connection, 1);
        raw.sqlite3_busy_timeout(_connection, checked((int)options.BusyTimeout.TotalMilliseconds));
        _session.ExecuteScript(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"PRAGMA cipher = 'sqlcipher'; PRAGMA legacy = {SqlCipherVersion};"));
        if (!passphrase.IsEmpty)
        {
            var result = SqliteCipher.SetKey(_connection, passphrase.Span);
            if (result != raw.SQLITE_OK)
                throw SqliteErrors.From(_connection, result);
        }

        _session.ExecuteScript("PRAGMA locking_mode = EXCLUSIVE;");
        try
        {
            _session.Scalar("SELECT count(*) FROM sqlite_schema");
        }
        catch (StorageException e) when (e.Error == StorageError.Broken)
        {
            throw new StorageException(StorageError.WrongPassphrase, $"The passphrase does not open {Path}.", e);
        }

        if (!isNew && _session.Scalar("PRAGMA application_id") != ApplicationId && _session.Scalar("SELECT count(*) FROM sqlite_schema") != 0)
            throw new StorageException(StorageError.Foreign, $"{Path} is a database of another program.");

        _session.ExecuteScript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; PRAGMA trusted_schema = OFF;");
        if (options.MaxPages is { } pages)
            _session.ExecuteScript(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"PRAGMA max_page_count = {pages};"));
    }

    private void Migrate(DatabaseOptions options)
    {
        Transact(
            session =>
            {
                session.ExecuteScript(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"PRAGMA application_id = {ApplicationId};"));
                session.ExecuteScript(
                    "CREATE TABLE IF NOT EXISTS migrations (component TEXT NOT NULL, name TEXT NOT NULL, applied_at INTEGER NOT NULL, PRIMARY KEY (component, name)) STRICT, WITHOUT ROWID;");
                return true;
            });
        foreach (var schema in options.Schemas)
        {
            var applied = _session.Query("SELECT name FROM migrations WHERE component = ?1", static row => row.GetText(0), schema.Component);
            if (applied.FirstOrDefault(name => schema.Migrations.All(migration => migration.Name != name)) is { } unknown)
                throw new StorageException(StorageError.Newer, $"{Path} was written by a newer version (migration {schema.Component}/{unknown}).");
            foreach (var migration in schema.Migrations.Where(migration => !applied.Contains(migration.Name)))
            {
                Transact(
                    session =>
                    {
                        session.ExecuteScript(migration.Sql);
                        return session.Execute(
                            "INSERT INTO migrations (component, name, applied_at) VALUES (?1, ?2, ?3)",
                            schema.Component,
                            migration.Name,
                            SqlValue.FromTime(options.Time.GetUtcNow()));
                    });
            }
        }
    }

    private T Transact<T>(Func<DatabaseSession, T> step)
    {
        _session.ExecuteScript("BEGIN IMMEDIATE;");
        try
        {
            var result = step(_session);
            _session.ExecuteScript("COMMIT;");
            return result;
        }
        catch
        {
            // SQLite has already rolled back by itself after some errors (full disk among them).
            if (raw.sqlite3_get_autocommit(_connection) == 0)
                _session.ExecuteScript("ROLLBACK;");
            throw;
        }
    }

    private void Close()
    {
        _disposed = true;
        _session.Close();
        _connection.Dispose();
    }
}
