namespace Pairwise.Server.Xftp.Store;

/// <summary>
/// Flushes for many at once: whoever waits while a flush is under way shares the next one, so that a hundred uploads at the
/// same time cost a few flushes. Thread-safe.
/// </summary>
/// <param name="flush">Brings everything that was written to the disk; it may take as long as the disk needs.</param>
internal sealed class GroupedFlush(Action flush) : IAsyncDisposable
{
    private readonly SemaphoreSlim _turn = new(1, 1);
    private long _written;

    // owned by who has the turn; read by all
    private long _flushed;

    /// <summary>Says that something was written.</summary>
    public void Add() => Interlocked.Increment(ref _written);

    /// <summary>Completes when everything said to be written before the call is on the disk.</summary>
    /// <exception cref="IOException">The disk refused.</exception>
    public async ValueTask WhenFlushedAsync()
    {
        var target = Interlocked.Read(ref _written);
        if (Interlocked.Read(ref _flushed) >= target)
        {
            return;
        }

        await _turn.WaitAsync();
        try
        {
            if (Interlocked.Read(ref _flushed) < target)
            {
                var written = Interlocked.Read(ref _written);
                flush();
                Interlocked.Exchange(ref _flushed, written);
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Waits for the flush under way.</summary>
    public async ValueTask DisposeAsync()
    {
        await _turn.WaitAsync();
        _turn.Dispose();
    }
}
