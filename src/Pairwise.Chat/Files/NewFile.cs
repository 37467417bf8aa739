using Pairwise.Agent.Files;
using Pairwise.Chat.Protocol;

namespace Pairwise.Chat.Files;

/// <summary>A file of ours that goes out with a message.</summary>
/// <param name="Source">Where it is, with its key when it is encrypted there.</param>
/// <param name="Name">What the contact sees.</param>
/// <param name="Size">Bytes of the content.</param>
/// <param name="Transfer">The transfer over file relays; null when it goes inside the conversation.</param>
/// <param name="StartAsync">Begins the transfer, after it was noted; saying it twice does no harm.</param>
internal sealed record NewFile(LocalFile Source, string Name, long Size, FileTransferId? Transfer, Func<CancellationToken, Task> StartAsync)
{
    /// <summary>Whether it goes inside the conversation in more than one piece.</summary>
    public bool IsInPieces => Transfer is null && Size > ChatMessageLimits.MaxOnlyChunkLength;

    public FileInvitation Invitation => InvitationFor(Name, Size, Transfer is null);

    /// <summary>How a message offers a file of ours.</summary>
    public static FileInvitation InvitationFor(string name, long size, bool isInline) => isInline
        ? new FileInvitation(name, size, null, InlineMode.Offer, null)
        : new FileInvitation(name, size, null, InlineMode.None, FileDescriptionPart.Following);
}
