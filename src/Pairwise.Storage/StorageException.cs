namespace Pairwise.Storage;

/// <summary>What went wrong with a database, as far as its user can do something about it.</summary>
public enum StorageError
{
    /// <summary>The passphrase does not open this file (or the file is not a database at all: encrypted bytes cannot be told from noise).</summary>
    WrongPassphrase,

    /// <summary>A passphrase was given, but the file is an unencrypted database.</summary>
    NotEncrypted,

    /// <summary>The file opens, but it is another program's database.</summary>
    Foreign,

    /// <summary>The file is damaged: its length or its pages are not those of a database.</summary>
    Broken,

    /// <summary>The database was written by a newer version, whose migrations this one does not know.</summary>
    Newer,

    /// <summary>Another process holds the database.</summary>
    InUse,

    /// <summary>No space is left for the file or its log; the transaction was rolled back.</summary>
    DiskFull,

    /// <summary>The file or its folder cannot be read or written by this user, or does not exist.</summary>
    AccessDenied,

    /// <summary>A row would break a constraint of the schema; the transaction was rolled back.</summary>
    Constraint,

    /// <summary>The operating system failed to read or write.</summary>
    InputOutput,

    /// <summary>A statement that SQLite refuses: a fault of the calling program.</summary>
    Statement,
}

/// <summary>A database operation failed; the stored data is as it was before it.</summary>
public sealed class StorageException(StorageError error, string message, Exception? innerException = null)
    : Exception(message, innerException)
{
    /// <summary>The kind of failure; decide by this, never by the message.</summary>
    public StorageError Error { get; } = error;

    /// <summary>Whether the same operation may succeed later, with nothing changed but the circumstances.</summary>
    public bool IsTransient => Error is StorageError.InUse or StorageError.DiskFull or StorageError.InputOutput;
}
