using System.Collections.Concurrent;
using System.Text.Json;

namespace Pairwise.TestKit;

/// <summary>
/// One file of bytes produced by the reference: <c>{ description, source, records: [...] }</c>, a record being a JSON
/// object with a name and a kind.
/// </summary>
/// <remarks>
/// Files are read from the folder that the environment variable <c>PAIRWISE_VECTORS</c> names, and those that it
/// lacks from <c>tests/Vectors</c>. A test walks every record through a table of handlers by kind (<see cref="Check"/>),
/// which fails on a kind that nobody handles, so that no record is left out unseen.
/// </remarks>
public sealed class VectorFile
{
    private static readonly ConcurrentDictionary<string, VectorFile> Loaded = new(StringComparer.Ordinal);

    private VectorFile(string name, IReadOnlyList<VectorRecord> records)
    {
        Name = name;
        Records = records;
    }

    /// <summary>The file's name without its folder.</summary>
    public string Name { get; }

    public IReadOnlyList<VectorRecord> Records { get; }

    private static string Folder { get; } = FindFolder();

    /// <summary>Path of a vector file or folder.</summary>
    public static string PathOf(string name)
    {
        var overridden = Environment.GetEnvironmentVariable("PAIRWISE_VECTORS");
        var path = string.IsNullOrEmpty(overridden) ? null : Path.Combine(overridden, name);
        return path is not null && Path.Exists(path) ? path : Path.Combine(Folder, name);
    }

    /// <summary>Loads a file of the vectors' folder, once a process.</summary>
    public static VectorFile Load(string fileName) => Loaded.GetOrAdd(fileName, static name =>
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(PathOf(name)));
        var records = document.RootElement.GetProperty("records").EnumerateArray()
            .Select((element, index) => new VectorRecord(index, element.Clone()))
            .ToArray();
        return new VectorFile(name, records);
    });

    /// <summary>The records of one kind.</summary>
    public IEnumerable<VectorRecord> OfKind(string kind) => Records.Where(record => record.Kind == kind);

    /// <summary>
    /// Runs every record through the handler of its kind and reports all that went wrong, by record, in one exception.
    /// </summary>
    /// <param name="kindOf">How this file names kinds; most have a "kind" property.</param>
    /// <param name="handlers">A handler for each kind; <see cref="VectorRecord.Elsewhere"/> marks kinds whose layer has
    /// its own tests.</param>
    /// <exception cref="VectorException">A record failed, a kind has no handler, or a handler has no record.</exception>
    public void Check(Func<VectorRecord, string> kindOf, IReadOnlyDictionary<string, Action<VectorRecord>> handlers)
    {
        var faults = new List<string>();
        var handled = 0;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var record in Records)
        {
            var kind = kindOf(record);
            seen.Add(kind);
            if (!handlers.TryGetValue(kind, out var handle))
            {
                faults.Add($"{record}: nobody handles kind '{kind}'");
                continue;
            }

            handled++;
            try
            {
                handle(record);
            }
            catch (Exception fault) when (fault is not OutOfMemoryException)
            {
                faults.Add($"{record}: {fault.GetType().Name}: {fault.Message}");
            }
        }

        if (Records.Count == 0)
            faults.Add($"{Name} has no records");
        if (handled != Records.Count)
            faults.Add($"{handled} of {Records.Count} records of {Name} were handled");
        if (faults.Count > 0)
            throw new VectorException(string.Join(Environment.NewLine, faults));
    }

    /// <summary>As the other overload, for files whose records name their kind in "kind".</summary>
    public void Check(IReadOnlyDictionary<string, Action<VectorRecord>> handlers) => Check(record => record.Kind, handlers);

    private static string FindFolder()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var candidate = Path.Combine(folder.FullName, "tests", "Vectors");
            if (Directory.Exists(candidate))
                return candidate;
        }

        throw new DirectoryNotFoundException("tests/Vectors was not found above the test program; PAIRWISE_VECTORS may name it.");
    }
}

/// <summary>Records of a vector file did not come out as the reference has them.</summary>
public sealed class VectorException(string message) : Exception(message);
