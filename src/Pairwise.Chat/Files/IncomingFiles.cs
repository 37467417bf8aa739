using Pairwise.Chat.Protocol;
using Pairwise.Chat.Store;

namespace Pairwise.Chat.Files;

/// <summary>
/// What messages say about files, as rows. It runs inside the transaction that stores the message, and does nothing twice;
/// what has to happen outside is named by the ids it gives (<see cref="FileExchange.ContinueAsync"/>).
/// </summary>
internal static class IncomingFiles
{
    /// <summary>Bytes of an inline file that are accepted by default, and when the user asks for it.</summary>
    public const long MaxInlineSize = (long)ChatMessageLimits.InlineChunkLength * ChatMessageLimits.MaxInlineChunks;
    public const long MaxInlineSizeOnRequest = (long)ChatMessageLimits.InlineChunkLength * ChatMessageLimits.MaxInlineChunksOnRequest;

    /// <summary>Notes the file of a line that was just added.</summary>
    public static ChatFileId Add(ChatStore store, ChatItemId item, FileInvitation invitation, bool isVoice, ChatOptions options)
    {
        var isInline = invitation is { Description: null, Inline: not InlineMode.None };
        var (state, error) = invitation switch
        {
            { Description: not null } => (FileState.ReceiveInvitation, null),
            { Inline: InlineMode.Offer, Size: <= MaxInlineSizeOnRequest } => (FileState.ReceiveInvitation, (string?)null),
            { Inline: InlineMode.Sent, Size: <= MaxInlineSize } when isVoice && options.AcceptsInstantFiles => (FileState.ReceiveAccepted, null),
            { Inline: InlineMode.Sent } => (FileState.ReceiveError, "The file was sent without asking: --allow-instant-files takes small voice messages of that kind."),
            { Size: > 0 and <= FileConnections.MaxSize } => (FileState.ReceiveInvitation, null),
            _ => (FileState.ReceiveError, "The file was sent in the way of old programs, without file relays, and is too large for that: ask for it again from a newer program."),
        };
        var isOnConnection = state == FileState.ReceiveInvitation && invitation.Description is null && invitation is not { Inline: InlineMode.Offer, Size: <= MaxInlineSizeOnRequest };
        var name = SafeFileName.From(invitation.Name);
        var file = store.Files.Add(item, name, invitation.Size, state, isInline ? invitation.Inline : InlineMode.None, null, null, null, invitation.Description);
        if (name != invitation.Name)
            store.Files.SetOfferedName(file, invitation.Name);
        if (isOnConnection)
            store.Files.SetLink(file, invitation.Link);
        if (error is not null)
            store.Files.SetState(file, state, error);
        return file;
    }

    /// <summary>
    /// Adds a piece of a description; the file when that is whole. Null when the file is unknown here, or the piece is not the
    /// next one. The last piece gives the file each time it is told: the step after it may not have got through.
    /// </summary>
    public static ChatFileId? Describe(ChatStore store, ContactId contact, SharedMessageId target, FileDescriptionPart part)
    {
        if (store.Files.Get(contact, ItemDirection.Received, target) is not { } row || row.Inline != InlineMode.None
            || row.File.State is FileState.ReceiveCancelled or FileState.ReceiveComplete)
            return null;
        if (row.IsDescribed)
            return part.IsComplete && part.Number == row.DescriptionParts ? row.File.Id : null;
        if (part.Number != row.DescriptionParts + 1
            || row.Description.Length + part.Text.Length > Pairwise.Protocol.Xftp.XftpLimits.MaxDescriptionLength)
            return null;
        store.Files.AddDescription(row.File.Id, part);
        return part.IsComplete ? row.File.Id : null;
    }

    /// <summary>The sender takes a file back; gives it when it is not over.</summary>
    public static FileRow? Cancel(ChatStore store, ContactId contact, SharedMessageId target)
    {
        if (store.Files.Get(contact, ItemDirection.Received, target) is not { } row || row.File.State == FileState.ReceiveComplete)
            return null;
        if (row.File.State == FileState.ReceiveCancelled)
            // Told again after a crash: there may be something to clean up.
            return row.Transfer is null ? null : row;
        store.Files.SetState(row.File.Id, FileState.ReceiveCancelled);
        store.Files.RemovePieces(row.File.Id);
        return row;
    }

