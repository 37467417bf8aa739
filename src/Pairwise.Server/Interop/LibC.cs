using System.Runtime.InteropServices;

namespace Pairwise.Server.Interop;

/// <summary>What the base class library has no call for.</summary>
internal static partial class LibC
{
    private const string Library = "libc";
    private const int ReadOnly = 0;

    // Linux, on every architecture that .NET runs on
    private const int WriteOnly = 1;
    private const int Create = 0x40;
    private const int CloseOnExec = 0x80000;
    private const int ReadWriteForAll = 0x1B6; // what the process's mask leaves of it
    private const int Interrupted = 4;
    private const int SeekEnd = 2;

    /// <summary>
    /// Completes when the names in a folder are on the disk: a new file, or one that got another name, may otherwise be gone
    /// after a power failure, whatever of its content was flushed. Does nothing where files are not Unix's.
    /// </summary>
    /// <exception cref="IOException">The folder cannot be opened or flushed.</exception>
    public static void FlushFolder(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        var folder = Open(path, ReadOnly);
        if (folder < 0)
        {
            throw Fault(path);
        }

        try
        {
            if (Flush(folder) != 0)
            {
                throw Fault(path);
            }
        }
        finally
        {
            _ = Close(folder);
        }
    }

    /// <summary>
    /// Writes into a file and closes it: three system calls, where the base class library takes seven, four of them for a
    /// lock that a relay's own files do not need. On Linux only.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="offset">Where in it.</param>
    /// <param name="content">What.</param>
    /// <param name="isNew">Whether the file is made when it is missing.</param>
    /// <param name="isEnd">Whether the file ends behind the content; what may be there is cut off.</param>
    /// <exception cref="IOException">It cannot be opened or written; a part may have been written.</exception>
    public static void WriteAt(string path, long offset, ReadOnlySpan<byte> content, bool isNew, bool isEnd)
    {
        int file = OpenForWriting(path, WriteOnly | CloseOnExec | (isNew ? Create : 0), ReadWriteForAll);
        if (file < 0)
        {
            throw WriteFault();
        }

        try
        {
            while (!content.IsEmpty)
            {
                nint written = WriteAt(file, content, content.Length, offset);
                if (written < 0)
                {
                    if (Marshal.GetLastPInvokeError() == Interrupted)
                    {
                        continue;
                    }

                    throw WriteFault();
                }

                content = content[(int)written..];
                offset += written;
            }

            if (isEnd && Seek(file, 0, SeekEnd) > offset && Truncate(file, offset) != 0)
            {
                throw WriteFault();
            }
        }
        finally
        {
            _ = Close(file);
        }
    }

    /// <summary>
    /// Gives memory that native code has freed back to the system, where the C library can: glibc keeps it otherwise. It
    /// takes milliseconds, and whoever allocates meanwhile waits.
    /// </summary>
    public static void GiveMemoryBack()
    {
        if (OperatingSystem.IsLinux() && NativeLibrary.TryLoad("libc.so.6", out nint library) && NativeLibrary.TryGetExport(library, "malloc_trim", out _))
        {
            _ = Trim(0);
        }
    }

    private static IOException Fault(string path) => new($"The folder {path} cannot be flushed: {Marshal.GetLastPInvokeErrorMessage()}.");

    // No path: it holds a queue's id.
    private static IOException WriteFault() => new($"A file cannot be written: {Marshal.GetLastPInvokeErrorMessage()}.");

    [LibraryImport(Library, EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenForWriting(string path, int flags, int mode);

    [LibraryImport(Library, EntryPoint = "pwrite", SetLastError = true)]
    private static partial nint WriteAt(int file, ReadOnlySpan<byte> content, nint length, long offset);

    [LibraryImport(Library, EntryPoint = "lseek", SetLastError = true)]
    private static partial long Seek(int file, long offset, int whence);

    [LibraryImport(Library, EntryPoint = "ftruncate", SetLastError = true)]
    private static partial int Truncate(int file, long length);

    [LibraryImport(Library, EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport(Library, EntryPoint = "fsync", SetLastError = true)]
    private static partial int Flush(int file);

    [LibraryImport("libc.so.6", EntryPoint = "malloc_trim")]
    private static partial int Trim(nuint pad);

    [LibraryImport(Library, EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int file);
}
