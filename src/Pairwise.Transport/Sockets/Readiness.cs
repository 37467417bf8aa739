using System.Threading.Tasks.Sources;

namespace Pairwise.Transport.Sockets;

/// <summary>
/// Whether one direction of a socket may be ready, and the one who waits for that. Reused for every wait: waiting costs no
/// memory.
/// </summary>
/// <remarks>
/// The order that loses nothing: <see cref="Clear"/>, then try, then wait if the try had nothing. An event between the
/// clearing and the wait makes the wait end at once.
/// </remarks>
internal sealed class Readiness : IValueTaskSource<int>
{
    private const int Idle = 0;
    private const int Ready = 1;
    private const int Waiting = 2;

    private ManualResetValueTaskSourceCore<int> _core;
    private int _state;
    private CancellationToken _cancellationToken;
    private CancellationTokenRegistration _registration;

    /// <summary>Forgets what was told, before a try.</summary>
    public void Clear() => Interlocked.Exchange(ref _state, Idle);

    /// <summary>Says that the next wait need not be one: the last try left something.</summary>
    public void Keep() => Interlocked.CompareExchange(ref _state, Ready, Idle);

    /// <summary>Whoever waits goes on, on this thread.</summary>
    public void Tell()
    {
        if (Interlocked.Exchange(ref _state, Ready) != Waiting)
            return;
        _core.RunContinuationsAsynchronously = false;
        _core.SetResult(0);
    }

    /// <summary>Whoever waits fails, on another thread.</summary>
    public void Abandon()
    {
        if (Interlocked.Exchange(ref _state, Ready) != Waiting)
            return;
        _core.RunContinuationsAsynchronously = true;
        _core.SetException(new ObjectDisposedException(nameof(PolledStream)));
    }

    /// <summary>Completes with 0 at the next event.</summary>
    public ValueTask<int> WaitAsync(CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled<int>(cancellationToken);
        _core.Reset();
        _cancellationToken = cancellationToken;
        var version = _core.Version;
        if (Interlocked.CompareExchange(ref _state, Waiting, Idle) != Idle)
            return new ValueTask<int>(0);

        // An event may end the wait while this registers: then the registration ends with the result that nobody took yet.
        _registration = cancellationToken.UnsafeRegister(static (self, _) => ((Readiness)self!).Cancel(), this);
        return new ValueTask<int>(this, version);
    }

    int IValueTaskSource<int>.GetResult(short token)
    {
        _registration.Dispose();
        return _core.GetResult(token);
    }

    ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<int>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    private void Cancel()
    {
        if (Interlocked.CompareExchange(ref _state, Idle, Waiting) != Waiting)
            return;
        _core.RunContinuationsAsynchronously = true;
        _core.SetException(new OperationCanceledException(_cancellationToken));
    }
}
