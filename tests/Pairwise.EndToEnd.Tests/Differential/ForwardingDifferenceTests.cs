namespace Pairwise.EndToEnd.Tests.Differential;

/// <summary>
/// Commands through a proxy, with the original and ours in either place: the original in both is what the others are
/// compared with. The environment is that of <see cref="RelayDifferenceTests"/>.
/// </summary>
[Trait("Needs", "originals")]
public sealed class ForwardingDifferenceTests(ITestOutputHelper output)
{
    private const int UsualSeed = 10;

    private static string? Original => Environment.GetEnvironmentVariable("PAIRWISE_REFERENCE_SMP_SERVER");

    [Fact]
    public async Task Either_relay_forwards_and_answers_alike()
    {
        Assert.SkipWhen(Original is null, "the original relay is not here: ./test reference --smp-server PATH");
        var rounds = RelayDifferenceTests.Number("PAIRWISE_DIFFERENCE_ROUNDS") ?? 5;
        var seed = RelayDifferenceTests.Number("PAIRWISE_DIFFERENCE_SEED") ?? UsualSeed;
        output.WriteLine($"PAIRWISE_DIFFERENCE_SEED={seed}, {rounds} rounds");
        await using var proxies = await RelayPair.StartAsync(Original!, "memory", null);
        await using var destinations = await RelayPair.StartAsync(Original!, "memory", null);
        List<string> reports = [];
        for (var round = seed; round < seed + rounds; round++)
        {
            var expected = await PlayAsync(round, proxies.Original, destinations.Original);
            Compare("the original through ours", expected, await PlayAsync(round, proxies.Ours, destinations.Original));
            Compare("ours through the original", expected, await PlayAsync(round, proxies.Original, destinations.Ours));
            Compare("ours through ours", expected, await PlayAsync(round, proxies.Ours, destinations.Ours));
        }

        Assert.True(reports.Count == 0, $"PAIRWISE_DIFFERENCE_SEED={seed}:\n{string.Join('\n', reports.Distinct())}");

        void Compare(string which, List<string> expected, List<string> actual)
        {
            for (var i = 0; i < Math.Max(expected.Count, actual.Count); i++)
            {
                var (said, answered) = (expected.ElementAtOrDefault(i), actual.ElementAtOrDefault(i));
                if (said == answered) continue;
                reports.Add($"{which}\n   original {said}\n   ours     {answered}");
                return;
            }
        }
    }

    private static async Task<List<string>> PlayAsync(int seed, ComparedRelay proxy, ComparedRelay destination)
    {
        var script = new ForwardedScript(seed);
        await script.PlayAsync(proxy.Address, destination.Address);
        return script.Lines;
    }
}
