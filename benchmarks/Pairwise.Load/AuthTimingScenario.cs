using System.Diagnostics;
using System.Globalization;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;

namespace Pairwise.Load;

/// <summary>What is wrong with a command that is answered AUTH.</summary>
internal enum AuthFault
{
    /// <summary>There is no such queue.</summary>
    NoQueue,

    /// <summary>There is, with a key of the same type, and the command is authorized by another.</summary>
    WrongKey,

    /// <summary>There is, with a key of another type.</summary>
    OtherType,
}

/// <summary>A queue whose two keys are of one type.</summary>
internal sealed record TimedQueue(EntityId Mine, EntityId Theirs, KeyAlgorithm Kind);

/// <summary>One kind of command: whose, and how it is authorized; null = not at all.</summary>
internal sealed record TimedCommand(string Party, KeyAlgorithm? Kind)
{
    internal SmpCommand Command { get; } = Party == AuthTimingScenario.Recipient ? SmpCommand.Sub.Instance : new SmpCommand.Send(MessageFlags.None, new byte[1000]);

    public override string ToString() => $"{(Party == AuthTimingScenario.Recipient ? "SUB" : "SEND")}, {Kind?.ToString() ?? "unsigned"}";
}

/// <summary>
/// "auth-timing": whether the time until AUTH tells a queue that does not exist from one that does, with a wrong key or a
/// key of another type. The kinds of faults come in random order, each at its own queue, and are compared by rank.
/// </summary>
internal static class AuthTimingScenario
{
    internal const string Recipient = "recipient";
    internal const string Sender = "sender";

    internal static readonly KeyAlgorithm[] Kinds = [KeyAlgorithm.Ed25519, KeyAlgorithm.X25519, KeyAlgorithm.Ed448];

    private const string Inside = "inside";
    private const string Loopback = "loopback";
    private const int QueuesOfKind = 50;
    private const double WarmUpShare = 0.5;

