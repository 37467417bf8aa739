namespace Pairwise.Agent;

/// <summary>
/// Wakes one waiting loop. Signals do not add up: any number of them before a wait end that wait once. Thread-safe for
/// any number of senders and one waiter.
/// </summary>
internal sealed class AsyncSignal : IDisposable
{
    private readonly SemaphoreSlim _semaphore = new(0, 1);
    private int _isSet;

    /// <summary>Ends the present or the next wait.</summary>
    public void Set()
    {
        if (Interlocked.Exchange(ref _isSet, 1) == 0) _semaphore.Release();
    }

    /// <summary>Takes a signal that came since the last wait, without waiting; false when there is none.</summary>
    public bool TryTake()
    {
        if (!_semaphore.Wait(0)) return false;
        Volatile.Write(ref _isSet, 0);
        return true;
    }

    /// <summary>Waits for a signal.</summary>
    public async Task WaitAsync(CancellationToken cancellationToken)
    {
        await _semaphore.WaitAsync(cancellationToken);
        Volatile.Write(ref _isSet, 0);
    }

    /// <summary>Waits for a signal, at most <paramref name="limit"/>; true when it came.</summary>
    public async Task<bool> WaitAsync(TimeSpan limit, TimeProvider time, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            await WaitAsync(either.Token);
            return true;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    public void Dispose() => _semaphore.Dispose();
}
