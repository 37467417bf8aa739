using Pairwise.Crypto;

namespace Pairwise.Server.Smp.Connections;

/// <summary>
/// Tables for the Ed25519 keys that one session proved several times: their signatures are verified in a quarter of the
/// time. A key that the session itself has not proved has none, whoever else uses it, so that the time of a refusal tells
/// nothing about others. Thread-safe: the reader of the connection uses them, the sweep forgets those that are not used.
/// </summary>
/// <param name="budget">How many tables all sessions may have together.</param>
/// <param name="time">Tells how long a table has not been used.</param>
internal sealed class KeyTables(KeyTableBudget budget, TimeProvider time) : IDisposable
{
    /// <summary>A key gets its table when it was right so many times; making one takes as long as one and a half verifications.</summary>
    public const int ProofsNeeded = 4;

    /// <summary>Tables of one session: half a MB.</summary>
    public const int MostTables = 64;

    /// <summary>A table that was not used for so long is forgotten.</summary>
    public static readonly TimeSpan Unused = TimeSpan.FromMinutes(2);

    private const int Places = 64;

    private readonly Lock _gate = new();

    // guarded by the gate
    private Dictionary<WireKey, Entry>? _entries;
    private Candidates? _candidates;
    private long _proved;
    private bool _isDisposed;

    /// <summary>How many tables there are.</summary>
    internal int Count
    {
        get
        {
            lock (_gate)
            {
                return _entries?.Count ?? 0;
            }
        }
    }

    /// <summary>The table of a key, or null when it has none.</summary>
    public Ed25519KeyTable? Find(in WireKey key)
    {
        lock (_gate)
        {
            if (_entries?.TryGetValue(key, out Entry? entry) == true)
            {
                entry.Used = time.GetTimestamp();
                return entry.Table;
            }

            return null;
        }
    }

    /// <summary>A signature of the key was right, which was verified without a table.</summary>
    public void Proved(in WireKey key)
    {
        lock (_gate)
        {
            _proved = time.GetTimestamp();
            if ((_candidates ??= new Candidates()).Count(key) < ProofsNeeded
                || _isDisposed || _entries?.Count >= MostTables || _entries?.ContainsKey(key) == true || !budget.TryTake())
            {
                return;
            }

            Span<byte> raw = stackalloc byte[Ed25519PublicKey.RawLength];
            key.CopyTo(raw);
            if (Ed25519KeyTable.TryCreate(Ed25519PublicKey.FromRaw(raw)) is { } table)
            {
                (_entries ??= []).Add(key, new Entry(table) { Used = _proved });
            }
            else
            {
                budget.Return(1);
            }
        }
    }

    /// <summary>Forgets what was not used for a while.</summary>
    public void ForgetUnused()
    {
        lock (_gate)
        {
            if (_candidates is not null && time.GetElapsedTime(_proved) > Unused)
            {
                _candidates = null;
            }

            if (_entries is null)
            {
                return;
            }

            int before = _entries.Count;
            foreach ((WireKey key, Entry entry) in _entries)
            {
                if (time.GetElapsedTime(entry.Used) > Unused)
                {
                    _entries.Remove(key);
                }
            }

            budget.Return(before - _entries.Count);
            if (_entries.Count == 0)
            {
                _entries = null;
            }
        }
    }

    /// <summary>Forgets everything.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isDisposed = true;
            budget.Return(_entries?.Count ?? 0);
            _entries = null;
            _candidates = null;
        }
    }

    private sealed class Entry(Ed25519KeyTable table)
    {
        public Ed25519KeyTable Table { get; } = table;

        public long Used { get; set; }
    }

    // How often keys were right, for a few of them: one takes another's place. Seven bytes of a key, which are random, and
    // the count; a table is made for the key that is right at that moment, whatever was counted.
    private sealed class Candidates
    {
        private readonly ulong[] _places = new ulong[Places];

        public int Count(in WireKey key)
        {
            const int countBits = 8;
            Span<byte> raw = stackalloc byte[Ed25519PublicKey.RawLength];
            key.CopyTo(raw);
            ulong tag = BitConverter.ToUInt64(raw) >> countBits << countBits;
            ref ulong place = ref _places[raw[^2] % Places];
            uint count = place >> countBits == tag >> countBits ? (uint)(place & byte.MaxValue) + 1 : 1;
            place = tag | Math.Min(count, byte.MaxValue);
            return (int)count;
        }
    }
}

/// <summary>How many <see cref="KeyTables"/> all sessions of a relay may have together. Thread-safe.</summary>
/// <param name="bytes">What they may take in memory; nothing where the processor cannot work with tables.</param>
internal sealed class KeyTableBudget(long bytes)
{
    private readonly long _most = Ed25519KeyTable.IsSupported ? bytes / Ed25519KeyTable.Size : 0;
    private long _taken;

    /// <summary>How many there are.</summary>
    public long Taken => Volatile.Read(ref _taken);

    /// <summary>Takes room for one table; false when there is none.</summary>
    public bool TryTake()
    {
        if (Interlocked.Increment(ref _taken) <= _most)
        {
            return true;
        }

        Interlocked.Decrement(ref _taken);
        return false;
    }

    /// <summary>Gives room back.</summary>
    public void Return(int tables) => Interlocked.Add(ref _taken, -tables);
}
