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

    /// <summary>Sends the file itself inside the conversation.</summary>
    /// <exception cref="ChatException">It is no longer as it was.</exception>
    public static Task SendContentAsync(MessageSender sender, ConnectionId connection, FileRow row, CancellationToken cancellationToken) => SendContentAsync(
        row,
        IncomingFiles.MaxInlineSizeOnRequest,
        (chunk, note) => sender.SendBodyAsync(connection, chunk.EncodeInline(row.Shared!.Value), isNotifying: false, note, cancellationToken),
        static message => message,
        cancellationToken);

    /// <summary>Sends the file itself, piece by piece; after a crash it goes on where it was.</summary>
    /// <param name="limit">Bytes it has at most.</param>
    /// <param name="sendAsync">Hands over a piece, with what to note once it is the agent's.</param>
    /// <param name="numberOf">What is noted of the last message's number.</param>
    /// <exception cref="ChatException">It is no longer as it was.</exception>
    public static async Task SendContentAsync(FileRow row, long limit, Func<FileChunk, Action<ChatStore, AcceptedMessage>, Task> sendAsync, Func<long, long> numberOf, CancellationToken cancellationToken)
    {
        byte[] content;
        try
        {
            content = await new LocalFile(row.File.Path!, row.Key).ReadAllAsync(limit, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new ChatException(ChatError.File, $"{row.File.Path} can no longer be read: {e.Message}", innerException: e);
        }

        if (content.Length != row.File.Size)
            throw new ChatException(ChatError.File, $"{row.File.Path} is no longer the file that was offered.");
        const int length = ChatMessageLimits.InlineChunkLength;
        for (var start = row.Pieces * length; start < content.Length; start += length)
        {
            var (sent, isLast) = ((start / length) + 1, start + length >= content.Length);
            await sendAsync(
                new FileChunk((uint)sent, Bytes.Wrap(content.AsMemory(start, Math.Min(length, content.Length - start)).ToArray())),
                (store, accepted) => store.Files.SetPieces(row.File.Id, sent, isLast ? numberOf(accepted.Id.Value) : null));
        }
    }
}
