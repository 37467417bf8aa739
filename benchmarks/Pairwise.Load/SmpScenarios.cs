using System.Text;

namespace Pairwise.Load;

/// <summary>One measurement of a relay that <c>--scenario</c> chooses: it prints rows and adds figures to the last line.</summary>
/// <param name="Name">What it is called by.</param>
/// <param name="Summary">What it measures, with its own options.</param>
/// <param name="RunAsync">Measures.</param>
internal sealed record SmpScenario(string Name, string Summary, Func<SuiteOptions, IDictionary<string, object?>, CancellationToken, Task> RunAsync);

/// <summary>The scenarios of "smp" and their options.</summary>
internal static class SmpScenarios
{
    private static readonly SmpScenario[] Known =
    [
        new("messages", "CPU and latency of messages, memory of connections and queues: what runs without --scenario", SmpSuite.MeasureMessagesAsync),
        new("queues", "memory of an idle queue, over --queues (1,000,000) made by NEW", QueueScenario.RunAsync),
        new("restart", "from the start of the process to the first answers, with --queues (1,000,000) in the store log", RestartScenario.RunAsync),
        new("subscribe", "one client subscribes to --queues (100,000) in full blocks", SubscribeScenario.RunAsync),
        new("connections", "memory of an idle TLS connection, over --idle (10,000)", ConnectionScenario.RunAsync),
        new("cores", "what a second core brings to the relay, under a load that was sealed ahead; rounds of up to --seconds (2)", CoresScenario.RunAsync),
        new("auth-timing", "whether the time until AUTH tells why: --samples (2,000) of each fault, inside and over TLS", AuthTimingScenario.RunAsync),
        new("strength", "two clients exchange messages under floods, slow clients, garbage and a storm over --queues (10,000), --seconds (8) each, or only --attack NAME (quiet, silent, half_open, stopped, ...)", StrengthScenario.RunAsync),
    ];

    /// <summary>All options that a scenario of the suite knows.</summary>
    internal static string[] Options { get; } =
        ["help", "scenario", "all", "server", "server-pid", "pairs", "seconds", "idle", "queues", "messages", "samples", "storage", "attack"];

    internal static string Help
    {
        get
        {
            StringBuilder text = new();
            text.AppendLine("usage: ./bench smp [--scenario NAME]... [--all] [option]...");
            foreach (SmpScenario scenario in Known)
            {
                text.AppendLine($"  {scenario.Name,-12} {scenario.Summary}");
            }

            text.AppendLine("options:");
            text.AppendLine("  --server smp://…   a relay that runs already, of any maker (messages); --server-pid N: its process, to see its CPU and memory");
            text.AppendLine("  --storage KIND     memory or journal: where messages wait");
            text.AppendLine("  --pairs N          pairs of clients (messages), repeatable; --seconds S for each");
            text.AppendLine("  --idle N           idle connections");
            text.AppendLine("  --queues N         queues");
            text.AppendLine("  --messages N       messages saved in memory (restart)");
            text.AppendLine("  --samples N        times of each kind (auth-timing)");
            text.Append("The last line printed is JSON with the figures of all scenarios that ran.");
            return text.ToString();
        }
    }

    /// <summary>What was asked for, in the order of asking.</summary>
    /// <exception cref="SuiteException">There is no such scenario.</exception>
    internal static IReadOnlyList<SmpScenario> Choose(SuiteOptions options)
    {
        if (options.Has("all"))
        {
            return Known;
        }

        IReadOnlyList<string> names = options.All("scenario");
        return names.Count == 0
            ? [Known[0]]
            : [.. names.Select(name => Array.Find(Known, scenario => scenario.Name == name)
                ?? throw new SuiteException($"there is no scenario '{name}'; there are: {string.Join(", ", Known.Select(scenario => scenario.Name))}"))];
    }
}
