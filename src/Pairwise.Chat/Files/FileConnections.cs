using System.Collections.Concurrent;
using Pairwise.Agent;
using Pairwise.Agent.Files;
using Pairwise.Chat.Protocol;
using Pairwise.Chat.Store;
using Pairwise.Protocol;
using Pairwise.Protocol.Agent;
using Pairwise.Storage;
using Pairwise.Wire;

namespace Pairwise.Chat.Files;

/// <summary>
/// Files that travel over a connection of their own, as before there were file relays: either side makes the link, the other
/// joins, and the pieces come as messages of that connection, which ends with the file. Called in the turn of
/// <see cref="FileExchange"/>.
/// </summary>
internal sealed class FileConnections(Database database, IAgentClient agent, MessageSender sender, ChatOptions options, Func<ChatEvent, CancellationToken, ValueTask> tell)
{
    /// <summary>Bytes of a file that can go this way; the reference's limit.</summary>
    public const long MaxSize = 8_000_000;

    // The rows of chat_file_connections: events of all connections are asked about here first.
    private readonly ConcurrentDictionary<ConnectionId, ChatFileId> _connections = new();

    // Those that ended in this run, one for each such file.
    private readonly ConcurrentDictionary<ConnectionId, ChatFileId> _ended = new();

    public async Task LoadAsync(CancellationToken cancellationToken)
    {
        foreach (var (connection, file) in await database.ReadChatAsync(static store => store.Files.GetConnections(), cancellationToken))
            _connections[connection] = file;
    }

    /// <summary>Ends the connections of files that an earlier process brought to their end.</summary>
    public async Task ResumeAsync(CancellationToken cancellationToken)
    {
        foreach (var file in await database.ReadChatAsync(static store => store.Files.GetIdleWithConnection(), cancellationToken))
            await EndAsync(file, waitForDelivery: false, cancellationToken);
    }

    /// <summary>Whether a connection is one of these, or was: both sides end it, and one of them may fail at something afterwards.</summary>
    public bool Contains(ConnectionId connection) => _connections.ContainsKey(connection) || _ended.ContainsKey(connection);

    /// <summary>Takes a file that a contact offers: joins the contact's link, or sends one of ours.</summary>
    /// <exception cref="ChatException">The contact, or the link, is gone.</exception>
    public async Task AskAsync(FileRow row, CancellationToken cancellationToken)
    {
        if (row.Link is { } link)
        {
            var (ours, invitation) = await PrepareToJoinAsync(row, link, cancellationToken);
            await JoinAsync(ours, invitation, ChatMessage.FileAcceptOnConnection(row.OfferedName), cancellationToken);
            return;
        }

        var (user, contact, connection, isAsked) = await database.ReadChatAsync(
            store => (store.GetOwnProfile()!.Value.User, store.GetContact(row.Contact)!, store.GetConnection(row.Contact), store.Files.GetLastMessage(row.File.Id) is not null),
            cancellationToken);
        // The contact has our link already, or is being sent it.
        if (isAsked)
            return;
        // One whose link an earlier process did not live to send is of no use: nobody has the link.
        await EndAsync(row.File.Id, waitForDelivery: false, cancellationToken);
        if (connection is not { } open || contact.State == ContactState.DeletedByPeer || row.Shared is not { } shared)
            throw new ChatException(ChatError.NotReady, $"The connection with {contact.Name} is gone: the file cannot be asked for.");
        var created = await agent.CreateConnectionAsync(user, ConnectionMode.Invitation, PostQuantumMode.Off, cancellationToken);
        await AddAsync(created.Connection, row.File.Id);
        await sender.SendEventAsync(contact, open, ChatMessage.FileAccept(SharedMessageId.Create(options.Random), shared, row.OfferedName, created.Link.ToText()), cancellationToken, (store, accepted) => store.Files.SetAsked(row.File.Id, accepted.Id));
    }

