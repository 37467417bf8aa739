using Pairwise.Agent.Connections;
using Pairwise.Agent.Store;
using Pairwise.Crypto;
using Pairwise.Protocol.Agent;
using Pairwise.Ratchet;

namespace Pairwise.Agent.Sending;

/// <summary>
/// Puts messages into the store for delivery: ids, the hash chain and the ratchet step, all in the caller's transaction.
/// What is enqueued is delivered after the commit, in this order, by the workers.
/// </summary>
internal sealed class OutgoingMessages(AgentServices agent)
{
    /// <summary>Enqueues a message of the running conversation on all usable send queues of a connection.</summary>
    /// <param name="isPostQuantum">Turns the KEM on or off; null leaves it.</param>
    /// <exception cref="AgentException">It does not fit, or the connection cannot send.</exception>
    public AcceptedMessage Enqueue(AgentTransaction transaction, Connection connection, AgentMessageContent content, MessageKind kind, bool isNotificationWanted, bool? isPostQuantum = null)
    {
        if (connection.Sending.Count == 0) throw new AgentException(new AgentError.Connection(ConnectionFault.Simplex));
        if (!connection.CanSend) throw new AgentException(new AgentError.Command(CommandFault.Prohibited, "the connection is not confirmed yet"));
        var session = transaction.Session;
        // An agent from before the KEM would not find room for its headers.
        if (connection.Row.AgentVersion < AgentVersions.PostQuantum && isPostQuantum == true) isPostQuantum = false;
        // Support of the KEM is only ever turned on: it decides the padded sizes, which the other side learns from.
        var supportsPostQuantum = connection.Row.IsPostQuantum || isPostQuantum == true;
        if (supportsPostQuantum != connection.Row.IsPostQuantum) ConnectionRows.SetPostQuantum(session, connection.Id, supportsPostQuantum);

        var (id, sendId, previousHash) = ConnectionRows.NextSendIds(session, connection.Id);
        var body = new AgentMessage.Sequenced(sendId, Wire.Bytes.Wrap(previousHash), content).Encode();
        var hash = Digests.Sha256(body);
        var paddedLength = AgentLimits.MessageLength(connection.Row.AgentVersion, supportsPostQuantum);
        if (!Wire.Padding.Fits(body.Length, paddedLength))
            throw new AgentException(new AgentError.Command(CommandFault.TooLarge, $"the message has {body.Length} bytes, {paddedLength - Wire.Padding.PrefixLength} fit"));

        using var ratchet = RatchetRows.Get(session, connection.Id);
        if (!DoubleRatchet.TryPrepare(ratchet, isPostQuantum, new E2EVersion(agent.Options.RatchetVersions.Max), out var key, out var next, out var error))
            throw new AgentException(AgentErrors.From(error));
        bool sendsPostQuantum;
        byte[] storedKey;
        using (key)
        using (next)
        {
            RatchetRows.Update(session, connection.Id, next);
            sendsPostQuantum = next.SendsPostQuantum;
            storedKey = key.Serialize();
        }

        ConnectionRows.SetLastSentHash(session, connection.Id, hash);
        var message = new PendingMessage(connection.Id, id, kind, isNotificationWanted, sendsPostQuantum, agent.Now, body, (storedKey, paddedLength));
        SentMessageRows.Add(session, message, sendId, hash);
        for (var i = 0; i < connection.Sending.Count; i++)
        {
            var queue = connection.Sending[i];
            if (i == 0 || queue.Status is QueueStatus.Secured or QueueStatus.Active) AddDelivery(transaction, connection, id, queue);
        }

        return new AcceptedMessage(id, sendsPostQuantum);
    }

    /// <summary>Enqueues the confirmation of either side on a send queue; it is encrypted at once.</summary>
    /// <param name="content"><see cref="AgentMessage.ConnectionInfoReply"/> of the joiner or <see cref="AgentMessage.ConnectionInfo"/>.</param>
    /// <param name="parameters">The joiner's X3DH parameters.</param>
    public void EnqueueConfirmation(AgentTransaction transaction, Connection connection, SendQueue queue, AgentMessage content, E2ERatchetParams? parameters)
    {
        var session = transaction.Session;
        var (id, sendId, _) = ConnectionRows.NextSendIds(session, connection.Id);
        var body = content.Encode();
        var hash = Digests.Sha256(body);
        var paddedLength = AgentLimits.ConnectionInfoLength(connection.Row.AgentVersion, connection.Row.IsPostQuantum);
        using var ratchet = RatchetRows.Get(session, connection.Id);
        if (!DoubleRatchet.TryEncrypt(
            ratchet,
            body,
            paddedLength,
            connection.Row.IsPostQuantum,
            new E2EVersion(agent.Options.RatchetVersions.Max),
            out var encrypted,
            out var next,
            out var error))
        {
            throw new AgentException(AgentErrors.From(error));
        }

        bool sendsPostQuantum;
        using (next)
        {
            RatchetRows.Update(session, connection.Id, next);
            sendsPostQuantum = next.SendsPostQuantum;
        }

        ConnectionRows.SetLastSentHash(session, connection.Id, hash);
        var kind = content is AgentMessage.ConnectionInfo ? MessageKind.ConnectionInfo : MessageKind.ConnectionInfoReply;
        var envelope = new AgentEnvelope.Confirmation(connection.Row.AgentVersion, parameters, encrypted).Encode();
        SentMessageRows.Add(session, new PendingMessage(connection.Id, id, kind, IsNotificationWanted: true, sendsPostQuantum, agent.Now, envelope, Encryption: null), sendId, hash);
        AddDelivery(transaction, connection, id, queue);
    }

    private void AddDelivery(AgentTransaction transaction, Connection connection, AgentMessageId id, SendQueue queue)
    {
        SentMessageRows.AddDelivery(transaction.Session, connection.Id, id, queue.Key);
        transaction.AfterCommit(() => agent.Deliveries.Add(queue.Key));
    }
}
