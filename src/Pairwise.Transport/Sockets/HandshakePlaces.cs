namespace Pairwise.Transport.Sockets;

/// <summary>
/// The places of a listener's handshakes. When all are taken, whoever comes ends the one that has gone on longest, if its
/// peer has had the patience's time: an honest peer answers within a second or two. Thread-safe.
/// </summary>
internal sealed class HandshakePlaces(int count, TimeSpan patience, TimeProvider time) : IDisposable
{
    private readonly SemaphoreSlim _free = new(count, count);
    private readonly Lock _gate = new();

    // guarded by _gate; the oldest first. Whoever is in it has not disposed its limit.
    private readonly LinkedList<(CancellationTokenSource Limit, long Began)> _running = new();

    /// <summary>How many are taken.</summary>
    public int Taken => count - _free.CurrentCount;

    /// <summary>Waits for a place.</summary>
    /// <param name="limit">Ends the handshake when it is cancelled.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <returns>To be given back to <see cref="Leave"/> before the limit is disposed.</returns>
    public async ValueTask<LinkedListNode<(CancellationTokenSource Limit, long Began)>> EnterAsync(CancellationTokenSource limit, CancellationToken cancellationToken)
    {
        if (_free.CurrentCount == 0)
            EndOldest();
        await _free.WaitAsync(cancellationToken);
        lock (_gate)
            return _running.AddLast((limit, time.GetTimestamp()));
    }

    /// <summary>Gives a place back.</summary>
    public void Leave(LinkedListNode<(CancellationTokenSource Limit, long Began)> place)
    {
        lock (_gate)
        {
            if (place.List is not null)
                _running.Remove(place);
        }

        _free.Release();
    }

    public void Dispose() => _free.Dispose();

    private void EndOldest()
    {
        lock (_gate)
        {
            if (_running.First is { } oldest && time.GetElapsedTime(oldest.Value.Began) >= patience)
            {
                _running.Remove(oldest);
                oldest.Value.Limit.CancelAfter(TimeSpan.Zero); // by the timer: nothing of its end runs under the lock
            }
        }
    }
}
