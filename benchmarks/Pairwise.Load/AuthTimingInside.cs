using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp;
using Pairwise.Server.Smp.Connections;
using Pairwise.Server.Smp.Dispatch;
using Pairwise.Server.Smp.Notifying;
using Pairwise.Server.Smp.Operation;
using Pairwise.Server.Smp.Store;
using Pairwise.Server.Smp.Subscribing;

namespace Pairwise.Load;

/// <summary>
/// A relay's path from a decoded command to its answer, in this process and without a connection: its CPU time alone,
/// where a difference shows that the way over a socket would hide.
/// </summary>
internal sealed class AuthTimingInside : IDisposable
{
    private readonly X25519PrivateKey _sessionKey = X25519PrivateKey.Generate(SystemRandom.Instance);
    private readonly MemoryMessageStore _messages = new(SmpLimits.DefaultQueueQuota);
    private readonly TransmissionFormat _format = new(SmpVersions.Current, SystemRandom.Instance.Bytes(32));
    private readonly byte[] _scratch = new byte[20_000];
    private readonly TransmissionAuthorizer _clientAuthorizer;
    private readonly SmpAuthorizer _authorizer;
    private readonly SmpAuthorizer _owner;
    private readonly SmpCommandHandler _handler;
    private readonly Client _client = new();

    internal AuthTimingInside(int queuesOfKind, int usedOfKind)
    {
        QueueStore store = new();
        SmpServerOptions options = new() { ConfigurationFolder = "", Endpoints = [], Host = "" };
        SmpStatistics statistics = new();
        Server.Smp.SmpRelay relay = new(options, store, _messages, new NotificationStore(statistics, SystemRandom.Instance), statistics);
        _handler = new SmpCommandHandler(relay, new SmpDispatcher(relay));
        _authorizer = new SmpAuthorizer(_sessionKey, options.Limits.CachedSenderSecrets, new KeyTables(relay.KeyTables, TimeProvider.System));
        _owner = new SmpAuthorizer(_sessionKey, options.Limits.CachedSenderSecrets, new KeyTables(relay.KeyTables, TimeProvider.System));
        _clientAuthorizer = new TransmissionAuthorizer(_format, _sessionKey.PublicKey);
        foreach (KeyAlgorithm kind in AuthTimingScenario.Kinds)
        {
            PrivateKey own = AuthTimingScenario.NewKey(kind);
            Keys.Add(kind, own);
            Use(NewQueue(relay, store, kind, own, isUsed: false), own, _authorizer);
            for (int i = 0; i < queuesOfKind + usedOfKind; i++)
            {
                using PrivateKey key = AuthTimingScenario.NewKey(kind);
                TimedQueue queue = NewQueue(relay, store, kind, key, i >= queuesOfKind);
                Queues.Add(queue);
                if (queue.IsUsed)
                {
                    Use(queue, key, _owner);
                }
            }
        }
    }

    internal List<TimedQueue> Queues { get; } = [];

    /// <summary>Keys that no queue has.</summary>
    internal Dictionary<KeyAlgorithm, PrivateKey> Keys { get; } = [];

    /// <summary>CPU microseconds until the answer AUTH is there.</summary>
    internal double Measure(EntityId entity, SmpCommand command, PrivateKey? key)
    {
        (BrokerMessage? answer, double elapsed) = Ask(entity, command, key, _authorizer);
        return answer is BrokerMessage.Err { Error: SmpError.Auth } ? elapsed : throw new SuiteException($"the answer is {answer} instead of AUTH");
    }

    private void Use(TimedQueue queue, PrivateKey key, SmpAuthorizer authorizer)
    {
        for (int i = 0; i < AuthTimingScenario.Uses; i++)
        {
            SmpSuite.Require<BrokerMessage.Info>(Ask(queue.Mine, SmpCommand.Que.Instance, key, authorizer).Answer!);
        }
    }

    private static TimedQueue NewQueue(Server.Smp.SmpRelay relay, QueueStore store, KeyAlgorithm kind, PrivateKey key, bool isUsed)
    {
        SmpQueue queue = new(relay.NewId(), relay.NewId(), StoredKeyOf(key), default, QueueUse.Messaging);
        LinkId link = new(relay.NewId().ToWireId());
        StoredId notifier = relay.NewId();
        bool isMade = store.Add(queue) is null
            && store.SetLink(queue, new QueueLink(link, new byte[10], new byte[20])) is null
            && store.SetNotifier(queue, new QueueNotifier(notifier, StoredKeyOf(key), default, null), out _) is null
            && store.Secure(queue, StoredKeyOf(key)) is null;
        return isMade
            ? new TimedQueue(new EntityId(queue.RecipientId.ToWireId()), new EntityId(queue.SenderId.ToWireId()), link.ToEntityId(), new EntityId(notifier.ToWireId()), kind, isUsed)
            : throw new SuiteException("a queue could not be made");
    }

    private (BrokerMessage? Answer, double Elapsed) Ask(EntityId entity, SmpCommand command, PrivateKey? key, SmpAuthorizer authorizer)
    {
        _clientAuthorizer.TryEncode(LoadClient.NewCorrId(), entity, command, key, out byte[] encoded);
        byte[] batch = [1, (byte)(encoded.Length >> 8), unchecked((byte)encoded.Length), .. encoded];
        if (!BatchReader.TryOpen(batch, _format, out BatchReader reader)
            || !reader.TryReadNext(out Transmission transmission)
            || !transmission.TryDecodeCommand(_format.Version, out SmpCommand? decoded, out _))
        {
            throw new SuiteException("a command does not parse");
        }

        ReadOnlySpan<byte> signed = transmission.GetSigned(_format, _scratch);
        double start = Load.Measure.ThreadCpuSeconds();
        SmpAnswer answer = _handler.Answer(_client, authorizer, null, transmission, decoded, signed);
        double elapsed = (Load.Measure.ThreadCpuSeconds() - start) * 1e6;
        return (answer.Message, elapsed);
    }

    public void Dispose()
    {
        _authorizer.Dispose();
        _owner.Dispose();
        _sessionKey.Dispose();
        _messages.Dispose();
        foreach (PrivateKey key in Keys.Values)
        {
            key.Dispose();
        }
    }

    private static StoredKey StoredKeyOf(PrivateKey key) =>
        StoredKey.TryFrom(AuthTimingScenario.PublicKeyOf(key), out StoredKey stored) ? stored : throw new SuiteException("a key of this kind authorizes nothing");

    // Who is refused is told nothing but the answer.
    private sealed class Client : ISmpClient
    {
        public SmpVersion Version => SmpVersions.Current;

        public StoredId? ServiceId => null;

        public SubscriptionList Subscriptions { get; } = new();

        public void OnEnded(Subscription subscription) => throw new SuiteException("a refused command subscribed");

        public void OnDeleted(Subscription subscription) => throw new SuiteException("a refused command subscribed");

        public void OnEvent(StoredId id, BrokerMessage message) => throw new SuiteException("a refused command caused an event");

        public void OnMessage(Subscription subscription, StoredMessage message, bool isOwn) => throw new SuiteException("a refused command subscribed");
    }
}
