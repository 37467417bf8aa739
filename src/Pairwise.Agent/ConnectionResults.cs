using Pairwise.Protocol;
using Pairwise.Protocol.Agent;

namespace Pairwise.Agent;

/// <summary>Whether a new connection may use the post-quantum ratchet.</summary>
public enum PostQuantumMode
{
    /// <summary>Never: X448 alone.</summary>
    Off,

    /// <summary>
    /// From the first messages on, if the other side can: the link stays short, and the KEM keys travel in the messages.
    /// </summary>
    On,

    /// <summary>From the confirmation on: the link holds a KEM key of 1,158 bytes, too long for most QR codes. Not for contact addresses.</summary>
    InLink,
}

/// <summary>A connection just created, and the link to hand to the other side.</summary>
public sealed record CreatedConnection(ConnectionId Connection, ConnectionRequest Link);

/// <summary>
/// Result of joining. <paramref name="IsSendQueueSecured"/>: the joiner secured the queue itself (SKEY) and the other side will set up
/// its ratchet on the confirmation, so messages may be sent before <see cref="AgentEvent.Connected"/>.
/// </summary>
public sealed record JoinedConnection(ConnectionId Connection, bool IsSendQueueSecured);

/// <summary>A message accepted for delivery: it is stored and survives a crash.</summary>
/// <param name="Id">Comes back in <see cref="AgentEvent.Sent"/>, <see cref="AgentEvent.SendFailed"/> and <see cref="DeliveryReceipt"/>.</param>
/// <param name="IsPostQuantum">Whether the ratchet mixes the KEM into this message.</param>
public sealed record AcceptedMessage(AgentMessageId Id, bool IsPostQuantum);

/// <summary>The relays that a connection uses and the state of its ratchet.</summary>
public sealed record ConnectionServers(
    AgentVersion AgentVersion,
    IReadOnlyList<ServerAddress> Receiving,
    IReadOnlyList<ServerAddress> Sending,
    RatchetSyncState RatchetSync,
    bool IsSubscribed);

/// <summary>What a test of a relay tried last, and why it failed.</summary>
public sealed record ServerTestFailure(ServerTestStep Step, AgentError Error);

/// <summary>Steps of <see cref="IAgentClient.TestServerAsync"/>, in order.</summary>
public enum ServerTestStep
{
    Connect,
    CreateQueue,
    SecureQueue,
    DeleteQueue,
    Disconnect,
}
