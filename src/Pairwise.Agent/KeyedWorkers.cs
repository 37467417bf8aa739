using System.Diagnostics.CodeAnalysis;

namespace Pairwise.Agent;

/// <summary>What a worker does.</summary>
internal interface IWorkerSteps<TKey>
{
    /// <summary>Takes the next piece of work for a key to its end, however often that must be tried; false when there is none.</summary>
    /// <param name="key">What the worker is for.</param>
    /// <param name="signal">Set when there may be work, or when a delay should end early.</param>
    Task<bool> TryDoNextAsync(TKey key, AsyncSignal signal, CancellationToken cancellationToken);
}

/// <summary>
/// One worker for each key that has work. A worker starts when its key is woken and ends when nothing is left; work is
/// what the store says, so a restart goes on where it was. Thread-safe.
/// </summary>
internal sealed class KeyedWorkers<TKey>(IWorkerSteps<TKey> steps, BackgroundTasks tasks, Action<Exception> report, TimeProvider time) : IDisposable
    where TKey : notnull
{
    /// <summary>Pause after a failure that the steps did not expect (the store, this program).</summary>
    private static readonly TimeSpan RecoveryDelay = TimeSpan.FromSeconds(2);

    // Guarded by itself.
    private readonly Dictionary<TKey, AsyncSignal> _workers = [];

    /// <summary>There is work for this key, or what its worker waits for has come: it looks now.</summary>
    public void Wake(TKey key)
    {
        lock (_workers)
        {
            if (_workers.TryGetValue(key, out var running))
            {
                running.Set();
                return;
            }

            var signal = new AsyncSignal();
            if (tasks.Start(stopping => RunAsync(key, signal, stopping))) _workers.Add(key, signal);
            else signal.Dispose();
        }
    }

    /// <summary>To be called when the tasks have stopped.</summary>
    public void Dispose()
    {
        lock (_workers)
        {
            foreach (var signal in _workers.Values) signal.Dispose();
            _workers.Clear();
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "The boundary of a worker: it reports and goes on after a pause.")]
    private async Task RunAsync(TKey key, AsyncSignal signal, CancellationToken stopping)
    {
        while (true)
        {
            try
            {
                if (await steps.TryDoNextAsync(key, signal, stopping)) continue;
            }
            catch (Exception e) when (!stopping.IsCancellationRequested)
            {
                report(e);
                await signal.WaitAsync(RecoveryDelay, time, stopping);
                continue;
            }

            // A wake-up that came after the last look was meant for this worker.
            lock (_workers)
            {
                if (signal.TryTake()) continue;
                _workers.Remove(key);
            }

            signal.Dispose();
            return;
        }
    }
}
