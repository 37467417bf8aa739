using System.Diagnostics;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;

namespace Pairwise.Load;

/// <summary>"queues": what a queue costs that nobody uses, by the growth of the relay's whole process.</summary>
internal static class QueueScenario
{
    private const int Connections = 4;
    private const int Batch = 60;
    private const int WarmUp = 6_000;

    internal static async Task RunAsync(SuiteOptions options, IDictionary<string, object?> figures, CancellationToken cancellationToken)
    {
        int count = options.Count("queues", 1_000_000);
        await using RelayProcess relay = await RelayProcess.StartAsync(null, options.Text("storage") ?? "memory", cancellationToken);
        Console.WriteLine($"idle queues of our relay, messages in {options.Text("storage") ?? "memory"}");
        await MakeQueuesAsync(relay, WarmUp, cancellationToken);
        long before = await relay.SettledBytesAsync(cancellationToken);
        double cpu = relay.CpuSeconds();
        long start = Stopwatch.GetTimestamp();
        int made = await MakeQueuesAsync(relay, count, cancellationToken);
        double perSecond = made / Stopwatch.GetElapsedTime(start).TotalSeconds;
        double cpuEach = (relay.CpuSeconds() - cpu) / made * 1e6;
        long after = await relay.SettledBytesAsync(cancellationToken);
        double bytes = (after - before) / (double)made;
        Console.WriteLine(Measure.Row("queues made", made, ""));
        Console.WriteLine(Measure.Row("queues made a second", perSecond, "/s"));
        Console.WriteLine(Measure.Row("CPU of the relay to make one", cpuEach, "µs"));
        Console.WriteLine(Measure.Row("memory of the relay before", before / 1e6, "MB"));
        Console.WriteLine(Measure.Row("memory of the relay after", after / 1e6, "MB"));
        Console.WriteLine(Measure.Row("memory of an idle queue", bytes, "B"));
        figures["queues"] = made;
        figures["queues_made_per_s"] = SmpSuite.Round(perSecond);
        figures["queue_bytes"] = SmpSuite.Round(bytes);
    }

    private static async Task<int> MakeQueuesAsync(RelayProcess relay, int count, CancellationToken cancellationToken)
    {
        int made = 0;
        await Task.WhenAll(Enumerable.Range(0, Connections).Select(_ => Task.Run(
            async () =>
            {
                await using LoadClient client = await LoadClient.ConnectAsync(relay.Address, cancellationToken);
                using Ed25519PrivateKey key = Ed25519PrivateKey.Generate(SystemRandom.Instance);
                using X25519PrivateKey dhKey = X25519PrivateKey.Generate(SystemRandom.Instance);
                SmpCommand.New create = new(key.PublicKey, dhKey.PublicKey, null, SubscriptionMode.OnlyCreate, new QueueRequest.Messaging(null), null);
                for (int i = 0; i < count / Connections; i += Batch)
                {
                    await client.SendAsync([.. Enumerable.Range(0, Batch).Select(_ => client.Encode(LoadClient.NewCorrId(), EntityId.None, create, key))], cancellationToken);
                    for (int answered = 0; answered < Batch; answered++)
                    {
                        SmpSuite.Require<BrokerMessage.Ids>((await client.NextAsync(cancellationToken)).Message);
                    }

                    Interlocked.Add(ref made, Batch);
                }
            },
            cancellationToken)));
        return made;
    }
}
