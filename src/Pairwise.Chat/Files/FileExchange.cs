using Pairwise.Agent;
using Pairwise.Agent.Files;
using Pairwise.Chat.Commands;
using Pairwise.Chat.Protocol;
using Pairwise.Chat.Store;
using Pairwise.Protocol.Xftp;
using Pairwise.Storage;

namespace Pairwise.Chat.Files;

/// <summary>
/// The files of all conversations: what commands ask, what the agent tells, and the steps that follow. Each step looks at
/// the file's row and does what is next, so that it can be repeated after a crash at any point. Thread-safe.
/// </summary>
internal sealed class FileExchange : IDisposable
{
    private readonly FileTurn _turn = new();
    private readonly Database _database;
    private readonly IAgentClient _agent;
    private readonly MessageSender _sender;
    private readonly ChatOptions _options;
    private readonly Func<ChatEvent, CancellationToken, ValueTask> _tell;
    private readonly FileReceiver _receiver;
    private readonly StandaloneFiles _standalone;
    private readonly FileConnections _connections;
    private readonly FileJoins _joins;

    public FileExchange(Database database, IAgentClient agent, MessageSender sender, ChatOptions options, Func<ChatEvent, CancellationToken, ValueTask> tell)
    {
        _database = database;
        _agent = agent;
        _sender = sender;
        _options = options;
        _tell = tell;
        Places = new FilePlaces(options);
        _connections = new FileConnections(database, agent, sender, options, tell);
        _joins = new FileJoins(database, _connections, options.Time, TellOfEndAsync, tell, _turn.RunAsync);
        _receiver = new FileReceiver(database, agent, sender, options, Places, _connections, tell) { EncryptsFiles = options.EncryptsFiles };
        _standalone = new StandaloneFiles(database, agent, options, Places, tell);
    }

    public FilePlaces Places { get; }

    /// <summary>Whether received files are kept encrypted when the command does not say.</summary>
    public bool EncryptsFiles
    {
        get => _receiver.EncryptsFiles;
        set => _receiver.EncryptsFiles = value;
    }

    public void Dispose() => _turn.Dispose();

    /// <summary>Waits for what runs beside the turn, once the token that it was started with is cancelled.</summary>
    public Task StopAsync() => _joins.StopAsync();

    /// <summary>Reads what has to be known before the agent tells anything.</summary>
    public Task LoadAsync(CancellationToken cancellationToken) => _connections.LoadAsync(cancellationToken);

    /// <summary>Whether a connection is that of a file alone.</summary>
    public bool IsOfFile(ConnectionId connection) => _connections.Contains(connection);

    /// <summary>Something happened on a connection that is that of a file alone.</summary>
    public Task HandleAsync(AgentEvent.OfConnection happened, CancellationToken cancellationToken) => _turn.RunAsync(
        async () =>
        {
            if (await _connections.HandleAsync(happened, cancellationToken) is { } file)
                await TryStepAsync(file, cancellationToken);
            return true;
        },
        cancellationToken);

    /// <summary>Goes on with what an earlier process left.</summary>
    public async Task ResumeAsync(CancellationToken cancellationToken)
    {
        await _agent.Files.ResumeAsync(cancellationToken);
        foreach (var file in await _database.ReadChatAsync(static store => store.Files.GetActive(), cancellationToken))
            await ContinueAsync(file, cancellationToken);
        await _turn.RunAsync(
            async () =>
            {
                await _connections.ResumeAsync(cancellationToken);
                await _standalone.ResumeAsync(cancellationToken);
                return true;
            },
            cancellationToken);
        foreach (var (file, isEncrypted) in await _database.ReadChatAsync(static store => store.Files.GetToReceive(), cancellationToken))
            await TryAcceptAsync(file, new AcceptOptions(false, isEncrypted, false, null), cancellationToken);
    }

    /// <summary>Whether a file of ours is on its way to its relays.</summary>
    public async Task<bool> HasUploadsAsync(CancellationToken cancellationToken) =>
        await _database.ReadChatAsync(static store => store.Files.HasUploads(), cancellationToken) || await _standalone.HasUploadsAsync(cancellationToken);

