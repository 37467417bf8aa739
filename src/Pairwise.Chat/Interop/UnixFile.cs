using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Pairwise.Chat.Interop;

/// <summary>What the base class library cannot ask of a file on Linux. Thread-safe.</summary>
internal static partial class UnixFile
{
    private const int ReadOnly = 0;
    private const int NonBlocking = 0x800;
    private const int CloseOnExec = 0x80000;

    /// <summary>
    /// Whether this is a file without content, and no device, pipe or file of the kernel, which have no length either. It never
    /// waits, as opening a pipe would.
    /// </summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static bool IsEmpty(string path)
    {
        var descriptor = Open(path, ReadOnly | NonBlocking | CloseOnExec);
        if (descriptor < 0)
            throw new IOException(Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError()));
        using var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        using var file = new FileStream(handle, FileAccess.Read, bufferSize: 0);
        return file.CanSeek && file.Length == 0 && file.ReadByte() < 0;
    }

    // An ABI fact of Linux on x86-64 and arm64: the values of the flags above.
    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);
}
