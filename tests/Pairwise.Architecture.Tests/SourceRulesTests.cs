using System.Text.RegularExpressions;

namespace Pairwise.Architecture.Tests;

/// <summary>House rules that can be read off the sources.</summary>
public sealed partial class SourceRulesTests
{
    private const int LongestFile = 800;

    [Fact]
    public void No_source_file_has_outgrown_its_room()
    {
        var faults = from folder in new[] { "src", "apps", "tests", "benchmarks" }
                     from file in Repository.Sources(folder)
                     let lines = File.ReadLines(file).Count()
                     where lines > LongestFile
                     select $"{Repository.Relative(file)} has {lines} lines; split it by what it owns";
        Assert.Empty(faults);
    }

    [Fact]
    public void Names_say_what_a_type_does()
    {
        var faults = from folder in new[] { "src", "apps" }
                     from file in Repository.Sources(folder)
                     let name = Path.GetFileNameWithoutExtension(file)
                     where BucketName().IsMatch(name)
                     select $"{Repository.Relative(file)}: a bucket name collects what belongs elsewhere";
        Assert.Empty(faults);
    }

    [Fact]
    public void Log_event_ids_are_unique()
    {
        var ids = from folder in new[] { "src", "apps" }
                  from file in Repository.Sources(folder)
                  from Match match in EventId().Matches(File.ReadAllText(file))
                  group Repository.Relative(file) by match.Groups[1].Value;
        Assert.Empty(ids.Where(group => group.Count() > 1).Select(group => $"event id {group.Key}: {string.Join(", ", group)}"));
    }

    [Fact]
    public void Unsafe_and_native_code_stay_behind_their_fences()
    {
        var faults = from folder in new[] { "src" }
                     from file in Repository.Sources(folder)
                     let path = Repository.Relative(file)
                     where !path.Contains("Interop", StringComparison.Ordinal)
                     where NativeImport().IsMatch(File.ReadAllText(file))
                     select $"{path}: native imports live in an Interop folder";
        Assert.Empty(faults);
    }

    [GeneratedRegex("(Helper|Helpers|Util|Utils|Manager|Common|Misc)$")]
    private static partial Regex BucketName();

    [GeneratedRegex(@"\[LoggerMessage\((?:EventId\s*=\s*)?(\d+)")]
    private static partial Regex EventId();

    [GeneratedRegex(@"\[(LibraryImport|DllImport)\(")]
    private static partial Regex NativeImport();
}
