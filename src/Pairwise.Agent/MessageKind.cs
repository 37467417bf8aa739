namespace Pairwise.Agent;

/// <summary>What a stored message is. The numbers are stored.</summary>
internal enum MessageKind
{
    /// <summary>Confirmation of the side that created the link (AgentConnInfo).</summary>
    ConnectionInfo = 1,

    /// <summary>Confirmation of the joiner, with its reply queue (AgentConnInfoReply).</summary>
    ConnectionInfoReply = 2,

    /// <summary>Keys for a new ratchet.</summary>
    RatchetKey = 3,

    /// <summary>HELLO of the classic handshake.</summary>
    Hello = 4,

    /// <summary>A message of the application (A_MSG).</summary>
    User = 5,

    /// <summary>Delivery receipts (A_RCVD).</summary>
    Receipts = 6,

    /// <summary>A_QCONT: the queue has room again.</summary>
    QueueContinue = 7,

    QueueAdd = 8,
    QueueKey = 9,
    QueueUse = 10,
    QueueTest = 11,

    /// <summary>EREADY: the new ratchet is in use.</summary>
    RatchetReady = 12,
}
