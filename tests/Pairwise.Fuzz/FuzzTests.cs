using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;
using Pairwise.TestKit;

namespace Pairwise.Fuzz;

/// <summary>
/// Every parser of the wire against mutated inputs: it never throws, its memory is bounded, what it accepts is stable.
/// </summary>
/// <remarks>
/// Usually the inputs are the same in every run. <c>PAIRWISE_FUZZ_COUNT</c> sets how many others each parser gets, of a seed
/// that is printed, and <c>PAIRWISE_FUZZ_SEED</c> runs such a seed again.
/// </remarks>
public sealed class FuzzTests(ITestOutputHelper output)
{
    private const int DefaultCount = 5000;
    private const int UsualSeed = 20_261_121;

    // A parser may build a tree of what it reads and copies of that, but not more of it than the input can pay for.
    private const long FreeAllocation = 1 << 20;
    private const long AllocationPerByte = 300;

    public static TheoryData<string> TargetNames => [.. FuzzTargets.All.Select(target => target.Name)];

    [Theory]
    [MemberData(nameof(TargetNames))]
    public void Hostile_input_is_refused_without_an_exception_and_in_bounded_memory(string name)
    {
        var target = FuzzTargets.All.Single(candidate => candidate.Name == name);
        var seeds = target.Seeds();
        Assert.NotEmpty(seeds);
        var seed = Setting("PAIRWISE_FUZZ_SEED") ?? (Setting("PAIRWISE_FUZZ_COUNT") is null ? UsualSeed : RandomNumberGenerator.GetInt32(int.MaxValue));
        var count = Math.Max(1, (Setting("PAIRWISE_FUZZ_COUNT") ?? DefaultCount) / target.Cost);
        output.WriteLine($"{name}: seed {seed}, {count} inputs, {seeds.Length} seeds");

        var acceptedSeeds = seeds.Count(input => Run(target, input, seed));
        Assert.True(acceptedSeeds > 0 || target.MayRefuseEverySeed, "no seed is accepted: the target reaches nothing");
        var mutator = new Mutator(new SeededRandom(seed), seeds);
        for (var i = 0; i < count; i++)
        {
            Run(target, mutator.Next(), seed);
        }
    }

    [Fact]
    public void Every_public_parser_of_the_protocols_has_a_target()
    {
        var covered = FuzzTargets.All.SelectMany(target => target.Parsers).ToHashSet();
        var parsers =
            from assembly in new[] { typeof(Wire.WireReader).Assembly, typeof(Crypto.PublicKey).Assembly, typeof(Ratchet.DoubleRatchet).Assembly, typeof(Protocol.ServerAddress).Assembly, typeof(Chat.Protocol.ChatBody).Assembly }
            from type in assembly.GetExportedTypes()
            where type.GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly).Any(IsParser)
            select type;
        Assert.Empty(parsers.Where(type => !covered.Contains(type)).Select(type => type.FullName));
    }

    private static bool IsParser(MethodInfo method) =>
        method.ReturnType == typeof(bool)
        && (method.Name.StartsWith("TryParse", StringComparison.Ordinal)
            || method.Name.StartsWith("TryDecode", StringComparison.Ordinal)
            || method.Name.StartsWith("TryRead", StringComparison.Ordinal)
            || method.Name.StartsWith("TryFrom", StringComparison.Ordinal)
            || method.Name.StartsWith("TryDeserialize", StringComparison.Ordinal));

    private static bool Run(FuzzTarget target, byte[] input, int seed)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        bool isAccepted;
        try
        {
            isAccepted = target.Parse(input);
        }
        catch (Exception fault) when (fault is not OutOfMemoryException)
        {
            Assert.Fail($"{target.Name}, seed {seed}: {fault.GetType().Name}: {fault.Message}{Environment.NewLine}input {Convert.ToHexString(input)}{Environment.NewLine}{fault.StackTrace}");
            throw;
        }

        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        var limit = FreeAllocation + (AllocationPerByte * input.Length);
        Assert.True(allocated <= limit, $"{target.Name}, seed {seed}: {allocated} bytes were allocated for {input.Length} bytes: {Convert.ToHexString(input)}");
        return isAccepted;
    }

    private static int? Setting(string name) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : null;
}
