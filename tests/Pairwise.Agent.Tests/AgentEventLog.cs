using System.Threading.Channels;
using Pairwise.TestKit;

namespace Pairwise.Agent.Tests;

/// <summary>
/// The events of a running agent, read as they are raised, which counts as handling them; tests wait for those they want.
/// It goes on over restarts of the agent. Not thread-safe: one test waits at a time.
/// </summary>
internal sealed class AgentEventLog : IAsyncDisposable
{
    // What was read and not wanted yet, in order.
    private readonly List<AgentEvent> _passed = [];
    private CancellationTokenSource _stop = new();
    private Channel<AgentEvent> _events = Channel.CreateUnbounded<AgentEvent>();
    private Task _reading = Task.CompletedTask;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Begins to read.</summary>
    /// <param name="handleAsync">Runs for each event before tests see it; null for nothing.</param>
    public void Start(AgentClient client, Func<AgentEvent, CancellationToken, Task>? handleAsync = null)
    {
        _events = Channel.CreateUnbounded<AgentEvent>();
        _stop = new CancellationTokenSource();
        _reading = ReadAsync(client, handleAsync, _events.Writer, _stop.Token);
    }

    /// <summary>Reads no more; what was read counts as handled and is kept.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _reading;
        _stop.Dispose();
        Untaken();
    }

    /// <summary>The next event of a type that meets a condition; others are put aside for later waits.</summary>
    public async Task<T> NextAsync<T>(Func<T, bool>? condition = null)
        where T : AgentEvent
    {
        for (var i = 0; i < _passed.Count; i++)
        {
            if (_passed[i] is T passed && (condition is null || condition(passed)))
            {
                _passed.RemoveAt(i);
                return passed;
            }
        }

        using var end = CancellationTokenSource.CreateLinkedTokenSource(Token);
        end.CancelAfter(Eventually.Patience);
        try
        {
            while (true)
            {
                var next = await _events.Reader.ReadAsync(end.Token);
                if (next is T wanted && (condition is null || condition(wanted))) return wanted;
                _passed.Add(next);
            }
        }
        catch (OperationCanceledException) when (!Token.IsCancellationRequested)
        {
            throw new TimeoutException($"No {typeof(T).Name}; there were: {string.Join(", ", _passed)}");
        }
    }

    /// <summary>Events that no wait has taken.</summary>
    public IReadOnlyList<AgentEvent> Untaken()
    {
        while (_events.Reader.TryRead(out var next)) _passed.Add(next);
        return _passed;
    }

    public async ValueTask DisposeAsync() => await StopAsync();

    private static async Task ReadAsync(AgentClient client, Func<AgentEvent, CancellationToken, Task>? handleAsync, ChannelWriter<AgentEvent> events, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var raised in client.ReadEventsAsync(cancellationToken))
            {
                if (handleAsync is not null) await handleAsync(raised, cancellationToken);
                await events.WriteAsync(raised, cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            events.Complete();
        }
    }
}
