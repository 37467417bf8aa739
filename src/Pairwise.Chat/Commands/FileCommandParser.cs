using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Pairwise.Chat.Commands;

/// <summary>Reads commands about files. It looks nothing up.</summary>
internal static class FileCommandParser
{
    private const string Summary = "servers summary ";

    /// <summary>Every command about files with its meaning: <c>/help files</c>.</summary>
    public static readonly IReadOnlyList<HelpEntry> Help =
    [
        new("/file @NAME PATH", "send a file (also /f)"),
        new("/image @NAME PATH", "send a picture with a preview: jpg, png or gif (also /img)"),
        new("/voice @NAME SECONDS PATH", "send a voice message"),
        new("/video @NAME SECONDS PATH [PICTURE]", "send a video; the picture is shown before it is loaded"),
        new("/freceive ID [PATH]", "receive a file, into a folder or under a name (also /fr); before PATH may stand:"),
        new("  approved_relays=on", "its relays may see your network address"),
        new("  encrypt=on|off", "keep it encrypted here, or not (on, unless /_files_encrypt says otherwise)"),
        new("  inline=on", "take it inside the conversation even if it is large for that"),
        new("/_set_file_to_receive ID", "receive a file at the next start; approved_relays=on and encrypt=on|off may follow"),
        new("/fcancel ID", "stop sending or receiving a file; one that was sent is deleted from its relays (also /fc)"),
        new("/fstatus ID", "how far a file is (also /fs)"),
        new("/fforward @NAME ID", "send a received file on (also /ff); /imgf as a picture"),
        new("/fdescription @NAME PATH", "send a file that is on file relays already: PATH is a description that xftp send has written (also /fd)"),
        new("/fexport ID PATH", "write a readable copy of a file that is kept encrypted (also /fe)"),
        new("/xftp [ADDRESS...]", "show or set the file relays for new files; /xftp default goes back to the default"),
        new("/xftp test ADDRESS", "try a file relay out: connect, upload, download, compare, delete"),
        new("/get servers summary 1", "what was done at each file relay: chunks, KiB, attempts, errors (1: your profile)"),
        new("/reset servers stats", "begin to count that anew"),
        new("/_upload 1 PATH", "upload a file and get a link by which anybody downloads it (1: your profile)"),
        new("/_download 1 LINK PATH", "download the file of such a link, from whatever relays it names"),
        new("  key=KEY nonce=NONCE", "before PATH in /file, /image, /voice, /_upload: PATH is encrypted with these; /_download: encrypt it with them"),
        new("/_download info LINK", "what a link says, without fetching anything"),
        new("/_files_folder PATH", "folder for received files, and for the paths of files to send (also /files_folder)"),
        new("/_files_encrypt on|off", "whether received files are kept encrypted"),
        new("/_send @ID json JSON", "send a message with a file as other programs write it; /info shows the ID of a contact"),
    ];

    /// <summary>First words, for completion.</summary>
    public static readonly IReadOnlyList<string> Words =
        ["/file ", "/image ", "/voice ", "/video ", "/freceive ", "/fcancel ", "/fstatus ", "/fforward ", "/fdescription ", "/fexport ", "/xftp", "/files_folder "];

