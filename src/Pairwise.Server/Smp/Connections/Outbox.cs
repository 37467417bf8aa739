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
/// The policy for a client that reads slower than it asks. Answers and events are counted, large answers more, and when
/// <see cref="Load"/> reaches the limit the client's commands are not read any more; the reference holds back at 128
/// batches. Messages that come by themselves are bounded by the subscriptions: each has one on its way, however often it
/// is subscribed again, and only the first <see cref="KeptBodies"/> are held here, the others are read when their turn
/// comes. A subscription ends once, and who is held back makes no new ones. Nothing is dropped, nobody but the client's
/// own reader ever waits, and a client that does not take one block for minutes is cut off; its messages stay stored.
/// </remarks>
internal sealed class Outbox
{
    private const int SmallQueue = 8;
    private const int KeptBodies = 64;
    private readonly Lock _gate = new();
    private Queue<OutboxEntry>? _answers;
    private Queue<OutboxEntry>? _deliveries;
    private int _load;
    private int _bodies;

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

    /// <summary>How much waits: one for an answer or event and one for each half KB of it. Deliveries do not count.</summary>
    public int Load
    {
        get
        {
            lock (_gate)
            {
                return _load;
            }
        }
    }

    /// <summary>How many messages wait that come by themselves, with events.</summary>
    internal int DeliveryCount
    {
        get
        {
            lock (_gate)
            {
                return _deliveries?.Count ?? 0;
            }
        }
    }

    public void AddAnswer(CorrId corrId, EntityId entity, SmpAnswer answer)
    {
        lock (_gate)
        {
            (_answers ??= new Queue<OutboxEntry>(SmallQueue)).Enqueue(new OutboxEntry(corrId, entity, answer, null));
            _load += LoadOf(answer);
        }
    }

    public void AddEvent(EntityId entity, BrokerMessage message)
    {
        lock (_gate)
        {
            (_deliveries ??= new Queue<OutboxEntry>(SmallQueue)).Enqueue(new OutboxEntry(CorrId.None, entity, SmpAnswer.Of(message), null));
            _load++;
        }
    }

    public void AddDelivery(EntityId entity, Subscription subscription, StoredMessage message)
    {
        lock (_gate)
        {
            bool isKept = _bodies < KeptBodies || !message.HasBody;
            _bodies += isKept && message.HasBody ? 1 : 0;
            (_deliveries ??= new Queue<OutboxEntry>(SmallQueue)).Enqueue(
                new OutboxEntry(CorrId.None, entity, isKept ? SmpAnswer.Of(subscription, message) : default, subscription));
        }
    }

    /// <summary>Copies of what would be taken next: the deliveries, and the answers with a message.</summary>
    public List<OutboxEntry> LookAhead(int most)
    {
        lock (_gate)
        {
            IEnumerable<OutboxEntry> all = [.. (_answers ?? []).Take(most), .. (_deliveries ?? []).Take(most)];
            return [.. all.Where(entry => entry.Subscription is not null || entry.Answer.Stored is not null).Take(most)];
        }
    }

    /// <summary>A message that the client sent to itself: it goes before the answer to its SEND, as the reference has it.</summary>
    public void AddOwnDelivery(EntityId entity, Subscription subscription, StoredMessage message)
    {
        SmpAnswer answer = SmpAnswer.Of(subscription, message);
        lock (_gate)
        {
            (_answers ??= new Queue<OutboxEntry>(SmallQueue)).Enqueue(new OutboxEntry(CorrId.None, entity, answer, subscription));
            _load += LoadOf(answer);
        }
    }

    /// <summary>Takes the next one.</summary>
    public bool TryTake(out OutboxEntry entry)
    {
        lock (_gate)
        {
            entry = default;
            if (_answers?.TryDequeue(out entry) == true)
            {
                _load -= LoadOf(entry.Answer);
                return true;
            }

            if (_deliveries?.TryDequeue(out entry) != true)
            {
                return false;
            }

            if (entry.Subscription is null)
            {
                _load--;
            }
            else if (entry.Answer.Stored is { HasBody: true })
            {
                _bodies--;
            }

            return true;
        }
    }

    private static int LoadOf(in SmpAnswer answer)
    {
        const int shift = 9; // half a KB
        int length = answer switch
        {
            { Stored: { } stored } => stored.Body.Length,
            { Message: BrokerMessage.PRes forwarded } => forwarded.Response.Length,
            { Message: BrokerMessage.RRes forwarded } => forwarded.Response.Length,
            { Message: BrokerMessage.Lnk link } => link.Content.Fixed.Length + link.Content.User.Length,
            _ => 0,
        };
        return 1 + (length >> shift);
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
