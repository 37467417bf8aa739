using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp;
using Pairwise.Server.Smp.Connections;
using Pairwise.Server.Smp.Notifying;
using Pairwise.Server.Smp.Operation;
using Pairwise.Server.Smp.Store;
using Pairwise.Server.Smp.Subscribing;

namespace Pairwise.Server.Tests.Smp;

/// <summary>What waits for a client that reads slower than it asks: bounded, and nothing of it lost.</summary>
public sealed class OutboxTests : IDisposable
{
    private readonly MemoryMessageStore _messages = new(128);
    private readonly Reader _reader = new();

    public void Dispose() => _messages.Dispose();

    [Fact]
    public void A_queue_that_is_subscribed_over_and_over_has_one_message_on_its_way()
    {
        SmpQueue queue = NewQueue();
        StoredMessage message = Write(queue);
        for (int i = 0; i < 1_000; i++)
            Assert.Null(Subscriptions.Subscribe(_reader, queue, _messages, out _));
        Assert.Equal(1, _reader.Outbox.DeliveryCount);
        Assert.Same(message, TakeNext());
        Assert.Null(Subscriptions.Subscribe(_reader, queue, _messages, out _));
        Assert.Same(message, TakeNext());
    }

    [Fact]
    public void The_messages_of_many_queues_are_read_when_their_turn_comes()
    {
        const int queues = 500;
        List<StoredMessage> expected = [];
        for (int i = 0; i < queues; i++)
        {
            SmpQueue queue = NewQueue();
            expected.Add(Write(queue));
            Assert.Null(Subscriptions.Subscribe(_reader, queue, _messages, out _));
        }

        List<OutboxEntry> taken = [];
        while (_reader.Outbox.TryTake(out OutboxEntry entry))
            taken.Add(entry);
        Assert.InRange(taken.Count(entry => entry.Answer.Stored is not null), 1, 100);
        Assert.Equal(expected, taken.Select(entry => Subscriptions.Take(entry.Subscription!, entry.Answer.Stored, _messages)));
    }

    [Fact]
    public void What_is_delivered_is_what_is_first_when_the_client_gets_to_it()
    {
        SmpQueue queue = NewQueue();
        StoredMessage old = Write(queue);
        StoredMessage next = Write(queue);
        Assert.Null(Subscriptions.Subscribe(_reader, queue, _messages, out _));
        _messages.Acknowledge(queue, old.Id, out _); // as when it has expired
        Assert.Null(Subscriptions.Subscribe(_reader, queue, _messages, out _));
        Assert.Same(next, TakeNext());
        Assert.Equal(next.Id, queue.Subscription!.Delivered);

        Assert.Null(Subscriptions.Subscribe(_reader, queue, _messages, out _));
        Assert.True(_reader.Outbox.TryTake(out OutboxEntry entry));
        _messages.Acknowledge(queue, next.Id, out _);
        queue.Subscription!.Delivered = null;
        Assert.Null(Subscriptions.Take(entry.Subscription!, entry.Answer.Stored, _messages));
    }

    [Fact]
    public void Large_answers_and_events_hold_the_reader_back_and_deliveries_do_not()
    {
        Outbox outbox = _reader.Outbox;
        SmpQueue queue = NewQueue();
        Write(queue);
        Assert.Null(Subscriptions.Subscribe(_reader, queue, _messages, out _));
        Assert.Equal(0, outbox.Load);
        outbox.AddEvent(EntityId.None, BrokerMessage.End.Instance);
        outbox.AddAnswer(CorrId.None, EntityId.None, SmpAnswer.Ok);
        Assert.Equal(2, outbox.Load);
        outbox.AddAnswer(CorrId.None, EntityId.None, SmpAnswer.Of(new BrokerMessage.PRes(new byte[16_000])));
        Assert.Equal(2 + 32, outbox.Load);
        while (outbox.TryTake(out _))
        {
        }

        Assert.Equal(0, outbox.Load);
    }

    [Fact]
    public void Notifications_for_somebody_who_never_comes_are_bounded()
    {
        SmpStatistics statistics = new();
        NotificationStore store = new(statistics, SystemRandom.Instance);
        StoredId notifier = NewId();
        for (int i = 0; i < NotificationStore.MaxWaiting + 10; i++)
            store.Add(notifier, new StoredNotification(NewId(), i, Wire.Bytes.CopyOf(new byte[24]), new byte[100]));
        Assert.Equal(NotificationStore.MaxWaiting, store.Count);
        Assert.Equal(10, statistics[SmpCounter.MsgNtfLost]);
        Assert.Equal(10, store.All().First().Notification.Seconds);
    }

    private static StoredId NewId() => StoredId.From(SystemRandom.Instance.Bytes(StoredId.Length));

    private static SmpQueue NewQueue()
    {
        using Ed25519PrivateKey key = Ed25519PrivateKey.Generate(SystemRandom.Instance);
        Assert.True(StoredKey.TryFrom(key.PublicKey, out StoredKey stored));
        return new SmpQueue(NewId(), NewId(), stored, default, QueueUse.Messaging);
    }

    private StoredMessage Write(SmpQueue queue)
    {
        StoredMessage message = StoredMessage.Message(NewId(), 0, notify: false, [1]);
        Assert.Null(_messages.Write(queue, message, out _));
        return message;
    }

    private StoredMessage? TakeNext()
    {
        Assert.True(_reader.Outbox.TryTake(out OutboxEntry entry));
        return Subscriptions.Take(entry.Subscription!, entry.Answer.Stored, _messages);
    }

    private sealed class Reader : ISubscriber
    {
        public Outbox Outbox { get; } = new();

        public SubscriptionList Subscriptions { get; } = new();

        public void OnEnded(Subscription subscription) => Outbox.AddEvent(EntityId.None, BrokerMessage.End.Instance);

        public void OnDeleted(Subscription subscription) => Outbox.AddEvent(EntityId.None, BrokerMessage.Deld.Instance);

        public void OnEvent(StoredId entity, BrokerMessage message) => throw new InvalidOperationException("There are no services.");

        public void OnMessage(Subscription subscription, StoredMessage message, bool isOwn) => Outbox.AddDelivery(EntityId.None, subscription, message);
    }
}
