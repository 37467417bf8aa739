using Pairwise.Agent;
using Pairwise.Agent.Files;
using Pairwise.Chat.Files;
using Pairwise.Chat.Images;
using Pairwise.Chat.Protocol;
using Pairwise.Chat.Store;
using Pairwise.Protocol;
using Pairwise.Protocol.Xftp;
using Pairwise.Storage;

namespace Pairwise.Chat.Commands;

/// <summary>Carries out commands about files. Thread-safe.</summary>
internal sealed class FileCommands(Database database, IAgentClient agent, MessageSender sender, FileExchange files, ContactFinder contacts, ChatOptions options)
{
    private readonly OwnFiles _own = new(database, agent, options, files.Places);

    // What other programs receive without being asked; larger pictures go as files.
    private const long MaxImageSize = 522_240;

    private static readonly string[] ImageExtensions = [".jpg", ".jpeg", ".png", ".gif"];

    /// <summary>Null when the command is none about files.</summary>
    public Task<ChatResponse>? Execute(ChatCommand command, UserId user, CancellationToken cancellationToken) => command switch
    {
        ChatCommand.SendFile send => SendAsync(send.Name, MessageContent.FileType, contact => _own.PrepareAsync(contact, send.File, cancellationToken), static _ => Task.FromResult(MessageContent.File()), cancellationToken),
        ChatCommand.SendImage send => SendAsync(send.Name, MessageContent.ImageType, contact => PrepareImageAsync(contact, send.File, cancellationToken), file => OfImageAsync(file, cancellationToken), cancellationToken),
        ChatCommand.SendVoice send => SendAsync(
            send.Name,
            MessageContent.VoiceType,
            contact => _own.PrepareAsync(contact, send.File, cancellationToken),
            _ => Task.FromResult(new MessageContent(MessageContent.VoiceType, "", send.Seconds)),
            cancellationToken),
        ChatCommand.SendVideo send => SendVideoAsync(send, cancellationToken),
        ChatCommand.ForwardFile forward => SendAsync(
            forward.Name,
            MessageContent.FileType,
            contact => _own.PrepareToForwardAsync(contact, forward.File, cancellationToken),
            file => forward.IsImage ? OfImageAsync(file, cancellationToken) : Task.FromResult(MessageContent.File()),
            cancellationToken),
        ChatCommand.SendComposed send => SendComposedAsync(send, cancellationToken),
        ChatCommand.ReceiveFile receive => ReceiveAsync(receive, cancellationToken),
        ChatCommand.ReceiveFileLater later => ReceiveLaterAsync(later, cancellationToken),
        ChatCommand.CancelFile cancel => CancelAsync(cancel.File, cancellationToken),
        ChatCommand.ShowFile show => ShowAsync(show.File, cancellationToken),
        ChatCommand.SendFileDescription send => SendDescriptionAsync(send, cancellationToken),
        ChatCommand.UploadStandalone upload => UploadAsync(upload, user, cancellationToken),
        ChatCommand.DownloadStandalone download => DownloadAsync(download, user, cancellationToken),
        ChatCommand.ShowFileLink show => Task.FromResult<ChatResponse>(ShowLink(show.Link)),
        ChatCommand.CountFileServers count => CountAsync(count.User, user, cancellationToken),
        ChatCommand.ResetFileServers => ResetAsync(cancellationToken),
        ChatCommand.TestServer test => TestServerAsync(test.Address, cancellationToken),
        ChatCommand.ExportFile export => ExportAsync(export, cancellationToken),
        ChatCommand.ShowFileServers => ShowServersAsync(cancellationToken),
        ChatCommand.SetFileServers set => SetServersAsync(set.Addresses, user, cancellationToken),
        ChatCommand.SetFilesFolder set => Task.FromResult<ChatResponse>(new ChatResponse.SettingChanged($"received files go to {files.Places.SetFolder(set.Folder)}")),
        ChatCommand.SetFilesEncryption set => SetEncryption(set.IsOn),
        _ => null,
    };

