using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp.Store;

namespace Pairwise.Server.Smp.Operation;

/// <summary>Why a SEND was refused.</summary>
public enum SendRefusal
{
    /// <summary>The queue takes no messages, or the authorization is wrong.</summary>
    Auth,

    /// <summary>The queue is full.</summary>
    Quota,

    /// <summary>The body is too long.</summary>
    Large,

    /// <summary>The queue is blocked.</summary>
    Blocked,
}

/// <summary>Counters of one relay. Thread-safe. They say how much happened, never to whom.</summary>
public sealed class SmpStatistics
{
    private readonly Counters<SmpCounter> _counters = new();

    /// <summary>Queues with messages.</summary>
    public ActiveQueues ActiveQueues { get; } = new();

    /// <summary>Queues with messages that ask for a notification.</summary>
    public ActiveQueues ActiveNotifiedQueues { get; } = new();

    /// <summary>As a proxy: sessions with other relays.</summary>
    public Counters<ForwardingCounter> Relays { get; } = new();

    /// <summary>As a proxy: those of them that are with the operator's own relays.</summary>
    public Counters<ForwardingCounter> OwnRelays { get; } = new();

    /// <summary>As a proxy: commands forwarded.</summary>
    public Counters<ForwardingCounter> Forwards { get; } = new();

    /// <summary>As a proxy: commands forwarded to the operator's own relays.</summary>
    public Counters<ForwardingCounter> OwnForwards { get; } = new();

    /// <summary>Queues of services that receive messages.</summary>
    public Counters<ServiceCounter> RecipientServices { get; } = new();

    /// <summary>Queues of services that receive notifications.</summary>
    public Counters<ServiceCounter> NotifierServices { get; } = new();

    /// <summary>From the delivery of a message to its acknowledgement, since the start.</summary>
    public DeliveryTimes Acknowledged { get; } = new();

    /// <summary>The value of one counter since the start, or since the statistics were restored.</summary>
    public long this[SmpCounter counter]
    {
        get => _counters[counter];
        set => _counters[counter] = value;
    }

    /// <summary>Sets a counter back to zero and gives what it was.</summary>
    public long Take(SmpCounter counter) => _counters.Take(counter);

    internal void Add(SmpCounter counter, long count = 1) => _counters.Add(counter, count);

    internal void RelayAsked(ForwardingCounter outcome, bool isOwn) => Asked(Relays, OwnRelays, outcome, isOwn);

    internal void Forwarded(ForwardingCounter outcome, bool isOwn) => Asked(Forwards, OwnForwards, outcome, isOwn);

    internal void QueueCreated(bool hasNotifier)
    {
        Add(SmpCounter.QCreated);
        if (hasNotifier)
        {
            Add(SmpCounter.NtfNewCreated);
        }
    }

    internal void QueueSecured() => Add(SmpCounter.QSecured);

    internal void QueueDeleted(bool wasSecured)
    {
        Add(SmpCounter.QDeletedAll);
        Add(wasSecured ? SmpCounter.QDeletedSecured : SmpCounter.QDeletedNew);
    }

    internal void NotifierCreated() => Add(SmpCounter.NtfCreated);

    internal void NotifierDeleted() => Add(SmpCounter.NtfDeleted);

    internal void NotifierSubscribed(bool isRepeated) => Add(isRepeated ? SmpCounter.NtfSubDuplicate : SmpCounter.NtfSub);

    /// <summary>A queue was subscribed, or was not; as in the reference a new subscription is counted when it finds a message.</summary>
    internal void Subscribed(bool isRepeated, bool isDelivered, SmpError? error)
    {
        if (error is SmpError.Command)
        {
            Add(SmpCounter.QSubProhibited);
        }
        else if (isRepeated)
        {
            Add(SmpCounter.QSubDuplicate);
        }
        else if (isDelivered)
        {
            Add(SmpCounter.QSub);
        }
    }

    internal void GetRefused() => Add(SmpCounter.MsgGetProhibited);

    internal void Got(bool hasMessage, bool isRepeated) =>
        Add(!hasMessage ? SmpCounter.MsgGetNoMsg : isRepeated ? SmpCounter.MsgGetDuplicate : SmpCounter.MsgGet);

    internal void SendRefused(SendRefusal reason) => Add(reason switch
    {
        SendRefusal.Auth => SmpCounter.MsgSentAuth,
        SendRefusal.Quota => SmpCounter.MsgSentQuota,
        SendRefusal.Large => SmpCounter.MsgSentLarge,
        _ => SmpCounter.MsgSentBlock,
    });

    internal void MessageSent(SmpQueue queue, bool notify)
    {
        Add(SmpCounter.MsgSent);
        ActiveQueues.Add(queue.RecipientId);
        if (notify)
        {
            Add(SmpCounter.MsgSentNtf);
            ActiveNotifiedQueues.Add(queue.RecipientId);
        }
    }

    internal void MessageReceived(SmpQueue queue, StoredMessage message, bool isGet, long seconds)
    {
        Add(SmpCounter.MsgRecv);
        ActiveQueues.Add(queue.RecipientId);
        Acknowledged.Add(seconds);
        if (isGet)
        {
            Add(SmpCounter.MsgRecvGet);
        }

        if (message.Notify)
        {
            Add(SmpCounter.MsgRecvNtf);
            ActiveNotifiedQueues.Add(queue.RecipientId);
        }
    }

    internal void MessagesExpired(int count)
    {
        if (count > 0)
        {
            Add(SmpCounter.MsgExpired, count);
        }
    }

    internal void CommandRefused(SmpCommand command)
    {
        SmpCounter? counter = command switch
        {
            SmpCommand.Send => SmpCounter.MsgSentAuth,
            SmpCommand.Sub => SmpCounter.QSubAuth,
            SmpCommand.NSub => SmpCounter.NtfSubAuth,
            SmpCommand.Get => SmpCounter.MsgGetAuth,
            _ => null,
        };
        if (counter is { } counted)
        {
            Add(counted);
        }
    }

    /// <summary>
    /// Several commands came in one block, all of a recipient or all of a notifier: the batch is counted once, by the first
    /// of them.
    /// </summary>
    internal void BatchCame(SmpCommand first)
    {
        SmpCounter? counter = first switch
        {
            SmpCommand.Sub => SmpCounter.QSubAllB,
            SmpCommand.Del => SmpCounter.QDeletedAllB,
            SmpCommand.NDel => SmpCounter.NtfDeletedB,
            SmpCommand.NSub => SmpCounter.NtfSubB,
            _ => null,
        };
        if (counter is { } counted)
        {
            Add(counted);
        }
    }

    private static void Asked(Counters<ForwardingCounter> all, Counters<ForwardingCounter> own, ForwardingCounter outcome, bool isOwn)
    {
        Count(all);
        if (isOwn)
        {
            Count(own);
        }

        void Count(Counters<ForwardingCounter> counters)
        {
            counters.Add(ForwardingCounter.Requests);
            counters.Add(outcome);
        }
    }
}
