using Pairwise.Agent.Files;
using Pairwise.Protocol;
using Pairwise.Protocol.Agent;

namespace Pairwise.Agent;

/// <summary>
/// A SimpleX agent: connections of two queues with a ratchet each, over any number of relays. Everything it accepts is
/// stored before the call returns, and goes on after a restart. Methods fail with <see cref="AgentException"/>; arguments
/// that can never be right fail with the BCL's own exceptions. Thread-safe.
/// </summary>
public interface IAgentClient : IAsyncDisposable
{
    /// <summary>
    /// All events, in order; one reader at a time. Asking for the next event says that the one before was handled: durable
    /// events that were not handled are told again after a restart. Ends when the agent is disposed.
    /// </summary>
    IAsyncEnumerable<AgentEvent> ReadEventsAsync(CancellationToken cancellationToken);

    /// <summary>File transfer.</summary>
    IFileTransfers Files { get; }

    /// <summary>Makes a user, whose connections never share a relay session with those of other users.</summary>
    /// <param name="servers">The relays for new queues; one is drawn at random for each. At least one.</param>
    Task<UserId> CreateUserAsync(IReadOnlyList<ServerAddressWithPassword> servers, CancellationToken cancellationToken);

    /// <summary>
    /// Sets the relays for new queues of a user. The list is not stored: say it at every start, before connections are made.
    /// Existing queues stay where they are.
    /// </summary>
    void SetServers(UserId user, IReadOnlyList<ServerAddressWithPassword> servers);

    /// <summary>Deletes a user with all connections (<see cref="DeleteConnectionAsync"/>).</summary>
    Task DeleteUserAsync(UserId user, CancellationToken cancellationToken);

    /// <summary>All connections that were not deleted.</summary>
    Task<IReadOnlyList<ConnectionId>> GetConnectionsAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Makes a connection with a queue at one of the user's relays, and the link to it. Whoever uses a one-time link gives
    /// <see cref="AgentEvent.ConfirmationReceived"/>; each use of a contact address gives <see cref="AgentEvent.RequestReceived"/>.
    /// </summary>
    /// <exception cref="AgentException">The relay cannot be reached or refuses; nothing is stored.</exception>
    Task<CreatedConnection> CreateConnectionAsync(UserId user, ConnectionMode mode, PostQuantumMode postQuantum, CancellationToken cancellationToken);

    /// <summary>Makes a connection for <see cref="JoinConnectionAsync"/> without telling any relay, so that its id can be stored first.</summary>
    /// <param name="isPostQuantum">Whether to use the post-quantum ratchet if the link's owner can.</param>
    Task<ConnectionId> PrepareToJoinAsync(UserId user, ConnectionRequest link, bool isPostQuantum, CancellationToken cancellationToken);

    /// <summary>
    /// Joins by a link: secures its queue, makes the reply queue, and sends the confirmation in the background.
    /// <see cref="AgentEvent.InfoReceived"/> and <see cref="AgentEvent.Connected"/> follow. After a failure it can be called
    /// again with the same connection and goes on where it stopped; after success calling it again does nothing.
    /// </summary>
    /// <param name="connection">From <see cref="PrepareToJoinAsync"/>.</param>
    /// <param name="link">The same link.</param>
    /// <param name="info">Own connection info for the other side, at most about 14,600 bytes, or about 10,900 with a post-quantum ratchet.</param>
    /// <param name="isPostQuantum">As said to <see cref="PrepareToJoinAsync"/>.</param>
    /// <exception cref="AgentException"><see cref="ConnectionFault.NotAvailable"/>: the link was used before, or its queue is gone.</exception>
    Task<JoinedConnection> JoinConnectionAsync(ConnectionId connection, ConnectionRequest link, ReadOnlyMemory<byte> info, bool isPostQuantum, CancellationToken cancellationToken);

