using Pairwise.Chat.Protocol;
using Pairwise.Wire;

namespace Pairwise.Chat;

/// <summary>A contact in this database; it means nothing elsewhere.</summary>
public readonly record struct ContactId(long Value);

/// <summary>How far a contact is.</summary>
public enum ContactState
{
    /// <summary>Who they are is known; the two directions are not both there yet.</summary>
    Connecting = 0,

    /// <summary>Messages go both ways.</summary>
    Connected = 1,

    /// <summary>They deleted us: messages can still be read, not sent.</summary>
    DeletedByPeer = 2,
}

/// <summary>Somebody we are connected with, or about to be.</summary>
/// <param name="Id">Identifies the contact in this database.</param>
/// <param name="Name">Unique here: their display name, with a number when another contact has the same; what one types after '@'.</param>
/// <param name="Profile">What they say of themselves.</param>
/// <param name="State">How far the contact is.</param>
/// <param name="IsPostQuantum">Whether the ratchet mixed a post-quantum key into the last message.</param>
/// <param name="Versions">Chat versions they speak.</param>
/// <param name="CreatedAt">When we first knew of them.</param>
public sealed record Contact(
    ContactId Id,
    string Name,
    Profile Profile,
    ContactState State,
    bool IsPostQuantum,
    VersionRange Versions,
    DateTimeOffset CreatedAt)
{
    /// <summary>The name as it is typed in a command: in single quotes when it has spaces.</summary>
    public string QuotedName => DisplayName.Quote(Name);
}