    /// <summary>Begins to upload a file for whoever has its link.</summary>
    public Task<ChatFile> UploadAsync(TypedFile typed, CancellationToken cancellationToken) => _turn.RunAsync(() => _standalone.UploadAsync(typed, cancellationToken), cancellationToken);

    /// <summary>Begins to download what a link describes.</summary>
    public Task<ChatFile> DownloadAsync(FileDescription description, TypedFile typed, CancellationToken cancellationToken) =>
        _turn.RunAsync(() => _standalone.DownloadAsync(description, typed, cancellationToken), cancellationToken);

    /// <summary>How far a file is that belongs to no conversation, and its link; null when the number is that of another one.</summary>
    public async Task<(ChatFile File, string? Link)?> ShowStandaloneAsync(ChatFileId file, CancellationToken cancellationToken) =>
        await _standalone.FindAsync(file, cancellationToken) is { } row
            ? (await _standalone.ShowAsync(row, cancellationToken), row.File.State == FileState.SendComplete ? row.Link : null)
            : null;

    /// <summary>Ends the transfer of a file that belongs to no conversation; null when the number is that of another one.</summary>
    public Task<ChatFile?> CancelStandaloneAsync(ChatFileId file, CancellationToken cancellationToken) => _turn.RunAsync(
        async () => await _standalone.FindAsync(file, cancellationToken) is { } row ? await _standalone.CancelAsync(row, cancellationToken) : null,
        cancellationToken);

    /// <summary>Accepts a file that is offered.</summary>
    public Task<(Contact Contact, ChatItem Item)> AcceptAsync(ChatFileId file, AcceptOptions accept, CancellationToken cancellationToken) => _turn.RunAsync(
        async () =>
        {
            await _receiver.AcceptAsync(await FindAsync(file, cancellationToken), accept, cancellationToken);
            return await GetLineAsync(file, cancellationToken);
        },
        cancellationToken);

    /// <summary>Notes that a file is to be received at the next start.</summary>
    public Task AcceptLaterAsync(ChatFileId file, bool isApproved, bool? isEncrypted, CancellationToken cancellationToken) => _turn.RunAsync(
        async () =>
        {
            var row = await FindAsync(file, cancellationToken);
            FileReceiver.CheckAcceptable(row, isInlineWanted: false);
            await _database.ChangeChatAsync(store => store.Files.ReceiveLater(file, isApproved, isEncrypted), cancellationToken);
        },
        cancellationToken);

    /// <summary>Ends a transfer in either direction; a file of ours is taken back from its relays, too.</summary>
    public Task<(Contact Contact, ChatItem Item)> CancelAsync(ChatFileId file, CancellationToken cancellationToken) => _turn.RunAsync(
        async () =>
        {
            var row = await FindAsync(file, cancellationToken);
            if (row.IsOurs)
                await CancelOursAsync(row, cancellationToken);
            else
                await _receiver.CancelAsync(row, cancellationToken);
            return await GetLineAsync(file, cancellationToken);
        },
        cancellationToken);

    /// <summary>How far a file is.</summary>
    public async Task<(Contact Contact, ChatItem Item)> ShowAsync(ChatFileId file, CancellationToken cancellationToken)
    {
        var row = await FindAsync(file, cancellationToken);
        var (contact, item) = await GetLineAsync(file, cancellationToken);
        if (row.File.IsOver || row.Transfer is not { } transfer || await _agent.Files.GetProgressAsync(transfer, cancellationToken) is not { } progress)
            return (contact, item);
        return (contact, item with { File = item.File! with { Done = progress.Done, Total = progress.Total } });
    }

