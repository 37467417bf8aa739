using Pairwise.Agent;
using Pairwise.Agent.Files;
using Pairwise.Protocol.Smp;
using Pairwise.Storage;

namespace Pairwise.Chat;

/// <summary>The one place where errors of the layers below become the chat's own, with a sentence that says what to do next.</summary>
internal static class ChatErrors
{
    public static ChatException From(AgentException exception) =>
        new(KindOf(exception.Error), Describe(exception.Error), exception.IsTransient, exception);

    public static ChatException From(StorageException exception) => new(
        ChatError.Storage,
        exception.Error == StorageError.DiskFull
            ? "There is no space left on the disk: free some, then say it again. Nothing was changed."
            : $"The database failed: {exception.Message}",
        exception.IsTransient,
        exception);

    /// <summary>A sentence for something that went wrong with a relay or a connection.</summary>
    public static string Describe(AgentError error) => error switch
    {
        AgentError.Command { Fault: CommandFault.TooLarge } => "The message is too long for one message: send it in parts.",
        AgentError.Command => "This is not possible at the moment: wait until the contact is connected, then try again.",
        AgentError.Connection { Fault: ConnectionFault.NotAvailable or ConnectionFault.NotAccepted } =>
            "The link was used before, or is no longer valid: ask for a new one.",
        AgentError.Connection { Fault: ConnectionFault.NotFound } => "This connection is no longer there: delete the contact and connect again.",
        AgentError.Connection => "This connection cannot be used: connect by another link.",
        // The agent turns what a link's queue refuses into a fault of the connection: this is the making of a queue.
        AgentError.Relay { Error: SmpError.Auth } relay =>
            $"The relay {relay.Server} makes no queue for you: it wants a password, or another one (/smp smp://FINGERPRINT:PASSWORD@HOST).",
        AgentError.Relay { Error: SmpError.Quota } => "The contact's relay holds as many messages as it may: they go on when the contact has read some.",
        AgentError.Relay relay => $"The relay {relay.Server} refused: {SmpErrorCodec.ToText(relay.Error)}.",
        AgentError.Broker { Fault: BrokerFault.Transport } broker =>
            $"The relay {broker.Server} is not the one that its address names, or its certificate is not valid: check the address.",
        AgentError.Broker { Fault: BrokerFault.Version } broker => $"The relay {broker.Server} speaks no version that this program knows.",
        AgentError.Broker { IsTransient: true } broker => $"The relay {broker.Server} cannot be reached: check the network and the address, then try again.",
        AgentError.Broker broker => $"The relay {broker.Server} does not answer as a relay does: check the address.",
        AgentError.Peer { Fault: PeerFault.Version } => "The other side's program is too old or too new for this one: update the older of the two.",
        AgentError.Peer => "The other side sent something that this program cannot read.",
        AgentError.Crypto => "A message could not be decrypted.",
        AgentError.File or AgentError.FileServer => FileErrors.Sentence(error),
        AgentError.Inactive => "The chat is closing.",
        AgentError.Internal fault => $"Something went wrong: {fault.Detail.TrimEnd('.')}.",
        _ => $"Something went wrong: {error}.",
    };

    /// <summary>A sentence for a message of ours, to a contact that is connected, that was given up.</summary>
    public static string DescribeSending(AgentError error) => error switch
    {
        AgentError.Command { Fault: CommandFault.Prohibited } => "The encryption with this contact is out of step: delete the contact and connect again.",
        AgentError.Relay { Error: SmpError.Auth } => "The contact's queue is gone: delete the contact and connect again.",
        _ => Describe(error),
    };

    /// <summary>A contact that is connected did not take a message of ours.</summary>
    public static ChatException FromSending(AgentException exception) =>
        new(KindOf(exception.Error), DescribeSending(exception.Error), exception.IsTransient, exception);

    /// <summary>A file cannot be sent or received.</summary>
    public static ChatException FromFile(AgentException exception) =>
        new(KindOf(exception.Error), FileErrors.Sentence(exception.Error), exception.IsTransient, exception);

    /// <summary>What hindered a step of a file, whichever layer says so.</summary>
    public static string SentenceAboutFile(Exception exception) => exception switch
    {
        // Of a file over a connection of its own.
        AgentException { Error: AgentError.Broker { Server: ['s', 'm', 'p', ..] } } failure => Describe(failure.Error),
        AgentException failure => FromFile(failure).Message,
        _ => exception.Message,
    };

    private static ChatError KindOf(AgentError error) => error switch
    {
        AgentError.Command { Fault: CommandFault.TooLarge } => ChatError.TooLong,
        AgentError.Command => ChatError.NotReady,
        AgentError.Connection { Fault: ConnectionFault.NotAvailable or ConnectionFault.NotAccepted } => ChatError.LinkUsed,
        AgentError.File { Fault: FileFault.NotApproved } => ChatError.NotApproved,
        AgentError.File => ChatError.File,
        AgentError.Broker or AgentError.Relay or AgentError.FileServer => ChatError.Relay,
        AgentError.Peer { Fault: PeerFault.Version } => ChatError.Version,
        _ => ChatError.Other,
    };
}
