using System.Globalization;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;

namespace Pairwise.Load;

/// <summary>
/// "cores": what a second core brings. The relay is confined to one core and then to two, rounds alternating, under the
/// load of one machine with several clients. Their cryptography is done before the clock starts and their answers are
/// opened when it has stopped; in between they only send and receive bytes, on the same cores in all rounds: on the second
/// one of a machine with two, on those the relay does not use of a larger one.
/// </summary>
internal static class CoresScenario
{
    private const int Clients = 16;
    private const int QueuesEach = 16;
    private const int MessagesEach = 128; // the quota of a queue
    private const int BodyLength = 16_040;
    private const int SubscribedEach = 90; // a full block of SUB
    private const int SubscriptionBlocks = 128;
    private const int Rounds = 3;

    internal static async Task RunAsync(SuiteOptions options, IDictionary<string, object?> json, CancellationToken cancellationToken)
    {
        if (Environment.ProcessorCount < 2)
        {
            throw new SuiteException("two cores are needed to compare one with two");
        }

        string all = CpuSet.Read();
        string ofLoad = Environment.ProcessorCount > 2 ? string.Create(CultureInfo.InvariantCulture, $"2-{Environment.ProcessorCount - 1}") : "1";
        await using RelayProcess relay = await RelayProcess.StartAsync(null, options.Text("storage") ?? "memory", cancellationToken);
        await SmpSuite.WarmUpAsync(relay, cancellationToken);
        double seconds = options.Number("seconds", 2);
        byte[][] stores = [.. Enumerable.Range(0, Clients).Select(_ => new byte[QueuesEach * MessagesEach * HeldStream.RecordLength])];
        Console.WriteLine($"{Clients} clients, sealed ahead, on core {ofLoad}; medians of {Rounds} rounds");
        await CompareAsync("SEND of 16 KB", "send", 1, cores => MeasureAsync(relay, stores, seconds, cores, ofLoad, all, PrepareSendsAsync, cancellationToken), json);
        await CompareAsync(
            "SUB, Ed25519", "sub", SubscribedEach, cores => MeasureAsync(relay, stores, seconds, cores, ofLoad, all, PrepareSubscriptionsAsync, cancellationToken), json);
    }

    private static async Task CompareAsync(string name, string key, int commandsEach, Func<string, Task<HeldFigures>> measure, IDictionary<string, object?> json)
    {
        await measure("0-1"); // what is compiled only under this load is compiled
        List<HeldFigures> one = [];
        List<HeldFigures> two = [];
        for (int i = 0; i < Rounds; i++)
        {
            one.Add(await measure("0"));
            two.Add(await measure("0-1"));
        }

        HeldFigures ofOne = Median(one);
        HeldFigures ofTwo = Median(two);
        double growth = ofTwo.PerSecond / ofOne.PerSecond;
        Print($"{name}, relay on one core", key + "_one", ofOne, commandsEach, json);
        Print($"{name}, relay on two cores", key + "_two", ofTwo, commandsEach, json);
        Console.WriteLine(Measure.Row("  growth", growth, "", "the load's share of the second core is not the relay's"));
        json[$"cores_{key}_growth"] = SmpSuite.Round(growth);
    }

    private static async Task<HeldFigures> MeasureAsync(
        RelayProcess relay,
        byte[][] stores,
        double seconds,
        string cores,
        string ofLoad,
        string all,
        Func<LoadClient, LoadClient, Ed25519PrivateKey, HeldStream, CancellationToken, Task<Preparation>> prepare,
        CancellationToken cancellationToken)
    {
        using Ed25519PrivateKey key = Ed25519PrivateKey.Generate(SystemRandom.Instance);
        await using LoadClient owner = await LoadClient.ConnectAsync(relay.Address, cancellationToken);
        List<HeldStream> streams = [];
        List<LoadClient> clients = [];
        List<Preparation> prepared = [];
        foreach (byte[] store in stores)
        {
            HeldStream? stream = null;
            LoadClient client = await LoadClient.ConnectAsync(relay.Address, (socket, inner) => stream = new HeldStream(socket, inner, store), cancellationToken);
            clients.Add(client);
            streams.Add(stream!);
            prepared.Add(await prepare(owner, client, key, stream!, cancellationToken));
        }

        relay.UseCores(cores);
        CpuSet.Use(Environment.ProcessId, ofLoad);
        HeldRound round = new(relay, streams, seconds);
        await Task.WhenAll(streams.Select(stream => stream.ExchangeAsync(round, cancellationToken)));
        relay.UseCores(all);
        CpuSet.Use(Environment.ProcessId, all);
        for (int i = 0; i < clients.Count; i++)
        {
            streams[i].Replay();
            for (int left = streams[i].ReceivedRecords * prepared[i].AnswersToBlock; left > 0; left--)
            {
                prepared[i].Check((await clients[i].NextAsync(cancellationToken)).Message);
            }

            await clients[i].DisposeAsync();
        }

        await AskManyAsync(owner, [.. prepared.SelectMany(each => each.Queues)], _ => SmpCommand.Del.Instance, _ => key, cancellationToken);
        return round.Figures ?? throw new SuiteException("a round had no end");
    }

