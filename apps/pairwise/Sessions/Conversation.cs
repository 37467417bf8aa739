using Pairwise.Chat;
using Pairwise.Terminal.Startup;
using Pairwise.Terminal.Views;

namespace Pairwise.Terminal.Sessions;

/// <summary>
/// A running chat and the person or script at its other end: lines in, responses and events out. One loop reads the
/// lines and one reads the events; the screen keeps them apart.
/// </summary>
internal sealed class Conversation(ChatCore chat, PairwiseOptions options, Screen screen, bool isInteractive)
{
    private static readonly TimeSpan LongestWaitForSending = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan ShortestWaitForSending = TimeSpan.FromMilliseconds(100);

    private readonly EventView _events = new(screen.Style, showsTime: isInteractive, TimeProvider.System);

    /// <summary>Carries out the commands of the command line, then stays as long as asked. The exit code is 1 when one failed.</summary>
    public async Task<int> RunCommandsAsync(CancellationToken cancellationToken)
    {
        var exitCode = 0;
        await WithEventsAsync(
            async () =>
            {
                foreach (var command in options.Commands)
                {
                    if (!await HandleAsync(command, cancellationToken)) exitCode = 1;
                }

                if (!await StayAsync(cancellationToken)) exitCode = 1;
            },
            cancellationToken);
        return exitCode;
    }

    /// <summary>Carries out piped lines until they end, then stays as long as asked. The exit code is 1 when one failed.</summary>
    public async Task<int> RunPipedAsync(LineSource lines, CancellationToken cancellationToken)
    {
        var exitCode = 0;
        await WithEventsAsync(
            async () =>
            {
                await foreach (var line in lines.ReadPipedAsync(cancellationToken))
                {
                    if (_isOver) break;
                    if (!await HandleAsync(line, cancellationToken)) exitCode = 1;
                    if (_isOver) break;
                }

                if (!await StayAsync(cancellationToken)) exitCode = 1;
            },
            cancellationToken);
        return exitCode;
    }

    /// <summary>Talks with a person at a terminal until they leave.</summary>
    public async Task<int> RunInteractiveAsync(LineSource lines, CancellationToken cancellationToken)
    {
        await WithEventsAsync(
            async () =>
            {
                await foreach (var line in lines.ReadTypedAsync(screen, chat.CompleteAsync, cancellationToken))
                {
                    await HandleAsync(line, cancellationToken);
                    if (_isOver) break;
                }
            },
            cancellationToken);
        return 0;
    }

    private bool _isOver;
    private volatile bool _hasFailed;
    private volatile bool _isFileDelayed;

    private async Task<bool> HandleAsync(string line, CancellationToken cancellationToken)
    {
        if (string.IsNullOrWhiteSpace(line)) return true;
        var response = await chat.ExecuteAsync(line, cancellationToken);
        _isOver |= response is ChatResponse.Quit;
        var view = new ResponseView(screen.Style, options.ShowsQrCodes && screen.IsTerminal ? Screen.Columns : 0, isRelayEmbedded: options.Servers.Count == 0);
        if (response is not ChatResponse.Failed failed)
        {
            screen.Print(view.Lines(response));
            return true;
        }

        if (isInteractive) screen.Print(view.Lines(response));
        else await Console.Error.WriteLineAsync(Printable.Of(failed.Sentence));
        return false;
    }

    // False when something that was to be sent is still here.
    private async Task<bool> StayAsync(CancellationToken cancellationToken)
    {
        if (options.Stay is { } stay) await Task.Delay(stay, TimeProvider.System, cancellationToken);
        while (true)
        {
            using var longest = new CancellationTokenSource(options.Stay is null ? LongestWaitForSending : ShortestWaitForSending, TimeProvider.System);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(longest.Token, cancellationToken);
            try
            {
                await chat.WaitUntilSentAsync(either.Token);
                // The last word, the link of an upload for one, is to be read before the program leaves.
                while (chat.HasUnreadEvents) await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, either.Token);
                return !_hasFailed;
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                // A large file takes its time; one that waits for its relay may take for ever.
                if (options.Stay is null && !_isFileDelayed && await chat.HasUploadsAsync(cancellationToken)) continue;
                await Console.Error.WriteLineAsync("Not everything is sent yet, because a relay cannot be reached or is full. It is stored, and goes out when Pairwise runs again.");
                return false;
            }
        }
    }

    // Shows events while the body runs; whichever fails first ends both.
    private async Task WithEventsAsync(Func<Task> body, CancellationToken cancellationToken)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var showing = ShowEventsAsync(over.Token);
        try
        {
            var talking = body();
            if (await Task.WhenAny(talking, showing) == showing) await showing;
            await talking;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // A signal asked the program to end: that is a normal end.
        }
        finally
        {
            await over.CancelAsync();
            await showing;
        }
    }

    private async Task ShowEventsAsync(CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var chatEvent in chat.ReadEventsAsync(cancellationToken))
            {
                _hasFailed |= chatEvent is ChatEvent.StatusChanged { Item.Status: ItemStatus.Failed } or ChatEvent.FileFailed { Item.Direction: ItemDirection.Sent } or ChatEvent.StandaloneFailed;
                _isFileDelayed |= chatEvent is ChatEvent.FileDelayed { Item.Direction: ItemDirection.Sent } or ChatEvent.StandaloneDelayed { File.State: <= FileState.SendError };
                var lines = _events.Lines(chatEvent).ToList();
                if (lines.Count > 0) screen.Print(lines);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The conversation is over.
        }
    }
}
