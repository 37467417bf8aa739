using Pairwise.Agent;
using Pairwise.Agent.Files;
using Pairwise.Chat.Protocol;
using Pairwise.Chat.Store;
using Pairwise.Wire;

namespace Pairwise.Chat.Files;

/// <summary>How a contact gets a file of ours: the pieces of its description, or the file itself. Each piece counts once it is the agent's.</summary>
internal static class FileSender
{
    /// <summary>Bytes of a file that can go to a contact without file relays.</summary>
    public static long MaxInlineSize(Contact contact, ChatOptions options) =>
        contact.IsPostQuantum || options.IsPostQuantum
            ? ChatMessageLimits.MaxPostQuantumChunkLength
            : IncomingFiles.MaxInlineSizeOnRequest;

    /// <summary>Tells the contact where a file is that was uploaded.</summary>
    public static async Task SendDescriptionAsync(MessageSender sender, ChatOptions options, Contact contact, ConnectionId connection, FileRow row, CancellationToken cancellationToken)
    {
        var parts = FileDescriptionPart.Split(row.Description);
        for (var i = row.Pieces; i < parts.Count; i++)
        {
            var (sent, isLast) = (i + 1, parts[i].IsComplete);
            var message = ChatMessage.FileDescription(SharedMessageId.Create(options.Random), row.Shared!.Value, parts[i]);
            await sender.SendEventAsync(
                contact,
                connection,
                message,
                cancellationToken,
                (store, accepted) => store.Files.SetPieces(row.File.Id, sent, isLast ? accepted.Id.Value : null));
        }
    }

    /// <summary>Sends the file itself, piece by piece; after a crash it goes on where it was.</summary>
    /// <exception cref="ChatException">It is no longer as it was.</exception>
    public static async Task SendContentAsync(MessageSender sender, ConnectionId connection, FileRow row, CancellationToken cancellationToken)
    {
        byte[] content;
        try
        {
            content = await new LocalFile(row.File.Path!, row.Key).ReadAllAsync((int)IncomingFiles.MaxInlineSizeOnRequest, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new ChatException(ChatError.File, $"{row.File.Path} can no longer be read: {e.Message}", innerException: e);
        }

        if (content.Length != row.File.Size)
            throw new ChatException(ChatError.File, $"{row.File.Path} is no longer the file that was offered.");
        var pieces = content.Chunk(ChatMessageLimits.InlineChunkLength).ToList();
        for (var i = row.Pieces; i < pieces.Count; i++)
        {
            var (sent, isLast) = (i + 1, i + 1 == pieces.Count);
            await sender.SendBodyAsync(
                connection,
                new FileChunk((uint)sent, Bytes.Wrap(pieces[i])).EncodeInline(row.Shared!.Value),
                isNotifying: false,
                (store, accepted) => store.Files.SetPieces(row.File.Id, sent, isLast ? accepted.Id.Value : null),
                cancellationToken);
        }
    }
}
