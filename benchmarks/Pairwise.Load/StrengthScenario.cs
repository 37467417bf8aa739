using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Transport;
using Pairwise.Transport.Memory;
using Pairwise.Transport.Sockets;
using Pairwise.Transport.Tls;

namespace Pairwise.Load;

/// <summary>
/// "strength": hostile clients of every kind, one kind after the other, while two others exchange messages: what the
/// others notice of it, and what the relay's memory is during it and afterwards.
/// </summary>
internal static class StrengthScenario
{
    private const int BodyLength = 16_040;
    private const int SilentSockets = 5_000;
    private const int HalfHandshakes = 2_000;
    private const int GarbageWorkers = 16;
    private const int SlowClients = 300;
    private const int MaxRefused = 100;
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan DribblePause = TimeSpan.FromSeconds(1);

    internal static async Task RunAsync(SuiteOptions options, IDictionary<string, object?> figures, CancellationToken cancellationToken)
    {
        int count = options.Count("queues", 10_000);
        double seconds = options.Number("seconds", 8);
        string storage = options.Text("storage") ?? "memory";
        List<LoggedQueue> queues = [];
        await using RelayProcess relay = await RelayProcess.StartAsync(
            folder =>
            {
                queues.AddRange(StateFiles.WriteStoreLog(folder, count, _ => Ed25519PrivateKey.Generate(SystemRandom.Instance)));
                if (storage == "memory")
                {
                    StateFiles.WriteMessages(folder, queues, count, BodyLength);
                }
            },
            storage,
            cancellationToken);
        await using MessagePair pair = await MessagePair.CreateAsync(relay.Address, BodyLength, cancellationToken);
        await pair.RunAsync(Stopwatch.GetTimestamp() + (2 * Stopwatch.Frequency), cancellationToken); // the compiler's work is not the relay's
        Phase phase = new(relay, pair, seconds, options.All("attack"), figures, cancellationToken);
        Console.WriteLine($"two clients exchange messages of 16 KB while others do this to the relay ({count} queues with a message, in {storage}):");
        await phase.MeasureAsync("nothing", "quiet", _ => Task.CompletedTask);
        await phase.MeasureAsync($"{SilentSockets} sockets that say nothing, made anew", "silent", token => HoldSocketsAsync(relay, SilentSockets, [], isSlow: false, token));
        await phase.MeasureAsync($"{HalfHandshakes} TLS hellos, a byte a second", "half_open", token => HoldSocketsAsync(relay, HalfHandshakes, [22, 3, 1, 2], isSlow: true, token));
        byte[] hello = await MakeHelloAsync(cancellationToken);
        await phase.MeasureAsync($"{HalfHandshakes} handshakes that stop after the hello", "stopped", token => HoldSocketsAsync(relay, HalfHandshakes, hello, isSlow: false, token));
        await phase.MeasureAsync($"{HalfHandshakes} of them, from the others' address", "stopped_beside", token => HoldSocketsAsync(relay, HalfHandshakes, hello, isSlow: false, token, "127.0.0.1"));
        await phase.MeasureAsync("connections with garbage, one after the other", "garbage", token => SendGarbageAsync(relay, token));
        await phase.MeasureAsync($"{SlowClients} TLS clients, a byte of their hello a second", "slow_hello", token => DribbleHelloAsync(relay, token));
        await phase.MeasureAsync($"{SlowClients} clients, a byte of a block a second", "slow_block", token => DribbleBlocksAsync(relay, token));
        await phase.MeasureAsync("all queues subscribed over and over, nothing read", "storm_unread", token => SubscribeAsync(relay, queues, isReading: false, token));
        await phase.MeasureAsync("all queues subscribed over and over, all read", "storm_read", token => SubscribeAsync(relay, queues, isReading: true, token));
        foreach (LoggedQueue queue in queues)
        {
            queue.Key.Dispose();
        }
    }

