using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Pairwise.Demo.Processes;

/// <summary>
/// A program of this project run as a real process, with its output collected line by line. Safe for one driver;
/// the lines are guarded by their own lock.
/// </summary>
public abstract partial class ChildProcess : IAsyncDisposable
{
    private const int Interrupt = 2;
    private const int Terminate = 15;

    private readonly Process _process;
    private readonly List<string> _lines = [];
    private readonly Lock _lock = new();
    private readonly Task _reading;
    private TaskCompletionSource _changed = NewSignal();

    /// <summary>Starts a program.</summary>
    /// <param name="command">The program with its arguments; <see cref="Own"/> makes it for one of this project.</param>
    /// <param name="environment">Variables to set for it.</param>
    protected ChildProcess(IReadOnlyList<string> command, IReadOnlyDictionary<string, string> environment)
    {
        var start = new ProcessStartInfo(command[0])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in command.Skip(1)) start.ArgumentList.Add(argument);
        foreach (var (name, value) in environment) start.Environment[name] = value;

        _process = Process.Start(start) ?? throw new InvalidOperationException($"{command[0]} did not start.");
        _reading = Task.WhenAll(CollectAsync(_process.StandardOutput), CollectAsync(_process.StandardError));
    }

    /// <summary>
    /// The command <c>dotnet exec PROGRAM.dll</c>, from the folder of the running program; or <c>FOLDER/PROGRAM</c> when
    /// <c>PAIRWISE_PROGRAMS</c> names a folder, such as that of <c>./publish</c>.
    /// </summary>
    public static IReadOnlyList<string> Own(string program, params IEnumerable<string> arguments) =>
        Environment.GetEnvironmentVariable("PAIRWISE_PROGRAMS") is { Length: > 0 } folder
            ? [Path.Combine(Path.GetFullPath(folder), program), .. arguments]
            : [Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", "exec", Path.Combine(AppContext.BaseDirectory, program + ".dll"), .. arguments];

    /// <summary>Process id.</summary>
    public int Id => _process.Id;

    /// <summary>Whether the program has ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>All lines of both outputs so far.</summary>
    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_lock) return [.. _lines];
        }
    }

    /// <summary>Types one line into the program.</summary>
    public async Task TypeAsync(string line)
    {
        await _process.StandardInput.WriteLineAsync(line);
        await _process.StandardInput.FlushAsync();
    }

    /// <summary>The first line, from a position on, that fulfils a condition.</summary>
    /// <exception cref="TimeoutException">It did not come in time, or the program ended first; the message holds the output.</exception>
    public async Task<string> WaitForLineAsync(Func<string, bool> condition, TimeSpan patience, int from = 0)
    {
        using var deadline = new CancellationTokenSource(patience, TimeProvider.System);
        for (var next = from; ;)
        {
            Task changed;
            lock (_lock)
            {
                for (; next < _lines.Count; next++)
                {
                    if (condition(_lines[next])) return _lines[next];
                }

                changed = _changed.Task;
            }

            if (_reading.IsCompleted && changed == _changed.Task) throw Missing("the program ended");
            try
            {
                await Task.WhenAny(changed, _reading).WaitAsync(deadline.Token);
            }
            catch (OperationCanceledException)
            {
                throw Missing($"{patience.TotalSeconds:0} seconds passed");
            }
        }
    }

    /// <summary>Asks the program to end, as an operator would (SIGTERM), and gives its exit code.</summary>
    public async Task<int> StopAsync(TimeSpan patience)
    {
        if (!_process.HasExited) _ = Signal(_process.Id, Terminate);
        return await WaitForExitAsync(patience);
    }

    /// <summary>Asks the program to end as Ctrl-C does (SIGINT), and gives its exit code.</summary>
    public async Task<int> InterruptAsync(TimeSpan patience)
    {
        if (!_process.HasExited) _ = Signal(_process.Id, Interrupt);
        return await WaitForExitAsync(patience);
    }

    /// <summary>Ends the program at once, as <c>kill -9</c> does.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        await _reading;
    }

    /// <summary>Closes the program's input and waits for its end.</summary>
    public async Task<int> EndInputAsync(TimeSpan patience)
    {
        _process.StandardInput.Close();
        return await WaitForExitAsync(patience);
    }

    /// <summary>Waits for the program's end.</summary>
    /// <exception cref="TimeoutException">It did not end in time; the message holds its output.</exception>
    public async Task<int> WaitForExitAsync(TimeSpan patience)
    {
        using var deadline = new CancellationTokenSource(patience, TimeProvider.System);
        try
        {
            await _process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"The program did not end within {patience.TotalSeconds:0} seconds. Its output:\n{string.Join('\n', Lines)}");
        }

        await _reading;
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) await KillAsync();
        _process.Dispose();
        GC.SuppressFinalize(this);
    }

    private TimeoutException Missing(string why) =>
        new($"An expected line did not come: {why}. The output was:\n{string.Join('\n', Lines)}");

    private async Task CollectAsync(StreamReader reader)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            TaskCompletionSource changed;
            lock (_lock)
            {
                _lines.Add(line);
                (changed, _changed) = (_changed, NewSignal());
            }

            changed.SetResult();
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Signal(int process, int signal);
}
