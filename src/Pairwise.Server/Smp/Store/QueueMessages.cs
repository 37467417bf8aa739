namespace Pairwise.Server.Smp.Store;

/// <summary>What became of a message.</summary>
public enum WriteOutcome
{
    /// <summary>Stored behind others.</summary>
    Stored,

    /// <summary>Stored, and it is the only one: it may be delivered at once.</summary>
    StoredFirst,

    /// <summary>Refused: the queue is full. The first refusal left a marker.</summary>
    Quota,
}

/// <summary>The messages of one queue, in order. Every call is made under the queue's lock.</summary>
public abstract class QueueMessages
{
    /// <summary>How many wait, with the quota marker.</summary>
    public abstract int Count { get; }

    /// <summary>Puts a message at the end, by the rule of the quota.</summary>
    public abstract WriteOutcome Write(StoredMessage message, int quota);

    /// <summary>The first message, or null.</summary>
    public abstract StoredMessage? Peek();

    /// <summary>Removes the first message.</summary>
    public abstract void RemoveFirst();

    /// <summary>
    /// Removes messages at the front that came before a time (seconds since 1970), up to the first that did not or that is a
    /// quota marker.
    /// </summary>
    /// <returns>How many were removed.</returns>
    public virtual int RemoveOlder(long before)
    {
        int removed = 0;
        while (Peek() is { IsQuota: false } first && first.Seconds < before)
        {
            RemoveFirst();
            removed++;
        }

        return removed;
    }

    /// <summary>Refuses messages until the queue is empty, as after a quota marker; used when a queue is restored.</summary>
    public abstract void SetOverQuota();

    /// <summary>All messages in order, for saving.</summary>
    public abstract IEnumerable<StoredMessage> All();
}

/// <summary>Messages held in memory: a ring that is given back when it is empty.</summary>
public sealed class MemoryMessages : QueueMessages
{
    private StoredMessage?[] _ring = new StoredMessage?[4];
    private int _first;
    private int _count;
    private bool _isOverQuota;

    /// <inheritdoc/>
    public override int Count => _count;

    /// <summary>Whether the object carries nothing that matters, so that the queue may drop it.</summary>
    public bool IsIdle => _count == 0;

    /// <inheritdoc/>
    public override WriteOutcome Write(StoredMessage message, int quota)
    {
        bool wasEmpty = _count == 0;
        if (_isOverQuota && !wasEmpty)
        {
            return WriteOutcome.Quota;
        }

        _isOverQuota = _count >= quota;
        if (_isOverQuota)
        {
            Append(message.IsQuota ? message : StoredMessage.Quota(message.Id, message.Seconds));
            return WriteOutcome.Quota;
        }

        Append(message);
        return wasEmpty ? WriteOutcome.StoredFirst : WriteOutcome.Stored;
    }

    /// <inheritdoc/>
    public override StoredMessage? Peek() => _count == 0 ? null : _ring[_first];

    /// <inheritdoc/>
    public override void RemoveFirst()
    {
        if (_count == 0)
        {
            return;
        }

        _ring[_first] = null;
        _first = (_first + 1) % _ring.Length;
        _count--;
    }

    /// <inheritdoc/>
    public override void SetOverQuota() => _isOverQuota = true;

    /// <inheritdoc/>
    public override IEnumerable<StoredMessage> All()
    {
        for (int i = 0; i < _count; i++)
        {
            yield return _ring[(_first + i) % _ring.Length]!;
        }
    }

    private void Append(StoredMessage message)
    {
        if (_count == _ring.Length)
        {
            StoredMessage?[] larger = new StoredMessage?[_ring.Length * 2];
            for (int i = 0; i < _count; i++)
            {
                larger[i] = _ring[(_first + i) % _ring.Length];
            }

            _ring = larger;
            _first = 0;
        }

        _ring[(_first + _count) % _ring.Length] = message;
        _count++;
    }
}
