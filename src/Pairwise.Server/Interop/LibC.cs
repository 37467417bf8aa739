using System.Runtime.InteropServices;

namespace Pairwise.Server.Interop;

/// <summary>What the base class library has no call for.</summary>
internal static partial class LibC
{
    private const string Library = "libc";
    private const int ReadOnly = 0;

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

    [LibraryImport(Library, EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport(Library, EntryPoint = "fsync", SetLastError = true)]
    private static partial int Flush(int file);

    [LibraryImport("libc.so.6", EntryPoint = "malloc_trim")]
    private static partial int Trim(nuint pad);

    [LibraryImport(Library, EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int file);
}
