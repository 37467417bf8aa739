using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Pairwise.Chat.Protocol;

namespace Pairwise.Chat.Commands;

/// <summary>Reads what is typed into commands. It looks nothing up.</summary>
internal static class ChatCommandParser
{
    private const int DefaultTail = 10;
    private const int LongestTail = 10_000;

    /// <summary>Every command with its meaning, in the order of the help.</summary>
    public static readonly IReadOnlyList<HelpEntry> Help =
    [
        new("/connect", "make a one-time link for somebody (also /c)"),
        new("/connect LINK", "connect by somebody's link (also /c)"),
        new("@NAME TEXT", "send a message; a name with spaces in single quotes: @'alice smith' hello"),
        new("/contacts", "list your contacts (also /cs)"),
        new("/info @NAME", "relays, encryption and security code of a contact (also /i)"),
        new("/tail [@NAME] [NUMBER]", "the last messages, 10 if no number is given (also /t)"),
        new("/delete @NAME", "delete a contact and all messages (also /d)"),
        new("/smp", "show the relays for new connections"),
        new("/smp ADDRESS...", "set them; /smp default goes back to the default"),
        new("/profile [NAME [FULL NAME]]", "show or change your profile (also /p)"),
        new("/set profile image DATA", "set your picture, a data: URI; /delete profile image removes it"),
        new("/set voice yes", "allow voice messages: yes, no or always; /set voice @NAME no for one contact, /set files for files"),
        new("/file @NAME PATH", "send a file (also /f); /help files tells all about files (also /hf)"),
        new("/help", "this list (also /h)"),
        new("/quit", "leave (also /q)"),
    ];

    /// <summary>First words of commands, for completion.</summary>
    public static readonly IReadOnlyList<string> Words =
        ["/connect", "/contacts", "/delete", "/help", "/info", "/profile", "/quit", "/set files ", "/set profile image ", "/set voice ", "/smp", "/tail", .. FileCommandParser.Words];

    /// <summary>False with one sentence when the text is no command.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out ChatCommand? command, [NotNullWhen(false)] out string? fault)
    {
        (command, fault) = Parse(text.Trim());
        return command is not null;
    }

    private static (ChatCommand?, string?) Parse(string text)
    {
        if (text.StartsWith('@'))
            return ParseMessage(text);
        if (!text.StartsWith('/'))
            return (null, "To send a message write @NAME and the text; /help lists the commands.");
        var (word, rest) = SplitWord(text);
        return word switch
        {
            "/help" or "/h" when rest is "files" or "file" => (new ChatCommand.ShowFileHelp(), null),
            "/hf" => Alone(rest, new ChatCommand.ShowFileHelp()),
            "/help" or "/h" or "/?" => Alone(rest, new ChatCommand.ShowHelp()),
            "/contacts" or "/cs" => Alone(rest, new ChatCommand.ListContacts()),
            "/connect" or "/c" => rest.Length == 0 ? (new ChatCommand.CreateInvitation(), null) : (new ChatCommand.Join(rest), null),
            "/tail" or "/t" => ParseTail(rest),
            "/delete" or "/d" when rest == "profile image" => (new ChatCommand.SetImage(null), null),
            "/delete" or "/d" => Named(rest, "/delete @NAME", static name => new ChatCommand.DeleteContact(name)),
            "/info" or "/i" => Named(rest, "/info @NAME", static name => new ChatCommand.ShowContact(name)),
            "/smp" when rest.StartsWith("test ", StringComparison.Ordinal) => (new ChatCommand.TestServer(rest[5..].Trim()), null),
            "/smp" => ParseServers(rest),
            "/profile" or "/p" => ParseProfile(rest),
            "/set" when ParseFeature(rest) is { } feature => feature,
            "/set" => ParseImage(rest),
            "/quit" or "/q" or "/exit" => Alone(rest, new ChatCommand.Quit()),
            _ => FileCommandParser.Parse(word, rest) ?? (null, $"There is no command {word}; /help lists them."),
        };
    }

    private static (ChatCommand?, string?) ParseMessage(string text)
    {
        if (!TryReadName(text, out var name, out var rest))
            return (null, "Write @NAME and the text; a name with spaces in single quotes: @'alice smith' hello.");
        return rest.Length == 0 ? (null, $"There is no text after @{DisplayName.Quote(name)}.") : (new ChatCommand.SendText(name, rest), null);
    }

