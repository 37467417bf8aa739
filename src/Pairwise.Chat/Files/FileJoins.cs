using System.Collections.Concurrent;
using Pairwise.Agent;
using Pairwise.Chat.Protocol;
using Pairwise.Chat.Store;
using Pairwise.Protocol.Agent;
using Pairwise.Storage;

namespace Pairwise.Chat.Files;

/// <summary>
/// Links by which contacts take files of ours, while they are joined: a contact chose the relay, so nothing else waits for
/// it. Started in the turn of <see cref="FileExchange"/>, and beside it from then on.
/// </summary>
internal sealed class FileJoins(
    Database database,
    FileConnections connections,
    TimeProvider time,
    Func<ChatFileId, CancellationToken, Task> tellOfEnd,
    Func<ChatEvent, CancellationToken, ValueTask> tell,
    Func<Func<Task>, CancellationToken, Task> inTurn)
{
    // How long after a failure the next attempt is made; the time doubles with each.
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(5);

    // Those under way; each removes itself.
    private readonly ConcurrentDictionary<ChatFileId, Task> _running = new();

    /// <summary>Begins to join the link for a file, unless that goes on already.</summary>
    public async Task StartAsync(FileRow row, string link, CancellationToken cancellationToken)
    {
        var file = row.File.Id;
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!_running.TryAdd(file, ended.Task))
            return;
        try
        {
            var (connection, invitation) = await connections.PrepareToJoinAsync(row, link, cancellationToken);
            _ = EndAsync(JoinAsync(file, connection, invitation, cancellationToken));
        }
        catch (Exception e)
        {
            Forget();
            if (e is not ChatException)
                throw;
            await FailAsync(file, e.Message, cancellationToken);
        }

        async Task EndAsync(Task joining)
        {
            await joining.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            Forget();
        }

        void Forget()
        {
            _running.TryRemove(file, out _);
            ended.SetResult();
        }
    }

    /// <summary>Waits for all of them, once the token that they were started with is cancelled. Each has told of its failure.</summary>
    public Task StopAsync() => Task.WhenAll(_running.Values);

    // The first failure is told; a relay that cannot be reached is tried again for as long as the file is wanted.
    private async Task JoinAsync(ChatFileId file, ConnectionId connection, ConnectionRequest.Invitation invitation, CancellationToken cancellationToken)
    {
        for (var pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            try
            {
                if (await TryJoinAsync(file, connection, invitation, cancellationToken) is not { } failure)
                    return;
                if (pause == FirstPause)
                    await tell(new ChatEvent.Problem(ChatErrors.SentenceAboutFile(failure) + " It is tried again."), cancellationToken);
            }
            catch (StorageException e)
            {
                // It is tried again when the contact asks again, and at the next start.
                await tell(new ChatEvent.Problem(ChatErrors.SentenceAboutFile(e)), cancellationToken);
                return;
            }

            await Task.Delay(pause, time, cancellationToken);
        }
    }

    // A failure that may pass is given back.
    private async Task<AgentException?> TryJoinAsync(ChatFileId file, ConnectionId connection, ConnectionRequest.Invitation invitation, CancellationToken cancellationToken)
    {
        try
        {
            // Cancelling the file ended the connection.
            if (await database.ReadChatAsync(store => store.Files.Get(file), cancellationToken) is { File.IsOver: false })
                await connections.JoinAsync(connection, invitation, ChatMessage.Ok(), cancellationToken);
            return null;
        }
        catch (AgentException e) when (e.IsTransient)
        {
            return e;
        }
        catch (AgentException e)
        {
            await inTurn(() => FailAsync(file, ChatErrors.Describe(e.Error), cancellationToken), cancellationToken);
            return null;
        }
    }

    private async Task FailAsync(ChatFileId file, string sentence, CancellationToken cancellationToken)
    {
        // It may have been cancelled meanwhile, which ended the connection.
        if (await database.ReadChatAsync(store => store.Files.Get(file), cancellationToken) is not { File.IsOver: false })
            return;
        await database.ChangeChatAsync(store => store.Files.SetState(file, FileState.SendError, sentence), cancellationToken);
        await connections.EndAsync(file, waitForDelivery: false, cancellationToken);
        await tellOfEnd(file, cancellationToken);
    }
}
