using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;

namespace Pairwise.Load;

/// <summary>"smp": a relay under the load of real clients over TLS, with the floor of the same run beside it.</summary>
internal static class SmpSuite
{
    internal const string Summary = "a relay under load; its scenarios and options: ./bench smp --help";

    private const int BodyLength = 16_040; // a 16 KB message of a chat with its envelope, rounded
    private const int Connectors = 4;

    internal static async Task<int> RunAsync(SuiteOptions options, CancellationToken cancellationToken)
    {
        options.AllowOnly(SmpScenarios.Options);
        if (options.Has("help"))
        {
            Console.WriteLine(SmpScenarios.Help);
            return 0;
        }

        Dictionary<string, object?> figures = new() { ["suite"] = "smp" };
        foreach (SmpScenario scenario in SmpScenarios.Choose(options))
        {
            await scenario.RunAsync(options, figures, cancellationToken);
        }

        Console.WriteLine(JsonSerializer.Serialize(figures));
        return 0;
    }

    /// <summary>"messages": what everyday load costs.</summary>
    internal static async Task MeasureMessagesAsync(SuiteOptions options, IDictionary<string, object?> json, CancellationToken cancellationToken)
    {
        IReadOnlyList<int> pairs = options.All("pairs").Count > 0 ? [.. options.All("pairs").Select(SuiteOptions.ParseCount)] : [1, 8, 32, 200];
        List<SmpFigures> all = [];
        if (options.All("server") is { Count: > 0 } servers)
        {
            int? processId = options.Text("server-pid") is { } text ? SuiteOptions.ParseCount(text) : null;
            foreach (string server in servers)
            {
                await using RelayProcess relay = RelayProcess.Foreign(server, servers.Count == 1 ? processId : null);
                all.Add(await MeasureAsync(server, relay, options, pairs, cancellationToken));
            }
        }
        else
        {
            await using RelayProcess relay = await RelayProcess.StartAsync(null, options.Text("storage") ?? "memory", cancellationToken);
            all.Add(await MeasureAsync("our relay in its own process", relay, options, pairs, cancellationToken));
        }

        AddFigures(json, all[^1]);
    }

    private static async Task<SmpFigures> MeasureAsync(
        string name, RelayProcess relay, SuiteOptions options, IReadOnlyList<int> pairCounts, CancellationToken cancellationToken)
    {
        Console.WriteLine($"{name}, {Environment.ProcessorCount} cores for the relay and its clients together");
        SmpFigures figures = new();
        await WarmUpAsync(relay, cancellationToken);
        figures.ConnectionsPerSecond = await MeasureConnectionsAsync(relay, options.Count("idle", 1000), figures, cancellationToken);
        Console.WriteLine(Measure.Row("connections", figures.ConnectionsPerSecond, "/s"));
        Report("memory of an idle connection", figures.BytesPerIdleConnection, "B");
        figures.QueuesPerSecond = await MeasureQueuesAsync(relay, options.Count("queues", 20_000), figures, cancellationToken);
        Console.WriteLine(Measure.Row("queues made", figures.QueuesPerSecond, "/s"));
        Report("memory of an idle queue", figures.BytesPerQueue, "B");
        double seconds = options.Number("seconds", 5);
        foreach (int pairs in pairCounts)
        {
            figures.Rounds.Add(Print(await MeasureRoundAsync(relay, pairs, seconds, cancellationToken), ""));
            if (pairs == 1 && relay.IsObservable && Environment.ProcessorCount > 1)
            {
                // Between two steps of a single pair everybody sleeps: to wake a sleeping core of a virtual machine takes as long
                // as the relay's work, and whoever wakes it pays. On one core nobody has to.
                string all = CpuSet.Read();
                relay.UseCores("0");
                CpuSet.Use(Environment.ProcessId, "0");
                figures.OneCore = Print(await MeasureRoundAsync(relay, pairs, seconds, cancellationToken), ", relay and clients on one core");
                relay.UseCores(all);
                CpuSet.Use(Environment.ProcessId, all);
            }
        }

        return figures;
    }

    /// <summary>Loads the relay until a message costs it no less than before: the compiler's work is not the relay's.</summary>
    internal static async Task WarmUpAsync(RelayProcess relay, CancellationToken cancellationToken)
    {
        const int most = 8;
        const double settled = 0.97;
        double? before = null;
        for (int i = 0; i < most; i++)
        {
            double? cost = (await MeasureMessagesAsync(relay, 8, 2, cancellationToken)).CpuMicroseconds;
            if (i > 1 && (cost is null || cost > before * settled))
            {
                return;
            }

            before = cost;
        }
    }

