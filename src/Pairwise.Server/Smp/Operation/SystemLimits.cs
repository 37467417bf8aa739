using System.Globalization;

namespace Pairwise.Server.Smp.Operation;

/// <summary>How much memory the process uses, and how much it could use at this moment at most, in bytes.</summary>
internal readonly record struct MemoryReading(long Used, long Limit);

/// <summary>What the system gives this process. Where it does not tell, nothing is limited.</summary>
internal static class SystemLimits
{
    private const int KiB = 1024;

    /// <summary>
    /// Descriptors that the process may have open: the runtime has raised its own limit to what is allowed at its start.
    /// Null when the system does not tell, or does not limit them.
    /// </summary>
    public static long? Descriptors()
    {
        const string name = "Max open files";
        string? line = Lines("/proc/self/limits").FirstOrDefault(each => each.StartsWith(name, StringComparison.Ordinal));
        return line is not null && Number(line[name.Length..]) is { } soft ? soft : null;
    }

    /// <summary>
    /// Memory now. The limit is the container's or machine's, and never more than what the process has together with what
    /// the machine could still give it: others use memory too.
    /// </summary>
    public static MemoryReading Memory()
    {
        long used = Environment.WorkingSet;
        long limit = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        const string name = "MemAvailable:";
        string? line = Lines("/proc/meminfo").FirstOrDefault(each => each.StartsWith(name, StringComparison.Ordinal));
        if (line is not null && Number(line[name.Length..]) is { } available)
        {
            limit = Math.Min(limit, used + (available * KiB));
        }

        return new MemoryReading(used, limit);
    }

    private static IEnumerable<string> Lines(string path) => File.Exists(path) ? File.ReadLines(path) : [];

    private static long? Number(string text) =>
        text.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [string first, ..]
        && long.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            ? number
            : null;
}
