using Pairwise.Wire;

namespace Pairwise.Agent;

/// <summary>What is known of a received message beside its content.</summary>
/// <param name="Id">Internal id; the argument of <see cref="IAgentClient.AckMessageAsync"/>.</param>
/// <param name="ReceivedAt">When this agent first stored the message.</param>
/// <param name="BrokerMessageId">The relay's id of the message, 24 bytes.</param>
/// <param name="BrokerTime">When the relay took the message (whole seconds).</param>
/// <param name="SenderMessageId">The sender's sequential number of the message.</param>
/// <param name="Integrity">Whether this message follows the previous one.</param>
/// <param name="IsPostQuantum">Whether the ratchet step that decrypted it was mixed with the KEM.</param>
public sealed record MessageMeta(
    AgentMessageId Id,
    DateTimeOffset ReceivedAt,
    Bytes BrokerMessageId,
    DateTimeOffset BrokerTime,
    long SenderMessageId,
    MessageIntegrity Integrity,
    bool IsPostQuantum);

/// <summary>A delivery receipt for a message this agent sent.</summary>
/// <param name="MessageId">The id that sending returned.</param>
/// <param name="IsHashCorrect">False when the recipient acknowledges other content than was sent.</param>
public sealed record DeliveryReceipt(AgentMessageId MessageId, bool IsHashCorrect);
