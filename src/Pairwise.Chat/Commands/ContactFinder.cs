using Pairwise.Agent;
using Pairwise.Chat.Store;
using Pairwise.Storage;

namespace Pairwise.Chat.Commands;

/// <summary>Finds the contacts that commands name. Thread-safe.</summary>
internal sealed class ContactFinder(Database database)
{
    /// <exception cref="ChatException">Nobody has this name, or there is no conversation at the moment.</exception>
    public Task<(Contact Contact, ConnectionId Connection)> FindReadyAsync(string name, CancellationToken cancellationToken) =>
        FindReadyAsync(store => Find(store, name), cancellationToken);

    /// <exception cref="ChatException">There is no such contact, or no conversation at the moment.</exception>
    public Task<(Contact Contact, ConnectionId Connection)> FindReadyAsync(ContactId id, CancellationToken cancellationToken) => FindReadyAsync(
        store => store.GetContact(id) ?? throw new ChatException(ChatError.NoContact, $"You have no contact number {id.Value}; /info @NAME shows the number of a contact."),
        cancellationToken);

    /// <exception cref="ChatException">Nobody has this name.</exception>
    public static Contact Find(ChatStore store, string name) =>
        store.GetContact(name) ?? throw new ChatException(ChatError.NoContact, $"You have no contact {DisplayName.Quote(name)}; /contacts lists them.");

    private async Task<(Contact Contact, ConnectionId Connection)> FindReadyAsync(Func<ChatStore, Contact> find, CancellationToken cancellationToken)
    {
        var (contact, connection) = await database.ReadAsync(
            session =>
            {
                var store = new ChatStore(session);
                var found = find(store);
                return (found, store.GetConnection(found.Id));
            },
            cancellationToken);
        return contact.State switch
        {
            ContactState.DeletedByPeer => throw new ChatException(ChatError.NotReady, $"{contact.Name} has deleted you: connect again by a new link."),
            ContactState.Connecting => throw new ChatException(ChatError.NotReady, $"{contact.Name} is not connected yet: wait until the contact is connected."),
            _ => (contact, connection ?? throw new ChatException(ChatError.NotReady, $"The connection with {contact.Name} is gone: delete the contact and connect again.")),
        };
    }
}
