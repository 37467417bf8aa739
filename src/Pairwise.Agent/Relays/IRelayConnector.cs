using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;

namespace Pairwise.Agent.Relays;

/// <summary>
/// How the agent reaches relays. <see cref="SmpRelayConnector"/> is the real one; tests put faults or scripts in its place.
/// Thread-safe.
/// </summary>
public interface IRelayConnector
{
    /// <summary>Connects to a relay and agrees on a version.</summary>
    /// <exception cref="AgentException">The relay cannot be used now (<see cref="AgentError.Broker"/>).</exception>
    Task<IRelayConnection> ConnectAsync(ServerAddress server, CancellationToken cancellationToken);
}

/// <summary>One session with a relay. Thread-safe; disposal closes it.</summary>
public interface IRelayConnection : IAsyncDisposable
{
    /// <summary>The version of SMP agreed on.</summary>
    SmpVersion Version { get; }

    /// <summary>
    /// What the relay sends by itself; one reader. Ends when the connection has ended, for whatever reason.
    /// Bodies belong to the reader of the event: they are not reused.
    /// </summary>
    IAsyncEnumerable<RelayEvent> ReadEventsAsync(CancellationToken cancellationToken);

    /// <summary>Sends a command and returns the relay's answer, which may be <see cref="BrokerMessage.Err"/>.</summary>
    /// <exception cref="AgentException">No answer: the connection broke or the time is over (<see cref="AgentError.Broker"/>).</exception>
    Task<BrokerMessage> SendAsync(RelayCommand command, CancellationToken cancellationToken);

    /// <summary>
    /// Sends commands in as few blocks as possible; results in the order of the commands.
    /// A command without an answer has the error in place of it.
    /// </summary>
    Task<IReadOnlyList<RelayAnswer>> SendBatchAsync(IReadOnlyList<RelayCommand> commands, CancellationToken cancellationToken);
}

/// <summary>A command about an entity (queue, or none), authorized with a key (or none).</summary>
/// <param name="Command">What to do.</param>
/// <param name="Entity">What it is about.</param>
/// <param name="Key">Signs or authenticates the command.</param>
/// <param name="CorrId">Normally absent: the client draws one. NEW with link data states its own.</param>
public readonly record struct RelayCommand(SmpCommand Command, EntityId Entity, PrivateKey? Key, CorrId? CorrId = null);

/// <summary>Something the relay sent without being asked.</summary>
public readonly record struct RelayEvent(EntityId Entity, BrokerMessage Message);

/// <summary>An answer, or the reason why there is none.</summary>
public readonly record struct RelayAnswer(BrokerMessage? Message, AgentError? Error);
