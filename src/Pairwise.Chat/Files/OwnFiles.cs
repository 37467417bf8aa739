using Pairwise.Agent;
using Pairwise.Agent.Files;
using Pairwise.Chat.Commands;
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
    public async Task<NewFile> PrepareAsync(Contact contact, TypedFile typed, CancellationToken cancellationToken)
    {
        var (file, length) = places.FindToSend(typed.Path, typed.Key);
        return await PrepareAsync(contact, file, Path.GetFileName(file.Path), length, cancellationToken);
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
        var (file, length) = places.FindToSend(typed);
        var text = length <= XftpLimits.MaxDescriptionLength ? await File.ReadAllTextAsync(file.Path, cancellationToken) : "";
        if (!FileDescriptionCodec.TryDecode(text, out var description) || description.Party != FileParty.Recipient)
            throw new ChatException(ChatError.File, $"{file.Path} is no file description for a recipient: give one that xftp send has written (rcv1.xftp).");
        return new NewFile(file, FilePlaces.NameOfDescribed(file.Path), description.Redirect?.Size ?? description.Size, InlineMode.None, null, static _ => Task.CompletedTask)
        {
            Description = FileDescriptionCodec.Encode(description),
        };
    }

    /// <summary>Writes a plain copy of a file that is here encrypted.</summary>
    public async Task<(ChatFile File, string Path)> ExportAsync(ChatFileId file, string typed, CancellationToken cancellationToken)
    {
        var (known, source) = await FindHereAsync(file, cancellationToken);
        var target = places.FindToReceive(known.Name, typed, static _ => false);
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
            return (known, target);
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

        if (length == 0)
            throw new ChatException(ChatError.File, "An empty file can only be sent over a file relay, and there is none: set one with /xftp xftp://FINGERPRINT@HOST.");
        if (length > FileConnections.MaxSize)
            throw new ChatException(ChatError.File, $"There is no file relay, and without one only {FileConnections.MaxSize} bytes can be sent: set one with /xftp xftp://FINGERPRINT@HOST.");
        var inline = length <= FileSender.MaxInlineSize(contact, options) ? InlineMode.Offer : InlineMode.Connection;
        return new NewFile(source, name, length, inline, null, static _ => Task.CompletedTask);
    }

    private async Task<(ChatFile File, LocalFile Source)> FindHereAsync(ChatFileId file, CancellationToken cancellationToken)
    {
        if (await database.ReadChatAsync(store => store.Standalone.Get(file), cancellationToken) is { } standalone)
            return (standalone.File, Here(standalone.File, standalone.Key));
        var row = await FindAsync(file, cancellationToken);
        return (row.File, Here(row));
    }

    private static LocalFile Here(FileRow row)
    {
        if (row is { IsOurs: true, File.Path: null })
            throw new ChatException(ChatError.NoFile, $"File {row.File.Id} is not on this machine: you sent its description.");
        return Here(row.File, row.Key);
    }

    private static LocalFile Here(ChatFile file, FileKey? key)
    {
        if (file.Path is not { } path || file.State is not (FileState.ReceiveComplete or <= FileState.SendError))
            throw new ChatException(ChatError.NoFile, $"File {file.Id} is not here: /fr {file.Id} receives it.");
        return File.Exists(path)
            ? new LocalFile(path, key)
            : throw new ChatException(ChatError.File, $"File {file.Id} is no longer at {path}.");
    }

    private async Task<bool> HasServersAsync(CancellationToken cancellationToken) =>
        options.FileServers.Count > 0 || (await database.ReadChatAsync(static store => store.Files.GetServers(), cancellationToken)).Count > 0;

    private async Task<FileRow> FindAsync(ChatFileId file, CancellationToken cancellationToken) =>
        await database.ReadChatAsync(store => store.Files.Get(file), cancellationToken) ?? throw NotFound(file);

    private async Task<UserId> UserAsync(CancellationToken cancellationToken) => (await database.ReadChatAsync(static store => store.GetOwnProfile(), cancellationToken))!.Value.User;
}
