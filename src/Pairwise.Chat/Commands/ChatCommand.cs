using Pairwise.Chat.Protocol;

namespace Pairwise.Chat.Commands;

/// <summary>A command of the chat, parsed.</summary>
internal abstract record ChatCommand
{
    private protected ChatCommand()
    {
    }

    public sealed record ShowHelp : ChatCommand;

    public sealed record ShowFileHelp : ChatCommand;

    public sealed record SendFile(string Name, TypedFile File) : ChatCommand;

    public sealed record SendImage(string Name, TypedFile File) : ChatCommand;

    public sealed record SendVoice(string Name, int Seconds, TypedFile File) : ChatCommand;

    /// <param name="Paths">The video, and possibly a picture.</param>
    public sealed record SendVideo(string Name, int Seconds, string Paths) : ChatCommand;

    public sealed record ForwardFile(string Name, ChatFileId File, bool IsImage) : ChatCommand;

    public sealed record SendComposed(ContactId Contact, string Json) : ChatCommand;

    public sealed record ReceiveFile(ChatFileId File, bool IsApproved, bool? IsEncrypted, bool IsInlineWanted, string? Path) : ChatCommand;

    /// <summary>Receives a file at the next start.</summary>
    public sealed record ReceiveFileLater(ChatFileId File, bool IsApproved, bool? IsEncrypted) : ChatCommand;

    public sealed record CancelFile(ChatFileId File) : ChatCommand;

    public sealed record ShowFile(ChatFileId File) : ChatCommand;

    /// <summary>Sends a file that is on file relays already.</summary>
    public sealed record SendFileDescription(string Name, string Path) : ChatCommand;

    /// <summary>Uploads a file for whoever has its link.</summary>
    public sealed record UploadStandalone(long User, TypedFile File) : ChatCommand;

    public sealed record ShowFileLink(string Link) : ChatCommand;

    public sealed record DownloadStandalone(long User, string Link, TypedFile File) : ChatCommand;

    public sealed record CountFileServers(long User) : ChatCommand;

    public sealed record ResetFileServers : ChatCommand;

    public sealed record TestServer(string Address) : ChatCommand;

    public sealed record ExportFile(ChatFileId File, string Path) : ChatCommand;

    public sealed record ShowFileServers : ChatCommand;

    /// <param name="Addresses">None means the default ones.</param>
    public sealed record SetFileServers(IReadOnlyList<string> Addresses) : ChatCommand;

    public sealed record SetFilesFolder(string Folder) : ChatCommand;

    public sealed record SetFilesEncryption(bool IsOn) : ChatCommand;

    public sealed record ListContacts : ChatCommand;

    public sealed record CreateInvitation : ChatCommand;

    public sealed record Join(string Link) : ChatCommand;

    public sealed record SendText(string Name, string Text) : ChatCommand;

    /// <param name="Name">One contact's lines, or everybody's.</param>
    /// <param name="Count">How many at most.</param>
    public sealed record ShowTail(string? Name, int Count) : ChatCommand;

    public sealed record DeleteContact(string Name) : ChatCommand;

    public sealed record ShowContact(string Name) : ChatCommand;

    public sealed record ShowServers : ChatCommand;

    /// <param name="Addresses">None means the default ones.</param>
    public sealed record SetServers(IReadOnlyList<string> Addresses) : ChatCommand;

    public sealed record ShowProfile : ChatCommand;

    public sealed record SetProfile(string Name, string? FullName) : ChatCommand;

    /// <param name="Image">A <c>data:</c> URI, or null for none.</param>
    public sealed record SetImage(string? Image) : ChatCommand;

    public sealed record SetFeature(ChatFeature Feature, FeatureAllowed Allowed) : ChatCommand;

    /// <param name="Allowed">Null for what everybody may.</param>
    public sealed record SetContactFeature(ChatFeature Feature, string Name, FeatureAllowed? Allowed) : ChatCommand;

    public sealed record Quit : ChatCommand;
}
