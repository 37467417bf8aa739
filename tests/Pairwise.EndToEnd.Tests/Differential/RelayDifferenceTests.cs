using System.Globalization;
using System.Text;
using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.Transport.Smp;

namespace Pairwise.EndToEnd.Tests.Differential;

/// <summary>
/// The same random conversations with the original relay and with ours, answer by answer. The environment says how many
/// (PAIRWISE_DIFFERENCE_ROUNDS) and from which seed (PAIRWISE_DIFFERENCE_SEED); what differs is cut down and printed with its seed.
/// <c>./test reference --smp-server PATH</c> runs it; without the original it is skipped.
/// </summary>
/// <remarks>
/// Known and accepted: the original carries the commands of a block out last to first, so a script has no two commands about
/// one queue in a block; END, ENDS, DELD come within 15 seconds there and at once here, so they are compared at the end.
/// With many rounds of other seeds two more show: some spoilt keys make the original close the connection where ours
/// answers <c>CMD SYNTAX</c>; and a service that receives messages is subscribed to its new queues by ours, as by NEW of others.
/// </remarks>
[Trait("Needs", "originals")]
public sealed class RelayDifferenceTests(ITestOutputHelper output)
{
    private const int UsualSeed = 20000;
    private const int StepsPerScript = 40;
    private const int AtOnce = 8;
    private const int MostReports = 12;

    private static readonly TimeSpan Settling = TimeSpan.FromMilliseconds(4);
    private static readonly TimeSpan LongSettling = TimeSpan.FromMilliseconds(60);
    private static readonly TimeSpan Timers = TimeSpan.FromSeconds(17);

    private static readonly string[] Uncompared =
        ["fromTime", "qSubEnd", "qSubEndB", "qCount 2", "msgCount", "msgNtfs", "msgNtfsB", "msgNtfExpired", "ntfCount", "ntfCount 2"];

    private static string? Original => Environment.GetEnvironmentVariable("PAIRWISE_REFERENCE_SMP_SERVER");

    [Fact]
    public Task Both_relays_answer_alike() => CompareAllAsync("memory", null);

    [Fact]
    public Task Both_relays_answer_alike_with_journals_and_a_password() => CompareAllAsync("journal", "secret");

    private async Task CompareAllAsync(string messages, string? password)
    {
        Assert.SkipWhen(Original is null, "the original relay is not here: ./test reference --smp-server PATH");
        var rounds = Number("PAIRWISE_DIFFERENCE_ROUNDS") ?? 16;
        var seed = Number("PAIRWISE_DIFFERENCE_SEED") ?? UsualSeed;
        output.WriteLine($"PAIRWISE_DIFFERENCE_SEED={seed}, {rounds} rounds");
        await using var pair = await RelayPair.StartAsync(Original!, messages, password);
        List<string> reports = [];
        var options = new ParallelOptions { MaxDegreeOfParallelism = AtOnce };
        await Parallel.ForEachAsync(Enumerable.Range(seed, rounds), options, async (each, _) =>
        {
            lock (reports)
            {
                if (reports.Count >= MostReports) return;
            }

            if (await CompareAsync(pair, ScriptGenerator.Make(each, password, StepsPerScript)) is { } report)
            {
                lock (reports) reports.Add(report);
            }
        });
        Assert.True(reports.Count == 0, $"PAIRWISE_DIFFERENCE_SEED={seed}: {reports.Count} scripts were answered differently.\n\n{string.Join("\n\n", reports)}");
        var counted = Comparable(await pair.Original.AskAsync("stats"));
        Assert.Equal(counted, Comparable(await pair.Ours.AskAsync("stats")).Take(counted.Length)); // ours says more behind it
    }

    // Counters of what the original does on a timer are left out, and those in which it keeps deleted queues.
    private static string[] Comparable(string[] statistics) =>
        [.. statistics.Where(line => !Uncompared.Any(name => line.StartsWith(name + ":", StringComparison.Ordinal)))];

    internal static int? Number(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out var number) ? number : null;

    private static async Task<string?> CompareAsync(RelayPair pair, RelayScript script)
    {
        var difference = await PlayAsync(pair, script, Settling, hasTimers: true);
        if (difference is null) return null;
        difference = await PlayAsync(pair, script, LongSettling, hasTimers: true);
        if (difference is null) return null;
        if (!difference.IsLate)
        {
            for (var at = Math.Min(difference.Step, script.Steps.Count - 1); at >= 0; at--)
            {
                var shorter = script with { Steps = [.. script.Steps.Take(difference.Step + 1).Where((_, i) => i != at)] };
                if (await PlayAsync(pair, shorter, LongSettling, hasTimers: false) is not { } still) continue;
                script = shorter;
                difference = still;
            }
        }

        return $"{script}{difference}";
    }

    private static async Task<Difference?> PlayAsync(RelayPair pair, RelayScript script, TimeSpan settling, bool hasTimers)
    {
        using var services = new ScriptServices();
        var salt = SystemRandom.Instance.Bytes(16);
        await using var original = NewPlayer(pair.Original);
        await using var ours = NewPlayer(pair.Ours);
        for (var i = 0; i < script.Steps.Count; i++)
        {
            await Task.WhenAll(original.PlayAsync(script.Steps[i], settling), ours.PlayAsync(script.Steps[i], settling));
            if (!original.Steps[i].SequenceEqual(ours.Steps[i])) return new Difference(i, false, original.Steps[i], ours.Steps[i]);
        }

        if (!hasTimers) return null;
        await Task.WhenAll(original.WaitAsync(Timers), ours.WaitAsync(Timers));
        return original.Late.SequenceEqual(ours.Late) ? null : new Difference(script.Steps.Count, true, original.Late, ours.Late);

        ScriptPlayer NewPlayer(ComparedRelay relay) => new(relay.Address, relay.ControlPort, RelayPair.OperatorPassword, script, salt, services.Get);
    }

    private sealed record Difference(int Step, bool IsLate, IReadOnlyList<string> Original, IReadOnlyList<string> Ours)
    {
        public override string ToString()
        {
            var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"differs at {(IsLate ? "the end" : $"step {Step}")}\n");
            foreach (var line in Original) text.Append(CultureInfo.InvariantCulture, $"   original {line}\n");
            foreach (var line in Ours) text.Append(CultureInfo.InvariantCulture, $"   ours     {line}\n");
            return text.ToString();
        }
    }

    // One service of each role, with certificates that no other script has.
    private sealed class ScriptServices : IDisposable
    {
        private readonly Dictionary<SmpServiceRole, (CertificateAuthority Authority, SigningKey Key, SmpServiceCredential Credential)> _made = [];
        private readonly Lock _lock = new();

        public SmpServiceCredential Get(SmpServiceRole role)
        {
            lock (_lock)
            {
                if (_made.TryGetValue(role, out var made)) return made.Credential;
                var now = TimeProvider.System.GetUtcNow();
                var authority = CertificateAuthority.Create(KeyAlgorithm.Ed25519, SystemRandom.Instance, now);
                var key = CertificateAuthority.GenerateKey(KeyAlgorithm.Ed25519, SystemRandom.Instance);
                var leaf = authority.IssueServerCertificate("service", ((Ed25519PrivateKey)key).PublicKey, SystemRandom.Instance, now);
                var credential = new SmpServiceCredential(role, CertificateChain.From(leaf, authority.Certificate), key);
                _made[role] = (authority, key, credential);
                return credential;
            }
        }

        public void Dispose()
        {
            foreach (var (authority, key, _) in _made.Values)
            {
                authority.Dispose();
                key.Dispose();
            }
        }
    }
}
