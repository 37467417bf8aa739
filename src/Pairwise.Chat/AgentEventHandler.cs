using Pairwise.Agent;
using Pairwise.Chat.Files;
using Pairwise.Chat.Protocol;
using Pairwise.Chat.Store;
using Pairwise.Storage;

namespace Pairwise.Chat;

/// <summary>
/// Turns events of the agent into rows and events of the chat. Each event may come twice (after a crash): what it does
/// to the rows it does once. It stores, then tells, then acknowledges. Owned by the loop of <see cref="ChatCore"/>.
/// </summary>
internal sealed class AgentEventHandler(Database database, IAgentClient agent, MessageSender sender, FileExchange files, ChatOptions options, Func<ChatEvent, CancellationToken, ValueTask> tell)
{
    public Task HandleAsync(AgentEvent happened, CancellationToken cancellationToken) => happened switch
    {
        AgentEvent.OfConnection ofFile when files.IsOfFile(ofFile.Connection) => files.HandleAsync(ofFile, cancellationToken),
        AgentEvent.ConfirmationReceived confirmation => HandleConfirmationAsync(confirmation, cancellationToken),
        AgentEvent.InfoReceived info => HandleInfoAsync(info, cancellationToken),
        AgentEvent.Connected connected => HandleConnectedAsync(connected, cancellationToken),
        AgentEvent.MessageReceived message => HandleMessageAsync(message, cancellationToken),
        AgentEvent.ReceiptsReceived receipts => HandleReceiptsAsync(receipts, cancellationToken),
        AgentEvent.Sent sent => AdvanceAsync(sent.Connection, [sent.Message], ItemStatus.Sent, null, cancellationToken),
        AgentEvent.SendFailed failed => AdvanceAsync(failed.Connection, failed.Messages, ItemStatus.Failed, ChatErrors.DescribeSending(failed.Error), cancellationToken),
        AgentEvent.ConnectionsDeleted deleted => TransactAsync(
            store =>
            {
                foreach (var connection in deleted.Connections)
                    store.RemoveConnection(connection);
                return true;
            },
            cancellationToken),
        AgentEvent.RequestReceived request => agent.RejectContactAsync(request.Invitation, cancellationToken),
        AgentEvent.Up up => TellOfServerAsync(up.Connections, count => new ChatEvent.ServerUp(up.Server.ToString(), count), cancellationToken),
        AgentEvent.Down down => TellOfServerAsync(down.Connections, count => new ChatEvent.ServerDown(down.Server.ToString(), count), cancellationToken),
        AgentEvent.SubscriptionsFailed failures => HandleSubscriptionsAsync(failures, cancellationToken),
        AgentEvent.SubscriptionEnded ended => TellOfContactAsync(ended.Connection, static name => $"Messages of {name} now go to another program that uses the same database.", cancellationToken),
        AgentEvent.QueueDeleted deleted => TellOfContactAsync(deleted.Connection, static name => $"The relay has deleted the queue in which {name} writes to you: connect again.", cancellationToken),
        AgentEvent.ConnectionFailed { Error: AgentError.Duplicate or AgentError.Inactive } => Task.CompletedTask,
        AgentEvent.ConnectionFailed failed => TellOfContactAsync(failed.Connection, name => $"{name}: {ChatErrors.DescribeSending(failed.Error)}", cancellationToken),
        AgentEvent.OfFile file => files.HandleAsync(file, cancellationToken),
        AgentEvent.Failed { Error: AgentError.Inactive } => Task.CompletedTask,
        AgentEvent.Failed failed => tell(new ChatEvent.Problem(ChatErrors.Describe(failed.Error)), cancellationToken).AsTask(),
        AgentEvent.RatchetSyncChanged { State: RatchetSyncState.Required } changed =>
            TellOfContactAsync(changed.Connection, static name => $"The encryption with {name} is out of step, and a message is lost: delete the contact and connect again.", cancellationToken),
        AgentEvent.RatchetSyncChanged { State: RatchetSyncState.Allowed } changed =>
            TellOfContactAsync(changed.Connection, static name => $"A message of {name} could not be decrypted and is lost: if that goes on, delete the contact and connect again.", cancellationToken),
        // Steps of the agent's own work that change nothing a user of this program sees.
        AgentEvent.SendDelayed or AgentEvent.SendingResumed or AgentEvent.RatchetSyncChanged => Task.CompletedTask,
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    /// <summary>Our own profile as the body of a confirmation.</summary>
    public static byte[] EncodeInfo(Profile profile, bool isPostQuantum) =>
        ChatBody.TryEncode(ChatMessage.Info(profile), ChatMessageLimits.MaxInfoLength, isPostQuantum ? ChatMessageLimits.MaxCompressedInfoLength : null, out var body)
            ? body
            : throw new ChatException(ChatError.TooLong, "The profile is too large: choose a smaller picture or a shorter name.");

    private async Task HandleConfirmationAsync(AgentEvent.ConfirmationReceived confirmation, CancellationToken cancellationToken)
    {
        if (!TryReadProfile(confirmation.Info, out var info))
        {
            await tell(new ChatEvent.Problem("Somebody used one of your links without saying who they are: they were not let in."), cancellationToken);
            return;
        }

        var (contact, isNew, own) = await TransactAsync(
            store =>
            {
                var known = store.GetContact(confirmation.Connection);
                return (known ?? Add(store, confirmation.Connection, info, confirmation.IsPostQuantum), known is null, store.GetOwnProfile()!.Value.Profile);
            },
            cancellationToken);
        await agent.AllowConnectionAsync(confirmation.Connection, confirmation.Confirmation, EncodeInfo(own, confirmation.IsPostQuantum), cancellationToken);
        if (isNew)
            await tell(new ChatEvent.ContactConnecting(contact), cancellationToken);
    }

    private async Task HandleInfoAsync(AgentEvent.InfoReceived info, CancellationToken cancellationToken)
    {
        if (!TryReadProfile(info.Info, out var message))
        {
            await tell(new ChatEvent.Problem("The other side of a link did not say who they are."), cancellationToken);
            return;
        }

        var (contact, isNew) = await TransactAsync(
            store =>
            {
                var known = store.GetContact(info.Connection);
                return (known ?? Add(store, info.Connection, message, info.IsPostQuantum), known is null);
            },
            cancellationToken);
        if (isNew)
            await tell(new ChatEvent.ContactConnecting(contact), cancellationToken);
    }

    private async Task HandleConnectedAsync(AgentEvent.Connected connected, CancellationToken cancellationToken)
    {
        var contact = await TransactAsync(
            store =>
            {
                if (store.GetContact(connected.Connection) is not { State: ContactState.Connecting } waiting)
                    return null;
                store.SetState(waiting.Id, ContactState.Connected);
                store.SetPostQuantum(waiting.Id, connected.IsPostQuantum);
                return store.GetContact(waiting.Id);
            },
            cancellationToken);
        if (contact is not null)
            await tell(new ChatEvent.ContactConnected(contact), cancellationToken);
    }

    private async Task HandleMessageAsync(AgentEvent.MessageReceived received, CancellationToken cancellationToken)
    {
        var items = ChatBody.Decode(received.Body.Span);
        var stored = await TransactAsync(
            store => store.GetContact(received.Connection) is { } contact ? Store(store, contact, received.Meta, items) : new StoredMessage(),
            cancellationToken);
        foreach (var happened in stored.Events)
            await tell(happened, cancellationToken);
        // Whatever hinders a file, the message is acknowledged: without that the relay gives nothing more of this contact.
        foreach (var file in stored.Offered)
            await files.AutoAcceptAsync(file, cancellationToken);
        foreach (var file in stored.Moved)
            await files.ContinueAsync(file, cancellationToken);

        var hasReceipt = options.SendsReceipts && items.Any(static item => item is ChatBodyItem.Message { Value.HasReceipt: true });
        // A bare null would become an empty receipt here: memory converts from null arrays.
        ReadOnlyMemory<byte>? receipt = hasReceipt ? ReadOnlyMemory<byte>.Empty : default(ReadOnlyMemory<byte>?);
        await agent.AckMessageAsync(received.Connection, received.Meta.Id, receipt, cancellationToken);
        if (stored.Events.OfType<ChatEvent.ContactDeletedByPeer>().Any())
            await agent.DeleteConnectionAsync(received.Connection, waitForDelivery: false, cancellationToken);
    }

    private StoredMessage Store(ChatStore store, Contact contact, MessageMeta meta, IReadOnlyList<ChatBodyItem> items)
    {
        store.SetPostQuantum(contact.Id, meta.IsPostQuantum);
        var stored = new StoredMessage();
        for (var part = 0; part < items.Count; part++)
        {
            switch (items[part])
            {
                case ChatBodyItem.Message { Value: var message }:
                    store.SetVersions(contact.Id, message.Versions);
                    if (Store(store, contact, meta, part, message, stored) is { } happened)
                        stored.Events.Add(happened);
                    break;
                case ChatBodyItem.Invalid:
                    stored.Events.Add(new ChatEvent.Problem($"{contact.Name} sent something that this program cannot read."));
                    break;
                case ChatBodyItem.Chunk chunk:
                    StoreChunk(store, contact, chunk, stored);
                    break;
                default:
                    throw new System.Diagnostics.UnreachableException();
            }
        }

        return stored;
    }

    private ChatEvent? Store(ChatStore store, Contact contact, MessageMeta meta, int part, ChatMessage message, StoredMessage stored)
    {
        switch (message.Tag)
        {
            case ChatEventTags.MessageNew or ChatEventTags.File:
                return StoreNew(store, contact, meta, part, message, stored);
            case ChatEventTags.MessageUpdate:
                if (store.Edit(contact.Id, message.Target!.Value, message.Content!.Display) is { } edited)
                    return new ChatEvent.MessageUpdated(contact, edited);
                // The first version did not arrive, or is here already with this very text.
                return store.AddReceivedItem(contact.Id, message.Target, meta.Id, part, message.Content.Display, meta.BrokerTime, Notice(meta)) is { } late
                    ? new ChatEvent.MessageReceived(contact, late)
                    : null;
            case ChatEventTags.MessageDelete:
                if (store.MarkDeleted(contact.Id, message.Target!.Value) is not { } deleted)
                    return null;
                if (deleted.File is not null && IncomingFiles.Cancel(store, contact.Id, message.Target.Value) is { } dropped)
                    stored.Moved.Add(dropped.File.Id);
                return new ChatEvent.MessageUpdated(contact, store.GetItem(deleted.Id)!);
            case ChatEventTags.MessageFileDescription:
                if (message.DescriptionPart is { } description && IncomingFiles.Describe(store, contact.Id, message.Target!.Value, description) is { } described)
                    stored.Moved.Add(described);
                return null;
            case ChatEventTags.FileCancel:
                if (IncomingFiles.Cancel(store, contact.Id, message.Target!.Value) is not { } cancelled)
                    return null;
                stored.Moved.Add(cancelled.File.Id);
                return cancelled.File.State == FileState.ReceiveCancelled ? null : new ChatEvent.FileCancelledByPeer(contact, store.GetItem(cancelled.Item)!);
            case ChatEventTags.FileAcceptInvitation:
                if (IncomingFiles.Accept(store, contact.Id, message.Target!.Value, message.FileName!, message.FileLink) is not { } wanted)
                {
                    return IncomingFiles.FindOutOfReach(store, contact.Id, message.Target.Value) is { } file
                        ? new ChatEvent.Problem($"{contact.Name} asked for file {file.Id} ({file.Name}) in the way of old programs, which know no file relays: it can only be received with a newer one.")
                        : null;
                }

                stored.Moved.Add(wanted);
                return new ChatEvent.FileStarted(contact, store.GetLine(wanted).Item);
            case ChatEventTags.Info:
                return message.Profile is { } profile && profile != contact.Profile
                    ? new ChatEvent.ContactUpdated(contact, store.SetProfile(contact, profile))
                    : null;
            case ChatEventTags.DirectDelete:
                store.SetState(contact.Id, ContactState.DeletedByPeer);
                return contact.State == ContactState.DeletedByPeer ? null : new ChatEvent.ContactDeletedByPeer(store.GetContact(contact.Id)!);
            case ChatEventTags.GroupInvitation or ChatEventTags.CallInvitation:
                return new ChatEvent.Unsupported(contact, message.Tag);
            default:
                return message.IsKnown ? null : new ChatEvent.Unsupported(contact, message.Tag);
        }
    }

    private ChatEvent.MessageReceived? StoreNew(ChatStore store, Contact contact, MessageMeta meta, int part, ChatMessage message, StoredMessage stored)
    {
        var content = message.Content ?? MessageContent.File();
        if (content.Type == MessageContent.VoiceType && !contact.Feature(ChatFeature.Voice).IsForContact)
        {
            var refused = FeatureState.NameOf(ChatFeature.Voice) + ": received, prohibited";
            return store.AddReceivedItem(contact.Id, message.Id, meta.Id, part, refused, meta.BrokerTime, Notice(meta)) is { } line ? new ChatEvent.MessageReceived(contact, line) : null;
        }

        if (store.AddReceivedItem(contact.Id, message.Id, meta.Id, part, content.Display, meta.BrokerTime, Notice(meta)) is not { } item)
        {
            // It is here, but the process may have ended before its file was accepted.
            if (message is { File: not null, Id: { } id } && store.Files.Get(contact.Id, ItemDirection.Received, id) is { File.State: FileState.ReceiveInvitation } known)
                stored.Offered.Add(known.File.Id);
            return null;
        }

        if (message.File is { } invitation)
        {
            var file = IncomingFiles.Add(store, item.Id, invitation, content.Type == MessageContent.VoiceType, options);
            item = store.GetItem(item.Id)!;
            if (item.File!.State == FileState.ReceiveInvitation)
                stored.Offered.Add(file);
        }

        return new ChatEvent.MessageReceived(contact, item);
    }

    private static void StoreChunk(ChatStore store, Contact contact, ChatBodyItem.Chunk chunk, StoredMessage stored)
    {
        if (IncomingFiles.AddPiece(store, contact.Id, chunk.File, chunk.Value) is not { } piece)
            return;
        var (_, item) = store.GetLine(piece.File);
        if (piece.IsCancelled)
            stored.Events.Add(new ChatEvent.FileCancelledByPeer(contact, item));
        else if (item.File!.State == FileState.ReceiveError)
            stored.Events.Add(new ChatEvent.FileFailed(contact, item));
        else
            stored.Moved.Add(piece.File);
    }

    private async Task HandleReceiptsAsync(AgentEvent.ReceiptsReceived received, CancellationToken cancellationToken)
    {
        foreach (var receipt in received.Receipts)
        {
            var notice = receipt.IsHashCorrect ? null : "The contact confirmed another text than was sent.";
            await AdvanceAsync(received.Connection, [receipt.MessageId], ItemStatus.Delivered, notice, cancellationToken);
        }

        await agent.AckMessageAsync(received.Connection, received.Meta.Id, receipt: null, cancellationToken);
    }

    private async Task AdvanceAsync(ConnectionId connection, IReadOnlyList<AgentMessageId> messages, ItemStatus status, string? notice, CancellationToken cancellationToken)
    {
        var changed = await sender.BetweenMessagesAsync(
            store =>
            {
                var contact = store.GetContact(connection);
                List<ChatItem> items = contact is null ? [] : [.. messages.Select(message => store.Advance(contact.Id, message, status, notice)).OfType<ChatItem>()];
                List<ChatFileId> ended = contact is null ? [] : [.. messages.Select(message => FileExchange.Advance(store, contact.Id, message, status, notice)).OfType<ChatFileId>()];
                List<FileRow> given = contact is null || status != ItemStatus.Failed ? [] : [.. messages.Select(message => FileExchange.GiveUp(store, contact.Id, message, notice)).OfType<FileRow>()];
                return (Contact: contact, Items: items, Files: ended, GivenUp: given);
            },
            cancellationToken);
        foreach (var file in changed.GivenUp)
            await files.EndTransferAsync(file, cancellationToken);
        foreach (var item in changed.Items)
            await tell(new ChatEvent.StatusChanged(changed.Contact!, item), cancellationToken);

        foreach (var file in changed.Files)
            await files.TellOfEndAsync(file, cancellationToken);
    }

    private async Task HandleSubscriptionsAsync(AgentEvent.SubscriptionsFailed failures, CancellationToken cancellationToken)
    {
        var lasting = failures.Failures.Where(static failure => !failure.Error.IsTransient).ToList();
        if (lasting.Count == 0)
            return;
        var contacts = await database.ReadAsync(session => new ChatStore(session).CountContacts(lasting.Select(static failure => failure.Connection)), cancellationToken);
        if (contacts > 0)
            await tell(new ChatEvent.Problem($"The relay {failures.Server} no longer has the queues of {contacts} of your contacts: connect with them again."), cancellationToken);
    }

    private async Task TellOfServerAsync(IReadOnlyList<ConnectionId> connections, Func<int, ChatEvent> create, CancellationToken cancellationToken)
    {
        var contacts = await database.ReadAsync(session => new ChatStore(session).CountContacts(connections), cancellationToken);
        if (contacts > 0)
            await tell(create(contacts), cancellationToken);
    }

    private async Task TellOfContactAsync(ConnectionId connection, Func<string, string> describe, CancellationToken cancellationToken)
    {
        var contact = await database.ReadAsync(session => new ChatStore(session).GetContact(connection), cancellationToken);
        await tell(new ChatEvent.Problem(describe(contact?.Name ?? "A connection")), cancellationToken);
    }

    private Contact Add(ChatStore store, ConnectionId connection, ChatMessage info, bool isPostQuantum)
    {
        // A link that an earlier process made and did not live to note.
        if (!store.HasConnection(connection))
            store.AddConnection(connection, "", isOurs: true, options.Time.GetUtcNow());
        return store.AddContact(connection, info.Profile!, info.Versions, isPostQuantum, options.Time.GetUtcNow());
    }

    private Task<T> TransactAsync<T>(Func<ChatStore, T> step, CancellationToken cancellationToken) =>
        database.TransactAsync(session => step(new ChatStore(session)), cancellationToken);

    private static bool TryReadProfile(Wire.Bytes info, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out ChatMessage? message)
    {
        message = ChatBody.Decode(info.Span).OfType<ChatBodyItem.Message>().Select(static item => item.Value).FirstOrDefault(static message => message.Profile is not null);
        return message is not null;
    }

    private static string? Notice(MessageMeta meta) => meta.Integrity switch
    {
        MessageIntegrity.Ok => null,
        MessageIntegrity.Skipped skipped when skipped.First == skipped.Last => "The message before this one was lost.",
        MessageIntegrity.Skipped skipped => $"{skipped.Last - skipped.First + 1} messages before this one were lost.",
        MessageIntegrity.BadHash => "The message before this one is not the one that was sent.",
        MessageIntegrity.BadId or MessageIntegrity.Duplicate => "This message is out of order.",
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    /// <summary>What a message was turned into, and what it sets going.</summary>
    private sealed class StoredMessage
    {
        public List<ChatEvent> Events { get; } = [];

        /// <summary>Files that may be accepted without being asked for.</summary>
        public List<ChatFileId> Offered { get; } = [];

        /// <summary>Files for which something is next.</summary>
        public List<ChatFileId> Moved { get; } = [];
    }
}
