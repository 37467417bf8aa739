using Pairwise.TestKit;

namespace Pairwise.Agent.Tests;

public sealed class KeyedWorkersTests
{
    [Fact]
    public async Task New_work_does_not_end_the_delay_of_a_running_worker()
    {
        var time = new ManualTime();
        await using var tasks = new BackgroundTasks(static cause => Assert.Fail(cause.ToString()));
        var steps = new WaitingSteps(time);
        using var workers = new KeyedWorkers<int>(steps, tasks, static cause => Assert.Fail(cause.ToString()), time);

        workers.Add(1);
        await steps.Started.Task.WaitAsync(TestContext.Current.CancellationToken);
        workers.Add(1);
        time.Advance(WaitingSteps.Delay);
        Assert.False(await steps.WasWoken.Task.WaitAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_wake_ends_the_delay_of_a_running_worker()
    {
        var time = new ManualTime();
        await using var tasks = new BackgroundTasks(static cause => Assert.Fail(cause.ToString()));
        var steps = new WaitingSteps(time);
        using var workers = new KeyedWorkers<int>(steps, tasks, static cause => Assert.Fail(cause.ToString()), time);

        workers.Add(1);
        await steps.Started.Task.WaitAsync(TestContext.Current.CancellationToken);
        workers.Wake(1);
        Assert.True(await steps.WasWoken.Task.WaitAsync(TestContext.Current.CancellationToken));
    }

    /// <summary>Waits once, as after a failed attempt, and then has nothing more to do.</summary>
    private sealed class WaitingSteps(ManualTime time) : IWorkerSteps<int>
    {
        public static readonly TimeSpan Delay = TimeSpan.FromSeconds(10);

        public TaskCompletionSource Started { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource<bool> WasWoken { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public async Task<bool> TryDoNextAsync(int key, AsyncSignal signal, CancellationToken cancellationToken)
        {
            if (Started.Task.IsCompleted) return false;
            // The delay is running by the time that the wait has returned its task.
            var waiting = signal.WaitAsync(Delay, time, cancellationToken);
            Started.SetResult();
            WasWoken.SetResult(await waiting);
            return true;
        }
    }
}