    internal static async Task RunAsync(SuiteOptions options, IDictionary<string, object?> figures, CancellationToken cancellationToken)
    {
        int samples = options.Count("samples", 2_000);
        List<Dictionary<string, object?>> all = [];
        int beyondNoise = 0;
        int distinguishable = 0;
        double worstChance = 0;
        double worstDifference = 0;
        void Report(string place, TimedCommand command, IReadOnlyDictionary<AuthFault, List<double>> times)
        {
            double median = TwoSamples.At([.. times[AuthFault.NoQueue].Order()], 0.5);
            foreach (AuthFault fault in times.Keys.Where(each => each != AuthFault.NoQueue))
            {
                TwoSamples compared = TwoSamples.Compare(times[AuthFault.NoQueue], times[fault], new XorShift(0x9E3779B97F4A7C15));
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"  {place,-9} {command,-15} {Name(fault),-10} {median,8:N2} {compared.Difference,+9:N3} [{compared.Low,7:N3} {compared.High,7:N3}] {compared.Noise,7:N2} {compared.Chance,7:N3} {compared.Z,6:N1} {compared.T,6:N1} {(compared.IsBeyondNoise ? "BEYOND NOISE" : compared.IsDistinguishable ? "detectable" : "alike")}"));
                beyondNoise += compared.IsBeyondNoise ? 1 : 0;
                distinguishable += compared.IsDistinguishable && place == Loopback ? 1 : 0;
                worstChance = Math.Max(worstChance, Math.Abs(compared.Chance - 0.5));
                worstDifference = Math.Max(worstDifference, Math.Abs(compared.Difference));
                all.Add(new Dictionary<string, object?>
                {
                    ["where"] = place,
                    ["command"] = command.ToString(),
                    ["fault"] = Name(fault),
                    ["no_queue_us"] = Math.Round(median, 3),
                    ["difference_us"] = Math.Round(compared.Difference, 3),
                    ["low_us"] = Math.Round(compared.Low, 3),
                    ["high_us"] = Math.Round(compared.High, 3),
                    ["noise_us"] = Math.Round(compared.Noise, 3),
                    ["chance_slower"] = Math.Round(compared.Chance, 4),
                    ["z"] = Math.Round(compared.Z, 2),
                    ["t"] = Math.Round(compared.T, 2),
                    ["is_distinguishable"] = compared.IsDistinguishable,
                    ["is_beyond_noise"] = compared.IsBeyondNoise,
                });
            }
        }

        Console.WriteLine($"time until AUTH, {samples} of each; µs of a missing queue, how the other fault differs [95 %], interquartile range, chance to be slower, z, t");
        AuthTimingInside inside = new(QueuesOfKind);
        foreach (TimedCommand command in Commands())
        {
            Report(Inside, command, await MeasureAsync(command, samples, inside.Queues, inside.Keys, (entity, key) => new ValueTask<double>(inside.Measure(entity, command.Command, key)), cancellationToken));
        }

        await using RelayProcess relay = await RelayProcess.StartAsync(null, "memory", cancellationToken);
        IReadOnlyList<TimedQueue> queues = await MakeQueuesAsync(relay, cancellationToken);
        await using LoadClient client = await LoadClient.ConnectAsync(relay.Address, cancellationToken);
        foreach (TimedCommand command in Commands())
        {
            Report(Loopback, command, await MeasureAsync(command, samples, queues, inside.Keys, (entity, key) => AskAsync(client, entity, command.Command, key, cancellationToken), cancellationToken));
        }

        inside.Dispose();
        figures["auth_timing_samples"] = samples;
        figures["auth_timing_beyond_noise"] = beyondNoise;
        figures["auth_timing_distinguishable_over_loopback"] = distinguishable;
        figures["auth_timing_worst_chance"] = Math.Round(worstChance, 4);
        figures["auth_timing_worst_difference_us"] = Math.Round(worstDifference, 3);
        figures["auth_timing"] = all;
    }

    private static IEnumerable<TimedCommand> Commands()
    {
        foreach (KeyAlgorithm kind in Kinds)
        {
            yield return new TimedCommand(Recipient, kind);
            yield return new TimedCommand(Sender, kind);
        }

        yield return new TimedCommand(Sender, null);
    }

    private static string Name(AuthFault fault) => fault == AuthFault.WrongKey ? "wrong key" : "other type";

    private static async Task<IReadOnlyDictionary<AuthFault, List<double>>> MeasureAsync(
        TimedCommand command,
        int samples,
        IReadOnlyList<TimedQueue> queues,
        Dictionary<KeyAlgorithm, PrivateKey> keys,
        Func<EntityId, PrivateKey?, ValueTask<double>> measure,
        CancellationToken cancellationToken)
    {
        XorShift random = new(0x2545F4914F6CDD1D);
        PrivateKey? key = command.Kind is { } kind ? keys[kind] : null;
        AuthFault[] faults = key is null ? [AuthFault.NoQueue, AuthFault.WrongKey] : [AuthFault.NoQueue, AuthFault.WrongKey, AuthFault.OtherType];
        TimedQueue[] same = [.. queues.Where(queue => key is null || queue.Kind == command.Kind)];
        TimedQueue[] other = [.. queues.Where(queue => queue.Kind != command.Kind)];
        Dictionary<AuthFault, List<double>> times = faults.ToDictionary(fault => fault, _ => new List<double>());
        int warmUp = (int)(samples * faults.Length * WarmUpShare);
        for (int i = -warmUp; i < samples * faults.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            AuthFault fault = faults[random.Below(faults.Length)];
            TimedQueue queue = fault == AuthFault.OtherType ? other[random.Below(other.Length)] : same[random.Below(same.Length)];
            EntityId known = command.Party == Recipient ? queue.Mine : queue.Theirs;
            double time = await measure(fault == AuthFault.NoQueue ? new EntityId(SystemRandom.Instance.Bytes(24)) : known, key);
            if (i >= 0)
            {
                times[fault].Add(time);
            }
        }

        return times;
    }

    private static async ValueTask<double> AskAsync(LoadClient client, EntityId entity, SmpCommand command, PrivateKey? key, CancellationToken cancellationToken)
    {
        byte[] encoded = client.Encode(LoadClient.NewCorrId(), entity, command, key);
        long start = Stopwatch.GetTimestamp();
        await client.SendAsync([encoded], cancellationToken);
        BrokerMessage answer = (await client.NextAsync(cancellationToken)).Message;
        double elapsed = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
        return SmpSuite.Require<BrokerMessage.Err>(answer).Error is SmpError.Auth ? elapsed : throw new SuiteException($"the relay answered {answer} instead of AUTH");
    }

    private static async Task<IReadOnlyList<TimedQueue>> MakeQueuesAsync(RelayProcess relay, CancellationToken cancellationToken)
    {
        // Whoever asks later knows no secret of these queues.
        await using LoadClient client = await LoadClient.ConnectAsync(relay.Address, cancellationToken);
        List<TimedQueue> queues = [];
        using X25519PrivateKey dhKey = X25519PrivateKey.Generate(SystemRandom.Instance);
        foreach (KeyAlgorithm kind in Kinds)
        {
            for (int i = 0; i < QueuesOfKind; i++)
            {
                using PrivateKey recipientKey = NewKey(kind);
                using PrivateKey senderKey = NewKey(kind);
                SmpCommand.New create = new(recipientKey.PublicKey, dhKey.PublicKey, null, SubscriptionMode.OnlyCreate, new QueueRequest.Messaging(null), null);
                BrokerMessage.Ids ids = SmpSuite.Require<BrokerMessage.Ids>(await client.AskAsync(EntityId.None, create, recipientKey, cancellationToken));
                await client.AskAsync(ids.Sender.ToEntityId(), new SmpCommand.SKey(senderKey.PublicKey), senderKey, cancellationToken);
                queues.Add(new TimedQueue(ids.Recipient.ToEntityId(), ids.Sender.ToEntityId(), kind));
            }
        }

        return queues;
    }

    internal static PrivateKey NewKey(KeyAlgorithm kind) => kind switch
    {
        KeyAlgorithm.Ed25519 => Ed25519PrivateKey.Generate(SystemRandom.Instance),
        KeyAlgorithm.X25519 => X25519PrivateKey.Generate(SystemRandom.Instance),
        KeyAlgorithm.Ed448 => Ed448PrivateKey.Generate(SystemRandom.Instance),
        _ => throw new UnreachableException(),
    };
}
