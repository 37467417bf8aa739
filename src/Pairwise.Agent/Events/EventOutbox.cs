using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Pairwise.Agent.Events;

/// <summary>An event on its way to the application; durable ones have the id of their row.</summary>
internal readonly record struct QueuedEvent(AgentEvent Event, long? Row);

/// <summary>
/// The way of events to the application, in order. A durable event stays in the store until the reader asks for the one
/// after it; rows of handled events are removed together with the next change of the store. Thread-safe for writers;
/// one reader.
/// </summary>
/// <remarks>
/// The queue has no bound of its own: a writer must never wait for the application while it holds a connection's lock,
/// because the application may be waiting for that lock. It is bounded by its causes: each receive queue has one
/// unacknowledged message at a time, and each sent message gives one event.
/// </remarks>
internal sealed class EventOutbox
{
    private readonly Channel<QueuedEvent> _queue = Channel.CreateUnbounded<QueuedEvent>(new UnboundedChannelOptions { SingleReader = true });
    private readonly ConcurrentQueue<long> _handled = new();

    /// <summary>Tells events that were stored, or that need not be.</summary>
    public void Publish(IReadOnlyList<QueuedEvent> events)
    {
        // Writing fails only after the agent was stopped: durable events are told at the next start.
        foreach (var queued in events) _queue.Writer.TryWrite(queued);
    }

    /// <summary>Tells an event that is not stored.</summary>
    public void Publish(AgentEvent raised) => _queue.Writer.TryWrite(new QueuedEvent(raised, null));

    /// <summary>Ends the reader after the events told so far.</summary>
    public void Complete() => _queue.Writer.TryComplete();

    /// <summary>All events, in order. Asking for the next one says that the one before was handled.</summary>
    public async IAsyncEnumerable<AgentEvent> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var queued in _queue.Reader.ReadAllAsync(cancellationToken))
        {
            yield return queued.Event;
            if (queued.Row is { } row) _handled.Enqueue(row);
        }
    }

    /// <summary>Rows of handled events, for the transaction that removes them.</summary>
    public IReadOnlyList<long> TakeHandled()
    {
        if (_handled.IsEmpty) return [];
        List<long> rows = [];
        while (_handled.TryDequeue(out var row)) rows.Add(row);
        return rows;
    }

    /// <summary>That transaction failed.</summary>
    public void ReturnHandled(IReadOnlyList<long> rows)
    {
        foreach (var row in rows) _handled.Enqueue(row);
    }
}
