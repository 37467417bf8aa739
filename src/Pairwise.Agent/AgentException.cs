using Pairwise.Agent.Files;

namespace Pairwise.Agent;

/// <summary>An operation failed for the application; what is stored is as it was, unless the method says otherwise.</summary>
public sealed class AgentException : Exception
{
    public AgentException(AgentError error, Exception? inner = null)
        : base(Describe(error), inner) => Error = error;

    /// <summary>The cause.</summary>
    public AgentError Error { get; }

    /// <summary>True when trying again later may succeed.</summary>
    public bool IsTransient => Error.IsTransient;

    private static string Describe(AgentError error)
    {
        ArgumentNullException.ThrowIfNull(error);
        return error switch
        {
            AgentError.Command { Fault: CommandFault.TooLarge } => "The message is too large.",
            AgentError.Command command => $"Not possible now: {command.Context}.",
            AgentError.Connection { Fault: ConnectionFault.NotFound } => "There is no such connection.",
            AgentError.Connection { Fault: ConnectionFault.NotAvailable } => "The link has been used already or its queue is gone.",
            AgentError.Connection connection => $"The connection cannot be used: {connection.Fault}.",
            AgentError.NoUser => "There is no such user.",
            AgentError.Relay relay => $"The relay {relay.Server} answered with an error: {relay.Error}.",
            AgentError.Broker broker => $"The relay {broker.Server} cannot be used ({broker.Fault}): {broker.Detail}",
            AgentError.File or AgentError.FileServer => FileErrors.Sentence(error),
            AgentError.Peer peer => $"The other side sent something this program cannot use ({peer.Fault}). {peer.Detail}",
            AgentError.Crypto crypto => $"A message could not be decrypted ({crypto.Fault}).",
            AgentError.Duplicate => "The message was received before.",
            AgentError.Inactive => "The agent is being stopped.",
            AgentError.Internal fault => $"Internal fault: {fault.Detail}",
            _ => error.ToString(),
        };
    }
}