    /// <summary>
    /// Ends what is on its way with a contact that is about to be deleted, and has its relays delete what the contact was not
    /// told of. What the contact can fetch stays for as long as relays keep files.
    /// </summary>
    public async Task AbandonAsync(ContactId contact, CancellationToken cancellationToken)
    {
        foreach (var row in await _database.ReadChatAsync(store => store.Files.GetOfContact(contact), cancellationToken))
        {
            if (!row.File.IsOver)
                await TakeBackAsync(row, cancellationToken);
            await _connections.EndAsync(row.File.Id, waitForDelivery: false, cancellationToken);
        }
    }

    /// <summary>
    /// A message that offered a file of ours could not be sent: the file is given up, in the transaction that says so of the
    /// message. <see cref="EndTransferAsync"/> is next; told again after a crash, it gives the file again.
    /// </summary>
    public static FileRow? GiveUp(ChatStore store, ContactId contact, AgentMessageId message, string? notice)
    {
        if (store.Files.GetByMessage(contact, message.Value) is not { } row || row.File.State is not (FileState.SendError or FileState.SendStored or FileState.SendTransfer or FileState.SendUploaded))
            return null;
        store.Files.SetState(row.File.Id, FileState.SendError, notice);
        return row;
    }

    /// <summary>Takes back from the file relays what nobody will be told of.</summary>
    public Task EndTransferAsync(FileRow row, CancellationToken cancellationToken) => _turn.RunAsync(
        async () =>
        {
            await TakeBackAsync(row, cancellationToken);
            return true;
        },
        cancellationToken);

    /// <summary>Does what is next for a file, if anything is. What hinders it is told: nothing else waits for that.</summary>
    public Task ContinueAsync(ChatFileId file, CancellationToken cancellationToken) => _turn.RunAsync(
        async () =>
        {
            await TryStepAsync(file, cancellationToken);
            return true;
        },
        cancellationToken);

    /// <summary>Accepts a file that has just been offered, if the options say so.</summary>
    public async Task AutoAcceptAsync(ChatFileId file, CancellationToken cancellationToken)
    {
        try
        {
            var row = await FindAsync(file, cancellationToken);
            // A link leads to a relay that the contact chose: whether to go there is for the user to say.
            if (row.File.State == FileState.ReceiveInvitation && row.File.Size < _options.AutoAcceptSize && row.Link is null)
                await TryAcceptAsync(file, new AcceptOptions(false, null, false, null), cancellationToken);
        }
        catch (ChatException e)
        {
            await _tell(new ChatEvent.Problem(ChatErrors.SentenceAboutFile(e)), cancellationToken);
        }
    }

    // What hinders it is told. A file that was to be received at this start is not tried again at the next one.
    private async Task TryAcceptAsync(ChatFileId file, AcceptOptions accept, CancellationToken cancellationToken)
    {
        try
        {
            var (contact, item) = await AcceptAsync(file, accept, cancellationToken);
            await _tell(new ChatEvent.FileStarted(contact, item), cancellationToken);
        }
        catch (Exception e) when (e is ChatException or AgentException)
        {
            await _database.ChangeChatAsync(store => store.Files.EndReceiveLater(file), cancellationToken);
            await _tell(new ChatEvent.Problem(ChatErrors.SentenceAboutFile(e)), cancellationToken);
        }
    }

