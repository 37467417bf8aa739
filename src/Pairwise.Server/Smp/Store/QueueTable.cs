using System.Diagnostics.CodeAnalysis;

namespace Pairwise.Server.Smp.Store;

/// <summary>Which id of a queue a table is indexed by.</summary>
internal interface IQueueIndex
{
    static abstract StoredId IdOf(SmpQueue queue);
}

/// <summary>Indexes queues by recipient id.</summary>
internal readonly struct RecipientIndex : IQueueIndex
{
    public static StoredId IdOf(SmpQueue queue) => queue.RecipientId;
}

/// <summary>Indexes queues by sender id.</summary>
internal readonly struct SenderIndex : IQueueIndex
{
    public static StoredId IdOf(SmpQueue queue) => queue.SenderId;
}

/// <summary>
/// A table of queues by one of their fixed ids. The id is read from the queue, not copied: an entry is one reference,
/// 12 to 24 bytes a queue with the free slots. Thread-safe: 64 shards, each with its own lock.
/// </summary>
internal sealed class QueueTable<TIndex>
    where TIndex : IQueueIndex
{
    private const int ShardCount = 64;
    private readonly Shard[] _shards = new Shard[ShardCount];

    public QueueTable()
    {
        for (int i = 0; i < ShardCount; i++)
        {
            _shards[i] = new Shard();
        }
    }

    public int Count => _shards.Sum(shard => shard.Count);

    public bool TryFind(StoredId id, [NotNullWhen(true)] out SmpQueue? queue)
    {
        int hash = id.GetHashCode();
        queue = ShardOf(hash).Find(id, hash);
        return queue is not null;
    }

    public bool TryAdd(SmpQueue queue)
    {
        int hash = TIndex.IdOf(queue).GetHashCode();
        return ShardOf(hash).TryAdd(queue, hash);
    }

    public bool Remove(SmpQueue queue)
    {
        int hash = TIndex.IdOf(queue).GetHashCode();
        return ShardOf(hash).Remove(queue, hash);
    }

    /// <summary>All queues, shard by shard: each shard as it was at one moment.</summary>
    public IEnumerable<SmpQueue> All()
    {
        foreach (Shard shard in _shards)
        {
            foreach (SmpQueue queue in shard.Snapshot())
            {
                yield return queue;
            }
        }
    }

    // The top bits choose the shard, the low bits the slot in it.
    private Shard ShardOf(int hash) => _shards[unchecked((uint)hash) >> 26];

    // Linear probing; removal moves later entries back instead of leaving graves.
    private sealed class Shard
    {
        private readonly Lock _gate = new();
        private SmpQueue?[] _slots = new SmpQueue?[16];
        private int _count;

        public int Count
        {
            get
            {
                lock (_gate)
                {
                    return _count;
                }
            }
        }

        public SmpQueue? Find(StoredId id, int hash)
        {
            lock (_gate)
            {
                int mask = _slots.Length - 1;
                for (int slot = hash & mask; _slots[slot] is { } queue; slot = (slot + 1) & mask)
                {
                    if (TIndex.IdOf(queue) == id)
                    {
                        return queue;
                    }
                }

                return null;
            }
        }

        public bool TryAdd(SmpQueue added, int hash)
        {
            StoredId id = TIndex.IdOf(added);
            lock (_gate)
            {
                if (_count >= _slots.Length - (_slots.Length / 4))
                {
                    Grow();
                }

                int mask = _slots.Length - 1;
                int slot = hash & mask;
                for (; _slots[slot] is { } queue; slot = (slot + 1) & mask)
                {
                    if (TIndex.IdOf(queue) == id)
                    {
                        return false;
                    }
                }

                _slots[slot] = added;
                _count++;
                return true;
            }
        }

        public bool Remove(SmpQueue removed, int hash)
        {
            lock (_gate)
            {
                int mask = _slots.Length - 1;
                int slot = hash & mask;
                while (_slots[slot] is { } queue && !ReferenceEquals(queue, removed))
                {
                    slot = (slot + 1) & mask;
                }

                if (_slots[slot] is null)
                {
                    return false;
                }

                CloseGap(slot, mask);
                _count--;
                return true;
            }
        }

        public SmpQueue[] Snapshot()
        {
            lock (_gate)
            {
                SmpQueue[] queues = new SmpQueue[_count];
                int next = 0;
                foreach (SmpQueue? queue in _slots)
                {
                    if (queue is not null)
                    {
                        queues[next++] = queue;
                    }
                }

                return queues;
            }
        }

        private void CloseGap(int gap, int mask)
        {
            for (int slot = (gap + 1) & mask; _slots[slot] is { } queue; slot = (slot + 1) & mask)
            {
                int home = TIndex.IdOf(queue).GetHashCode() & mask;
                if (((slot - home) & mask) >= ((slot - gap) & mask))
                {
                    _slots[gap] = queue;
                    gap = slot;
                }
            }

            _slots[gap] = null;
        }

        private void Grow()
        {
            SmpQueue?[] old = _slots;
            _slots = new SmpQueue?[old.Length * 2];
            int mask = _slots.Length - 1;
            foreach (SmpQueue? queue in old)
            {
                if (queue is null)
                {
                    continue;
                }

                int slot = TIndex.IdOf(queue).GetHashCode() & mask;
                while (_slots[slot] is not null)
                {
                    slot = (slot + 1) & mask;
                }

                _slots[slot] = queue;
            }
        }
    }
}