    // Whoever is cut comes again at once. All come from one address, which is not that of the others.
    private static Task HoldSocketsAsync(RelayProcess relay, int count, byte[] begin, bool isSlow, CancellationToken cancellationToken, string from = "127.0.0.2") =>
        Task.WhenAll(Enumerable.Range(0, count).Select(async _ =>
        {
            while (true)
            {
                try
                {
                    using TcpClient socket = new(new IPEndPoint(IPAddress.Parse(from), 0));
                    await socket.ConnectAsync("127.0.0.1", PortOf(relay), cancellationToken);
                    NetworkStream stream = socket.GetStream();
                    Task ended = stream.CopyToAsync(Stream.Null, cancellationToken);
                    await stream.WriteAsync(begin, cancellationToken);
                    while (isSlow && !ended.IsCompleted)
                    {
                        await Task.Delay(DribblePause, TimeProvider.System, cancellationToken);
                        await stream.WriteAsync(new byte[1], cancellationToken);
                    }

                    await ended;
                }
                catch (Exception end) when (end is IOException or SocketException)
                {
                    await Task.Delay(DribblePause, TimeProvider.System, cancellationToken);
                }
            }
        }));

    // What a client sends first, caught before a server sees it.
    private static async Task<byte[]> MakeHelloAsync(CancellationToken cancellationToken)
    {
        using TlsContext context = TlsContext.ForClient(new TlsClientOptions { ApplicationProtocols = ["smp/1"] });
        (Stream near, Stream far) = MemoryDuplex.CreatePair();
        Task connecting = TlsConnection.ConnectAsync(context, new TlsTarget(_ => TlsPeerVerdict.Accepted), near, TimeProvider.System, cancellationToken).AsTask();
        byte[] hello = new byte[4096];
        int length = await far.ReadAsync(hello, cancellationToken);
        await far.DisposeAsync();
        await connecting.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        return hello[..length];
    }

    private static Task SendGarbageAsync(RelayProcess relay, CancellationToken cancellationToken) =>
        Task.WhenAll(Enumerable.Range(0, GarbageWorkers).Select(async _ =>
        {
            byte[] answer = new byte[1024];
            while (true)
            {
                try
                {
                    using TcpClient socket = new();
                    await socket.ConnectAsync("127.0.0.1", PortOf(relay), cancellationToken);
                    await socket.GetStream().WriteAsync(SystemRandom.Instance.Bytes(4096), cancellationToken);
                    while (await socket.GetStream().ReadAsync(answer, cancellationToken) > 0)
                    {
                    }
                }
                catch (Exception end) when (end is IOException or SocketException)
                {
                    // The relay has closed it, as it should.
                    await Task.Yield();
                }
            }
        }));

    private static async Task DribbleHelloAsync(RelayProcess relay, CancellationToken cancellationToken)
    {
        using TlsContext context = TlsContext.ForClient(new TlsClientOptions { ApplicationProtocols = ["smp/1"] });
        TlsTarget target = new(_ => TlsPeerVerdict.Accepted);
        await DribbleAsync(
            async () =>
            {
                Stream stream = await TcpConnector.ConnectAsync("127.0.0.1", PortOf(relay), new TcpConnectOptions(), cancellationToken);
                TlsConnection connection = await TlsConnection.ConnectAsync(context, target, stream, TimeProvider.System, cancellationToken);
                return (connection, () => connection.WriteAsync(new byte[1], cancellationToken));
            },
            cancellationToken);
    }

    private static Task DribbleBlocksAsync(RelayProcess relay, CancellationToken cancellationToken) => DribbleAsync(
        async () =>
        {
            LoadClient client = await LoadClient.ConnectAsync(relay.Address, cancellationToken);
            return (client, () => client.SendBytesAsync(new byte[1], cancellationToken));
        },
        cancellationToken);

    private static async Task DribbleAsync(Func<Task<(IAsyncDisposable Connection, Func<ValueTask> Send)>> connect, CancellationToken cancellationToken)
    {
        List<(IAsyncDisposable Connection, Func<ValueTask> Send)> all = [];
        try
        {
            while (true)
            {
                for (int i = 0; i < SlowClients; i++)
                {
                    if (all.Count == i)
                    {
                        all.Add(await connect());
                    }

                    await all[i].Send();
                }

                await Task.Delay(DribblePause, TimeProvider.System, cancellationToken);
            }
        }
        finally
        {
            foreach ((IAsyncDisposable connection, _) in all)
            {
                await connection.DisposeAsync();
            }
        }
    }

