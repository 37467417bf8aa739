using Pairwise.Agent;
using Pairwise.Agent.Files;
using Pairwise.Chat.Protocol;
using Pairwise.Chat.Store;
using Pairwise.Protocol.Xftp;
using Pairwise.Storage;

namespace Pairwise.Chat.Files;

/// <summary>Files of this machine: what goes out with a message, and readable copies of what came. It changes no rows. Thread-safe.</summary>
internal sealed class OwnFiles(Database database, IAgentClient agent, ChatOptions options, FilePlaces places)
{
    /// <summary>Nobody knows this number.</summary>
    public static ChatException NotFound(ChatFileId file) => new(ChatError.NoFile, $"There is no file {file}: the number stands with the message that brought it.");

    /// <summary>What a command wants to send, as it goes out with a message.</summary>
    /// <exception cref="ChatException">There is no such file, or no way to send it.</exception>
    public async Task<NewFile> PrepareAsync(Contact contact, string typed, CancellationToken cancellationToken)
    {
        var (path, length) = places.FindToSend(typed);
        return await PrepareAsync(contact, new LocalFile(path), Path.GetFileName(path), length, cancellationToken);
    }

    /// <summary>A received file, as it goes out with another message.</summary>
    /// <exception cref="ChatException">It is not here.</exception>
    public async Task<NewFile> PrepareToForwardAsync(Contact contact, ChatFileId file, CancellationToken cancellationToken)
    {
        var row = await FindAsync(file, cancellationToken);
        var source = Here(row);
        return await PrepareAsync(contact, source, row.File.Name, source.GetContentLength(), cancellationToken);
    }

    /// <summary>A file that is on file relays already, by its description: what the <c>xftp</c> command writes for a recipient.</summary>
    /// <exception cref="ChatException">It is no such description.</exception>
    public async Task<NewFile> PrepareDescriptionAsync(string typed, CancellationToken cancellationToken)
    {
        var (path, length) = places.FindToSend(typed);
        var text = length <= XftpLimits.MaxDescriptionLength ? await File.ReadAllTextAsync(path, cancellationToken) : "";
        if (!FileDescriptionCodec.TryDecode(text, out var description) || description.Party != FileParty.Recipient)
            throw new ChatException(ChatError.File, $"{path} is no file description for a recipient: give one that xftp send has written (rcv1.xftp).");
        return new NewFile(new LocalFile(path), FilePlaces.NameOfDescribed(path), description.Redirect?.Size ?? description.Size, InlineMode.None, null, static _ => Task.CompletedTask)
        {
            Description = FileDescriptionCodec.Encode(description),
        };
    }

    /// <summary>Writes a plain copy of a file that is here encrypted.</summary>
    public async Task<(ChatFile File, string Path)> ExportAsync(ChatFileId file, string typed, CancellationToken cancellationToken)
    {
        var row = await FindAsync(file, cancellationToken);
        var source = Here(row);
        var target = places.FindToReceive(row.File.Name, typed, static _ => false);
        var (isCreated, isWhole) = (false, false);
        try
        {
            await using (var reader = source.OpenRead())
            await using (var writer = new LocalFile(target).OpenWrite(FileMode.CreateNew))
            {
                isCreated = true;
                await reader.CopyToAsync(writer, cancellationToken);
                reader.CheckEnd();
                await writer.CompleteAsync(cancellationToken);
            }

            isWhole = true;
            return (row.File, target);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new ChatException(ChatError.File, $"The copy {target} could not be written: {e.Message}", innerException: e);
        }
        finally
        {
            // What came to be at this place by somebody else's hand is not ours to remove.
            if (isCreated && !isWhole)
                FileReceiver.Remove(target);
        }
    }

    private async Task<NewFile> PrepareAsync(Contact contact, LocalFile source, string name, long length, CancellationToken cancellationToken)
    {
        var user = await UserAsync(cancellationToken);
        if (await HasServersAsync(cancellationToken))
        {
            var transfer = FileTransferId.Generate(options.Random);
            return new NewFile(source, name, length, InlineMode.None, transfer, token => agent.Files.SendFileAsync(user, transfer, source, 1, token));
        }

        if (length > FileConnections.MaxSize)
            throw new ChatException(ChatError.File, $"There is no file relay, and without one only {FileConnections.MaxSize} bytes can be sent: set one with /xftp xftp://FINGERPRINT@HOST.");
        var inline = length <= FileSender.MaxInlineSize(contact, options) ? InlineMode.Offer : InlineMode.Connection;
        return new NewFile(source, name, length, inline, null, static _ => Task.CompletedTask);
    }

    private static LocalFile Here(FileRow row)
    {
        if (row is { IsOurs: true, File.Path: null })
            throw new ChatException(ChatError.NoFile, $"File {row.File.Id} is not on this machine: you sent its description.");
        if (row.File.Path is not { } path || row.File.State is not (FileState.ReceiveComplete or <= FileState.SendError))
            throw new ChatException(ChatError.NoFile, $"File {row.File.Id} is not here: /fr {row.File.Id} receives it.");
        return File.Exists(path)
            ? new LocalFile(path, row.Key)
            : throw new ChatException(ChatError.File, $"File {row.File.Id} is no longer at {path}.");
    }

    private async Task<bool> HasServersAsync(CancellationToken cancellationToken) =>
        options.FileServers.Count > 0 || (await database.ReadChatAsync(static store => store.Files.GetServers(), cancellationToken)).Count > 0;

    private async Task<FileRow> FindAsync(ChatFileId file, CancellationToken cancellationToken) =>
        await database.ReadChatAsync(store => store.Files.Get(file), cancellationToken) ?? throw NotFound(file);

    private async Task<UserId> UserAsync(CancellationToken cancellationToken) => (await database.ReadChatAsync(static store => store.GetOwnProfile(), cancellationToken))!.Value.User;
}
