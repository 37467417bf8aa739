using Pairwise.Agent.Files;
using Pairwise.Chat.Protocol;

namespace Pairwise.Chat.Files;

/// <summary>A file of ours that goes out with a message.</summary>
/// <param name="Source">Where it is, with its key when it is encrypted there.</param>
/// <param name="Name">What the contact sees.</param>
/// <param name="Size">Bytes of the content.</param>
/// <param name="Inline">Whether it goes inside the conversation, or over a connection of its own.</param>
/// <param name="Transfer">The transfer over file relays; null when there is none.</param>
/// <param name="StartAsync">Begins the transfer, after it was noted; saying it twice does no harm.</param>
internal sealed record NewFile(LocalFile Source, string Name, long Size, InlineMode Inline, FileTransferId? Transfer, Func<CancellationToken, Task> StartAsync)
{
    /// <summary>Where it is on file relays already: a recipient's description; null for a file that is uploaded first.</summary>
    public string? Description { get; init; }

    /// <summary>Whether it goes inside the conversation in more than one piece.</summary>
    public bool IsInPieces => Inline == InlineMode.Offer && Size > ChatMessageLimits.MaxOnlyChunkLength;

    public FileInvitation Invitation => InvitationFor(Name, Size, Inline);

    /// <summary>How a message offers a file of ours.</summary>
    public static FileInvitation InvitationFor(string name, long size, InlineMode inline) => inline switch
    {
        InlineMode.None => new FileInvitation(name, size, null, InlineMode.None, FileDescriptionPart.Following),
        // Whoever takes it sends the link.
        InlineMode.Connection => new FileInvitation(name, size, null, InlineMode.None, null),
        _ => new FileInvitation(name, size, null, InlineMode.Offer, null),
    };
}
