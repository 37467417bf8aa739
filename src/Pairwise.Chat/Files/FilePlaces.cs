using Pairwise.Agent.Files;
using Pairwise.Chat.Interop;
using Pairwise.Protocol.Xftp;

namespace Pairwise.Chat.Files;

/// <summary>Where files are looked for and put on this machine, with one sentence for everything that can be wrong there. Thread-safe.</summary>
internal sealed class FilePlaces(ChatOptions options)
{
    // Replaced as a whole.
    private volatile string? _folder = options.FilesFolder is { } folder ? Path.GetFullPath(folder) : null;

    /// <summary>Makes another folder the one for sent and received files.</summary>
    /// <exception cref="ChatException">It cannot be used.</exception>
    public string SetFolder(string folder)
    {
        var full = Path.GetFullPath(Expand(folder));
        MakeFolder(full);
        return _folder = full;
    }

    /// <summary>A file that can be sent, by its full path, and the length of its content.</summary>
    /// <exception cref="ChatException">It cannot.</exception>
    public (LocalFile File, long Length) FindToSend(string typed, FileKey? key = null)
    {
        var file = new LocalFile(Full(typed), key);
        try
        {
            if (Directory.Exists(file.Path))
                throw Fault($"{file.Path} is a folder: pack it into one file first (zip, tar) and send that.");
            var info = new FileInfo(file.Path);
            if (!info.Exists)
                throw Fault($"There is no file {file.Path}: check the path.");
            // Before it is opened: devices and pipes have no length either, and make whoever opens them wait.
            if (info.Length == 0 && !UnixFile.IsEmpty(file.Path))
                throw Fault($"{file.Path} is no file that has a length: copy what it gives into one, and send that.");
            var length = file.GetContentLength();
            if (length > XftpLimits.SoftMaxFileSize)
                throw new ChatException(ChatError.TooLong, $"{file.Path} is larger than 1 GB, the most that can be sent: send it in parts.");
            using var readable = info.Open(FileMode.Open, FileAccess.Read, FileShare.Read);
            return (file, length);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException or InvalidDataException)
        {
            throw Fault($"{file.Path} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Chooses the place of a file that is to be received; nothing is there when this returns.</summary>
    /// <param name="name">Its safe name.</param>
    /// <param name="typed">A folder or a path, or null for the usual folder.</param>
    /// <param name="isReserved">Whether another file that is on its way will be at a place.</param>
    /// <exception cref="ChatException">There is no such place, or something is there already.</exception>
    public string FindToReceive(string name, string? typed, Func<string, bool> isReserved)
    {
        bool IsTaken(string path) => File.Exists(path) || Directory.Exists(path) || isReserved(path);
        if (typed is null)
        {
            var folder = _folder ?? options.DownloadFolder;
            MakeFolder(folder);
            return SafeFileName.MakeUnique(Path.Combine(folder, name), IsTaken);
        }

        var path = Full(typed);
        if (Directory.Exists(path))
            return SafeFileName.MakeUnique(Path.Combine(path, name), IsTaken);
        if (Path.EndsInDirectorySeparator(path))
        {
            MakeFolder(path);
            return SafeFileName.MakeUnique(Path.Combine(path, name), IsTaken);
        }

        if (IsTaken(path))
            throw Fault($"There is a file {path} already: choose another name or a folder.");
        return Directory.Exists(Path.GetDirectoryName(path))
            ? path
            : throw Fault($"There is no folder {Path.GetDirectoryName(path)}: make it first, or choose another path.");
    }

    /// <summary>The place of a file whose name is not known before it is here; nothing is there when this returns.</summary>
    /// <exception cref="ChatException">It is a folder, or something is there already.</exception>
    public string FindToReceiveAs(string typed, Func<string, bool> isReserved)
    {
        var path = Full(typed);
        return Directory.Exists(path) || Path.EndsInDirectorySeparator(path)
            ? throw Fault($"{path} is a folder: add the name that the file is to have.")
            : FindToReceive(Path.GetFileName(path), typed, isReserved);
    }

    /// <summary>A typed path as a full one: relative to the files folder if one is set, and else to the present folder.</summary>
    public string Full(string typed)
    {
        try
        {
            var expanded = Expand(typed);
            return _folder is { } folder ? Path.GetFullPath(expanded, folder) : Path.GetFullPath(expanded);
        }
        catch (ArgumentException e)
        {
            throw Fault("This is no path.", e);
        }
    }

    /// <summary>The name of the file that a description at this path is of: the xftp command writes NAME.xftp/rcv1.xftp.</summary>
    public static string NameOfDescribed(string path)
    {
        const string Extension = ".xftp";
        var folder = Path.GetFileName(Path.GetDirectoryName(path)) ?? "";
        var name = folder.Length > Extension.Length && folder.EndsWith(Extension, StringComparison.Ordinal) ? folder : Path.GetFileName(path);
        return name.Length > Extension.Length && name.EndsWith(Extension, StringComparison.Ordinal) ? name[..^Extension.Length] : name;
    }

    private static string Expand(string typed)
    {
        var path = typed is ['"', .. var quoted, '"'] ? quoted : typed;
        return path == "~" || path.StartsWith("~/", StringComparison.Ordinal)
            ? Environment.GetFolderPath(Environment.SpecialFolder.UserProfile) + path[1..]
            : path;
    }

    private static void MakeFolder(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Fault($"The folder {folder} for files cannot be used: {e.Message}", e);
        }
    }

    private static ChatException Fault(string sentence, Exception? cause = null) => new(ChatError.File, sentence, innerException: cause);
}
