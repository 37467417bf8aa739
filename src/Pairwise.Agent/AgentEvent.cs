using Pairwise.Agent.Files;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Wire;

namespace Pairwise.Agent;

/// <summary>
/// What the agent tells the application, in order (<see cref="IAgentClient.ReadEventsAsync"/>).
/// Names of the reference in brackets. Events marked <em>durable</em> are stored with the change they tell about and are
/// told again after a crash until the application has asked for the next event: handle them so that twice does no harm.
/// </summary>
public abstract record AgentEvent
{
    private protected AgentEvent()
    {
    }

    /// <summary>An event of one connection.</summary>
    public abstract record OfConnection : AgentEvent
    {
        private protected OfConnection(ConnectionId connection) => Connection = connection;

        public ConnectionId Connection { get; init; }
    }

    /// <summary>
    /// [CONF] Somebody used the one-time link of this connection; answer with <see cref="IAgentClient.AllowConnectionAsync"/>. Durable.
    /// <paramref name="Info"/> is what the joiner gave as its connection info; <paramref name="Servers"/> those of its reply queues.
    /// </summary>
    public sealed record ConfirmationReceived(ConnectionId Connection, ConfirmationId Confirmation, bool IsPostQuantum, IReadOnlyList<ServerAddress> Servers, Bytes Info) : OfConnection(Connection);

    /// <summary>
    /// [REQ] Somebody used the contact address of this connection; answer with <see cref="IAgentClient.AcceptContactAsync"/>
    /// or <see cref="IAgentClient.RejectContactAsync"/>. Durable.
    /// </summary>
    public sealed record RequestReceived(ConnectionId Connection, InvitationId Invitation, bool IsPostQuantum, IReadOnlyList<ServerAddress> Servers, Bytes Info) : OfConnection(Connection);

    /// <summary>[INFO] The connection info of the side that created the link, told to the joiner. Durable.</summary>
    public sealed record InfoReceived(ConnectionId Connection, bool IsPostQuantum, Bytes Info) : OfConnection(Connection);

    /// <summary>[CON] Both directions work. Durable.</summary>
    public sealed record Connected(ConnectionId Connection, bool IsPostQuantum) : OfConnection(Connection);

    /// <summary>
    /// [MSG] A message. It stays stored, and the relay keeps it and all behind it, until <see cref="IAgentClient.AckMessageAsync"/>;
    /// it may be told again (same <see cref="MessageMeta.Id"/>) until then. Durable.
    /// </summary>
    public sealed record MessageReceived(ConnectionId Connection, MessageMeta Meta, bool IsNotificationWanted, Bytes Body) : OfConnection(Connection);

    /// <summary>[RCVD] The other side acknowledged messages; takes an <see cref="IAgentClient.AckMessageAsync"/> like a message. Durable.</summary>
    public sealed record ReceiptsReceived(ConnectionId Connection, MessageMeta Meta, IReadOnlyList<DeliveryReceipt> Receipts) : OfConnection(Connection);

    /// <summary>[SENT] The relay of the other side holds the message. Durable.</summary>
    public sealed record Sent(ConnectionId Connection, AgentMessageId Message) : OfConnection(Connection);

    /// <summary>[MWARN] A message cannot be delivered at the moment and will be tried again.</summary>
    public sealed record SendDelayed(ConnectionId Connection, AgentMessageId Message, AgentError Error) : OfConnection(Connection);

    /// <summary>[MERR, MERRS] These messages will not be delivered. Durable.</summary>
    public sealed record SendFailed(ConnectionId Connection, IReadOnlyList<AgentMessageId> Messages, AgentError Error) : OfConnection(Connection);

    /// <summary>[QCONT] The other side emptied its queue; sending goes on.</summary>
    public sealed record SendingResumed(ConnectionId Connection) : OfConnection(Connection);

    /// <summary>[END] Another device or session has subscribed to the queue of this connection.</summary>
    public sealed record SubscriptionEnded(ConnectionId Connection) : OfConnection(Connection);

