namespace Pairwise.Chat;

/// <summary>Why a command or an operation of the chat failed, as far as somebody can do something about it.</summary>
public enum ChatError
{
    /// <summary>There is no such command, or its arguments make no sense.</summary>
    Syntax,

    /// <summary>There is no profile yet.</summary>
    NoProfile,

    /// <summary>A display name has characters or a length that are not allowed.</summary>
    InvalidName,

    /// <summary>Nobody here has this name.</summary>
    NoContact,

    /// <summary>The contact is not connected yet, or deleted us.</summary>
    NotReady,

    /// <summary>The text is not a link, or of a kind that this program does not open.</summary>
    InvalidLink,

    /// <summary>The link is our own.</summary>
    OwnLink,

    /// <summary>The link was used before, or its queue is gone.</summary>
    LinkUsed,

    /// <summary>The text is not the address of a relay.</summary>
    InvalidServer,

    /// <summary>A relay cannot be reached, or is not the one its address names.</summary>
    Relay,

    /// <summary>A message is longer than fits.</summary>
    TooLong,

    /// <summary>A file of this machine cannot be read or written, or is none.</summary>
    File,

    /// <summary>There is no file of this number, or it is in no state for this.</summary>
    NoFile,

    /// <summary>The file's relays are not among ours, and would see our network address.</summary>
    NotApproved,

    /// <summary>One of the two sides does not allow it.</summary>
    NotAllowed,

    /// <summary>The database cannot take more, or cannot be read.</summary>
    Storage,

    /// <summary>The other side's program speaks no common version.</summary>
    Version,

    /// <summary>Anything else.</summary>
    Other,
}

/// <summary>An operation of the chat failed; the message is one sentence for its user.</summary>
public sealed class ChatException(ChatError error, string sentence, bool isTransient = false, Exception? innerException = null)
    : Exception(sentence, innerException)
{
    public ChatError Error { get; } = error;

    /// <summary>Whether the same may succeed later.</summary>
    public bool IsTransient { get; } = isTransient;
}
