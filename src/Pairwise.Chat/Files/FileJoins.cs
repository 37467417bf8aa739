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
    Func<ChatFileId, CancellationToken, Task> tellOfEnd,
    Func<ChatEvent, CancellationToken, ValueTask> tell,
    Func<Func<Task>, CancellationToken, Task> inTurn)
{
    private readonly ConcurrentDictionary<ChatFileId, Task> _running = new();

    /// <summary>Begins to join the link for a file, unless that goes on already.</summary>
    public async Task StartAsync(FileRow row, string link, CancellationToken cancellationToken)
    {
        var file = row.File.Id;
        if (_running.TryGetValue(file, out var running) && !running.IsCompleted)
            return;
        try
        {
            var (connection, invitation) = await connections.PrepareToJoinAsync(row, link, cancellationToken);
            _running[file] = JoinAsync(file, connection, invitation, cancellationToken);
        }
        catch (ChatException e)
        {
            await FailAsync(file, e.Message, cancellationToken);
        }
    }

    /// <summary>Waits for all of them, once the token that they were started with is cancelled. Each has told of its failure.</summary>
    public async Task StopAsync() => await Task.WhenAll(_running.Values).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    private async Task JoinAsync(ChatFileId file, ConnectionId connection, ConnectionRequest.Invitation invitation, CancellationToken cancellationToken)
    {
        try
        {
            await TryJoinAsync(file, connection, invitation, cancellationToken);
        }
        catch (Exception e) when (e is AgentException or StorageException)
        {
            // It is tried again when the contact asks again, and at the next start.
            await tell(new ChatEvent.Problem(ChatErrors.SentenceAboutFile(e)), cancellationToken);
        }
    }

    private async Task TryJoinAsync(ChatFileId file, ConnectionId connection, ConnectionRequest.Invitation invitation, CancellationToken cancellationToken)
    {
        try
        {
            await connections.JoinAsync(connection, invitation, ChatMessage.Ok(), cancellationToken);
        }
        catch (AgentException e) when (!e.IsTransient)
        {
            await inTurn(() => FailAsync(file, ChatErrors.Describe(e.Error), cancellationToken), cancellationToken);
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