    /// <summary>A round with the floor measured before and after it: a machine is not equally fast at all times.</summary>
    internal static async Task<MessageRound> MeasureRoundAsync(RelayProcess relay, int pairs, double seconds, CancellationToken cancellationToken)
    {
        const double floorSeconds = 0.02;
        Floors before = FloorSuite.MeasureFloors(floorSeconds);
        MessageRound round = await MeasureMessagesAsync(relay, pairs, seconds, cancellationToken);
        Floors after = FloorSuite.MeasureFloors(floorSeconds);
        return round with
        {
            Floor = (before.OfLibraries.PerMessage + after.OfLibraries.PerMessage) / 2,
            OwnFloor = (before.OfOurs.PerMessage + after.OfOurs.PerMessage) / 2,
        };
    }

    private static MessageRound Print(MessageRound round, string remark)
    {
        Console.WriteLine(Measure.Row(
            $"delivered messages, {round.Pairs} pairs{remark}",
            round.PerSecond,
            "/s",
            string.Create(CultureInfo.InvariantCulture, $"latency p50 {round.P50:N2} ms, p99 {round.P99:N2} ms")));
        if (round.CpuMicroseconds is { } cpu)
        {
            Console.WriteLine(Measure.Row(
                "  CPU of the relay a message", cpu, "µs", string.Create(CultureInfo.InvariantCulture, $"{round.Ratio:N2} times the floor of {round.Floor:N1} µs, {round.OwnRatio:N2} times that of our primitives, {round.OwnFloor:N1} µs")));
        }

        return round;
    }

