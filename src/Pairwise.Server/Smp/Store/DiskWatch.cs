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
    private const int Slots = 32; // work under way that is looked at; of more at the same time these tell enough
    private const int NoSlot = -1;
    private const long Free = long.MaxValue;
    private static readonly TimeSpan Slow = TimeSpan.FromMilliseconds(50);

    private readonly SemaphoreSlim _places = new(SlowWorkers);

    // when each work under way began: each by itself, for under load there is always one
    private readonly long[] _began = [.. Enumerable.Repeat(Free, Slots)];

    /// <summary>Whether somebody has waited for the disk for more than some moments.</summary>
    public bool IsSlow => Oldest() is not Free and long began && time.GetElapsedTime(began) > Slow;

    /// <summary>The disk is asked for something, until what is returned is disposed.</summary>
    public Work Begin()
    {
        long now = time.GetTimestamp();
        int first = Environment.CurrentManagedThreadId % Slots; // a thread nearly always finds its own
        for (int i = 0; i < Slots; i++)
        {
            int slot = (first + i) % Slots;
            if (Interlocked.CompareExchange(ref _began[slot], now, Free) == Free)
            {
                return new Work(this, slot);
            }
        }

        return new Work(this, NoSlot);
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

    private long Oldest()
    {
        long oldest = Free;
        for (int i = 0; i < Slots; i++)
        {
            oldest = Math.Min(oldest, Volatile.Read(ref _began[i]));
        }

        return oldest;
    }

    private void End(int slot)
    {
        if (slot != NoSlot)
        {
            Volatile.Write(ref _began[slot], Free);
        }
    }

    /// <summary>Something that the disk was asked for.</summary>
    public readonly struct Work(DiskWatch watch, int slot) : IDisposable
    {
        /// <summary>The disk has answered.</summary>
        public void Dispose() => watch.End(slot);
    }
}
