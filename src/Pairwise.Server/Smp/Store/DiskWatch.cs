using System.Diagnostics.CodeAnalysis;

namespace Pairwise.Server.Smp.Store;

/// <summary>
/// How the disk does. While it answers at once, as it nearly always does, its work is done where it comes up. While it does
/// not, what needs it goes to a few threads of its own, and the rest waits holding none: who needs no disk does not suffer.
/// Thread-safe.
/// </summary>
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "A semaphore that is only awaited holds nothing of the system.")]
public sealed class DiskWatch(TimeProvider time)
{
    private const int SlowWorkers = 8;
    private static readonly TimeSpan Slow = TimeSpan.FromMilliseconds(50);

    private readonly SemaphoreSlim _places = new(SlowWorkers);
    private int _working;
    private long _since;

    /// <summary>Whether somebody has waited for the disk all the time for more than some moments.</summary>
    public bool IsSlow => Volatile.Read(ref _working) > 0 && time.GetElapsedTime(Volatile.Read(ref _since)) > Slow;

    /// <summary>The disk is asked for something, until what is returned is disposed.</summary>
    public Work Begin()
    {
        if (Volatile.Read(ref _working) == 0)
        {
            Volatile.Write(ref _since, time.GetTimestamp()); // first, or who comes in between would see the former time
        }

        Interlocked.Increment(ref _working);
        return new Work(this);
    }

    /// <summary>Does work that needs the slow disk on a thread of its own, when one of the few is free.</summary>
    public async Task RunAsync(Action work, CancellationToken cancellationToken)
    {
        await _places.WaitAsync(cancellationToken);
        try
        {
            await Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        }
        finally
        {
            _places.Release();
        }
    }

    /// <summary>Something that the disk was asked for.</summary>
    public readonly struct Work(DiskWatch watch) : IDisposable
    {
        /// <summary>The disk has answered.</summary>
        public void Dispose() => Interlocked.Decrement(ref watch._working);
    }
}
