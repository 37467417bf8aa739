using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp.Store;
using Pairwise.Server.Smp.Subscribing;

namespace Pairwise.Server.Smp.Connections;

/// <summary>What waits to be written to one client.</summary>
/// <param name="CorrId">Of the command; none for events.</param>
/// <param name="Entity">The id the client knows the queue by.</param>
/// <param name="Answer">The answer or event.</param>
/// <param name="Subscription">For a delivered message: the subscription that must still hold when it is written.</param>
internal readonly record struct OutboxEntry(CorrId CorrId, EntityId Entity, SmpAnswer Answer, Subscription? Subscription);

/// <summary>
/// Answers and events that wait for the writer. Answers go before messages that come by themselves, so that a batch of
/// subscriptions is answered at once and not behind the messages it sets free. Thread-safe.
/// </summary>
/// <remarks>
/// Bounds: answers by the reader, which stops reading commands when too many wait; deliveries and events by
/// themselves, as a subscription has at most one message on its way and ends once. Nothing is dropped, and nobody but
/// the client's own reader ever waits.
/// </remarks>
internal sealed class Outbox
{
    private const int SmallQueue = 8;
    private readonly Lock _gate = new();
    private Queue<OutboxEntry>? _answers;
    private Queue<OutboxEntry>? _deliveries;

    /// <summary>How many answers wait.</summary>
    public int AnswerCount
    {
        get
        {
            lock (_gate)
            {
                return _answers?.Count ?? 0;
            }
        }
    }

    public void AddAnswer(CorrId corrId, EntityId entity, SmpAnswer answer)
    {
        lock (_gate)
        {
            (_answers ??= new Queue<OutboxEntry>(SmallQueue)).Enqueue(new OutboxEntry(corrId, entity, answer, null));
        }
    }

    public void AddEvent(EntityId entity, BrokerMessage message)
    {
        lock (_gate)
        {
            (_deliveries ??= new Queue<OutboxEntry>(SmallQueue)).Enqueue(new OutboxEntry(CorrId.None, entity, SmpAnswer.Of(message), null));
        }
    }

    public void AddDelivery(EntityId entity, Subscription subscription, StoredMessage message)
    {
        lock (_gate)
        {
            (_deliveries ??= new Queue<OutboxEntry>(SmallQueue)).Enqueue(
                new OutboxEntry(CorrId.None, entity, SmpAnswer.Of(subscription.Queue, message), subscription));
        }
    }

    /// <summary>Takes the next one.</summary>
    public bool TryTake(out OutboxEntry entry)
    {
        lock (_gate)
        {
            entry = default;
            return _answers?.TryDequeue(out entry) == true || _deliveries?.TryDequeue(out entry) == true;
        }
    }

    /// <summary>Gives back what a burst needed.</summary>
    public void Trim()
    {
        lock (_gate)
        {
            if (_answers is { Count: 0, Capacity: > SmallQueue })
            {
                _answers = null;
            }

            if (_deliveries is { Count: 0, Capacity: > SmallQueue })
            {
                _deliveries = null;
            }
        }
    }
}
