using Pairwise.Server.Smp.Store;

namespace Pairwise.Server.Smp.Postgres;

/// <summary>
/// What is in memory of the messages of one queue: 32 bytes for each, and no body. Every call is made under the queue's
/// lock. The database takes a change before memory does: what it refuses is an <see cref="IOException"/>, and was never
/// there.
/// </summary>
internal sealed class PostgresMessages(PostgresMessageStore store, SmpQueue queue) : QueueMessages
{
    private const int FirstRoom = 4;
    private Mark[] _ring = new Mark[FirstRoom];
    private int _first;
    private int _count;
    private bool _isFull;

    public override int Count => _count;

    public override WriteOutcome Write(StoredMessage message, int quota)
    {
        bool wasEmpty = _count == 0;
        if (_isFull && !wasEmpty)
        {
            return WriteOutcome.Quota;
        }

        bool isOver = _count >= quota;
        StoredMessage written = isOver && !message.IsQuota ? StoredMessage.Quota(message.Id, message.Seconds) : message;
        store.Insert(queue.RecipientId, written, _count + 1, canWrite: !isOver);
        _isFull = isOver;
        Append(written);
        if (isOver)
        {
            return WriteOutcome.Quota;
        }

        // Whoever is subscribed will have it soon; the others may take days.
        if (queue.Subscription is not null)
        {
            store.Recent.Add(written);
        }

        return wasEmpty ? WriteOutcome.StoredFirst : WriteOutcome.Stored;
    }

    public override StoredMessage? Peek()
    {
        if (_count == 0)
        {
            return null;
        }

        ref readonly Mark first = ref _ring[_first];
        return store.Recent.Find(first.Id) ?? first.ToMessage();
    }

    public override void RemoveFirst()
    {
        if (_count > 0)
        {
            Remove(1);
        }
    }

    public override int RemoveOlder(long before)
    {
        int older = 0;
        while (older < _count && At(older) is { IsQuota: false } mark && mark.Seconds < before)
        {
            older++;
        }

        if (older > 0)
        {
            Remove(older);
        }

        return older;
    }

    public override void SetOverQuota() => _isFull = true;

    public override IEnumerable<StoredMessage> All()
    {
        for (int i = 0; i < _count; i++)
        {
            yield return At(i).ToMessage();
        }
    }

    /// <summary>A message that is in the database, behind those that were put here before.</summary>
    public void Append(StoredMessage message)
    {
        if (_count == _ring.Length)
        {
            Mark[] larger = new Mark[_ring.Length * 2];
            for (int i = 0; i < _count; i++)
            {
                larger[i] = At(i);
            }

            _ring = larger;
            _first = 0;
        }

        _ring[(_first + _count) % _ring.Length] = new Mark(message);
        _count++;
    }

    private Mark At(int index) => _ring[(_first + index) % _ring.Length];

    private void Remove(int count)
    {
        StoredId[] removed = new StoredId[count];
        for (int i = 0; i < count; i++)
        {
            removed[i] = At(i).Id;
        }

        store.Delete(queue.RecipientId, removed, _count - count);
        foreach (StoredId id in removed)
        {
            store.Recent.Remove(id);
        }

        _first = (_first + count) % _ring.Length;
        _count -= count;
    }

    // All of a message but its body: the id, and the time with two flags behind it.
    private readonly struct Mark(StoredMessage message)
    {
        private const int Notify = 1;
        private const int Quota = 2;
        private const int FlagBits = 2;

        private readonly long _secondsAndFlags = (message.Seconds << FlagBits) | (message.Notify ? Notify : 0L) | (message.IsQuota ? Quota : 0L);

        public StoredId Id { get; } = message.Id;

        public long Seconds => _secondsAndFlags >> FlagBits;

        public bool IsQuota => (_secondsAndFlags & Quota) != 0;

        public StoredMessage ToMessage() =>
            IsQuota ? StoredMessage.Quota(Id, Seconds) : StoredMessage.WithoutBody(Id, Seconds, (_secondsAndFlags & Notify) != 0);
    }
}