    /// <summary>Null when the word is none of these commands.</summary>
    public static (ChatCommand? Command, string? Fault)? Parse(string word, string rest) => word switch
    {
        "/file" or "/f" => ParseSending(rest, "/file @NAME PATH", static (name, path) => new ChatCommand.SendFile(name, TypedFile.Parse(path))),
        "/image" or "/img" => ParseSending(rest, "/image @NAME PATH", static (name, path) => new ChatCommand.SendImage(name, TypedFile.Parse(path))),
        "/voice" => ParseTimed(rest, "/voice @NAME SECONDS PATH", static (name, seconds, path) => new ChatCommand.SendVoice(name, seconds, TypedFile.Parse(path))),
        "/video" => ParseTimed(rest, "/video @NAME SECONDS PATH [PICTURE]", static (name, seconds, path) => new ChatCommand.SendVideo(name, seconds, path)),
        "/fdescription" or "/fd" => ParseSending(rest, "/fd @NAME PATH", static (name, path) => new ChatCommand.SendFileDescription(name, path)),
        "/fforward" or "/ff" => ParseForward(rest, "/fforward @NAME ID", isImage: false),
        "/image_forward" or "/imgf" => ParseForward(rest, "/imgf @NAME ID", isImage: true),
        "/freceive" or "/fr" => ParseReceive(rest),
        "/_set_file_to_receive" => ParseReceiveLater(rest),
        "/fcancel" or "/fc" => ParseNumber(rest, "/fcancel ID", static file => new ChatCommand.CancelFile(file)),
        "/fstatus" or "/fs" => ParseNumber(rest, "/fstatus ID", static file => new ChatCommand.ShowFile(file)),
        "/fexport" or "/fe" => ParseExport(rest),
        "/xftp" when rest.StartsWith("test ", StringComparison.Ordinal) => (new ChatCommand.TestServer(rest[5..].Trim()), null),
        "/xftp" => (rest.Length == 0 ? new ChatCommand.ShowFileServers() : new ChatCommand.SetFileServers(ChatCommandParser.ReadServers(rest)), null),
        "/_files_folder" or "/files_folder" => rest.Length == 0 ? (null, "Write /_files_folder PATH.") : (new ChatCommand.SetFilesFolder(rest), null),
        "/_files_encrypt" => rest switch
        {
            "on" => (new ChatCommand.SetFilesEncryption(true), null),
            "off" => (new ChatCommand.SetFilesEncryption(false), null),
            _ => (null, "Write /_files_encrypt on or /_files_encrypt off."),
        },
        "/_temp_folder" => (null, "The folder for files on their way is chosen at the start: pairwise --temp-folder PATH."),
        "/_upload" => TryReadUser(rest, out var user, out var path) ? (new ChatCommand.UploadStandalone(user, TypedFile.Parse(path)), null) : (null, "Write /_upload 1 PATH: 1 is the number of your profile."),
        "/_download" => ParseDownload(rest),
        "/get" when rest.StartsWith(Summary, StringComparison.Ordinal) && long.TryParse(rest[Summary.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out var counted) =>
            (new ChatCommand.CountFileServers(counted), null),
        "/get" => (null, "Write /get servers summary 1: 1 is the number of your profile."),
        "/reset" => rest == "servers stats" ? (new ChatCommand.ResetFileServers(), null) : (null, "Write /reset servers stats."),
        "/_send" => ParseComposed(rest),
        _ => null,
    };

    private static (ChatCommand?, string?) ParseSending(string rest, string syntax, Func<string, string, ChatCommand> create) =>
        TryReadName(rest, out var name, out var path) && path.Length > 0 ? (create(name, path), null) : (null, $"Write {syntax}.");

    // As everywhere in commands about files the '@' may be left out.
    private static bool TryReadName(string rest, [NotNullWhen(true)] out string? name, out string after) =>
        ChatCommandParser.TryReadName(rest.StartsWith('@') ? rest : "@" + rest, out name, out after);

    private static (ChatCommand?, string?) ParseTimed(string rest, string syntax, Func<string, int, string, ChatCommand> create)
    {
        if (!TryReadName(rest, out var name, out var after))
            return (null, $"Write {syntax}.");
        var (word, path) = ChatCommandParser.SplitWord(after);
        return int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && path.Length > 0
            ? (create(name, seconds, path), null)
            : (null, $"Write {syntax}.");
    }

    private static (ChatCommand?, string?) ParseForward(string rest, string syntax, bool isImage) =>
        TryReadName(rest, out var name, out var number) && TryReadFile(number, out var file)
            ? (new ChatCommand.ForwardFile(name, file, isImage), null)
            : (null, $"Write {syntax}.");

    // receive = number [" approved_relays=" onOff] [" encrypt=" onOff] [" inline=" onOff] [" " path]
    private static (ChatCommand?, string?) ParseReceive(string rest)
    {
        const string Syntax = "Write /freceive ID [approved_relays=on] [encrypt=on|off] [inline=on] [PATH].";
        var (number, after) = ChatCommandParser.SplitWord(rest);
        if (!TryReadFile(number, out var file))
            return (null, Syntax);
        if (!TryReadOption(ref after, "approved_relays=", out var isApproved) || !TryReadOption(ref after, "encrypt=", out var isEncrypted) || !TryReadOption(ref after, "inline=", out var isInline))
            return (null, Syntax);
        return (new ChatCommand.ReceiveFile(file, isApproved ?? false, isEncrypted, isInline ?? false, after.Length == 0 ? null : after), null);
    }

    // receiveLater = number [" approved_relays=" onOff] [" encrypt=" onOff]
    private static (ChatCommand?, string?) ParseReceiveLater(string rest)
    {
        var (number, after) = ChatCommandParser.SplitWord(rest);
        return TryReadFile(number, out var file) && TryReadOption(ref after, "approved_relays=", out var isApproved) && TryReadOption(ref after, "encrypt=", out var isEncrypted) && after.Length == 0
            ? (new ChatCommand.ReceiveFileLater(file, isApproved ?? false, isEncrypted), null)
            : (null, "Write /_set_file_to_receive ID [approved_relays=on] [encrypt=on|off].");
    }

    private static bool TryReadOption(ref string text, string name, out bool? isOn)
    {
        isOn = null;
        if (!text.StartsWith(name, StringComparison.Ordinal))
            return true;
        var (word, after) = ChatCommandParser.SplitWord(text);
        isOn = word[name.Length..] switch
        {
            "on" => true,
            "off" => false,
            _ => null,
        };
        text = after;
        return isOn is not null;
    }

    private static (ChatCommand?, string?) ParseExport(string rest)
    {
        var (number, path) = ChatCommandParser.SplitWord(rest);
        return TryReadFile(number, out var file) && path.Length > 0 ? (new ChatCommand.ExportFile(file, path), null) : (null, "Write /fexport ID PATH.");
    }

    // download = "info " link / user " " link " " path
    private static (ChatCommand?, string?) ParseDownload(string rest)
    {
        var (first, after) = ChatCommandParser.SplitWord(rest);
        if (first == "info" && after.Length > 0)
            return (new ChatCommand.ShowFileLink(after), null);
        if (TryReadUser(rest, out var user, out after) && ChatCommandParser.SplitWord(after) is (var link, { Length: > 0 } path))
            return (new ChatCommand.DownloadStandalone(user, link, TypedFile.Parse(path)), null);
        return (null, "Write /_download 1 LINK PATH, where 1 is the number of your profile, or /_download info LINK.");
    }

    private static bool TryReadUser(string text, out long user, out string after)
    {
        (var number, after) = ChatCommandParser.SplitWord(text);
        return long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out user) && after.Length > 0;
    }

    private static (ChatCommand?, string?) ParseNumber(string rest, string syntax, Func<ChatFileId, ChatCommand> create) =>
        TryReadFile(rest, out var file) ? (create(file), null) : (null, $"Write {syntax}; the number stands with the message that brought the file.");

    // composed = "@" contactId (" json " json / " text " text)
    private static (ChatCommand?, string?) ParseComposed(string rest)
    {
        const string Syntax = "Write /_send @ID json [...] or /_send @ID text TEXT.";
        var (contact, after) = ChatCommandParser.SplitWord(rest);
        var (kind, content) = ChatCommandParser.SplitWord(after);
        if (!contact.StartsWith('@') || !long.TryParse(contact.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out var id) || content.Length == 0)
            return (null, Syntax);
        return kind switch
        {
            "json" => (new ChatCommand.SendComposed(new ContactId(id), content), null),
            "text" => (new ChatCommand.SendComposed(new ContactId(id), ComposedMessages.OfText(content)), null),
            _ => (null, Syntax),
        };
    }

    private static bool TryReadFile(string text, out ChatFileId file)
    {
        var isNumber = long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number);
        file = new ChatFileId(number);
        return isNumber;
    }
}
