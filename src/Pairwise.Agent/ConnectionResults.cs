using Pairwise.Protocol;

namespace Pairwise.Agent;

/// <summary>What a new connection is for.</summary>
public enum ConnectionMode
{
    /// <summary>A one-time link: the first who uses it is the other side.</summary>
    Invitation,

    /// <summary>An address that many may use; each use gives <see cref="AgentEvent.RequestReceived"/>.</summary>
    Contact,
}

/// <summary>A connection just created, and the link to hand to the other side.</summary>
public sealed record CreatedConnection(ConnectionId Connection, string Link);

/// <summary>
/// Result of joining. <paramref name="IsSendQueueSecured"/>: the joiner secured the queue itself (SKEY) and the other side will set up
/// its ratchet on the confirmation, so messages may be sent before <see cref="AgentEvent.Connected"/>.
/// </summary>
public sealed record JoinedConnection(ConnectionId Connection, bool IsSendQueueSecured);

/// <summary>A message accepted for delivery: it is stored and survives a crash.</summary>
/// <param name="Id">Comes back in <see cref="AgentEvent.Sent"/>, <see cref="AgentEvent.SendFailed"/> and <see cref="MessageReceipt"/>.</param>
/// <param name="IsPostQuantum">Whether the ratchet mixes the KEM into this message.</param>
public sealed record AcceptedMessage(AgentMessageId Id, bool IsPostQuantum);

/// <summary>The relays that a connection uses and the state of its ratchet.</summary>
public sealed record ConnectionServers(
    ushort AgentVersion,
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
