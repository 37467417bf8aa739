using Pairwise.Agent;
using Pairwise.Chat.Files;
using Pairwise.Chat.Protocol;
using Pairwise.Chat.Store;
using Pairwise.Crypto;
using Pairwise.Storage;

namespace Pairwise.Chat;

/// <summary>
/// Puts messages of ours into the store and hands them to the agent, one at a time and in order. A message is stored
/// first: when the process ends between the two steps, the next start hands it over again under the same shared id,
/// which the recipient shows once. It does not wait for delivery. Thread-safe.
/// </summary>
internal sealed class MessageSender(Database database, IAgentClient agent, ChatOptions options) : IDisposable
{
    // Held while a line is between the store and the agent, so that its "sent" finds the agent's id in the store.
    private readonly SemaphoreSlim _turn = new(1, 1);

    public void Dispose() => _turn.Dispose();

    /// <summary>Stores a message, with a file of ours or none, begins the file's transfer, and hands the message to the agent.</summary>
    /// <exception cref="ChatException">The message is too long, or the agent refuses it or its file; then nothing is stored.</exception>
    public async Task<ChatItem> SendAsync(Contact contact, ConnectionId connection, MessageContent content, NewFile? file, CancellationToken cancellationToken)
    {
        var shared = file is { IsInPieces: true } ? SharedMessageId.CreateForPieces(options.Random) : SharedMessageId.Create(options.Random);
        var body = Encode(contact, ChatMessage.New(shared, content, file?.Invitation));
        await _turn.WaitAsync(cancellationToken);
        try
        {
            var item = await database.TransactAsync(
                session =>
                {
                    var store = new ChatStore(session);
                    var added = store.AddSentItem(contact.Id, shared, content, options.Time.GetUtcNow());
                    if (file is null)
                        return added;
                    var row = store.Files.Add(added.Id, file.Name, file.Size, FileState.SendStored, file.Inline, file.Description is null ? file.Source.Path : null, file.Source.Key, file.Transfer, null);
                    if (file.Description is { } description)
                        store.Files.SetUploaded(row, null, description);
                    return store.GetItem(added.Id)!;
                },
                cancellationToken);
            if (file is not null)
                await StartAsync(item.Id, file);
            try
            {
                await HandOverAsync(item.Id, connection, body, isNew: true, cancellationToken);
            }
            catch (StorageException e)
            {
                throw Kept(e);
            }

            return item;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Hands an event that is no line of the conversation to the agent.</summary>
    /// <param name="note">What to store once the agent has taken it, before anything can be heard of its fate; null for nothing.</param>
    public Task SendEventAsync(Contact contact, ConnectionId connection, ChatMessage message, CancellationToken cancellationToken, Action<ChatStore, AcceptedMessage>? note = null) =>
        SendBodyAsync(connection, Encode(contact, message), message.IsNotifying, note, cancellationToken);

    /// <summary>Hands a body that is no chat message to the agent, as <see cref="SendEventAsync"/>.</summary>
    public async Task SendBodyAsync(ConnectionId connection, byte[] body, bool isNotifying, Action<ChatStore, AcceptedMessage>? note, CancellationToken cancellationToken, bool? isPostQuantum = null)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            var accepted = await agent.SendMessageAsync(connection, body, isNotifying, isPostQuantum ?? options.IsPostQuantum, cancellationToken);
            if (note is not null)
            {
                await database.TransactAsync(
                    session =>
                    {
                        note(new ChatStore(session), accepted);
                        return true;
                    },
                    CancellationToken.None);
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Hands over what an earlier process stored and did not hand over.</summary>
    public async Task ResumeAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            var waiting = await database.ReadAsync(
                static session =>
                {
                    var store = new ChatStore(session);
                    return store.GetUnaccepted().Select(line => (line, Contact: store.GetContact(line.Contact)!, Connection: store.GetConnection(line.Contact), Inline: store.Files.GetOf(line.Item.Id)?.Inline)).ToList();
                },
                cancellationToken);
            foreach (var (line, contact, connection, inline) in waiting)
            {
                if (connection is not { } open || contact.State == ContactState.DeletedByPeer)
                {
                    await FailAsync(line.Item.Id, "The contact is gone.", cancellationToken);
                    continue;
                }

                try
                {
                    var file = line.Item.File is { } known ? NewFile.InvitationFor(known.Name, known.Size, inline!.Value) : null;
                    await HandOverAsync(line.Item.Id, open, Encode(contact, ChatMessage.New(line.Shared, line.Content, file)), isNew: false, cancellationToken);
                }
                catch (ChatException)
                {
                    // The line says that it failed, and why; the others go on.
                }
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Runs a step that must not fall between storing a line and learning its id at the agent.</summary>
    public async Task<T> BetweenMessagesAsync<T>(Func<ChatStore, T> step, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            return await database.TransactAsync(session => step(new ChatStore(session)), cancellationToken);
        }
        finally
        {
            _turn.Release();
        }
    }

    // A line whose file cannot go is removed.
    private async Task StartAsync(ChatItemId item, NewFile file)
    {
        try
        {
            await file.StartAsync(CancellationToken.None);
        }
        catch (AgentException e)
        {
            await database.TransactAsync(session => new ChatStore(session).Remove(item), CancellationToken.None);
            throw ChatErrors.FromFile(e);
        }
        catch (StorageException e)
        {
            throw await TakeBackAsync(item, e);
        }
    }

    private async Task HandOverAsync(ChatItemId item, ConnectionId connection, byte[] body, bool isNew, CancellationToken cancellationToken)
    {
        AcceptedMessage accepted;
        try
        {
            // From here on the line is either the agent's or failed: a cancelled command must not leave it in between.
            accepted = await agent.SendMessageAsync(connection, body, isNotificationWanted: true, options.IsPostQuantum, CancellationToken.None);
        }
        catch (StorageException e) when (isNew)
        {
            throw await TakeBackAsync(item, e);
        }
        catch (AgentException e) when (!e.IsTransient)
        {
            var failure = ChatErrors.FromSending(e);
            await FailAsync(item, failure.Message, cancellationToken);
            throw failure;
        }

        await database.TransactAsync(session => new ChatStore(session).SetAgentMessage(item, accepted.Id), CancellationToken.None);
    }

    // A line that the agent could not store is removed: saying it again must not send it twice.
    private async Task<ChatException> TakeBackAsync(ChatItemId item, StorageException cause)
    {
        try
        {
            await database.TransactAsync(session => new ChatStore(session).Remove(item), CancellationToken.None);
            return ChatErrors.From(cause);
        }
        catch (StorageException e)
        {
            return Kept(e);
        }
    }

    private static ChatException Kept(StorageException cause) => new(
        ChatError.Storage,
        "The database failed, but it has the message: that goes out, at the next start at the latest.",
        cause.IsTransient,
        cause);

    // Its file fails with it: nobody will be told where that is.
    private async Task FailAsync(ChatItemId item, string notice, CancellationToken cancellationToken)
    {
        var file = await database.TransactAsync(
            session =>
            {
                var store = new ChatStore(session);
                store.Fail(item, notice);
                var row = store.Files.GetOf(item);
                if (row is not null)
                    store.Files.SetState(row.File.Id, FileState.SendError, notice);
                return row;
            },
            cancellationToken);
        if (file?.Transfer is { } transfer)
            await agent.Files.CancelAsync(transfer, cancellationToken);
    }

    // A contact that understands compression may have a post-quantum ratchet, which leaves less room.
    private static byte[] Encode(Contact contact, ChatMessage message)
    {
        int? compressed = ChatVersions.Common(contact.Versions) >= ChatVersions.CompressionAndPostQuantum ? ChatMessageLimits.MaxCompressedMessageLength : null;
        return ChatBody.TryEncode(message, ChatMessageLimits.MaxMessageLength, compressed, out var body)
            ? body
            : throw new ChatException(ChatError.TooLong, $"The message is too long: at most {ChatMessageLimits.MaxMessageLength} bytes fit, send it in parts.");
    }
}
