using System.Diagnostics;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;

namespace Pairwise.Load;

/// <summary>"restart": how long clients wait for a relay that has much to read when it starts.</summary>
internal static class RestartScenario
{
    private const int BodyLength = 16_040;
    private const int KnownShare = 1_000;

    internal static async Task RunAsync(SuiteOptions options, IDictionary<string, object?> figures, CancellationToken cancellationToken)
    {
        int count = options.Count("queues", 1_000_000);
        int messages = options.Text("messages") is null ? 0 : options.Count("messages", 0);
        string storage = options.Text("storage") ?? "memory";
        long empty;
        await using (RelayProcess small = await RelayProcess.StartAsync(null, storage, cancellationToken))
        {
            await AskAsync(small, null, cancellationToken);
            empty = await small.SettledBytesAsync(cancellationToken);
        }

        List<LoggedQueue> known = [];
        await using RelayProcess relay = await RelayProcess.StartAsync(
            folder =>
            {
                known.AddRange(StateFiles.WriteStoreLog(folder, count, i => i % KnownShare == KnownShare / 2 ? Ed25519PrivateKey.Generate(SystemRandom.Instance) : null));
                if (messages > 0)
                {
                    StateFiles.WriteMessages(folder, known, messages, BodyLength);
                }
            },
            storage,
            cancellationToken);
        double listening = Stopwatch.GetElapsedTime(relay.StartedAt).TotalSeconds;
        await AskAsync(relay, known[^1], cancellationToken);
        double answered = Stopwatch.GetElapsedTime(relay.StartedAt).TotalSeconds;
        double cpu = relay.CpuSeconds();
        long peak = relay.PeakBytes();
        foreach (LoggedQueue queue in known)
        {
            queue.Key.Dispose();
        }

        double bytes = (await relay.SettledBytesAsync(cancellationToken) - empty) / (double)count;
        Console.WriteLine($"restart of our relay with {count} queues and {messages} saved messages, messages in {storage}");
        Console.WriteLine(Measure.Row("from the start until it listens", listening, "s"));
        Console.WriteLine(Measure.Row("from the start to the answers of PING and SUB", answered, "s"));
        Console.WriteLine(Measure.Row("CPU until then", cpu, "s"));
        Console.WriteLine(Measure.Row("memory at its highest", peak / 1e6, "MB"));
        Console.WriteLine(Measure.Row("memory of a restored queue and its messages", bytes, "B"));
        figures["restart_queues"] = count;
        figures["restart_messages"] = messages;
        figures["restart_s"] = SmpSuite.Round(answered);
        figures["restart_cpu_s"] = SmpSuite.Round(cpu);
        figures["restart_peak_bytes"] = peak;
        figures["restored_queue_bytes"] = SmpSuite.Round(bytes);
    }

    private static async Task AskAsync(RelayProcess relay, LoggedQueue? queue, CancellationToken cancellationToken)
    {
        await using LoadClient client = await LoadClient.ConnectAsync(relay.Address, cancellationToken);
        SmpSuite.Require<BrokerMessage.Pong>(await client.AskAsync(EntityId.None, SmpCommand.Ping.Instance, null, cancellationToken));
        if (queue is not null)
        {
            await client.AskAsync(queue.Id, SmpCommand.Sub.Instance, queue.Key, cancellationToken);
        }
    }
}