    /// <summary>Notes the connection for the other side's link for a file; <see cref="JoinAsync"/> is next. Again after a crash, it is the same one.</summary>
    /// <exception cref="ChatException">It is no link.</exception>
    public async Task<(ConnectionId Connection, ConnectionRequest.Invitation Invitation)> PrepareToJoinAsync(FileRow row, string text, CancellationToken cancellationToken)
    {
        if (!ConnectionLink.TryParse(text, out var link) || link is not ConnectionLink.Full { Request: ConnectionRequest.Invitation invitation })
            throw new ChatException(ChatError.InvalidLink, $"The link for file {row.File.Id} cannot be used: ask for the file again.");
        var (user, known) = await database.ReadChatAsync(store => (store.GetOwnProfile()!.Value.User, store.Files.GetConnection(row.File.Id)), cancellationToken);
        if (known is { } connection)
            return (connection, invitation);
        connection = await agent.PrepareToJoinAsync(user, invitation, isPostQuantum: false, cancellationToken);
        await AddAsync(connection, row.File.Id);
        return (connection, invitation);
    }

    /// <summary>Joins; doing it again after a crash goes on where it was. It waits for relays, and needs nobody's turn.</summary>
    public Task JoinAsync(ConnectionId connection, ConnectionRequest.Invitation invitation, ChatMessage info, CancellationToken cancellationToken) =>
        agent.JoinConnectionAsync(connection, invitation, Encode(info), isPostQuantum: false, cancellationToken);

    /// <summary>Ends the connection of a file, if it has one.</summary>
    public async Task EndAsync(ChatFileId file, bool waitForDelivery, CancellationToken cancellationToken)
    {
        if (await database.ReadChatAsync(store => store.Files.GetConnection(file), cancellationToken) is not { } connection)
            return;
        _ended[connection] = file;
        try
        {
            await agent.DeleteConnectionAsync(connection, waitForDelivery, cancellationToken);
        }
        catch (AgentException e) when (e.Error is AgentError.Connection { Fault: ConnectionFault.NotFound })
        {
            // An earlier attempt got that far.
        }

        await database.ChangeChatAsync(store => store.Files.RemoveConnection(connection), cancellationToken);
        _connections.TryRemove(connection, out _);
    }

    /// <summary>Something happened on the connection of a file; gives the file when its pieces are to be looked at.</summary>
    public async Task<ChatFileId?> HandleAsync(AgentEvent.OfConnection happened, CancellationToken cancellationToken)
    {
        if (!_connections.TryGetValue(happened.Connection, out var file) || await database.ReadChatAsync(store => store.Files.Get(file), cancellationToken) is not { } row)
            return null;
        switch (happened)
        {
            case AgentEvent.ConfirmationReceived confirmation when !row.IsOurs:
                await agent.AllowConnectionAsync(happened.Connection, confirmation.Confirmation, Encode(ChatMessage.Ok()), cancellationToken);
                break;
            case AgentEvent.Connected when row.IsOurs:
                await SendPiecesAsync(row, happened.Connection, cancellationToken);
                break;
            case AgentEvent.Connected when row.File.State == FileState.ReceiveAccepted:
                await database.ChangeChatAsync(store => store.Files.SetState(file, FileState.ReceiveTransfer), cancellationToken);
                await TellAsync(file, static (contact, item) => new ChatEvent.FileStarted(contact, item), cancellationToken);
                break;
            case AgentEvent.MessageReceived message:
                return await HandlePieceAsync(row, message, cancellationToken);
            case AgentEvent.Sent sent when row.IsOurs:
                await HandleSentAsync(row, sent.Message, cancellationToken);
                break;
            case AgentEvent.SendFailed failed:
                await FailAsync(row, ChatErrors.DescribeSending(failed.Error), cancellationToken);
                break;
            case AgentEvent.ConnectionFailed { Error: not (AgentError.Duplicate or AgentError.Inactive), Error.IsTransient: false } failed:
                await FailAsync(row, ChatErrors.Describe(failed.Error), cancellationToken);
                break;
            default:
                // Steps of the agent's own work.
                break;
        }

        return null;
    }

    private async Task AddAsync(ConnectionId connection, ChatFileId file)
    {
        await database.ChangeChatAsync(store => store.Files.AddConnection(connection, file), CancellationToken.None);
        _connections[connection] = file;
    }

