using System.Diagnostics;
using System.Globalization;

namespace Pairwise.Load;

/// <summary>Which cores a process may use, as taskset(1) has it.</summary>
internal static class CpuSet
{
    /// <summary>The cores that this process may use now.</summary>
    internal static string Read() =>
        File.ReadLines("/proc/self/status").First(line => line.StartsWith("Cpus_allowed_list:", StringComparison.Ordinal)).Split(':')[1].Trim();

    /// <summary>Confines all threads of a process to a list of cores, such as "0" or "0-3".</summary>
    /// <exception cref="SuiteException">It could not be done.</exception>
    internal static void Use(int processId, string cores)
    {
        using Process taskset = Process.Start(new ProcessStartInfo("taskset", ["-a", "-c", "-p", cores, processId.ToString(CultureInfo.InvariantCulture)]) { RedirectStandardOutput = true })
            ?? throw new SuiteException("taskset is not there; it belongs to util-linux");
        taskset.StandardOutput.ReadToEnd();
        taskset.WaitForExit();
        if (taskset.ExitCode != 0)
        {
            throw new SuiteException($"process {processId} could not be confined to the cores {cores}");
        }
    }
}
