using System.Globalization;
using System.Runtime.InteropServices;

namespace Pairwise.Load;

/// <summary>Measures short operations by the CPU time of the thread that runs them, so that a busy machine disturbs little.</summary>
internal static partial class Measure
{
    private const int ThreadCpuClock = 3;
    private const int Rounds = 7;

    /// <summary>CPU microseconds of one <paramref name="operation"/>: the median of several rounds.</summary>
    /// <param name="operation">What is measured.</param>
    /// <param name="roundSeconds">How long a round lasts about.</param>
    internal static double Microseconds(Action operation, double roundSeconds)
    {
        operation();
        var count = 1;
        double elapsed;
        while ((elapsed = Round(operation, count)) < roundSeconds / 10)
            count = checked(count * 2);
        count = Math.Max(1, (int)(count * roundSeconds / Math.Max(elapsed, 1e-9)));
        var rounds = new double[Rounds];
        for (var i = 0; i < Rounds; i++)
            rounds[i] = Round(operation, count) / count;
        Array.Sort(rounds);
        return rounds[Rounds / 2] * 1e6;
    }

    /// <summary>CPU seconds that the calling thread has used.</summary>
    internal static double ThreadCpuSeconds()
    {
        if (clock_gettime(ThreadCpuClock, out var time) != 0)
            throw new SuiteException("the system does not tell the CPU time of a thread");
        return time.Seconds + (time.Nanoseconds / 1e9);
    }

    /// <summary>One row of a table: a name and a number, aligned.</summary>
    internal static string Row(string name, double value, string unit, string? remark = null) =>
        string.Create(CultureInfo.InvariantCulture, $"  {name,-44} {value,12:N2} {unit,-4} {remark}").TrimEnd();

    private static double Round(Action operation, int count)
    {
        var start = ThreadCpuSeconds();
        for (var i = 0; i < count; i++)
            operation();
        return ThreadCpuSeconds() - start;
    }

    [LibraryImport("libc")]
    private static partial int clock_gettime(int clock, out TimeSpec time);

    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpec
    {
        internal long Seconds;
        internal long Nanoseconds;
    }
}