    private static (ChatCommand?, string?) ParseTail(string rest)
    {
        string? name = null;
        if (rest.StartsWith('@') && !TryReadName(rest, out name, out rest))
            return (null, "Write /tail [@NAME] [NUMBER].");
        if (rest.Length == 0)
            return (new ChatCommand.ShowTail(name, DefaultTail), null);
        return int.TryParse(rest, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count is > 0 and <= LongestTail
            ? (new ChatCommand.ShowTail(name, count), null)
            : (null, $"/tail takes a number from 1 to {LongestTail}.");
    }

    private static (ChatCommand?, string?) ParseServers(string rest)
    {
        if (rest.Length == 0)
            return (new ChatCommand.ShowServers(), null);
        return (new ChatCommand.SetServers(ReadServers(rest)), null);
    }

    /// <summary>Addresses with spaces or semicolons between them; the word <c>default</c> is none.</summary>
    public static IReadOnlyList<string> ReadServers(string text) => text == "default" ? [] : text.Split([' ', ';'], StringSplitOptions.RemoveEmptyEntries);

    private static (ChatCommand?, string?) ParseProfile(string rest)
    {
        if (rest.Length == 0)
            return (new ChatCommand.ShowProfile(), null);
        return TryReadName("@" + rest, out var name, out var fullName)
            ? (new ChatCommand.SetProfile(name, fullName), null)
            : (null, "Write /profile NAME [FULL NAME]; a name with spaces in single quotes.");
    }

    private static (ChatCommand?, string?) ParseImage(string rest)
    {
        const string Image = "profile image ";
        if (!rest.StartsWith(Image, StringComparison.Ordinal))
            return (null, "Write /set profile image DATA.");
        var image = rest[Image.Length..].Trim();
        return image.StartsWith("data:image/", StringComparison.Ordinal)
            ? (new ChatCommand.SetImage(image), null)
            : (null, "A picture is a data: URI such as data:image/jpg;base64,....");
    }

    // feature = ("voice" / "files") (" @" name [" " allowed] / " " allowed) ; allowed = "yes" / "no" / "always"
    private static (ChatCommand?, string?)? ParseFeature(string rest)
    {
        var (word, after) = SplitWord(rest);
        if (word is not ("voice" or "files"))
            return null;
        var feature = word == "voice" ? ChatFeature.Voice : ChatFeature.Files;
        if (after.StartsWith('@') && TryReadName(after, out var name, out var allowed))
        {
            if (allowed.Length == 0)
                return (new ChatCommand.SetContactFeature(feature, name, null), null);
            if (FeatureState.Parse(allowed) is { } forContact)
                return (new ChatCommand.SetContactFeature(feature, name, forContact), null);
        }

        return FeatureState.Parse(after) is { } forAll
            ? (new ChatCommand.SetFeature(feature, forAll), null)
            : (null, $"Write /set {word} yes|no|always for everybody, or /set {word} @NAME [yes|no|always] for one contact.");
    }

    private static (ChatCommand?, string?) Alone(string rest, ChatCommand command) =>
        rest.Length == 0 ? (command, null) : (null, $"This command takes no arguments: {rest}");

    private static (ChatCommand?, string?) Named(string rest, string syntax, Func<string, ChatCommand> create)
    {
        var marked = rest.StartsWith('@') ? rest : "@" + rest;
        return TryReadName(marked, out var name, out var after) && after.Length == 0 ? (create(name), null) : (null, $"Write {syntax}.");
    }

    // Reads a name and what follows it.
    // name = "@" word / "@'" characters "'" , then a space or the end
    public static bool TryReadName(string text, [NotNullWhen(true)] out string? name, out string rest)
    {
        name = null;
        rest = "";
        if (text.StartsWith("@'", StringComparison.Ordinal))
        {
            var end = text.IndexOf('\'', 2);
            if (end <= 2 || (end + 1 < text.Length && text[end + 1] != ' '))
                return false;
            name = text[2..end];
            rest = text[(end + 1)..].Trim();
            return true;
        }

        (var word, rest) = SplitWord(text);
        name = word[1..];
        return name.Length > 0;
    }

    public static (string Word, string After) SplitWord(string text)
    {
        var end = text.IndexOfAny([' ', '\n', '\t']);
        return end < 0 ? (text, "") : (text[..end], text[end..].Trim());
    }
}
