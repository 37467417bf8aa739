using System.Diagnostics;
using System.Globalization;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;

namespace Pairwise.Load;

/// <summary>"connections": what a connection costs that says nothing, by the growth of the relay's whole process.</summary>
internal static class ConnectionScenario
{
    private const int Connectors = 8;
    private const int WarmUp = 64;
    private const int ForEachAddress = 5_000; // of the ports that a client's address has for one server
    private const int SpareFiles = 500;

    internal static async Task RunAsync(SuiteOptions options, IDictionary<string, object?> figures, CancellationToken cancellationToken)
    {
        int count = options.Count("idle", 10_000);
        FileLimit.Require(count + SpareFiles);
        await using RelayProcess relay = await RelayProcess.StartAsync(null, options.Text("storage") ?? "memory", cancellationToken);
        List<LoadClient> clients = [];
        try
        {
            // Every connection of the warm-up was served and has ended before memory is looked at.
            await ConnectAsync(relay, WarmUp, clients, cancellationToken);
            await CloseAsync(clients);
            long before = await relay.SettledBytesAsync(cancellationToken);
            double cpu = relay.CpuSeconds();
            long start = Stopwatch.GetTimestamp();
            await ConnectAsync(relay, count, clients, cancellationToken);
            double perSecond = clients.Count / Stopwatch.GetElapsedTime(start).TotalSeconds;
            double cpuEach = (relay.CpuSeconds() - cpu) / clients.Count * 1e3;
            long after = await relay.SettledBytesAsync(cancellationToken);
            double bytes = (after - before) / (double)clients.Count;
            double answered = await AskAllAsync(clients, cancellationToken);
            long used = await relay.SettledBytesAsync(cancellationToken);
            double bytesUsed = (used - before) / (double)clients.Count;
            Console.WriteLine($"{clients.Count} idle connections of our relay");
            Console.WriteLine(Measure.Row("connections made a second", perSecond, "/s"));
            Console.WriteLine(Measure.Row("CPU of the relay to accept one", cpuEach, "ms"));
            Console.WriteLine(Measure.Row("memory of the relay before", before / 1e6, "MB"));
            Console.WriteLine(Measure.Row("memory of the relay after", after / 1e6, "MB"));
            Console.WriteLine(Measure.Row("memory of an idle connection", bytes, "B"));
            Console.WriteLine(Measure.Row("the same, after each has asked something", bytesUsed, "B"));
            Console.WriteLine(Measure.Row("until all had their answer to a PING", answered, "s"));
            figures["idle_connections"] = clients.Count;
            figures["idle_connection_bytes"] = SmpSuite.Round(bytes);
            figures["used_connection_bytes"] = SmpSuite.Round(bytesUsed);
            figures["idle_connections_made_per_s"] = SmpSuite.Round(perSecond);
        }
        finally
        {
            await CloseAsync(clients);
        }
    }

    private static async Task ConnectAsync(RelayProcess relay, int count, List<LoadClient> clients, CancellationToken cancellationToken)
    {
        int number = 0;
        await Task.WhenAll(Enumerable.Range(0, Connectors).Select(_ => Task.Run(
            async () =>
            {
                while (Interlocked.Increment(ref number) is var next && next <= count)
                {
                    LoadClient client = await LoadClient.ConnectAsync(AddressFor(relay.Address, next / ForEachAddress), cancellationToken);
                    lock (clients)
                    {
                        clients.Add(client);
                    }
                }
            },
            cancellationToken)));
    }

    private static async Task<double> AskAllAsync(List<LoadClient> clients, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        foreach (LoadClient[] some in clients.Chunk(Connectors * Connectors))
        {
            await Task.WhenAll(some.Select(async client =>
                SmpSuite.Require<BrokerMessage.Pong>(await client.AskAsync(EntityId.None, SmpCommand.Ping.Instance, null, cancellationToken))));
        }

        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static async Task CloseAsync(List<LoadClient> clients)
    {
        foreach (LoadClient client in clients)
        {
            await client.DisposeAsync();
        }

        clients.Clear();
    }

    // The whole of 127.0.0.0/8 is this machine: each address has its own ports.
    private static ServerAddress AddressFor(ServerAddress relay, int number)
    {
        string host = string.Create(CultureInfo.InvariantCulture, $"127.0.0.{number + 1}");
        return ServerAddress.TryParse(relay.ToString().Replace("127.0.0.1", host, StringComparison.Ordinal), out ServerAddress? address)
            ? address
            : throw new SuiteException($"the relay {relay} cannot be addressed as {host}");
    }
}
