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

    /// <summary>Characters of one piece of a file description.</summary>
    public const int MaxDescriptionPartLength = 14_000;

    /// <summary>A piece of a file inside the conversation; all but the last have exactly this length.</summary>
    public const int InlineChunkLength = 15_780;

    /// <summary>The longest file that goes as one piece; a longer one needs <see cref="SharedMessageId.CreateForPieces"/>.</summary>
    public const int MaxOnlyChunkLength = 15_700;

    /// <summary>The same when the ratchet carries a post-quantum key: a full piece does not fit then, so it is one at most.</summary>
    public const int MaxPostQuantumChunkLength = 13_500;

    /// <summary>Pieces of a file inside the conversation that are accepted; <see cref="MaxInlineChunksOnRequest"/> with <c>inline=on</c>.</summary>
    public const int MaxInlineChunks = 8;

    /// <summary>Pieces that are accepted when the user asks for it.</summary>
    public const int MaxInlineChunksOnRequest = 15;

    /// <summary>Characters of the small picture of an image or a video.</summary>
    public const int MaxPreviewLength = 14_000;

    /// <summary>Characters of a display name.</summary>
    public const int MaxDisplayNameLength = 50;
}