    /// <summary>[DELD] The relay says that the queue was deleted.</summary>
    public sealed record QueueDeleted(ConnectionId Connection) : OfConnection(Connection);

    /// <summary>[RSYNC] The state of the ratchet's synchronisation changed.</summary>
    public sealed record RatchetSyncChanged(ConnectionId Connection, RatchetSyncState State, AgentError? Cause) : OfConnection(Connection);

    /// <summary>[ERR] Something failed in the background on this connection.</summary>
    public sealed record ConnectionFailed(ConnectionId Connection, AgentError Error) : OfConnection(Connection);

    /// <summary>[DEL_CONNS] These connections, deleted by <see cref="IAgentClient.DeleteConnectionAsync"/>, are gone from the store and from their relays. Durable.</summary>
    public sealed record ConnectionsDeleted(IReadOnlyList<ConnectionId> Connections) : AgentEvent;

    /// <summary>[UP] These connections receive from the relay.</summary>
    public sealed record Up(ServerAddress Server, IReadOnlyList<ConnectionId> Connections) : AgentEvent;

    /// <summary>[DOWN] The relay was lost; the agent reconnects by itself.</summary>
    public sealed record Down(ServerAddress Server, IReadOnlyList<ConnectionId> Connections) : AgentEvent;

    /// <summary>[ERRS] These subscriptions failed.</summary>
    public sealed record SubscriptionsFailed(ServerAddress Server, IReadOnlyList<(ConnectionId Connection, AgentError Error)> Failures) : AgentEvent;

    /// <summary>An event of one file on its way.</summary>
    public abstract record OfFile : AgentEvent
    {
        private protected OfFile(FileTransferId file) => File = file;

        public FileTransferId File { get; init; }
    }

    /// <summary>[SFPROG] So many bytes of the encrypted file are at the servers.</summary>
    public sealed record FileSendProgress(FileTransferId File, long Done, long Total) : OfFile(File);

    /// <summary>
    /// [SFDONE] A file is at the servers. <paramref name="Sender"/> is the sender's description, to delete the file;
    /// <paramref name="Recipients"/> one for each recipient. All are texts (FileDescriptionCodec), secret. Durable.
    /// </summary>
    public sealed record FileSent(FileTransferId File, string Sender, IReadOnlyList<string> Recipients) : OfFile(File);

    /// <summary>[SFWARN] Sending is tried again, but something keeps it from going on.</summary>
    public sealed record FileSendDelayed(FileTransferId File, AgentError Error) : OfFile(File);

    /// <summary>[SFERR] A file was not sent; what was uploaded of it is deleted. Durable.</summary>
    public sealed record FileSendFailed(FileTransferId File, AgentError Error) : OfFile(File);

    /// <summary>[RFPROG] So many bytes of the encrypted file are here.</summary>
    public sealed record FileReceiveProgress(FileTransferId File, long Done, long Total) : OfFile(File);

    /// <summary>
    /// [RFDONE] A file is here, whole and authentic. <paramref name="Target"/> is where, with the path it got in the end;
    /// <paramref name="FileName"/> the sender's name for it: a suggestion from a stranger, never a path. Durable.
    /// </summary>
    public sealed record FileReceived(FileTransferId File, LocalFile Target, string FileName) : OfFile(File);

    /// <summary>[RFWARN] Receiving is tried again, but something keeps it from going on.</summary>
    public sealed record FileReceiveDelayed(FileTransferId File, AgentError Error) : OfFile(File);

    /// <summary>[RFERR] A file was not received; nothing of it is left here. Durable.</summary>
    public sealed record FileReceiveFailed(FileTransferId File, AgentError Error) : OfFile(File);

    /// <summary>[ERR without a connection] Something failed in the background.</summary>
    public sealed record Failed(AgentError Error) : AgentEvent;
}

/// <summary>State of the ratchet of a connection.</summary>
public enum RatchetSyncState
{
    Ok = 0,
    Allowed = 1,
    Required = 2,
    Started = 3,
    Agreed = 4,
}
