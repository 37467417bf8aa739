using Pairwise.Agent.Connections;
using Pairwise.TestKit;

namespace Pairwise.Agent.Tests;

/// <summary>Locks by key, signals and workers.</summary>
public sealed class ConcurrencyTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_lock_lets_in_one_at_a_time_in_order_and_other_keys_besides()
    {
        var locks = new KeyedLocks<int>();
        var first = await locks.EnterAsync(1, Token);
        var second = locks.EnterAsync(1, Token);
        var third = locks.EnterAsync(1, Token);
        using (await locks.EnterAsync(2, Token)) Assert.False(second.IsCompleted);
        first.Dispose();
        first.Dispose();
        var entered = await second;
        Assert.False(third.IsCompleted);
        entered.Dispose();
        (await third).Dispose();
        using var again = await locks.EnterAsync(1, Token);
    }

    [Fact]
    public async Task A_waiter_that_gives_up_leaves_the_lock_to_the_next()
    {
        var locks = new KeyedLocks<int>();
        var first = await locks.EnterAsync(1, Token);
        using var impatient = new CancellationTokenSource();
        var second = locks.EnterAsync(1, impatient.Token);
        var third = locks.EnterAsync(1, Token);
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        first.Dispose();
        (await third).Dispose();
    }

    [Fact]
    public async Task A_signal_before_the_wait_ends_it_once()
    {
        using var signal = new AsyncSignal();
        var time = new ManualTime();
        signal.Set();
        signal.Set();
        await signal.WaitAsync(Token);
        Assert.False(signal.TryTake());
        var waiting = signal.WaitAsync(TimeSpan.FromSeconds(5), time, Token);
        time.Advance(TimeSpan.FromSeconds(6));
        Assert.False(await waiting);
        signal.Set();
        Assert.True(await signal.WaitAsync(TimeSpan.FromSeconds(5), time, Token));
    }

    [Fact]
    public async Task A_worker_ends_when_nothing_is_left_and_starts_again_when_woken()
    {
        var reports = new List<Exception>();
        await using var tasks = new BackgroundTasks(reports.Add);
        using var steps = new CountedSteps();
        using var workers = new KeyedWorkers<int>(steps, tasks, reports.Add, TimeProvider.System);
        for (var round = 1; round <= 50; round++)
        {
            steps.Add(1);
            workers.Wake(7);
            await steps.WaitForAsync(round);
        }

        Assert.Empty(reports);
        Assert.Equal(1, steps.MostAtOnce);
    }

    [Fact]
    public async Task A_worker_that_fails_reports_and_goes_on()
    {
        var reports = new List<Exception>();
        await using var tasks = new BackgroundTasks(reports.Add);
        using var steps = new CountedSteps { FailsOnce = true };
        using var workers = new KeyedWorkers<int>(steps, tasks, reports.Add, TimeProvider.System);
        steps.Add(1);
        workers.Wake(1);
        await steps.Failed;
        workers.Wake(1);
        await steps.WaitForAsync(1);
        Assert.IsType<InvalidOperationException>(Assert.Single(reports));
    }

    private sealed class CountedSteps : IWorkerSteps<int>, IDisposable
    {
        private readonly TaskCompletionSource _failed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly SemaphoreSlim _done = new(0);
        private int _left;
        private int _finished;
        private int _running;

        public bool FailsOnce { get; set; }

        public int MostAtOnce { get; private set; }

        public Task Failed => _failed.Task;

        public void Dispose() => _done.Dispose();

        public void Add(int count) => Interlocked.Add(ref _left, count);

        public async Task WaitForAsync(int finished)
        {
            while (Volatile.Read(ref _finished) < finished) await _done.WaitAsync(Token);
        }

        public async Task<bool> TryDoNextAsync(int key, AsyncSignal signal, CancellationToken cancellationToken)
        {
            MostAtOnce = Math.Max(MostAtOnce, Interlocked.Increment(ref _running));
            await Task.Yield();
            Interlocked.Decrement(ref _running);
            if (FailsOnce)
            {
                FailsOnce = false;
                _failed.SetResult();
                throw new InvalidOperationException("once");
            }

            if (Volatile.Read(ref _left) == 0) return false;
            Interlocked.Decrement(ref _left);
            Interlocked.Increment(ref _finished);
            _done.Release();
            return true;
        }
    }
}