    /// <summary>Tells the agent the file relays.</summary>
    public async Task LoadAsync(UserId user, CancellationToken cancellationToken)
    {
        var servers = await database.ReadChatAsync(static store => store.Files.GetServers(), cancellationToken);
        agent.Files.SetServers(user, Chosen(servers));
    }

    private async Task<ChatResponse> SendAsync(string name, string contentType, Func<Contact, Task<NewFile>> prepareAsync, Func<NewFile, Task<MessageContent>> describeAsync, CancellationToken cancellationToken)
    {
        var (contact, connection) = await contacts.FindReadyAsync(name, cancellationToken);
        FeatureCommands.Check(contact, contentType, hasFile: true);
        var file = await prepareAsync(contact);
        return new ChatResponse.MessageAccepted(contact, await sender.SendAsync(contact, connection, await describeAsync(file), file, cancellationToken));
    }

    private async Task<NewFile> PrepareImageAsync(Contact contact, TypedFile typed, CancellationToken cancellationToken)
    {
        var file = await _own.PrepareAsync(contact, typed, cancellationToken);
        if (!ImageExtensions.Contains(Path.GetExtension(file.Name), StringComparer.OrdinalIgnoreCase))
            throw new ChatException(ChatError.File, "A picture is a jpg, png or gif: send this one with /file.");
        return file.Size <= MaxImageSize
            ? file
            : throw new ChatException(ChatError.File, $"A picture may have {MaxImageSize} bytes at most: make it smaller, or send it with /file.");
    }

    private static async Task<MessageContent> OfImageAsync(NewFile file, CancellationToken cancellationToken) =>
        MessageContent.Image(await ImagePreview.OfAsync(file.Source, cancellationToken));

    private async Task<ChatResponse> SendDescriptionAsync(ChatCommand.SendFileDescription send, CancellationToken cancellationToken)
    {
        var response = await SendAsync(
            send.Name,
            MessageContent.FileType,
            _ => _own.PrepareDescriptionAsync(send.Path, cancellationToken),
            static _ => Task.FromResult(MessageContent.File()),
            cancellationToken);
        // It is uploaded: the contact is told where at once.
        if (response is ChatResponse.MessageAccepted { Item.File: { } file })
            await files.ContinueAsync(file.Id, cancellationToken);
        return response;
    }

    private async Task<ChatResponse> SendVideoAsync(ChatCommand.SendVideo send, CancellationToken cancellationToken)
    {
        var (path, picture) = SplitPicture(send.Paths);
        var preview = picture is null ? ImagePreview.Placeholder : await ImagePreview.OfAsync(files.Places.FindToSend(picture).File, cancellationToken);
        return await SendAsync(
            send.Name,
            MessageContent.VideoType,
            contact => _own.PrepareAsync(contact, new TypedFile(path), cancellationToken),
            _ => Task.FromResult(new MessageContent(MessageContent.VideoType, "", send.Seconds, Preview: preview)),
            cancellationToken);
    }

    // Both may have spaces: the picture begins where a file ends that is there.
    private (string Path, string? Picture) SplitPicture(string paths)
    {
        for (var end = paths.LastIndexOf(' '); end > 0; end = paths.LastIndexOf(' ', end - 1))
        {
            if (!File.Exists(files.Places.Full(paths)) && File.Exists(files.Places.Full(paths[..end])))
                return (paths[..end], paths[(end + 1)..].Trim());
        }

        return (paths, null);
    }

