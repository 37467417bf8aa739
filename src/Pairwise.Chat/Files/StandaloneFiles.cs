using Pairwise.Agent;
using Pairwise.Agent.Files;
using Pairwise.Chat.Commands;
using Pairwise.Chat.Store;
using Pairwise.Protocol.Xftp;
using Pairwise.Storage;

namespace Pairwise.Chat.Files;

/// <summary>
/// Files that belong to no conversation: uploaded for whoever has the link, or downloaded by one. As with other files each
/// step looks at the row and does what is next. Called in the turn of <see cref="FileExchange"/>.
/// </summary>
internal sealed class StandaloneFiles(Database database, IAgentClient agent, ChatOptions options, FilePlaces places, Func<ChatEvent, CancellationToken, ValueTask> tell)
{
    // Links that are stored and not told yet: a program that leaves waits for them.
    private int _untold;

    /// <summary>Notes a file and begins to upload it.</summary>
    /// <exception cref="ChatException">There is no such file, or no file relay.</exception>
    public async Task<ChatFile> UploadAsync(TypedFile typed, CancellationToken cancellationToken)
    {
        var (file, length) = places.FindToSend(typed.Path, typed.Key);
        var transfer = FileTransferId.Generate(options.Random);
        return await StartAsync(store => store.Standalone.Add(Path.GetFileName(file.Path), length, FileState.SendStored, file, transfer, ""), cancellationToken);
    }

    /// <summary>Notes what a link describes and begins to download it. Whoever gives a link agrees to its relays.</summary>
    /// <exception cref="ChatException">The place cannot be used, or the description cannot.</exception>
    public async Task<ChatFile> DownloadAsync(FileDescription description, TypedFile typed, CancellationToken cancellationToken)
    {
        var path = await database.ReadChatAsync(
            store => places.FindToReceiveAs(typed.Path, taken => store.Files.IsPathTaken(taken) || store.Standalone.IsPathTaken(taken)),
            cancellationToken);
        var transfer = FileTransferId.Generate(options.Random);
        var size = description.Redirect?.Size ?? description.Size;
        return await StartAsync(
            store => store.Standalone.Add(Path.GetFileName(path), size, FileState.ReceiveAccepted, new LocalFile(path, typed.Key), transfer, FileDescriptionCodec.Encode(description)),
            cancellationToken);
    }

    /// <summary>Null when the number is that of no such file.</summary>
    public Task<StandaloneFileRow?> FindAsync(ChatFileId file, CancellationToken cancellationToken) => database.ReadChatAsync(store => store.Standalone.Get(file), cancellationToken);

    /// <summary>How far a file is.</summary>
    public async Task<ChatFile> ShowAsync(StandaloneFileRow row, CancellationToken cancellationToken) =>
        !row.File.IsOver && await agent.Files.GetProgressAsync(row.Transfer, cancellationToken) is { } progress
            ? row.File with { Done = progress.Done, Total = progress.Total }
            : row.File;

    /// <summary>Ends a transfer; what is uploaded is deleted for everybody.</summary>
    /// <exception cref="ChatException">There is nothing to cancel.</exception>
    public async Task<ChatFile> CancelAsync(StandaloneFileRow row, CancellationToken cancellationToken)
    {
        if (row.File.State is FileState.SendCancelled or FileState.ReceiveCancelled)
            throw new ChatException(ChatError.NoFile, $"File {row.File.Id} is cancelled already.");
        if (row.File.State == FileState.ReceiveComplete)
            throw new ChatException(ChatError.NoFile, $"File {row.File.Id} is here already, at {row.File.Path}.");
        await database.ChangeChatAsync(store => store.Standalone.SetState(row.File.Id, row.IsOurs ? FileState.SendCancelled : FileState.ReceiveCancelled), cancellationToken);
        await EndAsync(row, cancellationToken);
        return (await FindAsync(row.File.Id, cancellationToken))!.File;
    }

    /// <summary>Whether an upload is on its way, or its link is not told yet.</summary>
    public async Task<bool> HasUploadsAsync(CancellationToken cancellationToken) =>
        Volatile.Read(ref _untold) > 0 || await database.ReadChatAsync(static store => store.Standalone.HasUploads(), cancellationToken);

    /// <summary>Goes on with what an earlier process left. Asking the agent again for what it does already does nothing.</summary>
    public async Task ResumeAsync(CancellationToken cancellationToken)
    {
        foreach (var row in await database.ReadChatAsync(static store => store.Standalone.GetActive(), cancellationToken))
            await StepAsync(row, cancellationToken);
    }

