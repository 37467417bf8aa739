using System.Runtime.InteropServices;

namespace Pairwise.Server.Interop;

/// <summary>
/// A shell starts what runs behind it ("server &amp;") with SIGINT ignored, and the runtime leaves an ignored SIGINT ignored,
/// whoever registers for it. The original servers stop by it wherever they were started from, and so do ours.
/// </summary>
public static partial class IgnoredSignals
{
    private const int Interrupt = 2;
    private const nint Default = 0;

    /// <summary>Makes SIGINT arrive. Called before anything registers for a signal.</summary>
    public static void Restore()
    {
        if (!OperatingSystem.IsWindows())
        {
            _ = SetHandler(Interrupt, Default);
        }
    }

    [LibraryImport("libc", EntryPoint = "signal")]
    private static partial nint SetHandler(int signal, nint handler);
}
