using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Xml.Linq;

namespace Pairwise.Architecture.Tests;

/// <summary>
/// The table of allowed references of docs/ARCHITECTURE.md, read from the compiled assemblies.
/// A project exists because a dependency must be impossible; this is where it becomes impossible.
/// </summary>
public sealed class LayeringTests
{
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Pairwise.Wire"] = [],
        ["Pairwise.Crypto"] = ["Wire"],
        ["Pairwise.Ratchet"] = ["Crypto", "Wire"],
        ["Pairwise.Protocol"] = ["Ratchet", "Crypto", "Wire"],
        ["Pairwise.Transport"] = ["Protocol", "Ratchet", "Crypto", "Wire"],
        ["Pairwise.Client"] = ["Transport", "Protocol", "Ratchet", "Crypto", "Wire"],
        ["Pairwise.Server"] = ["Client", "Transport", "Protocol", "Ratchet", "Crypto", "Wire"],
        ["Pairwise.Storage"] = ["Wire"],
        ["Pairwise.Agent"] = ["Client", "Storage", "Transport", "Protocol", "Ratchet", "Crypto", "Wire"],
        ["Pairwise.Chat"] = ["Agent", "Storage", "Protocol", "Crypto", "Wire"],
    };

    /// <summary>Assemblies that a layer must not touch, each with the reason that the failing test prints.</summary>
    private static readonly (string Project, string Assembly, string Reason)[] Forbidden =
    [
        .. new[] { "Wire", "Crypto", "Ratchet", "Protocol" }.SelectMany(layer => new[]
        {
            (layer, "System.Net.Sockets", "protocol code does no I/O: it must be testable byte by byte"),
            (layer, "System.Threading.Channels", "state machines are plain types: no tasks, no clock, no store"),
            (layer, "Microsoft.Data.Sqlite", "only Storage knows the database"),
        }),
        .. new[] { "Wire", "Crypto", "Ratchet", "Protocol", "Transport", "Client", "Storage", "Agent", "Chat" }.SelectMany(layer => new[]
        {
            (layer, "System.Console", "only the apps talk to a terminal"),
            (layer, "Npgsql", "only the relays know PostgreSQL"),
            (layer, "Microsoft.AspNetCore", "only the relays and the apps serve the web"),
        }),
        ("Agent", "System.Net.Sockets", "connections are made in Transport, where the proxy settings are"),
        ("Chat", "System.Net.Sockets", "connections are made in Transport, where the proxy settings are"),
    ];

    public static TheoryData<string> Projects => [.. Allowed.Keys];

    [Theory]
    [MemberData(nameof(Projects))]
    public void Project_references_only_what_the_table_allows(string project)
    {
        var found = ReferencesOf(project).Where(name => name.StartsWith("Pairwise.", StringComparison.Ordinal));
        var allowed = Allowed[project].Select(name => "Pairwise." + name);
        Assert.Empty(found.Except(allowed));
    }

    [Fact]
    public void Forbidden_assemblies_are_not_referenced()
    {
        var faults = from rule in Forbidden
                     from reference in ReferencesOf("Pairwise." + rule.Project)
                     where reference.StartsWith(rule.Assembly, StringComparison.Ordinal)
                     select $"Pairwise.{rule.Project} references {reference}: {rule.Reason}";
        Assert.Empty(faults);
    }

    [Fact]
    public void Every_source_project_is_in_the_table()
    {
        var projects = Directory.EnumerateDirectories(Path.Combine(Repository.Root, "src")).Select(Path.GetFileName);
        Assert.Equal(Allowed.Keys.Order(), projects.Order()!);
    }

    [Fact]
    public void Nothing_in_src_references_an_app()
    {
        var faults = from file in Directory.EnumerateFiles(Path.Combine(Repository.Root, "src"), "*.csproj", SearchOption.AllDirectories)
                     from reference in XDocument.Load(file).Descendants("ProjectReference")
                     let target = (string?)reference.Attribute("Include") ?? ""
                     where target.Contains("apps/", StringComparison.Ordinal)
                     select $"{Repository.Relative(file)} -> {target}";
        Assert.Empty(faults);
    }

    [Fact]
    public void The_solution_lists_every_project()
    {
        var listed = XDocument.Load(Path.Combine(Repository.Root, "Pairwise.slnx"))
            .Descendants("Project").Select(element => (string)element.Attribute("Path")!);
        var present = new[] { "src", "apps", "tests", "benchmarks" }
            .SelectMany(folder => Directory.EnumerateFiles(Path.Combine(Repository.Root, folder), "*.csproj", SearchOption.AllDirectories))
            .Select(Repository.Relative);
        Assert.Equal(present.Order(), listed.Order());
    }

    private static string[] ReferencesOf(string project)
    {
        using var stream = File.OpenRead(Path.Combine(AppContext.BaseDirectory, project + ".dll"));
        using var image = new PEReader(stream);
        var metadata = image.GetMetadataReader();
        return [.. metadata.AssemblyReferences.Select(handle => metadata.GetString(metadata.GetAssemblyReference(handle).Name))];
    }
}