    private static async Task SubscribeAsync(RelayProcess relay, List<LoggedQueue> queues, bool isReading, CancellationToken cancellationToken)
    {
        await using LoadClient client = await LoadClient.ConnectAsync(relay.Address, cancellationToken);
        List<byte[]> commands = [.. queues.Select(queue => client.Encode(LoadClient.NewCorrId(), queue.Id, SmpCommand.Sub.Instance, queue.Key))];
        IReadOnlyList<IReadOnlyList<byte[]>> blocks = LoadClient.Pack(commands);
        Task reading = isReading ? ReadAllAsync(client, cancellationToken) : Task.CompletedTask;
        try
        {
            while (true)
            {
                foreach (IReadOnlyList<byte[]> block in blocks)
                {
                    await client.SendAsync(block, cancellationToken);
                }
            }
        }
        finally
        {
            await reading.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    private static async Task ReadAllAsync(LoadClient client, CancellationToken cancellationToken)
    {
        while (true)
        {
            await client.NextAsync(cancellationToken);
        }
    }

    private static int PortOf(RelayProcess relay) =>
        relay.Address.TryGetPort(out ushort port) ? port : throw new SuiteException("the relay's address has no port");

    // One kind of hostility: the others' messages and the relay's memory during it, and its memory when it is over.
    private sealed class Phase(RelayProcess relay, MessagePair pair, double seconds, IReadOnlyList<string> chosen, IDictionary<string, object?> figures, CancellationToken cancellationToken)
    {
        private int _refused;

        // As a client does: it tries again when it is refused.
        private async Task<LoadClient> ConnectAsync()
        {
            while (true)
            {
                try
                {
                    return await LoadClient.ConnectAsync(relay.Address, cancellationToken);
                }
                catch (SuiteException) when (_refused < MaxRefused)
                {
                    _refused++;
                }
            }
        }

        public async Task MeasureAsync(string name, string key, Func<CancellationToken, Task> attack)
        {
            if (chosen.Count > 0 && !chosen.Contains(key))
            {
                return;
            }

            using CancellationTokenSource ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            Task attacking = attack(ending.Token);
            pair.LatencyMilliseconds.Clear();
            double connecting = 0;
            _refused = 0;
            long peak = 0;
            long start = Stopwatch.GetTimestamp();
            for (int second = 0; second < seconds; second++)
            {
                await pair.RunAsync(Stopwatch.GetTimestamp() + Stopwatch.Frequency, cancellationToken);
                long before = Stopwatch.GetTimestamp();
                await using (await ConnectAsync())
                {
                    connecting = Math.Max(connecting, Stopwatch.GetElapsedTime(before).TotalMilliseconds);
                }

                peak = Math.Max(peak, relay.ResidentBytes());
            }

            double perSecond = pair.LatencyMilliseconds.Count / Stopwatch.GetElapsedTime(start).TotalSeconds;
            double[] latencies = [.. pair.LatencyMilliseconds.Order()];
            await ending.CancelAsync();
            try
            {
                await attacking;
            }
            catch (Exception end) when (end is OperationCanceledException or TransportException or SuiteException)
            {
                // The attack is over, or the relay has put an end to it.
            }

            await Task.Delay(Settling, TimeProvider.System, cancellationToken);
            long after = relay.ResidentBytes();
            const double mega = 1e6;
            Console.WriteLine($" {name}");
            Console.WriteLine(Measure.Row(
                "  messages of the others", perSecond, "/s", string.Create(CultureInfo.InvariantCulture, $"p50 {latencies[latencies.Length / 2]:N2} ms, p99 {latencies[latencies.Length * 99 / 100]:N2} ms")));
            Console.WriteLine(Measure.Row("  a new connection, at worst", connecting, "ms", _refused == 0 ? null : string.Create(CultureInfo.InvariantCulture, $"{_refused} attempts were refused")));
            Console.WriteLine(Measure.Row("  memory of the relay", peak / mega, "MB", string.Create(CultureInfo.InvariantCulture, $"{after / mega:N0} MB {Settling.TotalSeconds:N0} s later")));
            figures[$"strength_{key}_messages_per_s"] = SmpSuite.Round(perSecond);
            figures[$"strength_{key}_p99_ms"] = SmpSuite.Round(latencies[latencies.Length * 99 / 100]);
            figures[$"strength_{key}_connect_ms"] = SmpSuite.Round(connecting);
            figures[$"strength_{key}_refused"] = _refused;
            figures[$"strength_{key}_peak_bytes"] = peak;
            figures[$"strength_{key}_after_bytes"] = after;
        }
    }
}
