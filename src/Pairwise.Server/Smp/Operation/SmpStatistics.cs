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
    private readonly long[] _counters = new long[Enum.GetValues<SmpCounter>().Length];

    /// <summary>The value of one counter since the start, or since the statistics were restored.</summary>
    public long this[SmpCounter counter]
    {
        get => Interlocked.Read(ref _counters[(int)counter]);
        set => Interlocked.Exchange(ref _counters[(int)counter], value);
    }

    /// <summary>Sets a counter back to zero and gives what it was.</summary>
    public long Take(SmpCounter counter) => Interlocked.Exchange(ref _counters[(int)counter], 0);

    internal void Add(SmpCounter counter, long count = 1) => Interlocked.Add(ref _counters[(int)counter], count);

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

    internal void Subscribed(bool isRepeated, SmpError? error) =>
        Add(error is SmpError.Command ? SmpCounter.QSubProhibited : isRepeated ? SmpCounter.QSubDuplicate : SmpCounter.QSub);

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

    internal void MessageSent(bool notify)
    {
        Add(SmpCounter.MsgSent);
        if (notify)
        {
            Add(SmpCounter.MsgSentNtf);
        }
    }

    internal void MessageReceived(StoredMessage message, bool isGet)
    {
        Add(SmpCounter.MsgRecv);
        if (isGet)
        {
            Add(SmpCounter.MsgRecvGet);
        }

        if (message.Notify)
        {
            Add(SmpCounter.MsgRecvNtf);
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
}
