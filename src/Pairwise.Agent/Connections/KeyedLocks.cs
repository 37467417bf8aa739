namespace Pairwise.Agent.Connections;

/// <summary>
/// One asynchronous lock for each key, created when first wanted and dropped when nobody wants it. Waiters enter in the
/// order in which they came. Not reentrant. Thread-safe.
/// </summary>
internal sealed class KeyedLocks<TKey>
    where TKey : notnull
{
    // Guarded by itself.
    private readonly Dictionary<TKey, Entry> _entries = [];

    /// <summary>Enters the lock of <paramref name="key"/>; disposing the result leaves it.</summary>
    public async Task<IDisposable> EnterAsync(TKey key, CancellationToken cancellationToken)
    {
        Entry? entry;
        lock (_entries)
        {
            if (!_entries.TryGetValue(key, out entry)) _entries.Add(key, entry = new Entry());
            entry.Users++;
        }

        try
        {
            await entry.Turn.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            Leave(key, entry);
            throw;
        }

        return new Holder(this, key, entry);
    }

    private void Leave(TKey key, Entry entry)
    {
        lock (_entries)
        {
            if (--entry.Users > 0) return;
            _entries.Remove(key);
        }

        entry.Turn.Dispose();
    }

    private sealed class Entry
    {
        public SemaphoreSlim Turn { get; } = new(1, 1);

        /// <summary>Holder and waiters; guarded by the dictionary's lock.</summary>
        public int Users { get; set; }
    }

    private sealed class Holder(KeyedLocks<TKey> owner, TKey key, Entry entry) : IDisposable
    {
        private int _isLeft;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isLeft, 1) != 0) return;
            entry.Turn.Release();
            owner.Leave(key, entry);
        }
    }
}