    private static async Task<double> MeasureConnectionsAsync(RelayProcess relay, int count, SmpFigures figures, CancellationToken cancellationToken)
    {
        List<LoadClient> clients = [];
        long memory = relay.IsObservable ? relay.ResidentBytes() : 0;
        long start = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, Connectors).Select(async _ =>
        {
            for (int i = 0; i < count / Connectors; i++)
            {
                LoadClient client = await LoadClient.ConnectAsync(relay.Address, cancellationToken);
                lock (clients)
                {
                    clients.Add(client);
                }
            }
        }));
        double perSecond = clients.Count / Stopwatch.GetElapsedTime(start).TotalSeconds;
        if (relay.IsObservable)
        {
            await Task.Delay(TimeSpan.FromSeconds(2), TimeProvider.System, cancellationToken);
            figures.BytesPerIdleConnection = (relay.ResidentBytes() - memory) / (double)clients.Count;
        }

        foreach (LoadClient client in clients)
        {
            await client.DisposeAsync();
        }

        return perSecond;
    }

    private static async Task<double> MeasureQueuesAsync(RelayProcess relay, int count, SmpFigures figures, CancellationToken cancellationToken)
    {
        const int batch = 60;
        long memory = relay.IsObservable ? relay.ResidentBytes() : 0;
        long start = Stopwatch.GetTimestamp();
        int made = 0;
        await Task.WhenAll(Enumerable.Range(0, Connectors).Select(async _ =>
        {
            await using LoadClient client = await LoadClient.ConnectAsync(relay.Address, cancellationToken);
            using Ed25519PrivateKey key = Ed25519PrivateKey.Generate(SystemRandom.Instance);
            using X25519PrivateKey dhKey = X25519PrivateKey.Generate(SystemRandom.Instance);
            SmpCommand.New create = new(key.PublicKey, dhKey.PublicKey, null, SubscriptionMode.OnlyCreate, new QueueRequest.Messaging(null), null);
            for (int i = 0; i < count / Connectors; i += batch)
            {
                await client.SendAsync([.. Enumerable.Range(0, batch).Select(_ => client.Encode(LoadClient.NewCorrId(), EntityId.None, create, key))], cancellationToken);
                for (int answered = 0; answered < batch; answered++)
                {
                    Require<BrokerMessage.Ids>((await client.NextAsync(cancellationToken)).Message);
                }

                Interlocked.Add(ref made, batch);
            }
        }));
        double perSecond = made / Stopwatch.GetElapsedTime(start).TotalSeconds;
        if (relay.IsObservable)
        {
            figures.BytesPerQueue = (relay.ResidentBytes() - memory) / (double)made;
        }

        return perSecond;
    }

    internal static async Task<MessageRound> MeasureMessagesAsync(RelayProcess relay, int pairs, double seconds, CancellationToken cancellationToken)
    {
        List<MessagePair> all = [];
        for (int i = 0; i < pairs; i++)
        {
            all.Add(await MessagePair.CreateAsync(relay.Address, BodyLength, cancellationToken));
        }

        double cpu = relay.IsObservable ? relay.CpuSeconds() : 0;
        long start = Stopwatch.GetTimestamp();
        long end = start + (long)(seconds * Stopwatch.Frequency);
        await Task.WhenAll(all.Select(pair => pair.RunAsync(end, cancellationToken)));
        double elapsed = Stopwatch.GetElapsedTime(start).TotalSeconds;
        double[] latencies = [.. all.SelectMany(pair => pair.LatencyMilliseconds).Order()];
        double? cpuPerMessage = relay.IsObservable ? (relay.CpuSeconds() - cpu) / latencies.Length * 1e6 : null;
        foreach (MessagePair pair in all)
        {
            await pair.DisposeAsync();
        }

        return new MessageRound(pairs, latencies.Length / elapsed, latencies[latencies.Length / 2], latencies[latencies.Length * 99 / 100], cpuPerMessage);
    }

    // The figures of the first level are those of one round: the one that delivered most.
    private static void AddFigures(IDictionary<string, object?> json, SmpFigures figures)
    {
        MessageRound best = figures.Rounds.MaxBy(round => round.PerSecond)!;
        json["delivered_per_s"] = Round(best.PerSecond);
        json["server_cpu_us_per_message"] = Round(best.CpuMicroseconds);
        json["floor_us_per_message"] = Round(best.Floor);
        json["ratio"] = Round(best.Ratio);
        json["own_floor_us_per_message"] = Round(best.OwnFloor);
        json["ratio_to_own_floor"] = Round(best.OwnRatio);
        json["worst_ratio"] = Round(figures.Rounds.Max(round => round.Ratio));
        json["worst_ratio_of_many_pairs"] = Round(figures.Rounds.Where(round => round.Pairs > 1).Max(round => round.Ratio));
        json["one_pair_ratio_on_one_core"] = Round(figures.OneCore?.Ratio);
        json["bytes_per_idle_connection"] = Round(figures.BytesPerIdleConnection);
        json["bytes_per_queue"] = Round(figures.BytesPerQueue);
        json["connections_per_s"] = Round(figures.ConnectionsPerSecond);
        json["queues_per_s"] = Round(figures.QueuesPerSecond);
        json["rounds"] = figures.Rounds.Select(round => new Dictionary<string, object?>
        {
            ["pairs"] = round.Pairs,
            ["delivered_per_s"] = Round(round.PerSecond),
            ["server_cpu_us_per_message"] = Round(round.CpuMicroseconds),
            ["floor_us_per_message"] = Round(round.Floor),
            ["ratio"] = Round(round.Ratio),
            ["own_floor_us_per_message"] = Round(round.OwnFloor),
            ["ratio_to_own_floor"] = Round(round.OwnRatio),
            ["p50_ms"] = Round(round.P50),
            ["p99_ms"] = Round(round.P99),
        });
    }

    internal static double? Round(double? value) => value is { } number ? Math.Round(number, 2) : null;

    private static void Report(string name, double? value, string unit)
    {
        if (value is { } number)
        {
            Console.WriteLine(Measure.Row(name, number, unit));
        }
    }

    internal static T Require<T>(BrokerMessage message)
        where T : BrokerMessage =>
        message as T ?? throw new SuiteException($"the relay answered {message}{(message is BrokerMessage.Err error ? " " + error.Error : "")} instead of {typeof(T).Name}");
}

/// <summary>What one relay came to.</summary>
internal sealed class SmpFigures
{
    internal double ConnectionsPerSecond { get; set; }

    internal double QueuesPerSecond { get; set; }

    internal double? BytesPerIdleConnection { get; set; }

    internal double? BytesPerQueue { get; set; }

    internal List<MessageRound> Rounds { get; } = [];

    /// <summary>The round of one pair with relay and clients on one core.</summary>
    internal MessageRound? OneCore { get; set; }
}

/// <summary>Messages between so many pairs; CPU and floors (<see cref="Floors"/>) in microseconds a message.</summary>
internal sealed record MessageRound(int Pairs, double PerSecond, double P50, double P99, double? CpuMicroseconds)
{
    internal double Floor { get; init; }

    internal double OwnFloor { get; init; }

    internal double? Ratio => CpuMicroseconds / Floor;

    internal double? OwnRatio => CpuMicroseconds / OwnFloor;
}
