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
            : ChatMessageLimits.MaxOwnChunkLength;

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

    /// <summary>Sends the file itself, which fits into one piece.</summary>
    /// <exception cref="ChatException">It is no longer as it was.</exception>
    public static async Task SendContentAsync(MessageSender sender, ConnectionId connection, FileRow row, CancellationToken cancellationToken)
    {
        if (row.Pieces > 0)
            return;
        byte[] content;
        try
        {
            content = await new LocalFile(row.File.Path!, row.Key).ReadAllAsync(ChatMessageLimits.InlineChunkLength, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new ChatException(ChatError.File, $"{row.File.Path} can no longer be read: {e.Message}", innerException: e);
        }

        if (content.Length != row.File.Size)
            throw new ChatException(ChatError.File, $"{row.File.Path} is no longer the file that was offered.");
        var body = new FileChunk(1, Bytes.Wrap(content)).EncodeInline(row.Shared!.Value);
        await sender.SendBodyAsync(
            connection,
            body,
            isNotifying: false,
            (store, accepted) => store.Files.SetPieces(row.File.Id, 1, accepted.Id.Value),
            cancellationToken);
    }
}
