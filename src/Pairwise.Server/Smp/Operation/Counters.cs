using System.Runtime.CompilerServices;

namespace Pairwise.Server.Smp.Operation;

/// <summary>A number for each name of an enumeration that counts from zero without gaps. Thread-safe.</summary>
/// <typeparam name="T">An enumeration over <see cref="int"/>.</typeparam>
public sealed class Counters<T>
    where T : struct, Enum
{
    private readonly long[] _values = new long[Enum.GetValues<T>().Length];

    /// <summary>The value of one counter.</summary>
    public long this[T counter]
    {
        get => Interlocked.Read(ref _values[IndexOf(counter)]);
        set => Interlocked.Exchange(ref _values[IndexOf(counter)], value);
    }

    /// <summary>Sets a counter back to zero and gives what it was.</summary>
    public long Take(T counter) => Interlocked.Exchange(ref _values[IndexOf(counter)], 0);

    internal void Add(T counter, long count = 1) => Interlocked.Add(ref _values[IndexOf(counter)], count);

    private static int IndexOf(T counter) => Unsafe.BitCast<T, int>(counter);
}

/// <summary>What a proxy counts of its sessions with other relays, and of the commands it forwards to them.</summary>
public enum ForwardingCounter
{
    /// <summary>Asked for.</summary>
    Requests,

    /// <summary>Done; an error that the other relay answered counts as done.</summary>
    Successes,

    /// <summary>The other relay was not reached, or there was no session with it.</summary>
    ErrorsConnect,

    /// <summary>The other relay's versions do not allow it.</summary>
    ErrorsCompat,

    /// <summary>Anything else.</summary>
    ErrorsOther,
}

/// <summary>What a relay counts of the queues of services.</summary>
public enum ServiceCounter
{
    /// <summary>A queue became a service's.</summary>
    AssocNew,

    /// <summary>A queue was the service's already.</summary>
    AssocDuplicate,

    /// <summary>A queue went from one service to another.</summary>
    AssocUpdated,

    /// <summary>A queue is no service's any more.</summary>
    AssocRemoved,

    /// <summary>Subscriptions of services.</summary>
    SubCount,

    /// <summary>Subscriptions of services that had subscribed before.</summary>
    SubDuplicate,

    /// <summary>Queues subscribed through services.</summary>
    SubQueues,

    /// <summary>Subscriptions of services that another connection took over.</summary>
    SubEnd,
}
