using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp;
using Pairwise.Server.Smp.Dispatch;
using Pairwise.Server.Smp.Notifying;
using Pairwise.Server.Smp.Operation;
using Pairwise.Server.Smp.Store;
using Pairwise.Server.Smp.Subscribing;

namespace Pairwise.Server.Tests.Smp;

/// <summary>A recipient that comes in the very moment in which a message is stored.</summary>
public sealed class DeliveryRaceTests
{
    [Fact]
    public async Task A_message_that_was_acknowledged_while_it_was_stored_is_not_delivered_again()
    {
        const int rounds = 2000;
        SmpStatistics statistics = new();
        using SignallingStore messages = new();
        SmpRelay relay = new(
            new SmpServerOptions { ConfigurationFolder = "none" }, new QueueStore(), messages, new NotificationStore(statistics, SystemRandom.Instance), statistics);
        SmpDispatcher dispatcher = new(relay);
        using Ed25519PrivateKey key = Ed25519PrivateKey.Generate(SystemRandom.Instance);
        Assert.True(StoredKey.TryFrom(key.PublicKey, out StoredKey stored));
        for (int i = 0; i < rounds; i++)
        {
            SmpQueue queue = new(relay.NewId(), relay.NewId(), stored, default, QueueUse.Messaging) { UsedDay = (int)(relay.NowSeconds() / 86400) };
            Recipient recipient = new();
            messages.Reset();
            Task receiving = Task.Run(
                () =>
                {
                    SpinWait.SpinUntil(() => messages.IsWriting);
                    while (!Monitor.TryEnter(queue))
                    {
                        Thread.SpinWait(1);
                    }

                    Monitor.Exit(queue);
                    Assert.Null(Subscriptions.Subscribe(recipient, queue, messages, out _));
                    lock (queue)
                    {
                        StoredId id = Assert.Single(recipient.Delivered).Id;
                        messages.Acknowledge(queue, id, out StoredMessage? removed);
                        Assert.NotNull(removed);
                        queue.Subscription!.Delivered = null;
                    }
                },
                TestContext.Current.CancellationToken);
            dispatcher.Handle(recipient, CorrId.None, new SmpCommand.Send(new MessageFlags(false), new BlockSlice(new byte[] { 1 })), queue);
            await receiving;
            Assert.Single(recipient.Delivered);
        }
    }

    // Says when it is about to let go of the queue's lock with a message stored.
    private sealed class SignallingStore() : MessageStore(128)
    {
        private bool _isWriting;

        public bool IsWriting => Volatile.Read(ref _isWriting);

        public void Reset() => Volatile.Write(ref _isWriting, false);

        protected override QueueMessages? Open(SmpQueue queue) => queue.Messages;

        protected override QueueMessages OpenOrCreate(SmpQueue queue)
        {
            queue.Messages ??= new MemoryMessages();
            Volatile.Write(ref _isWriting, true);
            return queue.Messages;
        }

        protected override void Removed(SmpQueue queue, QueueMessages messages)
        {
        }

        protected override void DropMessages(SmpQueue queue)
        {
        }
    }

    private sealed class Recipient : ISmpClient
    {
        public List<StoredMessage> Delivered { get; } = [];

        public SmpVersion Version => SmpVersions.Current;

        public StoredId? ServiceId => null;

        public SubscriptionList Subscriptions { get; } = new();

        public void OnEnded(Subscription subscription) => throw new InvalidOperationException("Nobody else subscribes.");

        public void OnDeleted(Subscription subscription) => throw new InvalidOperationException("Nobody deletes.");

        public void OnEvent(StoredId entity, BrokerMessage message) => throw new InvalidOperationException("There are no services.");

        public void OnMessage(Subscription subscription, StoredMessage message, bool isOwn) => Delivered.Add(message);
    }
}
