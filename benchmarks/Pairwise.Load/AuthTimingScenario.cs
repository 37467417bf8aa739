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

    /// <summary>There is, its own client uses it at the time, and the command is authorized by another key of the same type.</summary>
    InUse,
}

/// <summary>A queue whose keys are all of one type.</summary>
internal sealed record TimedQueue(EntityId Mine, EntityId Theirs, EntityId Link, EntityId Notifier, KeyAlgorithm Kind, bool IsUsed);

/// <summary>One kind of command, and how it is authorized; null = not at all.</summary>
internal sealed record TimedCommand(string Word, KeyAlgorithm? Kind)
{
    /// <summary>The command; SKEY and LKEY present the key of who asks, which its session has proved elsewhere.</summary>
    internal SmpCommand Make(PrivateKey? key) => Word switch
    {
        "SUB" => SmpCommand.Sub.Instance,
        "DEL" => SmpCommand.Del.Instance,
        "NSUB" => SmpCommand.NSub.Instance,
        "LGET" => SmpCommand.LGet.Instance,
        "SKEY" => new SmpCommand.SKey(AuthTimingScenario.PublicKeyOf(key!)),
        "LKEY" => new SmpCommand.LKey(AuthTimingScenario.PublicKeyOf(key!)),
        "SEND" => new SmpCommand.Send(MessageFlags.None, new byte[1000]),
        _ => throw new UnreachableException(),
    };

    internal EntityId IdOf(TimedQueue queue) => Word switch
    {
        "SUB" or "DEL" => queue.Mine,
        "NSUB" => queue.Notifier,
        "LGET" or "LKEY" => queue.Link,
        _ => queue.Theirs,
    };

    public override string ToString() => $"{Word}, {Kind?.ToString() ?? "unsigned"}";
}

/// <summary>
/// "auth-timing": whether the time until AUTH tells a queue that does not exist from one that does, with a wrong key, a
/// key of another type, or used by its own client at the time. The kinds of faults come in random order, each at its own queue, and are compared by rank.
/// </summary>
internal static class AuthTimingScenario
{
    /// <summary>Right commands of its own client that a queue in use has had: more than a key needs for a table.</summary>
    internal const int Uses = 8;

    internal static readonly KeyAlgorithm[] Kinds = [KeyAlgorithm.Ed25519, KeyAlgorithm.X25519, KeyAlgorithm.Ed448];

    private const string Inside = "inside";
    private const string Loopback = "loopback";
    private const int QueuesOfKind = 50;
    private const int UsedOfKind = 20;
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
        AuthTimingInside inside = new(QueuesOfKind, UsedOfKind);
        foreach (TimedCommand command in Commands())
        {
            Report(Inside, command, await MeasureAsync(command, samples, inside.Queues, inside.Keys, (entity, key) => new ValueTask<double>(inside.Measure(entity, command.Make(key), key)), cancellationToken));
        }

        await using RelayProcess relay = await RelayProcess.StartAsync(null, "memory", cancellationToken);
        await using LoadClient owner = await LoadClient.ConnectAsync(relay.Address, cancellationToken);
        IReadOnlyList<TimedQueue> queues = await MakeQueuesAsync(owner, cancellationToken);
        await using LoadClient client = await LoadClient.ConnectAsync(relay.Address, cancellationToken);
        foreach (PrivateKey key in inside.Keys.Values)
        {
            (BrokerMessage.Ids ids, _) = await NewQueueAsync(client, key, key, cancellationToken);
            await UseAsync(client, ids, key, key, cancellationToken);
        }

        foreach (TimedCommand command in Commands())
        {
            Report(Loopback, command, await MeasureAsync(command, samples, queues, inside.Keys, (entity, key) => AskAsync(client, entity, command.Make(key), key, cancellationToken), cancellationToken));
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
            foreach (string word in (string[])["SUB", "DEL", "SEND", "SKEY", "LKEY", "NSUB"])
            {
                yield return new TimedCommand(word, kind);
            }
        }

