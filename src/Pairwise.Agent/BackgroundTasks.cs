namespace Pairwise.Agent;

/// <summary>
/// Owner of the agent's short-lived tasks: each is started through here, its failure is reported once, and stopping waits
/// for all of them. Thread-safe.
/// </summary>
internal sealed class BackgroundTasks(Action<Exception> report) : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();

    // Guarded by itself.
    private readonly HashSet<Task> _running = [];

    // Guarded by _running.
    private bool _isStopped;

    /// <summary>Cancelled when the agent stops.</summary>
    public CancellationToken Stopping => _stop.Token;

    /// <summary>Tells of a failure after which the work goes on.</summary>
    public void Report(Exception cause) => report(cause);

    /// <summary>Starts <paramref name="work"/>; false when the agent is being stopped.</summary>
    public bool Start(Func<CancellationToken, Task> work)
    {
        lock (_running)
        {
            if (_isStopped) return false;
            var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var task = RunAsync(work, started.Task);
            _running.Add(task);
            // Removes itself only after it was added: the continuation cannot run before the lock is left.
            task.ContinueWith(Forget, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            started.SetResult();
            return true;
        }
    }

    public async ValueTask DisposeAsync()
    {
        Task[] running;
        lock (_running)
        {
            _isStopped = true;
            running = [.. _running];
        }

        await _stop.CancelAsync();
        await Task.WhenAll(running);
        _stop.Dispose();
    }

    private async Task RunAsync(Func<CancellationToken, Task> work, Task started)
    {
        await started;
        try
        {
            await work(_stop.Token);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Stopping is the one expected end of a loop.
        }
#pragma warning disable CA1031 // The boundary of a worker: whatever happened is reported, and the agent goes on.
        catch (Exception e)
#pragma warning restore CA1031
        {
            report(e);
        }
    }

    private void Forget(Task task)
    {
        lock (_running) _running.Remove(task);
    }
}
