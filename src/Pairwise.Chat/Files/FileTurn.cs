namespace Pairwise.Chat.Files;

/// <summary>
/// Held while a file goes from one state to the next: one step at a time, in the order in which they were asked for. Whoever
/// holds it may take the turn of <see cref="MessageSender"/>, never the reverse. Thread-safe.
/// </summary>
internal sealed class FileTurn : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1, 1);

    public void Dispose() => _turn.Dispose();

    public async Task RunAsync(Func<Task> step, CancellationToken cancellationToken) => await RunAsync(
        async () =>
        {
            await step();
            return true;
        },
        cancellationToken);

    public async Task<T> RunAsync<T>(Func<Task<T>> step, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            return await step();
        }
        finally
        {
            _turn.Release();
        }
    }
}
