using System.Runtime.CompilerServices;

namespace Pairwise.TestKit;

/// <summary>
/// Waits for what happens on other threads and in other processes. There is one measure of patience for all tests: so long
/// that no busy or slow machine needs it, and a test that fails says what it has waited for.
/// </summary>
public static class Eventually
{
    /// <summary>How long a test waits for something that has to happen. It is an end for what never does, and measures nothing.</summary>
    public static TimeSpan Patience { get; } = TimeSpan.FromMinutes(4);

    private static TimeSpan Pause { get; } = TimeSpan.FromMilliseconds(2);

    /// <summary>Waits until a condition holds.</summary>
    /// <exception cref="TimeoutException">It never did; the message has its text.</exception>
    public static Task UntilAsync(Func<bool> isTrue, CancellationToken cancellationToken, [CallerArgumentExpression(nameof(isTrue))] string what = "") =>
        UntilAsync(() => Task.FromResult(isTrue()), cancellationToken, what);

    /// <inheritdoc cref="UntilAsync(Func{bool}, CancellationToken, string)"/>
    public static async Task UntilAsync(Func<Task<bool>> isTrue, CancellationToken cancellationToken, [CallerArgumentExpression(nameof(isTrue))] string what = "")
    {
        var begin = TimeProvider.System.GetTimestamp();
        while (!await isTrue())
        {
            if (TimeProvider.System.GetElapsedTime(begin) > Patience)
                throw Never(what);
            await Task.Delay(Pause, TimeProvider.System, cancellationToken);
        }
    }

    /// <summary>Waits for the end of a task.</summary>
    /// <exception cref="TimeoutException">It never came; the message has the task's text.</exception>
    public static async Task EndsAsync(this Task task, CancellationToken cancellationToken, [CallerArgumentExpression(nameof(task))] string what = "")
    {
        try
        {
            await task.WaitAsync(Patience, TimeProvider.System, cancellationToken);
        }
        catch (TimeoutException) when (!task.IsCompleted)
        {
            throw Never(what);
        }
    }

    /// <inheritdoc cref="EndsAsync(Task, CancellationToken, string)"/>
    public static async Task<T> EndsAsync<T>(this Task<T> task, CancellationToken cancellationToken, [CallerArgumentExpression(nameof(task))] string what = "")
    {
        await EndsAsync((Task)task, cancellationToken, what);
        return await task;
    }

    private static TimeoutException Never(string what) => new($"This has not happened within {Patience.TotalMinutes:0} minutes: {what}");
}
