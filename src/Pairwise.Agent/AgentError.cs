using Pairwise.Agent.Files;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Protocol.Xftp;

namespace Pairwise.Agent;

/// <summary>
/// Why an operation of the agent failed or a message was not processed. A value: it travels in events and inside
/// <see cref="AgentException"/>. The cases are those of the reference (AgentErrorType), so that both report alike.
/// </summary>
public abstract record AgentError
{
    private protected AgentError()
    {
    }

    /// <summary>True when the same operation may succeed later without the caller changing anything (network, timeouts, an unreachable relay).</summary>
    public virtual bool IsTransient => false;

    /// <summary>
    /// True when background work goes on trying: also where a network shows another identity than the relay's, as portals of
    /// guest networks do. The reference gives a message up then.
    /// </summary>
    internal virtual bool IsWorthRetrying => IsTransient;

    /// <summary>The call is not possible in the state the connection is in, or its argument is too large.</summary>
    public sealed record Command(CommandFault Fault, string Context) : AgentError;

    /// <summary>The connection is missing or cannot be completed.</summary>
    public sealed record Connection(ConnectionFault Fault) : AgentError;

    /// <summary>No such user in the store.</summary>
    public sealed record NoUser : AgentError;

    /// <summary>The relay answered with an error of the protocol.</summary>
    public sealed record Relay(string Server, SmpError Error) : AgentError;

    /// <summary>The relay could not be reached or did not behave as a relay.</summary>
    public sealed record Broker(string Server, BrokerFault Fault, string Detail) : AgentError
    {
        public override bool IsTransient => Fault is BrokerFault.Network or BrokerFault.Timeout or BrokerFault.Host or BrokerFault.Version;

        internal override bool IsWorthRetrying => IsTransient || Fault == BrokerFault.Transport;
    }

    /// <summary>A file server answered with an error of its protocol, or what it sent is not what it should be (DIGEST, SIZE, CRYPTO).</summary>
    public sealed record FileServer(string Server, XftpError Error) : AgentError;

    /// <summary>A file cannot be sent or received. <paramref name="Servers"/> are those in question, for <see cref="FileFault.NotApproved"/>.</summary>
    public sealed record File(FileFault Fault, string Detail = "", ValueList<ServerAddress> Servers = default) : AgentError;

    /// <summary>The other side sent something that this agent cannot read or must refuse.</summary>
    public sealed record Peer(PeerFault Fault, string Detail = "") : AgentError;

    /// <summary>A message of the other side does not decrypt. <paramref name="Number"/> goes with <see cref="CryptoFault.RatchetEarlier"/> and <see cref="CryptoFault.RatchetSkipped"/>.</summary>
    public sealed record Crypto(CryptoFault Fault, uint Number = 0) : AgentError;

    /// <summary>
    /// A message that was received before; it is not shown again.
    /// <paramref name="Dropped"/> is set when a message was given up after too many attempts to have it acknowledged by the application.
    /// </summary>
    public sealed record Duplicate(DroppedMessage? Dropped = null) : AgentError;

    /// <summary>A fault of this program or of the store.</summary>
    public sealed record Internal(string Detail) : AgentError;

    /// <summary>The agent is being stopped.</summary>
    public sealed record Inactive : AgentError
    {
        public override bool IsTransient => true;
    }
}

/// <summary>Kinds of <see cref="AgentError.Command"/>.</summary>
public enum CommandFault
{
    /// <summary>Not possible in the present state.</summary>
    Prohibited,

    /// <summary>The message does not fit the padded size.</summary>
    TooLarge,
}

/// <summary>Kinds of <see cref="AgentError.Connection"/>.</summary>
public enum ConnectionFault
{
    NotFound,
    Duplicate,

    /// <summary>The connection has one direction only, and the call needs the other.</summary>
    Simplex,

    /// <summary>The other side did not accept the join (its queue refuses our greeting).</summary>
    NotAccepted,

    /// <summary>The queue of the link is gone, or somebody else has used the link.</summary>
    NotAvailable,
}

/// <summary>Kinds of <see cref="AgentError.Broker"/>.</summary>
public enum BrokerFault
{
    /// <summary>The answer did not parse.</summary>
    Response,

    /// <summary>The answer parsed, but does not belong to the command.</summary>
    Unexpected,

    /// <summary>No connection, or it broke.</summary>
    Network,

    /// <summary>The address cannot be used.</summary>
    Host,

    /// <summary>No common protocol version.</summary>
    Version,

    /// <summary>TLS, handshake or identity failed.</summary>
    Transport,

    /// <summary>No answer in time.</summary>
    Timeout,
}

/// <summary>Kinds of <see cref="AgentError.Peer"/>.</summary>
public enum PeerFault
{
    /// <summary>A client or agent message that does not parse.</summary>
    Message,

    /// <summary>A message that is not allowed now.</summary>
    Prohibited,

    /// <summary>No common version of the client, agent or encryption protocol.</summary>
    Version,

    /// <summary>The data of a short link do not verify.</summary>
    Link,

    /// <summary>A message about queues that does not fit the connection.</summary>
    Queue,
}

/// <summary>Kinds of <see cref="AgentError.Crypto"/>.</summary>
public enum CryptoFault
{
    DecryptAes,
    DecryptBox,
    RatchetHeader,
    RatchetEarlier,
    RatchetSkipped,
    RatchetSync,
}

/// <summary>A message that was dropped after <paramref name="Attempts"/> receptions without the application acknowledging it.</summary>
public sealed record DroppedMessage(DateTimeOffset BrokerTime, int Attempts);