    private async Task<ChatResponse> SendComposedAsync(ChatCommand.SendComposed send, CancellationToken cancellationToken)
    {
        var messages = ComposedMessages.Parse(send.Json);
        var (contact, connection) = await contacts.FindReadyAsync(send.Contact, cancellationToken);
        foreach (var message in messages)
            FeatureCommands.Check(contact, message.Content.Type, message.File is not null);
        // All files are looked at before the first message goes.
        var prepared = new List<(MessageContent Content, NewFile? File)>();
        foreach (var message in messages)
            prepared.Add((message.Content, message.File is { } file ? await _own.PrepareAsync(contact, file, cancellationToken) : null));
        var items = new List<ChatItem>();
        foreach (var (content, file) in prepared)
            items.Add(await sender.SendAsync(contact, connection, content, file, cancellationToken));
        return items is [var only] ? new ChatResponse.MessageAccepted(contact, only) : new ChatResponse.Tail([.. items.Select(item => new ChatLine(contact, item))]);
    }

    private async Task<ChatResponse> ReceiveAsync(ChatCommand.ReceiveFile receive, CancellationToken cancellationToken)
    {
        var (contact, item) = await files.AcceptAsync(receive.File, new AcceptOptions(receive.IsApproved, receive.IsEncrypted, receive.IsInlineWanted, receive.Path), cancellationToken);
        return new ChatResponse.FileAccepted(contact, item);
    }

    private async Task<ChatResponse> ReceiveLaterAsync(ChatCommand.ReceiveFileLater later, CancellationToken cancellationToken)
    {
        await files.AcceptLaterAsync(later.File, later.IsApproved, later.IsEncrypted, cancellationToken);
        return new ChatResponse.SettingChanged($"file {later.File} is received at the next start; /fr {later.File} receives it at once");
    }

    private async Task<ChatResponse> CancelAsync(ChatFileId file, CancellationToken cancellationToken)
    {
        if (await files.CancelStandaloneAsync(file, cancellationToken) is { } cancelled)
            return new ChatResponse.StandaloneCancelled(cancelled);
        var (contact, item) = await files.CancelAsync(file, cancellationToken);
        return new ChatResponse.FileCancelled(contact, item);
    }

    private async Task<ChatResponse> ShowAsync(ChatFileId file, CancellationToken cancellationToken)
    {
        if (await files.ShowStandaloneAsync(file, cancellationToken) is (var standalone, var link))
            return new ChatResponse.StandaloneShown(standalone, link);
        var (contact, item) = await files.ShowAsync(file, cancellationToken);
        return new ChatResponse.FileShown(contact, item);
    }

    private async Task<ChatResponse> UploadAsync(ChatCommand.UploadStandalone upload, UserId user, CancellationToken cancellationToken)
    {
        CheckUser(upload.User, user);
        return new ChatResponse.StandaloneStarted(await files.UploadAsync(upload.File, cancellationToken));
    }

    private async Task<ChatResponse> DownloadAsync(ChatCommand.DownloadStandalone download, UserId user, CancellationToken cancellationToken)
    {
        CheckUser(download.User, user);
        return new ChatResponse.StandaloneStarted(await files.DownloadAsync(ParseLink(download.Link).Description, download.File, cancellationToken));
    }

    private static ChatResponse.FileLinkShown ShowLink(string text)
    {
        var (description, data) = ParseLink(text);
        return new ChatResponse.FileLinkShown(
            data,
            description.Redirect?.Size ?? description.Size,
            [.. description.Chunks.SelectMany(static chunk => chunk.Replicas.Take(1)).Select(static replica => replica.Server.Hosts[0].Name).Distinct()]);
    }

    private static (FileDescription Description, string? Data) ParseLink(string text) =>
        FileLink.TryParse(text, out var link) ? (link.Description, link.ClientData)
        : FileWebLink.TryParse(text, out var description) ? (description, null)
        : throw new ChatException(ChatError.InvalidLink, "This is not the link of a file, or a part of it is missing: copy it whole, from simplex:/file or https:// to its end.");

    private async Task<ChatResponse> CountAsync(long typed, UserId user, CancellationToken cancellationToken)
    {
        CheckUser(typed, user);
        return new ChatResponse.FileServersCounted(await agent.Files.GetStatisticsAsync(user, cancellationToken));
    }

