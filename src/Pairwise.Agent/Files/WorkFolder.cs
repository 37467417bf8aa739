namespace Pairwise.Agent.Files;

/// <summary>
/// The folder for encrypted files on their way: one folder in it for each transfer, under its id. What it holds is
/// worthless without the database.
/// </summary>
internal sealed class WorkFolder(string path)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Where the encrypted form of a file that is sent is.</summary>
    public string EncryptedPath(FileTransferId id) => Path.Combine(path, id.ToString(), "encrypted");

    /// <summary>Where a chunk is that was received whole.</summary>
    public string ChunkPath(FileTransferId id, int stage, int number) =>
        Path.Combine(path, id.ToString(), string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{stage}-{number}"));

    /// <summary>Makes the folder of a transfer.</summary>
    public void Make(FileTransferId id)
    {
        var folder = Path.Combine(path, id.ToString());
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(folder);
        else Directory.CreateDirectory(folder, OwnerOnly);
    }

    /// <summary>
    /// Removes the folder of a transfer that is over; false when something in it is still in use: then a later clean-up does.
    /// </summary>
    public bool TryRemove(FileTransferId id)
    {
        try
        {
            var folder = Path.Combine(path, id.ToString());
            if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>The transfers that have a folder.</summary>
    public IReadOnlyList<FileTransferId> GetAll()
    {
        if (!Directory.Exists(path)) return [];
        List<FileTransferId> found = [];
        foreach (var folder in Directory.EnumerateDirectories(path))
        {
            if (FileTransferId.TryParse(Path.GetFileName(folder), out var id)) found.Add(id);
        }

        return found;
    }
}
