using System.Diagnostics;
using Pairwise.Agent.Connections;
using Pairwise.Agent.Sending;
using Pairwise.Agent.Store;
using Pairwise.Crypto;
using Pairwise.Protocol.Agent;
using Pairwise.Ratchet;
using Pairwise.Wire;

namespace Pairwise.Agent.Receiving;

/// <summary>
/// Messages of a running conversation: the ratchet step, the integrity check, the record of the message and its effect,
/// all in the transaction of the reception.
/// </summary>
internal sealed class ConversationReceiver(AgentServices agent, OutgoingMessages outgoing)
{
    /// <summary>True when the relay may forget the message now; false when the application is to say that.</summary>
    public bool Process(Reception reception, AgentEnvelope.Message envelope)
    {
        var session = reception.Transaction.Session;
        var id = reception.Connection.Id;
        reception = reception with { Connection = Agree(reception, envelope.AgentVersion) };
        var hash = Digests.Sha256(envelope.EncryptedMessage.Span);
        if (ReceivedMessageRows.HasHash(session, id, hash)) return RepeatKnown(reception);
        if (reception.Queue.Status != QueueStatus.Active) QueueRows.SetStatus(session, reception.Queue, QueueStatus.Active);

        using var ratchet = RatchetRows.Get(session, id);
        using var skipped = RatchetRows.GetSkippedKeys(session, id);
        using var decrypted = DoubleRatchet.Decrypt(agent.Random, ratchet, skipped, envelope.EncryptedMessage.Span);
        // A body that does not authenticate under an authentic header advances the ratchet all the same.
        if (decrypted.HasChanges) RatchetRows.Update(session, id, decrypted.NextState ?? ratchet, decrypted.SkippedKeys);
        if (decrypted.Message is not { } body) return RefuseUndecrypted(reception, AgentErrors.From(decrypted.Error ?? default));
        ReceivedMessageRows.AddHash(session, id, hash, reception.Now);
        if (!AgentMessage.TryDecode(body, out var decoded)) return Refuse(reception, new AgentError.Peer(PeerFault.Message, "the agent message does not parse"));
        if (decoded is not AgentMessage.Sequenced message) return Refuse(reception, new AgentError.Peer(PeerFault.Prohibited, "a message of the handshake after it"));

        ResetRatchetSync(reception);
        var (lastPeerId, lastHash) = ConnectionRows.GetLastReceived(session, id);
        var messageHash = Digests.Sha256(body);
        var meta = new MessageMeta(
            ConnectionRows.NextReceivedId(session, id),
            reception.Now,
            Bytes.CopyOf(reception.BrokerId.Value.Span),
            reception.BrokerTime,
            message.MessageId,
            MessageIntegrity.Check(lastPeerId, lastHash, message.MessageId, message.PreviousHash.Span),
            (decrypted.NextState ?? ratchet).ReceivesPostQuantum);
        ConnectionRows.SetLastReceived(session, id, message.MessageId, messageHash);
        return Apply(reception, message.Content, meta, messageHash, couldSend: ratchet.CanSend);
    }

    /// <summary>What the message does.</summary>
    private bool Apply(Reception reception, AgentMessageContent content, MessageMeta meta, byte[] hash, bool couldSend)
    {
        var transaction = reception.Transaction;
        var connection = reception.Connection;
        switch (content)
        {
            case AgentMessageContent.Message user:
                var stored = new StoredReceivedMessage(connection.Id, reception.Queue.Key, meta, MessageKind.User, reception.IsNotificationWanted, user.Body.ToArray(), hash);
                ReceivedMessageRows.Add(transaction.Session, stored);
                transaction.Raise(stored.ToEvent());
                return false;
            case AgentMessageContent.Hello:
                return ApplyHello(reception, meta);
            case AgentMessageContent.Receipts receipts:
                return ApplyReceipts(reception, receipts, meta, hash);
            case AgentMessageContent.QueueContinue resumed:
                var queue = connection.Sending.FirstOrDefault(candidate => candidate.Sender == resumed.Queue.Sender && candidate.Server.HasSameLocation(resumed.Queue.Server));
                if (queue is null) return Refuse(reception, new AgentError.Peer(PeerFault.Queue, "QCONT: the queue is not one of this connection"));
                transaction.AfterCommit(() => agent.Deliveries.Wake(queue.Key));
                transaction.Raise(new AgentEvent.SendingResumed(connection.Id));
                return true;
            case AgentMessageContent.RatchetReady:
                // Whoever could not send before this message has not said yet that its new ratchet is in use.
                if (!couldSend && connection.Kind == ConnectionKind.Duplex)
                    outgoing.Enqueue(transaction, connection, new AgentMessageContent.RatchetReady(connection.Row.LastPeerId), MessageKind.RatchetReady, isNotificationWanted: true);
                return true;
            case AgentMessageContent.QueueAdd or AgentMessageContent.QueueKey or AgentMessageContent.QueueUse or AgentMessageContent.QueueTest:
                return Refuse(reception, new AgentError.Peer(PeerFault.Queue, "queue rotation is not supported"));
            default:
                throw new UnreachableException();
        }
    }

