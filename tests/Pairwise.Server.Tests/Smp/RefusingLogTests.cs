using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp;
using Pairwise.Server.Smp.Dispatch;
using Pairwise.Server.Smp.Logs;
using Pairwise.Server.Smp.Notifying;
using Pairwise.Server.Smp.Operation;
using Pairwise.Server.Smp.Store;
using Pairwise.Server.Smp.Subscribing;
using Pairwise.Wire;

namespace Pairwise.Server.Tests.Smp;

/// <summary>
/// A log that refuses for a while, as a database does that is away: what it refuses has not happened, a second try works,
/// and a restart finds what was answered.
/// </summary>
public sealed class RefusingLogTests : IDisposable
{
    private static readonly SmpError Refusal = new SmpError.Store("log");
    private static readonly SmpError.Blocked Spam = new(BlockingReason.Spam);

    private readonly TestFolder _folder = new();
    private readonly RefusableLog _log;
    private readonly SmpStatistics _statistics = new();
    private readonly QueueStore _queues = new();
    private readonly MemoryMessageStore _messages = new(quota: 128);
    private readonly SmpRelay _relay;
    private readonly SmpDispatcher _dispatcher;
    private readonly Client _client = new();
    private readonly SmpQueue _queue;
    private readonly ServiceRecord _service = NewService(1);

    public RefusingLogTests()
    {
        _log = new RefusableLog(Path.Combine(_folder.Path, "store.log"));
        _queues.AttachLog(_log);
        _relay = new SmpRelay(
            new SmpServerOptions { ConfigurationFolder = "none" }, _queues, _messages, new NotificationStore(_statistics, SystemRandom.Instance), _statistics);
        _dispatcher = new SmpDispatcher(_relay);
        _queue = NewQueue(QueueUse.Messaging);
        Assert.Null(_queues.GetOrAddService(_service, out _));
        Assert.Null(_queues.Add(_queue));
    }

    public static TheoryData<string> Changes =>
        ["add", "secure", "keys", "link", "user data", "unlink", "notifier", "other notifier", "no notifier", "recipient's service", "notifier's service", "service", "suspend", "block", "unblock", "day", "delete"];

