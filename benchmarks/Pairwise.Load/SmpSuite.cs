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
        double floor = FloorSuite.MeasureFloor(0.05).PerMessage;
        IReadOnlyList<int> pairs = options.All("pairs").Count > 0 ? [.. options.All("pairs").Select(SuiteOptions.ParseCount)] : [1, 8, 32];
        List<SmpFigures> all = [];
        if (options.All("server") is { Count: > 0 } servers)
        {
            int? processId = options.Text("server-pid") is { } text ? SuiteOptions.ParseCount(text) : null;
            foreach (string server in servers)
            {
                await using RelayProcess relay = RelayProcess.Foreign(server, servers.Count == 1 ? processId : null);
                all.Add(await MeasureAsync(server, relay, options, pairs, floor, cancellationToken));
            }
        }
        else
        {
            await using RelayProcess relay = await RelayProcess.StartAsync(null, options.Text("storage") ?? "memory", cancellationToken);
            all.Add(await MeasureAsync("our relay in its own process", relay, options, pairs, floor, cancellationToken));
        }

        AddFigures(json, all[^1], floor);
    }

    private static async Task<SmpFigures> MeasureAsync(
        string name, RelayProcess relay, SuiteOptions options, IReadOnlyList<int> pairCounts, double floor, CancellationToken cancellationToken)
    {
        Console.WriteLine($"{name}, {Environment.ProcessorCount} cores for the relay and its clients together");
        Console.WriteLine(Measure.Row("floor (cryptography of a delivered message)", floor, "µs"));
        SmpFigures figures = new();
        await MeasureMessagesAsync(relay, 4, 3, cancellationToken); // the compiler's work is not the relay's
        figures.ConnectionsPerSecond = await MeasureConnectionsAsync(relay, options.Count("idle", 1000), figures, cancellationToken);
        Console.WriteLine(Measure.Row("connections", figures.ConnectionsPerSecond, "/s"));
        Report("memory of an idle connection", figures.BytesPerIdleConnection, "B");
        figures.QueuesPerSecond = await MeasureQueuesAsync(relay, options.Count("queues", 20_000), figures, cancellationToken);
        Console.WriteLine(Measure.Row("queues made", figures.QueuesPerSecond, "/s"));
        Report("memory of an idle queue", figures.BytesPerQueue, "B");
        foreach (int pairs in pairCounts)
        {
            MessageRound round = await MeasureMessagesAsync(relay, pairs, options.Number("seconds", 5), cancellationToken);
            figures.Rounds.Add(round);
            Console.WriteLine(Measure.Row(
                $"delivered messages, {pairs} pairs",
                round.PerSecond,
                "/s",
                string.Create(CultureInfo.InvariantCulture, $"latency p50 {round.P50:N2} ms, p99 {round.P99:N2} ms")));
            if (round.CpuMicroseconds is { } cpu)
            {
                Console.WriteLine(Measure.Row("  CPU of the relay a message", cpu, "µs", string.Create(CultureInfo.InvariantCulture, $"{cpu / floor:N2} times the floor")));
            }
        }

        return figures;
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

    private static async Task<MessageRound> MeasureMessagesAsync(RelayProcess relay, int pairs, double seconds, CancellationToken cancellationToken)
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
    private static void AddFigures(IDictionary<string, object?> json, SmpFigures figures, double floor)
    {
        double? Ratio(double? cpu) => cpu is { } number ? Math.Round(number / floor, 2) : null;
        MessageRound best = figures.Rounds.MaxBy(round => round.PerSecond)!;
        json["delivered_per_s"] = Round(best.PerSecond);
        json["server_cpu_us_per_message"] = Round(best.CpuMicroseconds);
        json["floor_us_per_message"] = Round(floor);
        json["ratio"] = Ratio(best.CpuMicroseconds);
        json["worst_ratio"] = Ratio(figures.Rounds.Max(round => round.CpuMicroseconds));
        json["bytes_per_idle_connection"] = Round(figures.BytesPerIdleConnection);
        json["bytes_per_queue"] = Round(figures.BytesPerQueue);
        json["connections_per_s"] = Round(figures.ConnectionsPerSecond);
        json["queues_per_s"] = Round(figures.QueuesPerSecond);
        json["rounds"] = figures.Rounds.Select(round => new Dictionary<string, object?>
        {
            ["pairs"] = round.Pairs,
            ["delivered_per_s"] = Round(round.PerSecond),
            ["server_cpu_us_per_message"] = Round(round.CpuMicroseconds),
            ["ratio"] = Ratio(round.CpuMicroseconds),
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
}

/// <summary>Messages between so many pairs.</summary>
internal sealed record MessageRound(int Pairs, double PerSecond, double P50, double P99, double? CpuMicroseconds);
