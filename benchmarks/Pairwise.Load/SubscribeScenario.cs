using System.Diagnostics;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Transport;

namespace Pairwise.Load;

/// <summary>
/// "subscribe": one client subscribes to all its queues, as it does whenever it comes back: in full blocks, without
/// waiting between them. Signing happens before the clock starts: the clients' work is not the relay's.
/// </summary>
internal static class SubscribeScenario
{
    internal static async Task RunAsync(SuiteOptions options, IDictionary<string, object?> figures, CancellationToken cancellationToken)
    {
        int count = options.Count("queues", 100_000);
        string storage = options.Text("storage") ?? "memory";
        Console.WriteLine($"one client subscribes to {count} queues, messages in {storage}");
        await MeasureAsync("Ed25519 keys, as clients have", "", _ => Ed25519PrivateKey.Generate(SystemRandom.Instance), count, storage, figures, cancellationToken);
        await MeasureAsync("X25519 keys", "_x25519", _ => X25519PrivateKey.Generate(SystemRandom.Instance), count, storage, figures, cancellationToken);
    }

    private static async Task MeasureAsync(
        string name, string suffix, Func<int, PrivateKey> makeKey, int count, string storage, IDictionary<string, object?> figures, CancellationToken cancellationToken)
    {
        List<LoggedQueue> queues = [];
        await using RelayProcess relay = await RelayProcess.StartAsync(
            folder => queues.AddRange(StateFiles.WriteStoreLog(folder, count, makeKey)), storage, cancellationToken);
        await using LoadClient client = await LoadClient.ConnectAsync(relay.Address, cancellationToken);
        List<byte[]> commands = [];
        foreach (LoggedQueue queue in queues)
        {
            commands.Add(client.Encode(LoadClient.NewCorrId(), queue.Id, SmpCommand.Sub.Instance, queue.Key));
            queue.Key.Dispose();
        }

        IReadOnlyList<IReadOnlyList<byte[]>> blocks = LoadClient.Pack(commands);
        double cpu = relay.CpuSeconds();
        long start = Stopwatch.GetTimestamp();
        Task sending = Task.Run(
            async () =>
            {
                foreach (IReadOnlyList<byte[]> block in blocks)
                {
                    await client.SendAsync(block, cancellationToken);
                }
            },
            cancellationToken);
        for (int answered = 0; answered < count; answered++)
        {
            SmpSuite.Require<BrokerMessage.Sok>((await client.NextAsync(cancellationToken)).Message);
        }

        double perSecond = count / Stopwatch.GetElapsedTime(start).TotalSeconds;
        double cpuEach = (relay.CpuSeconds() - cpu) / count * 1e6;
        await sending;
        Console.WriteLine(Measure.Row($"subscriptions, {name}", perSecond, "/s", $"{blocks.Count} blocks of up to {blocks[0].Count}"));
        Console.WriteLine(Measure.Row("  CPU of the relay for one", cpuEach, "µs"));
        figures["subscribed_queues"] = count;
        figures[$"subscribed{suffix}_per_s"] = SmpSuite.Round(perSecond);
        figures[$"subscribe{suffix}_cpu_us"] = SmpSuite.Round(cpuEach);
    }
}
