using Pairwise.Storage;

namespace Pairwise.Terminal.Startup;

/// <summary>What a person can do when the database does not open.</summary>
internal static class StorageAdvice
{
    /// <summary>One sentence for an error, with the next step.</summary>
    public static string Sentence(StorageException exception, string path) => exception.Error switch
    {
        StorageError.WrongPassphrase => $"The passphrase does not open {path}: try another one, or restore the file from a backup if it is damaged.",
        StorageError.NotEncrypted => $"{path} is not encrypted: open it with an empty passphrase.",
        StorageError.Foreign => $"{path} is a database of another program: choose another folder with -d FOLDER.",
        StorageError.Broken => $"{path} is damaged: restore it from a backup, or choose another folder with -d FOLDER.",
        StorageError.Newer => $"{path} was written by a newer version of Pairwise: start that version.",
        StorageError.InUse => $"{path} is in use by another process: close the other Pairwise, or choose another folder with -d FOLDER.",
        StorageError.DiskFull => $"There is no space left on the disk of {path}: free some and start again; nothing is lost.",
        StorageError.AccessDenied => $"{path} cannot be read or written by this user: check its owner and permissions, or choose another folder with -d FOLDER.",
        StorageError.InputOutput => $"The operating system could not read or write {path}: check the disk and start again.",
        _ => exception.Message,
    };
}
