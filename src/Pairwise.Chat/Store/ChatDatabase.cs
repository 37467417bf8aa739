using Pairwise.Storage;

namespace Pairwise.Chat.Store;

/// <summary>Reads and changes the chat's rows, one transaction each.</summary>
internal static class ChatDatabase
{
    public static Task<T> ReadChatAsync<T>(this Database database, Func<ChatStore, T> read, CancellationToken cancellationToken) =>
        database.ReadAsync(session => read(new ChatStore(session)), cancellationToken);

    public static async Task ChangeChatAsync(this Database database, Action<ChatStore> change, CancellationToken cancellationToken) => await database.TransactAsync(
        session =>
        {
            change(new ChatStore(session));
            return true;
        },
        cancellationToken);
}