    /// <summary>A file moved on at the agent.</summary>
    public Task HandleAsync(AgentEvent.OfFile happened, CancellationToken cancellationToken) => _turn.RunAsync(
        async () =>
        {
            var row = await _database.ReadChatAsync(store => store.Files.Get(happened.File), cancellationToken);
            if (row is null && await _standalone.TryHandleAsync(happened, cancellationToken))
                return true;
            // It goes over a connection meanwhile.
            if (row is { Inline: not InlineMode.None })
                row = null;
            if (row is null || (row.File.IsOver && happened is not (AgentEvent.FileSent or AgentEvent.FileReceived)))
            {
                await DropAsync(happened, row, cancellationToken);
                return true;
            }

            switch (happened)
            {
                case AgentEvent.FileSendProgress progress:
                    if (row.File.State == FileState.SendStored || row.File.Error is not null)
                        await _database.ChangeChatAsync(store => store.Files.SetState(row.File.Id, FileState.SendTransfer), cancellationToken);
                    await TellProgressAsync(row.File.Id, progress.Done, progress.Total, cancellationToken);
                    break;
                case AgentEvent.FileSent sent:
                    await HandleSentAsync(row, sent, cancellationToken);
                    break;
                case AgentEvent.FileSendFailed failed:
                    await EndAsync(row.File.Id, FileState.SendError, failed.Error, cancellationToken);
                    break;
                case AgentEvent.FileReceiveProgress progress:
                    if (row.File.Error is not null)
                        await _database.ChangeChatAsync(store => store.Files.SetError(row.File.Id, null), cancellationToken);
                    await TellProgressAsync(row.File.Id, progress.Done, progress.Total, cancellationToken);
                    break;
                case AgentEvent.FileReceived received:
                    await _receiver.CompleteAsync(row, received, cancellationToken);
                    break;
                case AgentEvent.FileReceiveFailed { Error: AgentError.File { Fault: FileFault.NotApproved } } failed:
                    await _database.ChangeChatAsync(store => store.Files.Offer(row.File.Id, FileState.ReceiveAborted, FileErrors.Sentence(failed.Error)), cancellationToken);
                    await TellAsync(row.File.Id, static (contact, item) => new ChatEvent.FileFailed(contact, item), cancellationToken);
                    break;
                case AgentEvent.FileReceiveFailed failed:
                    await EndAsync(row.File.Id, FileState.ReceiveError, failed.Error, cancellationToken);
                    break;
                case AgentEvent.FileSendDelayed delayed:
                    await DelayAsync(row.File.Id, delayed.Error, cancellationToken);
                    break;
                case AgentEvent.FileReceiveDelayed delayed:
                    await DelayAsync(row.File.Id, delayed.Error, cancellationToken);
                    break;
                default:
                    throw new System.Diagnostics.UnreachableException();
            }

            return true;
        },
        cancellationToken);

    /// <summary>
    /// The last message about a file of ours is at the contact's relay, or was given up; or the message that offered it was.
    /// It runs in the transaction that says so of the message.
    /// </summary>
    public static ChatFileId? Advance(ChatStore store, ContactId contact, AgentMessageId message, ItemStatus status, string? notice)
    {
        if (store.Files.GetByLastMessage(contact, message.Value) is not { File.State: FileState.SendUploaded or FileState.SendTransfer } row)
            return null;
        if (status == ItemStatus.Failed)
            store.Files.SetState(row.File.Id, FileState.SendError, notice);
        else
            store.Files.SetState(row.File.Id, FileState.SendComplete);
        return row.File.Id;
    }

    /// <summary>Tells that a file of ours has come to its end.</summary>
    public Task TellOfEndAsync(ChatFileId file, CancellationToken cancellationToken) => TellAsync(
        file,
        static (contact, item) => item.File!.State == FileState.SendComplete ? new ChatEvent.FileCompleted(contact, item) : new ChatEvent.FileFailed(contact, item),
        cancellationToken);

    // What the step could not do is kept: the next start tries again.
    private async Task TryStepAsync(ChatFileId file, CancellationToken cancellationToken)
    {
        try
        {
            await StepAsync(await _database.ReadChatAsync(store => store.Files.Get(file), cancellationToken), cancellationToken);
        }
        catch (Exception e) when (e is ChatException or AgentException)
        {
            await _tell(new ChatEvent.Problem(ChatErrors.SentenceAboutFile(e)), cancellationToken);
        }
    }

