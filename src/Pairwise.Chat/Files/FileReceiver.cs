using Pairwise.Agent;
using Pairwise.Agent.Files;
using Pairwise.Chat.Protocol;
using Pairwise.Chat.Store;
using Pairwise.Protocol;
using Pairwise.Protocol.Xftp;
using Pairwise.Storage;

namespace Pairwise.Chat.Files;

/// <summary>The steps of files that contacts send. Called in the turn of <see cref="FileExchange"/>.</summary>
internal sealed class FileReceiver(Database database, IAgentClient agent, MessageSender sender, ChatOptions options, FilePlaces places, FileConnections connections, Func<ChatEvent, CancellationToken, ValueTask> tell)
{
    private volatile bool _encryptsFiles;

    public bool EncryptsFiles
    {
        get => _encryptsFiles;
        set => _encryptsFiles = value;
    }

    /// <summary>Removes a file that nobody wants any more.</summary>
    public static void Remove(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Its folder is gone or was made read-only since: the user's own doing, and not ours to undo.
        }
    }

    /// <exception cref="ChatException">A file like this cannot be accepted; the sentence says why.</exception>
    public static void CheckAcceptable(FileRow row, bool isInlineWanted)
    {
        var number = row.File.Id;
        switch (row.File.State)
        {
            case FileState.ReceiveInvitation or FileState.ReceiveAborted:
                break;
            case FileState.ReceiveError when row is { Inline: InlineMode.None, Transfer: not null }:
                // It failed at its relays: they may have come back.
                break;
            case FileState.ReceiveError:
                throw new ChatException(ChatError.NoFile, row.File.Error ?? $"File {number} cannot be received: ask for it again.");
            case FileState.ReceiveAccepted or FileState.ReceiveTransfer:
                throw new ChatException(ChatError.NoFile, $"File {number} is being received already: /fs {number} shows how far it is.");
            case FileState.ReceiveComplete:
                throw new ChatException(ChatError.NoFile, $"File {number} is here already, at {row.File.Path}.");
            case FileState.ReceiveCancelled:
                throw new ChatException(ChatError.NoFile, $"The sender has cancelled file {number}.");
            default:
                throw new ChatException(ChatError.NoFile, $"File {number} is one that you send.");
        }

        if (row.File.Size > XftpLimits.HardMaxFileSize)
            throw new ChatException(ChatError.TooLong, $"File {number} is larger than 5 GB, the most that can be received.");
        if (row.Inline == InlineMode.Offer && row.File.Size > IncomingFiles.MaxInlineSize && !isInlineWanted)
            throw new ChatException(ChatError.TooLong, $"File {number} would come inside the conversation and is large for that: /fr {number} inline=on takes it.");
    }

    /// <exception cref="ChatException">It cannot be accepted; the sentence says why.</exception>
    public async Task AcceptAsync(FileRow row, AcceptOptions accept, CancellationToken cancellationToken)
    {
        CheckAcceptable(row, accept.IsInlineWanted);
        var description = row is { IsDescribed: true, Inline: InlineMode.None } ? Parse(row) : null;
        var isApproved = row.IsApproved || accept.IsApproved;
        if (description is not null && !isApproved && await FindUnapprovedAsync(description, cancellationToken) is [_, ..] unapproved)
            throw new ChatException(ChatError.NotApproved, NotApproved(row.File.Id, unapproved));

        var path = await database.ReadChatAsync(store => places.FindToReceive(row.File.Name, accept.Path, store.Files.IsPathTaken), cancellationToken);
        var target = accept.IsEncrypted ?? EncryptsFiles ? LocalFile.Encrypted(path, options.Random) : new LocalFile(path);
        FileTransferId? transfer = row.Inline == InlineMode.None ? FileTransferId.Generate(options.Random) : null;
        await database.ChangeChatAsync(store => store.Files.Accept(row.File.Id, path, target.Key, isApproved, transfer), cancellationToken);
        var accepted = (await database.ReadChatAsync(store => store.Files.Get(row.File.Id), cancellationToken))!;
        try
        {
            if (description is not null)
                await BeginAsync(accepted, description, cancellationToken);
            else if (row.Inline == InlineMode.Offer)
                await AskForPiecesAsync(accepted, cancellationToken);
            else if (row.Inline == InlineMode.Connection)
                await connections.AskAsync(accepted, cancellationToken);
        }
        catch (AgentException e) when (!e.IsTransient || row.Inline == InlineMode.Connection)
        {
            await OfferAgainAsync(row.File.Id);
            throw row.Inline == InlineMode.Connection ? ChatErrors.From(e) : ChatErrors.FromFile(e);
        }
        catch (ChatException)
        {
            await OfferAgainAsync(row.File.Id);
            throw;
        }
    }

    /// <exception cref="ChatException">There is nothing to cancel.</exception>
    public async Task CancelAsync(FileRow row, CancellationToken cancellationToken)
    {
        switch (row.File.State)
        {
            case FileState.ReceiveComplete:
                throw new ChatException(ChatError.NoFile, $"File {row.File.Id} is here already, at {row.File.Path}.");
            case FileState.ReceiveCancelled:
                throw new ChatException(ChatError.NoFile, $"File {row.File.Id} was cancelled already.");
            case FileState.ReceiveError when row.Transfer is null:
                throw new ChatException(ChatError.NoFile, row.File.Error ?? $"File {row.File.Id} failed: there is nothing to cancel.");
            default:
                // What comes over file relays can be asked for again; what comes inside the conversation comes once.
                await database.ChangeChatAsync(
                    store =>
                    {
                        store.Files.Offer(row.File.Id, row.Inline == InlineMode.None || row.File.State == FileState.ReceiveInvitation ? FileState.ReceiveInvitation : FileState.ReceiveCancelled, null);
                        store.Files.RemovePieces(row.File.Id);
                    },
                    cancellationToken);
                // After the row: should the process end in between, the agent's next word is about a transfer that no row knows,
                // which ends it.
                if (row.Transfer is { } transfer)
                    await agent.Files.CancelAsync(transfer, cancellationToken);
                await connections.EndAsync(row.File.Id, waitForDelivery: false, cancellationToken);
                break;
        }
    }

    /// <summary>Does what is next.</summary>
    public async Task StepAsync(FileRow row, CancellationToken cancellationToken)
    {
        switch (row)
        {
            case { File.State: FileState.ReceiveCancelled, Transfer: { } transfer }:
                await agent.Files.CancelAsync(transfer, cancellationToken);
                await database.ChangeChatAsync(store => store.Files.EndTransfer(row.File.Id), cancellationToken);
                break;
            case { File.State: FileState.ReceiveCancelled, Inline: InlineMode.Connection }:
                await connections.EndAsync(row.File.Id, waitForDelivery: false, cancellationToken);
                break;
            case { File.State: FileState.ReceiveAccepted, Inline: InlineMode.None, IsDescribed: true }:
                await BeginDescribedAsync(row, cancellationToken);
                break;
            case { File.State: FileState.ReceiveAccepted, Inline: InlineMode.Offer or InlineMode.Connection, Pieces: 0 }:
                await AskAgainAsync(row, cancellationToken);
                break;
            case { File.State: FileState.ReceiveAccepted or FileState.ReceiveTransfer, Inline: not InlineMode.None }:
                await AssembleAsync(row, cancellationToken);
                break;
            default:
                // It waits for its sender, for us, or for the agent.
                break;
        }
    }

    /// <summary>The agent has the whole file.</summary>
    public async Task CompleteAsync(FileRow row, AgentEvent.FileReceived received, CancellationToken cancellationToken)
    {
        if (row.File.State == FileState.ReceiveComplete)
            return;
        if (row.File.State is not (FileState.ReceiveAccepted or FileState.ReceiveTransfer))
        {
            Remove(received.Target.Path);
            return;
        }

        await database.ChangeChatAsync(
            store =>
            {
                store.Files.SetPath(row.File.Id, received.Target.Path);
                store.Files.SetState(row.File.Id, FileState.ReceiveComplete);
            },
            cancellationToken);
        await TellAsync(row.File.Id, static (contact, item) => new ChatEvent.FileCompleted(contact, item), cancellationToken);
    }

    private async Task BeginDescribedAsync(FileRow row, CancellationToken cancellationToken)
    {
        try
        {
            var description = Parse(row);
            if (!row.IsApproved && await FindUnapprovedAsync(description, cancellationToken) is [_, ..] unapproved)
            {
                await FailAsync(store => store.Files.Offer(row.File.Id, FileState.ReceiveAborted, NotApproved(row.File.Id, unapproved)));
                return;
            }

            await BeginAsync(row, description, cancellationToken);
            await TellAsync(row.File.Id, static (contact, item) => new ChatEvent.FileStarted(contact, item), cancellationToken);
        }
        catch (ChatException e)
        {
            await FailAsync(store => store.Files.SetState(row.File.Id, FileState.ReceiveError, e.Message));
        }
        catch (AgentException e) when (!e.IsTransient)
        {
            await FailAsync(store => store.Files.SetState(row.File.Id, FileState.ReceiveError, FileErrors.Sentence(e.Error)));
        }

        async Task FailAsync(Action<ChatStore> change)
        {
            await database.ChangeChatAsync(change, cancellationToken);
            await TellAsync(row.File.Id, static (contact, item) => new ChatEvent.FileFailed(contact, item), cancellationToken);
        }
    }

    // Saying it again after a crash does nothing.
    private async Task BeginAsync(FileRow row, FileDescription description, CancellationToken cancellationToken)
    {
        var user = await UserAsync(cancellationToken);
        // Those that are left are relays of this very machine. A description that leads on to another one is never approved of for
        // their sake: who knows where it leads.
        var isApproved = row.IsApproved || (description.Redirect is null && agent.Files.FindUnapproved(user, description).Count > 0);
        await agent.Files.ReceiveFileAsync(user, row.Transfer!.Value, description, new LocalFile(row.File.Path!, row.Key), isApproved, cancellationToken);
        await database.ChangeChatAsync(store => store.Files.SetState(row.File.Id, FileState.ReceiveTransfer), cancellationToken);
    }

    // The process ended before it had asked; once it has, this does nothing.
    private async Task AskAgainAsync(FileRow row, CancellationToken cancellationToken)
    {
        try
        {
            if (row.Inline == InlineMode.Connection)
                await connections.AskAsync(row, cancellationToken);
            else if (await database.ReadChatAsync(store => store.Files.GetLastMessage(row.File.Id), cancellationToken) is null)
                await AskForPiecesAsync(row, cancellationToken);
        }
        catch (Exception e) when (e is ChatException or AgentException { IsTransient: false })
        {
            await OfferAgainAsync(row.File.Id);
            throw;
        }
    }

    private async Task OfferAgainAsync(ChatFileId file)
    {
        await connections.EndAsync(file, waitForDelivery: false, CancellationToken.None);
        await database.ChangeChatAsync(store => store.Files.Offer(file, FileState.ReceiveInvitation, null), CancellationToken.None);
    }

    private async Task AskForPiecesAsync(FileRow row, CancellationToken cancellationToken)
    {
        var (contact, connection) = await database.ReadChatAsync(store => (store.GetContact(row.Contact)!, store.GetConnection(row.Contact)), cancellationToken);
        if (connection is not { } open || contact.State == ContactState.DeletedByPeer || row.Shared is not { } shared)
            throw new ChatException(ChatError.NotReady, $"The connection with {contact.Name} is gone: the file cannot be asked for.");
        await sender.SendEventAsync(
            contact,
            open,
            ChatMessage.FileAccept(SharedMessageId.Create(options.Random), shared, row.OfferedName),
            cancellationToken,
            (store, accepted) => store.Files.SetAsked(row.File.Id, accepted.Id));
    }

    private async Task AssembleAsync(FileRow row, CancellationToken cancellationToken)
    {
        var here = (long)row.Pieces * ChatMessageLimits.InlineChunkLength;
        if (here < row.File.Size)
        {
            // A few pieces inside the conversation are here before anybody has read of them.
            if (row.Inline == InlineMode.Connection)
                await TellAsync(row.File.Id, (contact, item) => new ChatEvent.FileProgress(contact, item with { File = item.File! with { Done = here, Total = row.File.Size } }), cancellationToken);
            return;
        }

        if (row.File.Path is not { } path)
        {
            path = await database.ReadChatAsync(store => places.FindToReceive(row.File.Name, null, store.Files.IsPathTaken), cancellationToken);
            var key = EncryptsFiles ? FileKey.Generate(options.Random) : null;
            await database.ChangeChatAsync(store => store.Files.SetTarget(row.File.Id, path, key), cancellationToken);
            row = (await database.ReadChatAsync(store => store.Files.Get(row.File.Id), cancellationToken))!;
        }

        var pieces = await database.ReadChatAsync(store => store.Files.GetPieces(row.File.Id), cancellationToken);
        if (pieces.Sum(static piece => (long)piece.Length) < row.File.Size)
            return;
        try
        {
            path = await WriteAsync(new LocalFile(path, row.Key), row, pieces.SelectMany(static piece => piece).ToArray(), cancellationToken);
            await database.ChangeChatAsync(
                store =>
                {
                    store.Files.SetTarget(row.File.Id, path, row.Key);
                    store.Files.SetState(row.File.Id, FileState.ReceiveComplete);
                    store.Files.RemovePieces(row.File.Id);
                },
                cancellationToken);
            await TellAsync(row.File.Id, static (contact, item) => new ChatEvent.FileCompleted(contact, item), cancellationToken);
            await connections.EndAsync(row.File.Id, waitForDelivery: false, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await database.ChangeChatAsync(store => store.Files.SetError(row.File.Id, $"{path} cannot be written: {e.Message} The file is kept, and written at the next start."), cancellationToken);
            await TellAsync(row.File.Id, static (contact, item) => new ChatEvent.FileDelayed(contact, item), cancellationToken);
        }
    }

    // The path was chosen when the file was accepted, perhaps days ago: what has come to be there since is the user's.
    private async Task<string> WriteAsync(LocalFile target, FileRow row, byte[] content, CancellationToken cancellationToken)
    {
        if (File.Exists(target.Path))
        {
            if (await HasContentAsync(target, content, cancellationToken))
                return target.Path; // written before a crash
            target = target with { Path = await database.ReadChatAsync(store => places.FindToReceive(row.File.Name, null, store.Files.IsPathTaken), cancellationToken) };
        }

        var part = target with { Path = Path.Combine(Path.GetDirectoryName(target.Path)!, $".{row.File.Id}.inline.part") };
        try
        {
            await part.WriteAllAsync(content, FileMode.Create, cancellationToken);
            File.Move(part.Path, target.Path, overwrite: false);
        }
        finally
        {
            File.Delete(part.Path);
        }

        return target.Path;
    }

    private static async Task<bool> HasContentAsync(LocalFile file, byte[] content, CancellationToken cancellationToken)
    {
        try
        {
            var present = await file.ReadAllAsync(content.Length, cancellationToken);
            return content.AsSpan().SequenceEqual(present);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            return false; // longer, or not encrypted with this file's key
        }
    }

    private static FileDescription Parse(FileRow row)
    {
        var description = Read(row);
        // What was agreed to is the size in the offer; the encrypted file adds its header and the padding.
        const int longestHeader = 1024;
        return (description.Redirect?.Size ?? description.Size) <= ChunkPlan.Split(ChunkPlan.PayloadSize(longestHeader, row.File.Size)).Sum(static size => (long)size)
            ? description
            : throw new ChatException(ChatError.NoFile, $"File {row.File.Id} is larger than its sender said: it is not received.");
    }

    private static FileDescription Read(FileRow row) =>
        FileDescriptionCodec.TryDecode(row.Description, out var description) && description.Party == FileParty.Recipient
            ? description
            : throw new ChatException(ChatError.NoFile, $"What the sender said about file {row.File.Id} cannot be read: ask for it again.");

    // A relay on this machine sees no address that says anything.
    private async Task<IReadOnlyList<ServerAddress>> FindUnapprovedAsync(FileDescription description, CancellationToken cancellationToken) =>
        [.. agent.Files.FindUnapproved(await UserAsync(cancellationToken), description).Where(server => description.Redirect is not null || !server.Hosts.All(static host => host.IsThisMachine))];

    private static string NotApproved(ChatFileId file, IReadOnlyList<ServerAddress> servers) =>
        $"File {file} is at relays that you do not use yourself, and they would see your network address: {string.Join(", ", servers.Select(static server => server.Hosts[0].Name).Distinct())}. If you agree: /fr {file} approved_relays=on";

    private async Task TellAsync(ChatFileId file, Func<Contact, ChatItem, ChatEvent> create, CancellationToken cancellationToken)
    {
        if (await database.ReadChatAsync(store => store.FindLine(file), cancellationToken) is var (contact, item))
            await tell(create(contact, item), cancellationToken);
    }

    private async Task<UserId> UserAsync(CancellationToken cancellationToken) => (await database.ReadChatAsync(static store => store.GetOwnProfile(), cancellationToken))!.Value.User;
}