    /// <summary>A transfer moved on at the agent; false when it is not of such a file.</summary>
    public async Task<bool> TryHandleAsync(AgentEvent.OfFile happened, CancellationToken cancellationToken)
    {
        if (await database.ReadChatAsync(store => store.Standalone.Get(happened.File), cancellationToken) is not { } row)
            return false;
        if (row.File.IsOver)
        {
            await DropAsync(row, happened, cancellationToken);
            return true;
        }

        switch (happened)
        {
            // The description on its way is not what anybody waits for.
            case AgentEvent.FileSendProgress when happened.File == row.Redirect:
                break;
            case AgentEvent.FileSendProgress progress:
                await TellProgressAsync(row, FileState.SendTransfer, progress.Done, progress.Total, cancellationToken);
                break;
            case AgentEvent.FileReceiveProgress progress:
                await TellProgressAsync(row, FileState.ReceiveTransfer, progress.Done, progress.Total, cancellationToken);
                break;
            case AgentEvent.FileSent sent:
                await HandleSentAsync(row, sent, cancellationToken);
                break;
            case AgentEvent.FileReceived received:
                await database.ChangeChatAsync(
                    store =>
                    {
                        store.Standalone.SetPath(row.File.Id, received.Target.Path);
                        store.Standalone.SetState(row.File.Id, FileState.ReceiveComplete);
                    },
                    cancellationToken);
                await TellAsync(row, static file => new ChatEvent.StandaloneCompleted(file.File, file.Link), cancellationToken);
                break;
            case AgentEvent.FileSendFailed failed:
                await FailAsync(row, FileErrors.Sentence(failed.Error), cancellationToken);
                break;
            case AgentEvent.FileReceiveFailed failed:
                await FailAsync(row, FileErrors.Sentence(failed.Error), cancellationToken);
                break;
            case AgentEvent.FileSendDelayed delayed:
                await DelayAsync(row, delayed.Error, cancellationToken);
                break;
            case AgentEvent.FileReceiveDelayed delayed:
                await DelayAsync(row, delayed.Error, cancellationToken);
                break;
            default:
                throw new System.Diagnostics.UnreachableException();
        }

        return true;
    }

    private async Task<ChatFile> StartAsync(Func<ChatStore, ChatFileId> add, CancellationToken cancellationToken)
    {
        var file = await database.TransactAsync(session => add(new ChatStore(session)), cancellationToken);
        var row = (await FindAsync(file, cancellationToken))!;
        try
        {
            await BeginAsync(row, cancellationToken);
        }
        catch (AgentException e)
        {
            await database.ChangeChatAsync(store => store.Standalone.SetState(file, row.IsOurs ? FileState.SendError : FileState.ReceiveError, FileErrors.Sentence(e.Error)), CancellationToken.None);
            throw ChatErrors.FromFile(e);
        }

        return row.File;
    }

    private async Task StepAsync(StandaloneFileRow row, CancellationToken cancellationToken)
    {
        try
        {
            await BeginAsync(row, cancellationToken);
        }
        catch (AgentException e) when (!e.IsTransient)
        {
            await FailAsync(row, FileErrors.Sentence(e.Error), cancellationToken);
        }
    }

    private async Task BeginAsync(StandaloneFileRow row, CancellationToken cancellationToken)
    {
        var user = (await database.ReadChatAsync(static store => store.GetOwnProfile(), cancellationToken))!.Value.User;
        if (!row.IsOurs)
            await agent.Files.ReceiveFileAsync(user, row.Transfer, Parse(row.Description), new LocalFile(row.File.Path!, row.Key), areServersApproved: true, cancellationToken);
        else if (row.File.State != FileState.SendUploaded)
            await agent.Files.SendFileAsync(user, row.Transfer, new LocalFile(row.File.Path!, row.Key), 1, cancellationToken);
        else if (row.Redirect is { } redirect)
            await agent.Files.SendDescriptionAsync(user, redirect, Parse(row.Description), 1, cancellationToken);
    }

