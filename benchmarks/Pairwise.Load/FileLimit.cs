using System.Runtime.InteropServices;

namespace Pairwise.Load;

/// <summary>How many files and sockets a process may have open. The runtime raises it to the hard limit; this raises that.</summary>
internal static partial class FileLimit
{
    private const int OpenFiles = 7; // RLIMIT_NOFILE

    /// <summary>Makes sure of so many for this process and those that it starts.</summary>
    /// <exception cref="SuiteException">The system does not allow as many.</exception>
    internal static void Require(int count)
    {
        ulong wanted = (ulong)count;
        if (getrlimit(OpenFiles, out Limit limit) == 0 && limit.Current >= wanted)
        {
            return;
        }

        Limit raised = new() { Current = wanted, Maximum = Math.Max(limit.Maximum, wanted) };
        if (setrlimit(OpenFiles, raised) != 0)
        {
            throw new SuiteException($"{count} open files are needed and {limit.Maximum} allowed: raise the limit (ulimit -Hn {count}, as root) or ask for less");
        }
    }

    [LibraryImport("libc")]
    private static partial int getrlimit(int resource, out Limit limit);

    [LibraryImport("libc")]
    private static partial int setrlimit(int resource, in Limit limit);

    [StructLayout(LayoutKind.Sequential)]
    private struct Limit
    {
        internal ulong Current;
        internal ulong Maximum;
    }
}