    // All of them at once: the agent sends them one after the other, and waits when the contact's queue is full.
    private async Task SendPiecesAsync(FileRow row, ConnectionId connection, CancellationToken cancellationToken)
    {
        try
        {
            await FileSender.SendContentAsync(
                row,
                MaxSize,
                (chunk, note) => sender.SendBodyAsync(connection, chunk.EncodeDirect(), isNotifying: false, note, cancellationToken, isPostQuantum: false),
                // Numbers of this connection's messages must not be taken for those of the conversation's.
                static message => -message,
                cancellationToken);
        }
        catch (ChatException e)
        {
            await FailAsync(row, e.Message, cancellationToken);
        }
        catch (AgentException e) when (!e.IsTransient)
        {
            await FailAsync(row, ChatErrors.DescribeSending(e.Error), cancellationToken);
        }
    }

    private async Task HandleSentAsync(FileRow row, AgentMessageId message, CancellationToken cancellationToken)
    {
        if (row.File.State != FileState.SendTransfer || await database.ReadChatAsync(store => store.Files.GetLastMessage(row.File.Id), cancellationToken) is not { } last)
            return;
        var left = -last - message.Value;
        if (left > 0)
        {
            var done = Math.Max(0, row.File.Size - (left * ChatMessageLimits.InlineChunkLength));
            await TellAsync(row.File.Id, (contact, item) => new ChatEvent.FileProgress(contact, item with { File = item.File! with { Done = done, Total = row.File.Size } }), cancellationToken);
            return;
        }

        await database.ChangeChatAsync(store => store.Files.SetState(row.File.Id, FileState.SendComplete), cancellationToken);
        await TellAsync(row.File.Id, static (contact, item) => new ChatEvent.FileCompleted(contact, item), cancellationToken);
        await EndAsync(row.File.Id, waitForDelivery: true, cancellationToken);
    }

    private async Task<ChatFileId?> HandlePieceAsync(FileRow row, AgentEvent.MessageReceived message, CancellationToken cancellationToken)
    {
        var piece = FileChunk.TryDecodeDirect(message.Body.Span, out var chunk) && !row.IsOurs
            ? await database.TransactAsync(session => IncomingFiles.AddPiece(new ChatStore(session), row, chunk), cancellationToken)
            : null;
        await agent.AckMessageAsync(message.Connection, message.Meta.Id, receipt: null, cancellationToken);
        if (piece is not { } added)
            return null;
        var state = (await database.ReadChatAsync(store => store.Files.Get(row.File.Id), cancellationToken))?.File.State;
        if (!added.IsCancelled && state != FileState.ReceiveError)
            return row.File.Id;
        await EndAsync(row.File.Id, waitForDelivery: false, cancellationToken);
        await TellAsync(
            row.File.Id,
            (contact, item) => added.IsCancelled ? new ChatEvent.FileCancelledByPeer(contact, item) : new ChatEvent.FileFailed(contact, item),
            cancellationToken);
        return null;
    }

    private async Task FailAsync(FileRow row, string sentence, CancellationToken cancellationToken)
    {
        if (row.File.IsOver)
            return;
        await database.ChangeChatAsync(store => store.Files.SetState(row.File.Id, row.IsOurs ? FileState.SendError : FileState.ReceiveError, sentence), cancellationToken);
        await EndAsync(row.File.Id, waitForDelivery: false, cancellationToken);
        await TellAsync(row.File.Id, static (contact, item) => new ChatEvent.FileFailed(contact, item), cancellationToken);
    }

    private async Task TellAsync(ChatFileId file, Func<Contact, ChatItem, ChatEvent> create, CancellationToken cancellationToken)
    {
        if (await database.ReadChatAsync(store => store.FindLine(file), cancellationToken) is var (contact, item))
            await tell(create(contact, item), cancellationToken);
    }

    private static byte[] Encode(ChatMessage info) => ChatBody.TryEncode(info, ChatMessageLimits.MaxInfoLength, null, out var body)
        ? body
        : throw new ChatException(ChatError.TooLong, "The name of the file is too long for its connection.");
}
