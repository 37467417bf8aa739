using System.Text;
using Pairwise.Demo.Processes;

namespace Pairwise.Demo;

/// <summary>What a stopped relay has on its disk, in counts, and whether anything there names a person or a text.</summary>
internal sealed record RelayView(int Queues, int Files, long Bytes, IReadOnlyList<string> Found)
{
    /// <summary>Reads the state folder of a relay and searches all its bytes for words that must not be there.</summary>
    public static RelayView Of(string folder, IEnumerable<string> words)
    {
        var files = Directory.GetFiles(RelayProcess.StateOf(folder), "*", SearchOption.AllDirectories);
        var contents = files.Select(File.ReadAllBytes).ToList();
        var queues = File.ReadLines(Path.Combine(RelayProcess.StateOf(folder), "smp-server-store.log")).Count(line => line.StartsWith("CREATE ", StringComparison.Ordinal));
        var found = words.Where(word => contents.Exists(content => content.AsSpan().IndexOf(Encoding.UTF8.GetBytes(word)) >= 0));
        return new RelayView(queues, files.Length, contents.Sum(content => (long)content.Length), [.. found]);
    }
}
