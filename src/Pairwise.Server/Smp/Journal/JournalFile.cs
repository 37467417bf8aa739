using Microsoft.Win32.SafeHandles;
using Pairwise.Server.Interop;

namespace Pairwise.Server.Smp.Journal;

/// <summary>Reads and writes the files of journals, which are open only meanwhile.</summary>
internal static class JournalFile
{
    /// <summary>Opens a file to read it, or to read it and cut it.</summary>
    /// <exception cref="IOException">The disk refuses, or it is no file with places, such as a pipe.</exception>
    public static SafeFileHandle Open(string path, FileAccess access, out long length)
    {
        SafeFileHandle file = File.OpenHandle(path, FileMode.Open, access, FileShare.ReadWrite);
        try
        {
            length = RandomAccess.GetLength(file);
            return file;
        }
        catch (NotSupportedException cause)
        {
            file.Dispose();
            throw new IOException("A journal is not a regular file.", cause);
        }
    }

    /// <summary>Writes at a place.</summary>
    /// <param name="path">The file.</param>
    /// <param name="offset">Where in it.</param>
    /// <param name="content">What.</param>
    /// <param name="isNew">Whether the file is made when it is missing.</param>
    /// <param name="isEnd">Whether what is behind the content is cut off.</param>
    /// <exception cref="IOException">The disk refuses; a part may have been written.</exception>
    public static void Write(string path, long offset, ReadOnlySpan<byte> content, bool isNew, bool isEnd)
    {
        if (OperatingSystem.IsLinux())
        {
            LibC.WriteAt(path, offset, content, isNew, isEnd);
            return;
        }

        using SafeFileHandle file = File.OpenHandle(path, isNew ? FileMode.OpenOrCreate : FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        RandomAccess.Write(file, content, offset);
        if (isEnd && RandomAccess.GetLength(file) > offset + content.Length)
        {
            RandomAccess.SetLength(file, offset + content.Length);
        }
    }
}
