using Pairwise.Agent.Files;
using Pairwise.Chat.Protocol;

namespace Pairwise.Chat;

/// <summary>A command of the terminal in one line of help.</summary>
public sealed record HelpEntry(string Syntax, string Meaning);

/// <summary>What a command gave. Front ends turn it into text.</summary>
public abstract record ChatResponse
{
    private protected ChatResponse()
    {
    }

    public sealed record Help(IReadOnlyList<HelpEntry> Commands) : ChatResponse;

    /// <summary>All contacts in the order of their names.</summary>
    public sealed record ContactList(IReadOnlyList<Contact> Contacts) : ChatResponse;

    /// <summary>A one-time link to hand to somebody.</summary>
    public sealed record InvitationCreated(string Link) : ChatResponse;

    /// <summary>The link was good and the relay has our answer; an event tells when the other side is there.</summary>
    public sealed record JoinStarted : ChatResponse
    {
        public static JoinStarted Instance { get; } = new();
    }

    /// <summary>The message is stored, and will be delivered.</summary>
    public sealed record MessageAccepted(Contact Contact, ChatItem Item) : ChatResponse;

    /// <summary>The file is coming, or comes as soon as its sender has told where it is.</summary>
    public sealed record FileAccepted(Contact Contact, ChatItem Item) : ChatResponse;

    /// <summary>The file is no longer sent, or received; one that is offered can be accepted again.</summary>
    public sealed record FileCancelled(Contact Contact, ChatItem Item) : ChatResponse;

    /// <summary>How far a file is.</summary>
    public sealed record FileShown(Contact Contact, ChatItem Item) : ChatResponse;

    /// <summary>A readable copy of a received file was written.</summary>
    public sealed record FileExported(ChatFile File, string Path) : ChatResponse;

    /// <summary>A file that belongs to no conversation is being uploaded or downloaded.</summary>
    public sealed record StandaloneStarted(ChatFile File) : ChatResponse;

    /// <summary>How far a file is that belongs to no conversation, and what others download it by.</summary>
    public sealed record StandaloneShown(ChatFile File, string? Link) : ChatResponse;

    /// <summary>A file that belongs to no conversation is no longer sent, or received.</summary>
    public sealed record StandaloneCancelled(ChatFile File) : ChatResponse;

    /// <summary>What the link of a file says before anything is fetched.</summary>
    /// <param name="ClientData">What its maker's program added, JSON; null for nothing.</param>
    /// <param name="Size">Bytes of the encrypted file, with its padding.</param>
    /// <param name="Servers">Hosts of the relays that are asked first.</param>
    public sealed record FileLinkShown(string? ClientData, long Size, IReadOnlyList<string> Servers) : ChatResponse;

    /// <summary>What was done at file relays since the program started.</summary>
    public sealed record FileServersCounted(IReadOnlyList<FileServerStatistics> Servers) : ChatResponse;

    /// <summary>What the test of a relay gave.</summary>
    /// <param name="Step">The step that failed; null when all went well.</param>
    /// <param name="Sentence">Why.</param>
    public sealed record ServerTested(string Protocol, string? Step, string? Sentence) : ChatResponse;

    /// <summary>A setting is as asked; one sentence says how it is now.</summary>
    public sealed record SettingChanged(string Sentence) : ChatResponse;

    /// <summary>File relays for new files.</summary>
    public sealed record FileServerList(IReadOnlyList<string> Addresses, bool AreDefault) : ChatResponse;

    /// <summary>The last lines, oldest first.</summary>
    public sealed record Tail(IReadOnlyList<ChatLine> Lines) : ChatResponse;

    public sealed record ContactDeleted(Contact Contact) : ChatResponse;

    /// <summary>Relays for new connections. <paramref name="AreDefault"/>: nobody set them by command.</summary>
    public sealed record ServerList(IReadOnlyList<string> Addresses, bool AreDefault) : ChatResponse;

    public sealed record ProfileShown(Profile Profile) : ChatResponse;

    /// <summary>The profile changed, and that many contacts are told.</summary>
    public sealed record ProfileUpdated(Profile Profile, int Contacts) : ChatResponse;

    /// <summary>What is allowed to everybody to whom nothing else was said.</summary>
    public sealed record FeatureSet(ChatFeature Feature, FeatureAllowed Allowed) : ChatResponse;

    /// <summary>What is allowed to a contact; <paramref name="Changed"/> is empty when that was so before.</summary>
    public sealed record ContactFeaturesSet(Contact Contact, IReadOnlyList<FeatureState> Changed) : ChatResponse;

    /// <summary>All about a contact. The code is equal on both sides unless somebody sits between them; null before the two are connected.</summary>
    public sealed record ContactShown(Contact Contact, IReadOnlyList<string> ReceivingOn, IReadOnlyList<string> SendingTo, string? SecurityCode) : ChatResponse;

    /// <summary>The user wants to leave; the front end disposes the chat.</summary>
    public sealed record Quit : ChatResponse
    {
        public static Quit Instance { get; } = new();
    }

    /// <summary>The command failed and changed nothing; one sentence says why and what to do.</summary>
    public sealed record Failed(ChatError Error, string Sentence) : ChatResponse;
}