    /// <summary>
    /// The contact takes a file of ours, inside the conversation or by a link, also when told again; null when we did not offer
    /// that. A picture or voice message that is on file relays goes by the link instead: the contact's program is too old for relays.
    /// </summary>
    public static ChatFileId? Accept(ChatStore store, ContactId contact, SharedMessageId target, string name, string? link)
    {
        if (store.Files.Get(contact, ItemDirection.Sent, target) is not { } row || row.File.Name != name)
            return null;
        switch (row)
        {
            case { Inline: InlineMode.None, File: { Size: > 0 and <= FileConnections.MaxSize, Path: not null, State: FileState.SendStored or FileState.SendTransfer or FileState.SendUploaded or FileState.SendComplete } }
                when link is not null && store.GetContentType(row.Item) is MessageContent.ImageType or MessageContent.VoiceType:
                store.Files.LeaveRelays(row.File.Id, link);
                break;
            case { Inline: InlineMode.Offer or InlineMode.Connection, File.State: FileState.SendStored or FileState.SendTransfer }
                when link is not null || row.Inline == InlineMode.Offer:
                if (link is not null && row.Link is null)
                    store.Files.SetLink(row.File.Id, link);
                break;
            default:
                return null;
        }

        store.Files.SetState(row.File.Id, FileState.SendTransfer);
        return row.File.Id;
    }

    /// <summary>The file of ours that the contact asks for and cannot have so: it is on file relays, which the contact's program does not know.</summary>
    public static ChatFile? FindOutOfReach(ChatStore store, ContactId contact, SharedMessageId target) =>
        store.Files.Get(contact, ItemDirection.Sent, target) is { Inline: InlineMode.None, File: { State: not (FileState.SendCancelled or FileState.SendError) } file } ? file : null;

    /// <summary>
    /// Keeps a piece of an inline file; null when it is not wanted. The last piece gives the file each time it is told, as that
    /// of a description does.
    /// </summary>
    public static (ChatFileId File, bool IsCancelled)? AddPiece(ChatStore store, ContactId contact, SharedMessageId message, FileChunk chunk)
    {
        return store.Files.Get(contact, ItemDirection.Received, message) is { Inline: not InlineMode.Connection } row ? AddPiece(store, row, chunk) : null;
    }

    /// <inheritdoc cref="AddPiece(ChatStore, ContactId, SharedMessageId, FileChunk)"/>
    public static (ChatFileId File, bool IsCancelled)? AddPiece(ChatStore store, FileRow row, FileChunk chunk)
    {
        if (row.Inline == InlineMode.None || row.File.State is not (FileState.ReceiveAccepted or FileState.ReceiveTransfer))
            return null;
        if (chunk.Number is not { } number)
        {
            store.Files.SetState(row.File.Id, FileState.ReceiveCancelled);
            store.Files.RemovePieces(row.File.Id);
            return (row.File.Id, true);
        }

        var expected = row.Pieces + 1;
        if (number == row.Pieces)
            return (row.File.Id, false);
        var before = (long)ChatMessageLimits.InlineChunkLength * row.Pieces;
        var wanted = Math.Min(row.File.Size - before, ChatMessageLimits.InlineChunkLength);
        if (number != expected || before >= row.File.Size || chunk.Content.Length != wanted)
        {
            store.Files.SetState(row.File.Id, FileState.ReceiveError, "A piece of the file is missing or has a wrong size: ask for the file again.");
            store.Files.RemovePieces(row.File.Id);
            return (row.File.Id, false);
        }

        store.Files.AddPiece(row.File.Id, expected, chunk.Content);
        store.Files.SetState(row.File.Id, FileState.ReceiveTransfer);
        return (row.File.Id, false);
    }
}
