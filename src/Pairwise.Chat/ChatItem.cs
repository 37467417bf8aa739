namespace Pairwise.Chat;

/// <summary>A line of a conversation in this database; it means nothing elsewhere.</summary>
public readonly record struct ChatItemId(long Value);

/// <summary>Who wrote a line.</summary>
public enum ItemDirection
{
    Received = 0,
    Sent = 1,
}

/// <summary>What became of a line.</summary>
public enum ItemStatus
{
    /// <summary>Received and stored.</summary>
    Received = 0,

    /// <summary>Stored here; on its way, or waiting for a relay.</summary>
    Pending = 1,

    /// <summary>The contact's relay holds it.</summary>
    Sent = 2,

    /// <summary>The contact's program has stored it.</summary>
    Delivered = 3,

    /// <summary>It was given up.</summary>
    Failed = 4,
}

/// <summary>A line of a conversation.</summary>
/// <param name="Id">Identifies the line in this database.</param>
/// <param name="Direction">Who wrote it.</param>
/// <param name="Text">What it says, or what stands for it in a terminal.</param>
/// <param name="Time">When it was written here, or taken by the relay (whole seconds) when received.</param>
/// <param name="Status">What became of it.</param>
/// <param name="Notice">Something the reader should know, such as messages missing before this one; null normally.</param>
/// <param name="IsEdited">The writer changed it later.</param>
/// <param name="IsDeleted">The writer took it back; the text is gone.</param>
public sealed record ChatItem(
    ChatItemId Id,
    ItemDirection Direction,
    string Text,
    DateTimeOffset Time,
    ItemStatus Status,
    string? Notice,
    bool IsEdited,
    bool IsDeleted)
{
    /// <summary>The file that the line carries; null for most.</summary>
    public ChatFile? File { get; init; }
}

/// <summary>A line with the contact it belongs to.</summary>
public sealed record ChatLine(Contact Contact, ChatItem Item);
