using SQLitePCL;

namespace Pairwise.Storage;

/// <summary>The one place where SQLite's result codes become our errors.</summary>
internal static class SqliteErrors
{
    public static StorageException From(sqlite3? connection, int result)
    {
        var detail = connection is null ? raw.sqlite3_errstr(result).utf8_to_string() : raw.sqlite3_errmsg(connection).utf8_to_string();
        return (result & 0xFF) switch
        {
            // The passphrase is tried once, at opening; a page that does not authenticate later is damage.
            raw.SQLITE_NOTADB or raw.SQLITE_CORRUPT => new(StorageError.Broken, "The database file is damaged."),
            raw.SQLITE_BUSY or raw.SQLITE_LOCKED => new(StorageError.InUse, "The database is in use by another process."),
            raw.SQLITE_FULL => new(StorageError.DiskFull, "There is no space left on the disk for the database."),
            raw.SQLITE_CANTOPEN or raw.SQLITE_READONLY or raw.SQLITE_PERM or raw.SQLITE_AUTH =>
                new(StorageError.AccessDenied, "The database file cannot be opened for writing."),
            raw.SQLITE_CONSTRAINT => new(StorageError.Constraint, $"A constraint of the database refuses this: {detail}."),
            raw.SQLITE_IOERR => new(StorageError.InputOutput, $"The database cannot be read or written: {detail}."),
            _ => new(StorageError.Statement, $"SQLite refuses a statement: {detail} (code {result})."),
        };
    }
}