    private async Task<ChatResponse> ResetAsync(CancellationToken cancellationToken)
    {
        await agent.Files.ResetStatisticsAsync(cancellationToken);
        return new ChatResponse.SettingChanged("what is done at file relays is counted anew");
    }

    private static void CheckUser(long typed, UserId user)
    {
        if (typed != user.Value)
            throw new ChatException(ChatError.NoProfile, $"There is no profile with the number {typed}: yours is {user.Value}.");
    }

    private async Task<ChatResponse> TestServerAsync(string text, CancellationToken cancellationToken)
    {
        if (!ServerAddressWithPassword.TryParse(text, out var server) || server.Server.Protocol is not (ServerProtocol.Xftp or ServerProtocol.Smp))
            throw new ChatException(ChatError.InvalidServer, $"This is not the address of a relay: {text}. One looks like xftp://FINGERPRINT@HOST or smp://FINGERPRINT@HOST.");
        if (server.Server.Protocol == ServerProtocol.Xftp)
        {
            var failure = await agent.Files.TestServerAsync(server, cancellationToken);
            return new ChatResponse.ServerTested("XFTP", failure?.Step.ToString(), failure is null ? null : SentenceOf(failure));
        }

        var failed = await agent.TestServerAsync(server, cancellationToken);
        return new ChatResponse.ServerTested("SMP", failed?.Step.ToString(), failed is null ? null : ChatErrors.Describe(failed.Error));
    }

    // At this step it is not about a file that has expired.
    private static string SentenceOf(FileServerTestFailure failure) => failure is { Step: FileServerTestStep.CreateFile, Error: AgentError.FileServer { Error: XftpError.Auth } }
        ? "The relay takes no new files from you: check the password in its address (xftp://FINGERPRINT:PASSWORD@HOST)."
        : FileErrors.Sentence(failure.Error);

    private async Task<ChatResponse> ExportAsync(ChatCommand.ExportFile export, CancellationToken cancellationToken)
    {
        var (file, path) = await _own.ExportAsync(export.File, export.Path, cancellationToken);
        return new ChatResponse.FileExported(file, path);
    }

    private Task<ChatResponse> SetEncryption(bool isOn)
    {
        files.EncryptsFiles = isOn;
        return Task.FromResult<ChatResponse>(new ChatResponse.SettingChanged(isOn ? "received files are kept encrypted" : "received files are kept as they are, not encrypted"));
    }

    private async Task<ChatResponse> ShowServersAsync(CancellationToken cancellationToken)
    {
        var servers = await database.ReadChatAsync(static store => store.Files.GetServers(), cancellationToken);
        return new ChatResponse.FileServerList([.. Chosen(servers).Select(static server => server.Server.ToString())], servers.Count == 0);
    }

    private async Task<ChatResponse> SetServersAsync(IReadOnlyList<string> addresses, UserId user, CancellationToken cancellationToken)
    {
        foreach (var address in addresses)
        {
            if (!ServerAddressWithPassword.TryParse(address, out var server) || server.Server.Protocol != ServerProtocol.Xftp)
                throw new ChatException(ChatError.InvalidServer, $"This is not the address of a file relay: {address}. One looks like xftp://FINGERPRINT@HOST or xftp://FINGERPRINT@HOST:PORT.");
        }

        await database.ChangeChatAsync(store => store.Files.SetServers(addresses), cancellationToken);
        agent.Files.SetServers(user, Chosen(addresses));
        return await ShowServersAsync(cancellationToken);
    }

    private IReadOnlyList<ServerAddressWithPassword> Chosen(IReadOnlyList<string> addresses) => addresses.Count == 0
        ? options.FileServers
        : [.. addresses.Select(static address => ServerAddressWithPassword.TryParse(address, out var server)
            ? server
            : throw new ChatException(ChatError.Storage, $"A stored file relay address does not parse: {address}."))];
}