        yield return new TimedCommand("SEND", null);
        yield return new TimedCommand("LGET", null);
    }

    private static string Name(AuthFault fault) => fault switch
    {
        AuthFault.WrongKey => "wrong key",
        AuthFault.InUse => "in use",
        _ => "other type",
    };

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
        AuthFault[] faults = key is null ? [AuthFault.NoQueue, AuthFault.WrongKey, AuthFault.InUse] : [AuthFault.NoQueue, AuthFault.WrongKey, AuthFault.OtherType, AuthFault.InUse];
        TimedQueue[] same = [.. queues.Where(queue => (key is null || queue.Kind == command.Kind) && !queue.IsUsed)];
        TimedQueue[] other = [.. queues.Where(queue => queue.Kind != command.Kind && !queue.IsUsed)];
        TimedQueue[] used = [.. queues.Where(queue => (key is null || queue.Kind == command.Kind) && queue.IsUsed)];
        Dictionary<AuthFault, List<double>> times = faults.ToDictionary(fault => fault, _ => new List<double>());
        int warmUp = (int)(samples * faults.Length * WarmUpShare);
        for (int i = -warmUp; i < samples * faults.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            AuthFault fault = faults[random.Below(faults.Length)];
            TimedQueue[] among = fault switch { AuthFault.OtherType => other, AuthFault.InUse => used, _ => same };
            EntityId known = command.IdOf(among[random.Below(among.Length)]);
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

    private static async Task<IReadOnlyList<TimedQueue>> MakeQueuesAsync(LoadClient client, CancellationToken cancellationToken)
    {
        // Whoever asks later knows no secret of these queues.
        List<TimedQueue> queues = [];
        foreach (KeyAlgorithm kind in Kinds)
        {
            for (int i = 0; i < QueuesOfKind + UsedOfKind; i++)
            {
                using PrivateKey recipientKey = NewKey(kind);
                using PrivateKey senderKey = NewKey(kind);
                (BrokerMessage.Ids ids, NotifierId notifier) = await NewQueueAsync(client, recipientKey, senderKey, cancellationToken);
                if (i >= QueuesOfKind)
                {
                    await UseAsync(client, ids, recipientKey, senderKey, cancellationToken);
                }

                queues.Add(new TimedQueue(
                    ids.Recipient.ToEntityId(), ids.Sender.ToEntityId(), ids.Link!.Value.ToEntityId(), notifier.ToEntityId(), kind, i >= QueuesOfKind));
            }
        }

        return queues;
    }

    private static async Task<(BrokerMessage.Ids Ids, NotifierId Notifier)> NewQueueAsync(LoadClient client, PrivateKey recipientKey, PrivateKey senderKey, CancellationToken cancellationToken)
    {
        using X25519PrivateKey dhKey = X25519PrivateKey.Generate(SystemRandom.Instance);
        CorrId corrId = LoadClient.NewCorrId();
        byte[] hash = new byte[Digests.Sha3_384Length];
        Digests.Sha3_384(corrId.Value.Span, hash);
        MessagingLink link = new(new SenderId(hash.AsSpan(0, SmpLimits.IdLength)), new QueueLinkData(new byte[10], new byte[20]));
        NotifierRequest notifier = new(PublicKeyOf(senderKey), dhKey.PublicKey);
        SmpCommand.New create = new(PublicKeyOf(recipientKey), dhKey.PublicKey, null, SubscriptionMode.OnlyCreate, new QueueRequest.Messaging(link), notifier);
        await client.SendAsync([client.Encode(corrId, EntityId.None, create, recipientKey)], cancellationToken);
        BrokerMessage.Ids ids = SmpSuite.Require<BrokerMessage.Ids>((await client.NextAsync(cancellationToken)).Message);
        SmpSuite.Require<BrokerMessage.Ok>(await client.AskAsync(ids.Sender.ToEntityId(), new SmpCommand.SKey(PublicKeyOf(senderKey)), senderKey, cancellationToken));
        return (ids, ids.Notifier!.Notifier);
    }

    // What a client does that is there: the relay remembers its keys in its session.
    private static async Task UseAsync(LoadClient client, BrokerMessage.Ids ids, PrivateKey recipientKey, PrivateKey senderKey, CancellationToken cancellationToken)
    {
        for (int i = 0; i < Uses; i++)
        {
            SmpSuite.Require<BrokerMessage.Info>(await client.AskAsync(ids.Recipient.ToEntityId(), SmpCommand.Que.Instance, recipientKey, cancellationToken));
            SmpSuite.Require<BrokerMessage.Ok>(await client.AskAsync(ids.Sender.ToEntityId(), new SmpCommand.SKey(PublicKeyOf(senderKey)), senderKey, cancellationToken));
        }
    }

    internal static PublicKey PublicKeyOf(PrivateKey key) => key is X25519PrivateKey agreement ? agreement.PublicKey : key.PublicKey;

    internal static PrivateKey NewKey(KeyAlgorithm kind) => kind switch
    {
        KeyAlgorithm.Ed25519 => Ed25519PrivateKey.Generate(SystemRandom.Instance),
        KeyAlgorithm.X25519 => X25519PrivateKey.Generate(SystemRandom.Instance),
        KeyAlgorithm.Ed448 => Ed448PrivateKey.Generate(SystemRandom.Instance),
        _ => throw new UnreachableException(),
    };
}