    private async Task StepAsync(FileRow? row, CancellationToken cancellationToken)
    {
        switch (row)
        {
            case { File.State: FileState.SendStored, Transfer: { } transfer }:
                await ResumeSendingAsync(row, transfer, cancellationToken);
                break;
            case { File.State: FileState.SendTransfer, Inline: InlineMode.Connection, Link: { } link }:
                if (row.SenderDescription is not null || row.Transfer is not null)
                {
                    await TakeBackAsync(row, cancellationToken);
                    await _database.ChangeChatAsync(store => store.Files.EndAtRelays(row.File.Id), cancellationToken);
                }

                await _joins.StartAsync(row, link, cancellationToken);
                break;
            case { File.State: FileState.SendTransfer, Inline: InlineMode.Offer } or { File.State: FileState.SendUploaded }:
                await SendPiecesAsync(row, cancellationToken);
                break;
            case { IsOurs: false }:
                await _receiver.StepAsync(row, cancellationToken);
                break;
            default:
                // The agent goes on by itself, or nothing is left to do.
                break;
        }
    }

    // The process ended between noting the file and telling the agent, or in between events: the agent knows which.
    private async Task ResumeSendingAsync(FileRow row, FileTransferId transfer, CancellationToken cancellationToken)
    {
        try
        {
            await _agent.Files.SendFileAsync(await UserAsync(cancellationToken), transfer, new LocalFile(row.File.Path!, row.Key), 1, cancellationToken);
        }
        catch (AgentException e) when (!e.IsTransient)
        {
            await EndAsync(row.File.Id, FileState.SendError, e.Error, cancellationToken);
        }
    }

    private async Task HandleSentAsync(FileRow row, AgentEvent.FileSent sent, CancellationToken cancellationToken)
    {
        if (row.File.State is FileState.SendCancelled or FileState.SendError)
        {
            await DeleteAtRelaysAsync(sent.Sender, cancellationToken);
            return;
        }

        if (row.File.State is FileState.SendStored or FileState.SendTransfer)
        {
            await _database.ChangeChatAsync(store => store.Files.SetUploaded(row.File.Id, sent.Sender, sent.Recipients[0]), cancellationToken);
            row = await FindAsync(row.File.Id, cancellationToken);
        }

        await StepAsync(row, cancellationToken);
    }

    private async Task SendPiecesAsync(FileRow row, CancellationToken cancellationToken)
    {
        var (contact, connection) = await _database.ReadChatAsync(store => (store.GetContact(row.Contact)!, store.GetConnection(row.Contact)), cancellationToken);
        if (connection is not { } open || contact.State == ContactState.DeletedByPeer)
        {
            await _database.ChangeChatAsync(store => store.Files.SetState(row.File.Id, FileState.SendError, "The contact is gone."), cancellationToken);
            return;
        }

        try
        {
            if (row.Inline == InlineMode.None)
                await FileSender.SendDescriptionAsync(_sender, _options, contact, open, row, cancellationToken);
            else
                await FileSender.SendContentAsync(_sender, open, row, cancellationToken);
        }
        catch (AgentException e) when (!e.IsTransient)
        {
            await _database.ChangeChatAsync(store => store.Files.SetState(row.File.Id, FileState.SendError, ChatErrors.DescribeSending(e.Error)), cancellationToken);
            await TellOfEndAsync(row.File.Id, cancellationToken);
        }
        catch (ChatException e)
        {
            await _database.ChangeChatAsync(store => store.Files.SetState(row.File.Id, FileState.SendError, e.Message), cancellationToken);
            await TellOfEndAsync(row.File.Id, cancellationToken);
        }
    }

    private async Task CancelOursAsync(FileRow row, CancellationToken cancellationToken)
    {
        if (row.File.State == FileState.SendCancelled)
            throw new ChatException(ChatError.NoFile, $"File {row.File.Id} is cancelled already.");
        if (row.File.State == FileState.SendComplete && row.Inline != InlineMode.None)
            throw new ChatException(ChatError.NoFile, $"File {row.File.Id} is with the contact already.");
        // Each step can be repeated: when the process ends in between, the command is given again.
        await TakeBackAsync(row, cancellationToken);
        var (contact, connection) = await _database.ReadChatAsync(store => (store.GetContact(row.Contact)!, store.GetConnection(row.Contact)), cancellationToken);
        if (connection is { } open && contact.State == ContactState.Connected && row.Shared is { } shared)
        {
            try
            {
                await _sender.SendEventAsync(contact, open, ChatMessage.FileCancel(SharedMessageId.Create(_options.Random), shared), cancellationToken);
            }
            catch (AgentException e) when (!e.IsTransient)
            {
                // A contact that cannot be told any more will find nothing at the relays.
            }
        }

        await _database.ChangeChatAsync(store => store.Files.SetState(row.File.Id, FileState.SendCancelled), cancellationToken);
        await _connections.EndAsync(row.File.Id, waitForDelivery: false, cancellationToken);
    }

