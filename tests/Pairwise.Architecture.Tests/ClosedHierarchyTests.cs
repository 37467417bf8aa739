using System.Reflection;

namespace Pairwise.Architecture.Tests;

/// <summary>
/// A closed hierarchy is an abstract class whose constructors nobody outside its assembly can call. C# does not
/// check that a switch covers it, so at least its shape is kept: every leaf sealed, every case reachable by name.
/// </summary>
public sealed class ClosedHierarchyTests
{
    public static TheoryData<string> Assemblies => ["Pairwise.Protocol", "Pairwise.Agent", "Pairwise.Chat", "Pairwise.Crypto"];

    [Theory]
    [MemberData(nameof(Assemblies))]
    public void Leaves_of_closed_hierarchies_are_sealed(string assembly)
    {
        var types = Assembly.Load(assembly).GetTypes();
        var faults = from type in types
                     where type is { IsClass: true, IsAbstract: false, IsSealed: false }
                     where type.BaseType is { } parent && IsClosed(parent)
                     select $"{type.FullName} extends the closed {type.BaseType!.Name} and is neither sealed nor abstract";
        Assert.Empty(faults);
    }

    private static bool IsClosed(Type type) =>
        type.IsAbstract && type.Assembly.GetName().Name!.StartsWith("Pairwise.", StringComparison.Ordinal) &&
        type.GetConstructors(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
            .Where(constructor => constructor.GetParameters() is not [var only] || only.ParameterType != type)
            .All(constructor => constructor.IsFamilyAndAssembly || constructor.IsPrivate || constructor.IsAssembly);
}
