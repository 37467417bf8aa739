namespace Pairwise.Chat;

/// <summary>A file of a conversation in this database: what <c>/freceive</c>, <c>/fcancel</c> and <c>/fstatus</c> take. It means nothing elsewhere.</summary>
public readonly record struct ChatFileId(long Value)
{
    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>How far a file is. The names are the reference's, without their prefixes.</summary>
public enum FileState
{
    /// <summary>Ours: noted, not yet on its way.</summary>
    SendStored = 0,

    /// <summary>Ours: going to the file relays, or piece by piece to the contact.</summary>
    SendTransfer = 1,

    /// <summary>Ours: on the file relays; the contact is being told how to fetch it.</summary>
    SendUploaded = 2,

    /// <summary>Ours: the contact can fetch it, or has all pieces.</summary>
    SendComplete = 3,

    /// <summary>Ours: taken back.</summary>
    SendCancelled = 4,

    /// <summary>Ours: given up.</summary>
    SendError = 5,

    /// <summary>Theirs: offered.</summary>
    ReceiveInvitation = 10,

    /// <summary>Theirs: accepted; its description or its first piece has not come yet.</summary>
    ReceiveAccepted = 11,

    /// <summary>Theirs: coming.</summary>
    ReceiveTransfer = 12,

    /// <summary>Theirs: here.</summary>
    ReceiveComplete = 13,

    /// <summary>Theirs: the sender took it back.</summary>
    ReceiveCancelled = 14,

    /// <summary>Theirs: given up.</summary>
    ReceiveError = 15,

    /// <summary>Theirs: not fetched, because its relays are not known and would see our address.</summary>
    ReceiveAborted = 16,
}

/// <summary>A file of a conversation.</summary>
/// <param name="Id">What commands take.</param>
/// <param name="Name">Its name, safe to be used in a folder.</param>
/// <param name="Size">Bytes.</param>
/// <param name="State">How far it is.</param>
/// <param name="Path">Where it is here, or will be; null before it was accepted.</param>
/// <param name="IsEncrypted">Whether the file at the path is encrypted with a key that this database keeps.</param>
/// <param name="IsInline">Whether its bytes travel inside the conversation, not over file relays.</param>
/// <param name="Error">Why it failed, or waits; null normally.</param>
public sealed record ChatFile(ChatFileId Id, string Name, long Size, FileState State, string? Path, bool IsEncrypted, bool IsInline, string? Error)
{
    /// <summary>Bytes that are through so far, of <see cref="Total"/>; of the encrypted form, which is a little longer.</summary>
    public long Done { get; init; }

    /// <summary>Zero before anything is known.</summary>
    public long Total { get; init; }

    /// <summary>Whether nothing more happens by itself.</summary>
    public bool IsOver => State is FileState.SendComplete or FileState.SendCancelled or FileState.SendError
        or FileState.ReceiveComplete or FileState.ReceiveCancelled or FileState.ReceiveError;
}