    // What the agent still does for a file that is gone or over here.
    private async Task DropAsync(AgentEvent.OfFile happened, FileRow? row, CancellationToken cancellationToken)
    {
        switch (happened)
        {
            case AgentEvent.FileSent sent when row is null:
                await DeleteAtRelaysAsync(sent.Sender, cancellationToken);
                break;
            case AgentEvent.FileReceived received:
                FileReceiver.Remove(received.Target.Path);
                break;
            case AgentEvent.FileSendProgress or AgentEvent.FileReceiveProgress or AgentEvent.FileSendDelayed or AgentEvent.FileReceiveDelayed when row is null:
                await _agent.Files.CancelAsync(happened.File, cancellationToken);
                break;
            default:
                // A failure of what is over anyway, or progress told a little late.
                break;
        }
    }

    // What is uploaded is deleted at its relays, and what is on its way ends.
    private async Task TakeBackAsync(FileRow row, CancellationToken cancellationToken)
    {
        if (row.SenderDescription is { } description)
            await DeleteAtRelaysAsync(description, cancellationToken);
        else if (row.Transfer is { } transfer)
            await _agent.Files.CancelAsync(transfer, cancellationToken);
    }

    private async Task DeleteAtRelaysAsync(string senderDescription, CancellationToken cancellationToken)
    {
        if (FileDescriptionCodec.TryDecode(senderDescription, out var description))
            await _agent.Files.DeleteSentFileAsync(await UserAsync(cancellationToken), description, cancellationToken);
    }

    private async Task EndAsync(ChatFileId file, FileState state, AgentError error, CancellationToken cancellationToken)
    {
        await _database.ChangeChatAsync(store => store.Files.SetState(file, state, FileErrors.Sentence(error)), cancellationToken);
        await TellAsync(file, static (contact, item) => new ChatEvent.FileFailed(contact, item), cancellationToken);
    }

    private async Task DelayAsync(ChatFileId file, AgentError error, CancellationToken cancellationToken)
    {
        await _database.ChangeChatAsync(store => store.Files.SetError(file, FileErrors.Sentence(error)), cancellationToken);
        await TellAsync(file, static (contact, item) => new ChatEvent.FileDelayed(contact, item), cancellationToken);
    }

    private Task TellProgressAsync(ChatFileId file, long done, long total, CancellationToken cancellationToken) => TellAsync(
        file,
        (contact, item) => new ChatEvent.FileProgress(contact, item with { File = item.File! with { Done = done, Total = total } }),
        cancellationToken);

    private async Task TellAsync(ChatFileId file, Func<Contact, ChatItem, ChatEvent> create, CancellationToken cancellationToken)
    {
        // A conversation that is deleted takes its files with it, also those under way.
        if (await _database.ReadChatAsync(store => store.FindLine(file), cancellationToken) is var (contact, item))
            await _tell(create(contact, item), cancellationToken);
    }

    private Task<(Contact Contact, ChatItem Item)> GetLineAsync(ChatFileId file, CancellationToken cancellationToken) => _database.ReadChatAsync(store => store.GetLine(file), cancellationToken);

    private async Task<FileRow> FindAsync(ChatFileId file, CancellationToken cancellationToken) =>
        await _database.ReadChatAsync(store => store.Files.Get(file), cancellationToken)
        ?? throw OwnFiles.NotFound(file);

    private async Task<UserId> UserAsync(CancellationToken cancellationToken) => (await _database.ReadChatAsync(static store => store.GetOwnProfile(), cancellationToken))!.Value.User;
}
