using System.Diagnostics.CodeAnalysis;

namespace Pairwise.Agent;

/// <summary>What a worker does.</summary>
internal interface IWorkerSteps<TKey>
{
    /// <summary>Takes the next piece of work for a key to its end, however often that must be tried; false when there is none.</summary>
    /// <param name="key">What the worker is for.</param>
    /// <param name="signal">Set when a delay should end early.</param>
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
    private readonly Dictionary<TKey, Worker> _workers = [];

    /// <summary>What the worker of this key waits for has come, or there is work: it looks now, and a delay ends.</summary>
    public void Wake(TKey key) => Start(key, endsDelay: true);

    /// <summary>There is new work for this key: an idle worker starts, one that waits after a failure goes on waiting.</summary>
    public void Add(TKey key) => Start(key, endsDelay: false);

    /// <summary>To be called when the tasks have stopped.</summary>
    public void Dispose()
    {
        lock (_workers)
        {
            foreach (var worker in _workers.Values) worker.Signal.Dispose();
            _workers.Clear();
        }
    }

    private void Start(TKey key, bool endsDelay)
    {
        lock (_workers)
        {
            if (_workers.TryGetValue(key, out var running))
            {
                running.HasNewWork = true;
                if (endsDelay) running.Signal.Set();
                return;
            }

            var worker = new Worker();
            if (tasks.Start(stopping => RunAsync(key, worker, stopping))) _workers.Add(key, worker);
            else worker.Signal.Dispose();
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "The boundary of a worker: it reports and goes on after a pause.")]
    private async Task RunAsync(TKey key, Worker worker, CancellationToken stopping)
    {
        while (true)
        {
            try
            {
                if (await steps.TryDoNextAsync(key, worker.Signal, stopping)) continue;
            }
            catch (Exception e) when (!stopping.IsCancellationRequested)
            {
                report(e);
                await worker.Signal.WaitAsync(RecoveryDelay, time, stopping);
                continue;
            }

            // Work that came after the last look was meant for this worker.
            lock (_workers)
            {
                if (worker.HasNewWork)
                {
                    worker.HasNewWork = false;
                    continue;
                }

                _workers.Remove(key);
            }

            worker.Signal.Dispose();
            return;
        }
    }

    private sealed class Worker
    {
        public AsyncSignal Signal { get; } = new();

        // Guarded by _workers.
        public bool HasNewWork { get; set; }
    }
}