    // Sends to queues of its own, up to their quota.
    private static async Task<Preparation> PrepareSendsAsync(LoadClient owner, LoadClient client, Ed25519PrivateKey key, HeldStream stream, CancellationToken cancellationToken)
    {
        List<BrokerMessage.Ids> queues = await CreateAsync(owner, QueuesEach, key, cancellationToken);
        List<X25519PrivateKey> keys = [.. queues.Select(_ => X25519PrivateKey.Generate(SystemRandom.Instance))];
        List<EntityId> addresses = [.. queues.Select(queue => queue.Sender.ToEntityId())];
        await AskManyAsync(client, addresses, i => new SmpCommand.SKey(keys[i].PublicKey), i => keys[i], cancellationToken);
        SmpCommand.Send send = new(MessageFlags.None, SystemRandom.Instance.Bytes(BodyLength));
        stream.Hold();
        for (int i = 0; i < QueuesEach * MessagesEach; i++)
        {
            await client.SendAsync(addresses[i % QueuesEach], send, keys[i % QueuesEach], cancellationToken);
        }

        keys.ForEach(each => each.Dispose());
        return new Preparation([.. queues.Select(queue => queue.Recipient.ToEntityId())], 1, answer => SmpSuite.Require<BrokerMessage.Ok>(answer));
    }

    // Subscribes to its queues over and over: nearly all of it is verifying signatures.
    private static async Task<Preparation> PrepareSubscriptionsAsync(LoadClient owner, LoadClient client, Ed25519PrivateKey key, HeldStream stream, CancellationToken cancellationToken)
    {
        List<BrokerMessage.Ids> queues = await CreateAsync(owner, SubscribedEach, key, cancellationToken);
        List<EntityId> ids = [.. queues.Select(queue => queue.Recipient.ToEntityId())];
        byte[][] commands = [.. ids.Select(id => client.Encode(LoadClient.NewCorrId(), id, SmpCommand.Sub.Instance, key))];
        stream.Hold();
        for (int i = 0; i < SubscriptionBlocks; i++)
        {
            await client.SendAsync(commands, cancellationToken);
        }

        return new Preparation(ids, SubscribedEach, answer => SmpSuite.Require<BrokerMessage.Sok>(answer));
    }

    private static async Task<List<BrokerMessage.Ids>> CreateAsync(LoadClient owner, int count, Ed25519PrivateKey key, CancellationToken cancellationToken)
    {
        using X25519PrivateKey dhKey = X25519PrivateKey.Generate(SystemRandom.Instance);
        SmpCommand.New create = new(key.PublicKey, dhKey.PublicKey, null, SubscriptionMode.OnlyCreate, new QueueRequest.Messaging(null), null);
        IReadOnlyList<BrokerMessage> answers = await AskManyAsync(owner, [.. Enumerable.Repeat(EntityId.None, count)], _ => create, _ => key, cancellationToken);
        return [.. answers.Select(SmpSuite.Require<BrokerMessage.Ids>)];
    }

    private static async Task<IReadOnlyList<BrokerMessage>> AskManyAsync(
        LoadClient client, IReadOnlyList<EntityId> entities, Func<int, SmpCommand> command, Func<int, PrivateKey> key, CancellationToken cancellationToken)
    {
        byte[][] commands = [.. entities.Select((entity, i) => client.Encode(LoadClient.NewCorrId(), entity, command(i), key(i)))];
        List<BrokerMessage> answers = [];
        foreach (IReadOnlyList<byte[]> block in LoadClient.Pack(commands))
        {
            await client.SendAsync(block, cancellationToken);
            for (int i = 0; i < block.Count; i++)
            {
                BrokerMessage answer = (await client.NextAsync(cancellationToken)).Message;
                answers.Add(answer is BrokerMessage.Err error ? throw new SuiteException($"the relay answered ERR {error.Error}") : answer);
            }
        }

        return answers;
    }

    private static HeldFigures Median(List<HeldFigures> rounds) => rounds.OrderBy(round => round.PerSecond).ElementAt(rounds.Count / 2);

    private static void Print(string name, string key, HeldFigures figures, int commandsEach, IDictionary<string, object?> json)
    {
        int commands = figures.Blocks * commandsEach;
        double relayCpu = figures.RelayCpu / commands * 1e6;
        double loadCpu = figures.LoadCpu / commands * 1e6;
        Console.WriteLine(Measure.Row(
            name,
            commands / figures.Seconds,
            "/s",
            string.Create(CultureInfo.InvariantCulture, $"{figures.Seconds:N1} s; relay {relayCpu:N1} µs each, {figures.RelayCpu / figures.Seconds:N2} cores; load {loadCpu:N1} µs each, {figures.LoadCpu / figures.Seconds:N2} cores")));
        json[$"cores_{key}_per_s"] = SmpSuite.Round(commands / figures.Seconds);
        json[$"cores_{key}_cpu_us"] = SmpSuite.Round(relayCpu);
        json[$"cores_{key}_load_cpu_us"] = SmpSuite.Round(loadCpu);
        json[$"cores_{key}_relay_cores"] = SmpSuite.Round(figures.RelayCpu / figures.Seconds);
    }

    /// <summary>What a client has sealed: the queues it is about, and what answers each block.</summary>
    private sealed record Preparation(IReadOnlyList<EntityId> Queues, int AnswersToBlock, Action<BrokerMessage> Check);
}
