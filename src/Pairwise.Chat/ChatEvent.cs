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