    public void Dispose()
    {
        _log.Dispose();
        _messages.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [MemberData(nameof(Changes))]
    public void What_the_log_refuses_has_not_happened_and_a_second_try_works(string name)
    {
        Func<SmpError?> change = Prepare(name);
        string before = Describe(_queues);

        _log.IsRefusing = true;
        Assert.Equal(Refusal, change());
        Assert.Equal(before, Describe(_queues));
        Assert.Equal(before, DescribeAfterRestart());

        _log.IsRefusing = false;
        Assert.Null(change());
        string after = Describe(_queues);
        Assert.NotEqual(before, after);
        Assert.Equal(after, DescribeAfterRestart());
    }

    [Theory]
    [MemberData(nameof(Changes))]
    public void A_log_that_fails_leaves_nothing_behind_either(string name)
    {
        Func<SmpError?> change = Prepare(name);
        string before = Describe(_queues);
        _log.Fault = new IOException("The disk is gone.");
        Assert.Throws<IOException>(() => change());
        _log.Fault = null;
        Assert.Equal(before, Describe(_queues));
        Assert.Null(change());
    }

    [Fact]
    public void A_queue_whose_deletion_was_refused_goes_on_with_its_messages_and_its_subscriber()
    {
        Assert.Null(Subscriptions.Subscribe(_client, _queue, _messages, out _));
        Assert.Equal(BrokerMessage.Ok.Instance, Ask(_queue, TestRelay.Text("stays")).Message);
        _log.IsRefusing = true;
        Assert.Equal(new BrokerMessage.Err(Refusal), Ask(_queue, SmpCommand.Del.Instance, new Client()).Message);
        Assert.Equal(1, _messages.CountOf(_queue));
        Assert.Same(_client, _queue.Subscription!.Subscriber);
        Assert.Empty(_client.Ended);

        _log.IsRefusing = false;
        Assert.Equal(BrokerMessage.Ok.Instance, Ask(_queue, SmpCommand.Del.Instance, new Client()).Message);
        Assert.Equal(0, _messages.CountOf(_queue));
        Assert.Single(_client.Ended);
        Assert.Equal(new BrokerMessage.Err(SmpError.Auth.Instance), Ask(_queue, SmpCommand.Del.Instance, new Client()).Message);
    }

    [Fact]
    public void A_notifier_whose_removal_was_refused_keeps_its_notifications_and_its_subscriber()
    {
        QueueNotifier notifier = NewNotifier(null);
        Assert.Null(_queues.SetNotifier(_queue, notifier, out _));
        Assert.Null(Subscriptions.SubscribeToNotifications(_client, _queue, out _));
        Assert.Equal(BrokerMessage.Ok.Instance, Ask(_queue, TestRelay.Text("wakes", notify: true)).Message);
        _log.IsRefusing = true;
        Assert.Equal(new BrokerMessage.Err(Refusal), Ask(_queue, SmpCommand.NDel.Instance).Message);
        using X25519PrivateKey dhKey = X25519PrivateKey.Generate(SystemRandom.Instance);
        SmpCommand.NKey another = new(new NotifierRequest(NewPublicKey(), dhKey.PublicKey));
        Assert.Equal(new BrokerMessage.Err(Refusal), Ask(_queue, another).Message);
        Assert.Equal(1, _relay.Notifications.Count);
        Assert.Same(_client, _queue.NotifierSubscription!.Subscriber);
        Assert.Empty(_client.Ended);

        _log.IsRefusing = false;
        Assert.IsType<BrokerMessage.Nid>(Ask(_queue, another).Message);
        Assert.Null(_queue.NotifierSubscription);
    }

    [Fact]
    public void A_message_behind_which_a_link_could_not_be_removed_is_refused()
    {
        QueueLink link = NewLink();
        Assert.Null(_queues.SetLink(_queue, link));
        Assert.Null(_queues.Secure(_queue, NewKey()));
        _log.IsRefusing = true;
        Assert.Equal(new BrokerMessage.Err(Refusal), Ask(_queue, TestRelay.Text("not yet")).Message);
        Assert.Equal((link, 0), (_queue.Link, _messages.CountOf(_queue)));
        _log.IsRefusing = false;
        Assert.Equal(BrokerMessage.Ok.Instance, Ask(_queue, TestRelay.Text("now")).Message);
        Assert.Equal((null, 1), (_queue.Link, _messages.CountOf(_queue)));
    }

    [Fact]
    public void Queues_that_were_refused_take_no_room()
    {
        _log.IsRefusing = true;
        using X25519PrivateKey dhKey = X25519PrivateKey.Generate(SystemRandom.Instance);
        for (int i = 0; i < 100; i++)
        {
            SmpCommand create = new SmpCommand.New(NewPublicKey(), dhKey.PublicKey, null, SubscriptionMode.Subscribe, null, null);
            Assert.Equal(new BrokerMessage.Err(Refusal), Ask(null, create).Message);
        }

        Assert.Equal((1, 0), (_queues.Count, _client.Subscriptions.MessageCount));
    }

    private static SmpQueue NewQueue(QueueUse use) =>
        new(NewId(), NewId(), NewKey(), default, use) { UsedDay = (int)(TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() / 86400) };

    private static StoredId NewId() => StoredId.From(SystemRandom.Instance.Bytes(StoredId.Length));

    private static Ed25519PublicKey NewPublicKey()
    {
        using Ed25519PrivateKey key = Ed25519PrivateKey.Generate(SystemRandom.Instance);
        return key.PublicKey;
    }

    private static StoredKey NewKey()
    {
        Assert.True(StoredKey.TryFrom(NewPublicKey(), out StoredKey stored));
        return stored;
    }

    private static QueueLink NewLink() => new(new LinkId(NewId().ToWireId()), [1, 2, 3], [4, 5]);

    private static QueueNotifier NewNotifier(StoredId? service) => new(NewId(), NewKey(), default, service);

    private static ServiceRecord NewService(byte number) =>
        new(NewId(), SmpServiceRole.Notifier, [Bytes.Wrap([number])], Bytes.Wrap([number, number]), 86400);

    // Makes the queue ready for a change, and gives the change.
    private Func<SmpError?> Prepare(string name)
    {
        switch (name)
        {
            case "add":
                QueueLink taken = NewLink();
                QueueNotifier notified = NewNotifier(_service.Id);
                SmpQueue template = NewQueue(QueueUse.Contact);
                return () =>
                {
                    // The same ids again: a refused queue must not be in its own way.
                    SmpQueue added = new(template.RecipientId, template.SenderId, template.RecipientKey, default, QueueUse.Contact);
                    added.SetLink(taken);
                    added.SetNotifier(notified);
                    added.SetService(_service.Id);
                    return _queues.Add(added);
                };
            case "secure":
                StoredKey sender = NewKey();
                return () => _queues.Secure(_queue, sender);
            case "keys":
                return () => _queues.SetRecipientKeys(_queue, [NewKey(), NewKey()]);
            case "link":
                QueueLink link = NewLink();
                return () => _queues.SetLink(_queue, link);
            case "user data":
                QueueLink former = NewLink();
                Assert.Null(_queues.SetLink(_queue, former));
                return () => _queues.SetLink(_queue, new QueueLink(former.Id, former.FixedPart.ToArray(), [9]));
            case "unlink":
                Assert.Null(_queues.SetLink(_queue, NewLink()));
                return () => _queues.DeleteLink(_queue);
            case "notifier":
                QueueNotifier first = NewNotifier(_service.Id);
                return () => _queues.SetNotifier(_queue, first, out _);
            case "other notifier":
                Assert.Null(_queues.SetNotifier(_queue, NewNotifier(_service.Id), out _));
                QueueNotifier second = NewNotifier(null);
                return () => _queues.SetNotifier(_queue, second, out _);
            case "no notifier":
                Assert.Null(_queues.SetNotifier(_queue, NewNotifier(_service.Id), out _));
                return () => _queues.DeleteNotifier(_queue, out _);
            case "recipient's service":
                return () => _queues.SetService(_queue, ServiceSide.Recipient, _service.Id, out _);
            case "notifier's service":
                Assert.Null(_queues.SetNotifier(_queue, NewNotifier(null), out _));
                return () => _queues.SetService(_queue, ServiceSide.Notifier, _service.Id, out _);
            case "service":
                ServiceRecord other = NewService(2);
                return () => _queues.GetOrAddService(other, out _);
            case "suspend":
                return () => _queues.Suspend(_queue);
            case "block":
                return () => _queues.Block(_queue, Spam);
            case "unblock":
                Assert.Null(_queues.Block(_queue, Spam));
                return () => _queues.Unblock(_queue);
            case "day":
                return () => _queues.Touch(_queue, 1);
            default:
                Assert.Equal("delete", name);
                Assert.Null(_queues.SetLink(_queue, NewLink()));
                Assert.Null(_queues.SetNotifier(_queue, NewNotifier(_service.Id), out _));
                Assert.Null(_queues.SetService(_queue, ServiceSide.Recipient, _service.Id, out _));
                return () => _queues.Delete(_queue);
        }
    }

    private SmpAnswer Ask(SmpQueue? queue, SmpCommand command, Client? client = null) => _dispatcher.Handle(client ?? _client, CorrId.None, command, queue);

    // All that a store holds: its records, how each of its ids finds them, and what its services count.
    private string Describe(QueueStore queues)
    {
        string path = Path.Combine(_folder.Path, "described.log");
        StoreLog.WriteAll(path, queues);
        string text = string.Join('\n', File.ReadAllLines(path).Order(StringComparer.Ordinal));
        Assert.All(queues.All(), queue =>
        {
            Assert.True(queues.TryFindBySender(queue.SenderId, out SmpQueue? bySender) && ReferenceEquals(bySender, queue));
            Assert.True(queue.Link is not { } link || (queues.TryFindByLink(link.Id, out SmpQueue? byLink) && ReferenceEquals(byLink, queue)));
            Assert.True(queue.Notifier is not { } notifier || (queues.TryFindByNotifier(notifier.Id, out SmpQueue? byNotifier) && ReferenceEquals(byNotifier, queue)));
        });
        Assert.Equal(queues.NotifierCount, queues.All().Count(queue => queue.Notifier is not null));
        return $"{text}\n{queues.Count} {queues.Services.Count(ServiceSide.Recipient)} {queues.Services.Count(ServiceSide.Notifier)}";
    }

    private string DescribeAfterRestart()
    {
        QueueStore restarted = new();
        Assert.Equal(0, StoreLog.Read(_log.Path, restarted).RefusedRecords);
        return Describe(restarted);
    }

    private sealed class RefusableLog(string path) : IQueueLog, IDisposable
    {
        private readonly StoreLogWriter _file = new(path);

        public string Path { get; } = path;

        public bool IsRefusing { get; set; }

        public Exception? Fault { get; set; }

        public bool TryWrite(StoreLogRecord record) => Fault is { } fault ? throw fault : !IsRefusing && _file.TryWrite(record);

        public void Dispose() => _file.Dispose();
    }

    private sealed class Client : ISmpClient
    {
        public List<Subscription> Ended { get; } = [];

        public SmpVersion Version => SmpVersions.Current;

        public StoredId? ServiceId => null;

        public SubscriptionList Subscriptions { get; } = new();

        public void OnEnded(Subscription subscription) => Ended.Add(subscription);

        public void OnDeleted(Subscription subscription) => Ended.Add(subscription);

        public void OnEvent(StoredId entity, BrokerMessage message) => throw new InvalidOperationException("There are no services.");

        public void OnMessage(Subscription subscription, StoredMessage message, bool isOwn)
        {
            // Nobody reads it here.
        }
    }
}
