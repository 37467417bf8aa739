using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Pairwise.Agent.Files;

/// <summary>What is known in memory only about transfers on their way: how to end them, and bytes of chunks not whole yet. Thread-safe.</summary>
internal sealed class ActiveTransfers : IDisposable
{
    private readonly ConcurrentDictionary<FileTransferId, ActiveTransfer> _transfers = new();

    public ActiveTransfer Get(FileTransferId id) => _transfers.GetOrAdd(id, static _ => new ActiveTransfer());

    /// <summary>The transfer is over: whatever still works on it stops.</summary>
    public void End(FileTransferId id)
    {
        if (_transfers.TryRemove(id, out var ended)) ended.End();
    }

    public bool Contains(FileTransferId id) => _transfers.ContainsKey(id);

    public void Dispose()
    {
        foreach (var id in _transfers.Keys) End(id);
    }
}

/// <summary>One transfer on its way, in memory. Thread-safe.</summary>
[SuppressMessage("Design", "CA1001", Justification = "The source has no timer, and workers that end after the transfer still look at its token.")]
internal sealed class ActiveTransfer
{
    private readonly CancellationTokenSource _end = new();
    private readonly Lock _gate = new();

    // Guarded by _gate.
    private long _stored;
    private long _moving;
    private long _told;
    private bool _isWarned;

    /// <summary>Cancelled when the transfer is over.</summary>
    public CancellationToken Ended => _end.Token;

    public void End() => _end.Cancel();

    /// <summary>Bytes moved (or were taken back); gives how many are done if that is to be told now.</summary>
    public long? Move(long bytes, long stored, long total)
    {
        lock (_gate)
        {
            _stored = Math.Max(_stored, stored);
            _moving += bytes;
            // Small steps are not worth an event: a hundred of them fill a bar.
            var done = Math.Clamp(_stored + _moving, 0, total);
            if (done - _told < Math.Max(total / 100, 64 * 1024)) return null;
            _told = done;
            return done;
        }
    }

    /// <summary>So much is stored as done, of which the last chunk was counted as moving before.</summary>
    public void Store(long stored, long chunk)
    {
        lock (_gate)
        {
            _stored = Math.Max(_stored, stored);
            _moving -= chunk;
            _told = Math.Max(_told, _stored);
            _isWarned = false;
        }
    }

    /// <summary>Everything is counted from nothing.</summary>
    public void Reset()
    {
        lock (_gate) _stored = _moving = _told = 0;
    }

    /// <summary>Bytes of chunks that are not whole yet.</summary>
    public long Moving
    {
        get
        {
            lock (_gate) return _moving;
        }
    }

    /// <summary>Whether a warning is due: one, until a chunk gets through.</summary>
    public bool TryWarn()
    {
        lock (_gate)
        {
            if (_isWarned) return false;
            return _isWarned = true;
        }
    }
}
