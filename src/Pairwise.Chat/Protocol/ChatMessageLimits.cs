namespace Pairwise.Chat.Protocol;

/// <summary>Sizes of chat messages in bytes, as the reference has them (they follow from the agent's padded envelopes).</summary>
public static class ChatMessageLimits
{
    /// <summary>An encoded message or batch.</summary>
    public const int MaxMessageLength = 15_602;

    /// <summary>The same once compressed, when the ratchet carries a post-quantum key.</summary>
    public const int MaxCompressedMessageLength = 13_380;

    /// <summary>A message inside a confirmation.</summary>
    public const int MaxInfoLength = 14_694;

    /// <summary>The same once compressed, when the confirmation carries a post-quantum key.</summary>
    public const int MaxCompressedInfoLength = 10_968;

    /// <summary>What a compressed part may grow to.</summary>
    public const int MaxDecompressedLength = 65_536;

    /// <summary>Parts of up to this length are not worth compressing and travel as they are.</summary>
    public const int MaxUncompressedPartLength = 180;

    /// <summary>Characters of a display name.</summary>
    public const int MaxDisplayNameLength = 50;
}