    // A description of one chunk is short enough for a link; a longer one becomes a file itself, whose description is short.
    private async Task HandleSentAsync(StandaloneFileRow row, AgentEvent.FileSent sent, CancellationToken cancellationToken)
    {
        var description = Parse(sent.Recipients[0]);
        if (sent.File == row.Transfer && row.File.State == FileState.SendUploaded)
        {
            // Told again after a crash.
            await StepAsync(row, cancellationToken);
            return;
        }

        if (sent.File == row.Transfer)
        {
            FileTransferId? redirect = description.Chunks.Count == 1 ? null : FileTransferId.Generate(options.Random);
            await database.ChangeChatAsync(store => store.Standalone.SetUploaded(row.File.Id, sent.Recipients[0], sent.Sender, redirect), cancellationToken);
            if (redirect is not null)
            {
                row = (await FindAsync(row.File.Id, cancellationToken))!;
                await TellAsync(row, static file => new ChatEvent.StandaloneUploaded(file.File), cancellationToken);
                await StepAsync(row, cancellationToken);
                return;
            }
        }

        Interlocked.Increment(ref _untold);
        try
        {
            var link = new FileLink(description).ToString();
            await database.ChangeChatAsync(store => store.Standalone.SetLink(row.File.Id, link, sent.File == row.Redirect ? sent.Sender : null), cancellationToken);
            await TellAsync(row, static file => new ChatEvent.StandaloneCompleted(file.File, file.Link), cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _untold);
        }
    }

    // What the agent still does for a file that is over here.
    private async Task DropAsync(StandaloneFileRow row, AgentEvent.OfFile happened, CancellationToken cancellationToken)
    {
        switch (happened)
        {
            case AgentEvent.FileSent sent when row.File.State != FileState.SendComplete:
                await DeleteAtRelaysAsync(sent.Sender, cancellationToken);
                break;
            case AgentEvent.FileReceived received when row.File.State != FileState.ReceiveComplete:
                FileReceiver.Remove(received.Target.Path);
                break;
            case AgentEvent.FileSendProgress or AgentEvent.FileReceiveProgress or AgentEvent.FileSendDelayed or AgentEvent.FileReceiveDelayed
                when row.File.State is FileState.SendCancelled or FileState.ReceiveCancelled:
                await agent.Files.CancelAsync(happened.File, cancellationToken);
                break;
            default:
                // Told again, or a little late.
                break;
        }
    }

    private async Task EndAsync(StandaloneFileRow row, CancellationToken cancellationToken)
    {
        await agent.Files.CancelAsync(row.Transfer, cancellationToken);
        if (row.Redirect is { } redirect)
            await agent.Files.CancelAsync(redirect, cancellationToken);
        foreach (var description in new[] { row.SenderDescription, row.RedirectSenderDescription })
        {
            if (description is not null)
                await DeleteAtRelaysAsync(description, cancellationToken);
        }
    }

    private async Task DeleteAtRelaysAsync(string senderDescription, CancellationToken cancellationToken)
    {
        var user = (await database.ReadChatAsync(static store => store.GetOwnProfile(), cancellationToken))!.Value.User;
        if (FileDescriptionCodec.TryDecode(senderDescription, out var description))
            await agent.Files.DeleteSentFileAsync(user, description, cancellationToken);
    }

    private async Task FailAsync(StandaloneFileRow row, string sentence, CancellationToken cancellationToken)
    {
        await database.ChangeChatAsync(store => store.Standalone.SetState(row.File.Id, row.IsOurs ? FileState.SendError : FileState.ReceiveError, sentence), cancellationToken);
        // What is uploaded without its description is of no use to anybody.
        if (row.SenderDescription is { } uploaded)
            await DeleteAtRelaysAsync(uploaded, cancellationToken);
        await TellAsync(row, static file => new ChatEvent.StandaloneFailed(file.File), cancellationToken);
    }

    private async Task DelayAsync(StandaloneFileRow row, AgentError error, CancellationToken cancellationToken)
    {
        await database.ChangeChatAsync(store => store.Standalone.SetError(row.File.Id, FileErrors.Sentence(error)), cancellationToken);
        await TellAsync(row, static file => new ChatEvent.StandaloneDelayed(file.File), cancellationToken);
    }

    private async Task TellProgressAsync(StandaloneFileRow row, FileState state, long done, long total, CancellationToken cancellationToken)
    {
        if (row.File.State != state || row.File.Error is not null)
            await database.ChangeChatAsync(store => store.Standalone.SetState(row.File.Id, state), cancellationToken);
        await TellAsync(row, file => new ChatEvent.StandaloneProgress(file.File with { Done = done, Total = total }), cancellationToken);
    }

    private async Task TellAsync(StandaloneFileRow row, Func<StandaloneFileRow, ChatEvent> create, CancellationToken cancellationToken) =>
        await tell(create((await FindAsync(row.File.Id, cancellationToken))!), cancellationToken);

    // What was stored was checked before, or is the agent's own.
    private static FileDescription Parse(string text) =>
        FileDescriptionCodec.TryDecode(text, out var description) ? description : throw new FormatException("A stored file description does not parse.");
}
