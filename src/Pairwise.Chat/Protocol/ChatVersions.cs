using Pairwise.Wire;

namespace Pairwise.Chat.Protocol;

/// <summary>Versions of the chat protocol that this program acts on, by what they added.</summary>
public static class ChatVersions
{
    /// <summary>The first version; what a message without a version field means.</summary>
    public const ushort Initial = 1;

    /// <summary>Compressed messages, and post-quantum encryption between contacts.</summary>
    public const ushort CompressionAndPostQuantum = 8;

    /// <summary>Several messages in one agent message between two contacts.</summary>
    public const ushort DirectBatches = 9;

    /// <summary>Data behind short links; the newest version spoken.</summary>
    public const ushort ShortLinkData = 16;

    /// <summary>What this program tells its contacts.</summary>
    public static VersionRange Supported { get; } = new(Initial, ShortLinkData);

    /// <summary>The version to speak with a contact whose range is <paramref name="peer"/>; the first one when the two have none in common.</summary>
    public static ushort Common(VersionRange peer) => Supported.TryIntersect(peer, out var common) ? common.Max : Initial;
}
