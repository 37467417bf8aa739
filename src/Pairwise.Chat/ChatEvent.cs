namespace Pairwise.Chat;

/// <summary>Something that happened by itself. What it tells of is stored before it is told.</summary>
public abstract record ChatEvent
{
    private protected ChatEvent()
    {
    }

    /// <summary>Somebody used our link, or the one whose link we used answered: now we know who they are.</summary>
    public sealed record ContactConnecting(Contact Contact) : ChatEvent;

    /// <summary>Messages go both ways now.</summary>
    public sealed record ContactConnected(Contact Contact) : ChatEvent;

    public sealed record MessageReceived(Contact Contact, ChatItem Item) : ChatEvent;

    /// <summary>The contact changed or took back a message.</summary>
    public sealed record MessageUpdated(Contact Contact, ChatItem Item) : ChatEvent;

    /// <summary>One of our messages was sent, delivered or given up.</summary>
    public sealed record StatusChanged(Contact Contact, ChatItem Item) : ChatEvent;

    /// <summary>A file began to come by itself, as options or earlier commands ask; or one of ours began to go inside the conversation.</summary>
    public sealed record FileStarted(Contact Contact, ChatItem Item) : ChatEvent;

    /// <summary>A file moved on.</summary>
    public sealed record FileProgress(Contact Contact, ChatItem Item) : ChatEvent;

    /// <summary>A file is here; or one of ours can be fetched, or has arrived when it went inside the conversation.</summary>
    public sealed record FileCompleted(Contact Contact, ChatItem Item) : ChatEvent;

    /// <summary>A file was given up, or cannot be had as things are; its error says why and what to do.</summary>
    public sealed record FileFailed(Contact Contact, ChatItem Item) : ChatEvent;

    /// <summary>A file waits for a relay and is tried again; its error says why.</summary>
    public sealed record FileDelayed(Contact Contact, ChatItem Item) : ChatEvent;

    /// <summary>The contact took a file back that is not here yet.</summary>
    public sealed record FileCancelledByPeer(Contact Contact, ChatItem Item) : ChatEvent;

    /// <summary>A file that belongs to no conversation moved on.</summary>
    public sealed record StandaloneProgress(ChatFile File) : ChatEvent;

    /// <summary>A file that belongs to no conversation is at its relays; its description follows, for a link that is short.</summary>
    public sealed record StandaloneUploaded(ChatFile File) : ChatEvent;

    /// <summary>A file that belongs to no conversation is here; or ours can be fetched by the link.</summary>
    public sealed record StandaloneCompleted(ChatFile File, string? Link) : ChatEvent;

    /// <summary>A file that belongs to no conversation was given up; its error says why.</summary>
    public sealed record StandaloneFailed(ChatFile File) : ChatEvent;

    /// <summary>A file that belongs to no conversation waits for a relay and is tried again; its error says why.</summary>
    public sealed record StandaloneDelayed(ChatFile File) : ChatEvent;

    /// <summary>The contact's profile, and possibly the name here, changed.</summary>
    public sealed record ContactUpdated(Contact Before, Contact After) : ChatEvent;

    public sealed record ContactDeletedByPeer(Contact Contact) : ChatEvent;

    /// <summary>A relay was lost; the agent reconnects by itself.</summary>
    public sealed record ServerDown(string Address, int Contacts) : ChatEvent;

    /// <summary>A relay is there (again).</summary>
    public sealed record ServerUp(string Address, int Contacts) : ChatEvent;

    /// <summary>The contact sent something this program cannot show; <paramref name="Tag"/> is the protocol's name of it.</summary>
    public sealed record Unsupported(Contact Contact, string Tag) : ChatEvent;

    /// <summary>Something went wrong in the background; one sentence for the user.</summary>
    public sealed record Problem(string Sentence) : ChatEvent;
}