    /// <summary>
    /// Lets the joiner of <see cref="AgentEvent.ConfirmationReceived"/> in. The rest happens in the background;
    /// <see cref="AgentEvent.Connected"/> tells of its success. Saying it again does no harm.
    /// </summary>
    /// <param name="info">Own connection info for the joiner, at most 14,832 bytes less 2, or 11,106 less 2 with a post-quantum ratchet.</param>
    Task AllowConnectionAsync(ConnectionId connection, ConfirmationId confirmation, ReadOnlyMemory<byte> info, CancellationToken cancellationToken);

    /// <summary>Accepts <see cref="AgentEvent.RequestReceived"/>: joins the connection that the requester offers.</summary>
    Task<JoinedConnection> AcceptContactAsync(UserId user, InvitationId invitation, ReadOnlyMemory<byte> info, bool isPostQuantum, CancellationToken cancellationToken);

    /// <summary>Forgets a request; the requester learns nothing.</summary>
    Task RejectContactAsync(InvitationId invitation, CancellationToken cancellationToken);

    /// <summary>Subscribes these connections and resumes what they have to send. Results are events; unknown connections fail the call.</summary>
    Task SubscribeAsync(IReadOnlyCollection<ConnectionId> connections, CancellationToken cancellationToken);

    /// <summary>Subscribes all connections and resumes all that waits.</summary>
    Task SubscribeAllAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Stores a message for delivery. <see cref="AgentEvent.Sent"/> or <see cref="AgentEvent.SendFailed"/> follows. Messages of a
    /// connection are delivered in the order of the calls.
    /// </summary>
    /// <param name="body">At most 15,840 bytes less about 50, or 13,618 less about 50 with a post-quantum ratchet; <see cref="CommandFault.TooLarge"/> beyond.</param>
    /// <param name="isNotificationWanted">Whether the other device is to be woken.</param>
    /// <param name="isPostQuantum">True turns the KEM on from the next ratchet step on, false turns it off.</param>
    Task<AcceptedMessage> SendMessageAsync(ConnectionId connection, ReadOnlyMemory<byte> body, bool isNotificationWanted, bool isPostQuantum, CancellationToken cancellationToken);

    /// <summary>Whether anything of ours waits to go to a relay: messages of all kinds, confirmations and receipts, and steps of handshakes.</summary>
    Task<bool> HasUnsentAsync(CancellationToken cancellationToken);

    /// <summary>
    /// The application has stored the message (or the receipts): the relay may forget it and send the next one. A message that
    /// was acknowledged before is no error.
    /// </summary>
    /// <param name="receipt">Sends a delivery receipt with this content (usually empty); null sends none. Only for messages.</param>
    Task AckMessageAsync(ConnectionId connection, AgentMessageId message, ReadOnlyMemory<byte>? receipt, CancellationToken cancellationToken);

    /// <summary>Tells the relay to accept no more messages for this connection (OFF). What waits can still be received.</summary>
    Task SuspendConnectionAsync(ConnectionId connection, CancellationToken cancellationToken);

    /// <summary>
    /// Deletes a connection: it is gone for the application at once, its queues are deleted at their relays in the
    /// background, with a limited number of attempts. <see cref="AgentEvent.ConnectionsDeleted"/> follows.
    /// </summary>
    /// <param name="waitForDelivery">Pending messages are still sent, for two days at most.</param>
    Task DeleteConnectionAsync(ConnectionId connection, bool waitForDelivery, CancellationToken cancellationToken);

    /// <summary>The relays that a connection uses, and its state.</summary>
    Task<ConnectionServers> GetConnectionServersAsync(ConnectionId connection, CancellationToken cancellationToken);

    /// <summary>The security code: 32 bytes, equal on both sides unless somebody sits between them.</summary>
    Task<byte[]> GetSecurityCodeAsync(ConnectionId connection, CancellationToken cancellationToken);

    /// <summary>Connects to a relay, makes a queue there, secures and deletes it; null when all went well.</summary>
    Task<ServerTestFailure?> TestServerAsync(ServerAddressWithPassword server, CancellationToken cancellationToken);
}