    /// <summary>The greeting of the classic handshake: the second one completes the connection, the first is answered.</summary>
    private bool ApplyHello(Reception reception, MessageMeta meta)
    {
        if (reception.Queue.Status == QueueStatus.Active) return Refuse(reception, new AgentError.Peer(PeerFault.Prohibited, "a second greeting"));
        if (reception.Connection.Kind != ConnectionKind.Duplex) return true;
        if (reception.Connection.Sending[0].Status == QueueStatus.Active)
            reception.Transaction.Raise(new AgentEvent.Connected(reception.Connection.Id, meta.IsPostQuantum));
        else
            outgoing.Enqueue(reception.Transaction, reception.Connection, AgentMessageContent.Hello.Instance, MessageKind.Hello, isNotificationWanted: true);
        return true;
    }

    private static bool ApplyReceipts(Reception reception, AgentMessageContent.Receipts receipts, MessageMeta meta, byte[] hash)
    {
        var session = reception.Transaction.Session;
        var id = reception.Connection.Id;
        if (reception.Connection.Kind != ConnectionKind.Duplex) return Refuse(reception, new AgentError.Peer(PeerFault.Queue, "receipts on a connection of one direction"));
        List<DeliveryReceipt> told = [];
        foreach (var receipt in receipts.Items)
        {
            if (!SentMessageRows.TryGetBySendId(session, id, receipt.MessageId, out var sent))
            {
                reception.Transaction.Raise(new AgentEvent.ConnectionFailed(id, new AgentError.Peer(PeerFault.Prohibited, "a receipt for an unknown message")));
            }
            else if (sent.Kind != MessageKind.User)
            {
                reception.Transaction.Raise(new AgentEvent.ConnectionFailed(id, new AgentError.Peer(PeerFault.Prohibited, "a receipt for a message between agents")));
            }
            else if (sent.Receipt != true)
            {
                var isHashCorrect = receipt.MessageHash.Span.SequenceEqual(sent.Hash);
                SentMessageRows.SetReceipt(session, id, sent.Id, isHashCorrect);
                told.Add(new DeliveryReceipt(sent.Id, isHashCorrect));
            }
        }

        if (told.Count == 0) return true;
        ReceivedMessageRows.Add(session, new StoredReceivedMessage(id, reception.Queue.Key, meta, MessageKind.Receipts, reception.IsNotificationWanted, [], hash));
        reception.Transaction.Raise(new AgentEvent.ReceiptsReceived(id, meta, told));
        return false;
    }

    /// <summary>The relay delivers a message again, because it missed our acknowledgement.</summary>
    private bool RepeatKnown(Reception reception)
    {
        var session = reception.Transaction.Session;
        // Acknowledged by the application, or never its business.
        if (!ReceivedMessageRows.TryGet(session, reception.Queue.Key, reception.BrokerId, out var known)) return true;
        if (EventRows.IsWaiting(session, known.Connection, known.Meta.Id)) return false;
        var attempts = ReceivedMessageRows.CountAttempt(session, known.Connection, known.Meta.Id);
        if (attempts >= agent.Options.ReceiveAttempts && reception.Now - known.Meta.ReceivedAt >= agent.Options.ReceiveExpiry)
        {
            ReceivedMessageRows.Remove(session, known.Connection, known.Meta.Id);
            return Refuse(reception, new AgentError.Duplicate(new DroppedMessage(known.Meta.BrokerTime, attempts)));
        }

        if (known.Kind == MessageKind.User)
        {
            reception.Transaction.Raise(known.ToEvent());
            return false;
        }

        // Receipts were told and handled; only the acknowledgement is missing.
        ReceivedMessageRows.Remove(session, known.Connection, known.Meta.Id);
        return true;
    }

    /// <summary>Takes up a newer version that the other side shows to know.</summary>
    private Connection Agree(Reception reception, AgentVersion shown)
    {
        var connection = reception.Connection;
        var agreed = new AgentVersion(Math.Min(shown.Number, agent.Options.AgentVersions.Max));
        if (agreed <= connection.Row.AgentVersion) return connection;
        ConnectionRows.SetAgentVersion(reception.Transaction.Session, connection.Id, agreed);
        return connection with { Row = connection.Row with { AgentVersion = agreed } };
    }

    /// <summary>A message that decrypts shows that the ratchet is in step after all.</summary>
    private static void ResetRatchetSync(Reception reception)
    {
        if (reception.Connection.Row.RatchetSync is RatchetSyncState.Ok or RatchetSyncState.Started) return;
        ConnectionRows.SetRatchetSync(reception.Transaction.Session, reception.Connection.Id, RatchetSyncState.Ok);
        reception.Transaction.Raise(new AgentEvent.RatchetSyncChanged(reception.Connection.Id, RatchetSyncState.Ok, Cause: null));
    }

    private static bool RefuseUndecrypted(Reception reception, AgentError error)
    {
        if (error is not AgentError.Crypto crypto) return Refuse(reception, error);
        var next = crypto.Fault is CryptoFault.RatchetHeader or CryptoFault.RatchetSkipped or CryptoFault.RatchetSync ? RatchetSyncState.Required : RatchetSyncState.Allowed;
        if (reception.Connection.Row.RatchetSync is RatchetSyncState.Ok or RatchetSyncState.Allowed or RatchetSyncState.Required)
        {
            ConnectionRows.SetRatchetSync(reception.Transaction.Session, reception.Connection.Id, next);
            reception.Transaction.Raise(new AgentEvent.RatchetSyncChanged(reception.Connection.Id, next, error));
        }

        return true;
    }

    private static bool Refuse(Reception reception, AgentError error)
    {
        reception.Transaction.Raise(new AgentEvent.ConnectionFailed(reception.Connection.Id, error));
        return true;
    }
}
