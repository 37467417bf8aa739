using System.Diagnostics;
using Pairwise.Agent.Connections;
using Pairwise.Agent.Relays;
using Pairwise.Agent.Sending;
using Pairwise.Agent.Store;
using Pairwise.Crypto;
using Pairwise.Protocol.Agent;
using Pairwise.Protocol.Smp;
using Pairwise.Storage;

namespace Pairwise.Agent.Receiving;

/// <summary>
/// Takes a message of a relay through its layers: the relay's encryption, the queue's, the agent envelope. What follows
/// from it is stored in one transaction; only then is the message acknowledged to the relay, unless that is the
/// application's to say. A message that came before is recognised by the hash of its ciphertext, so losing an
/// acknowledgement, or this process at any instant, does no harm.
/// </summary>
internal sealed class MessageReceiver(AgentServices agent, OutgoingMessages outgoing)
{
    private readonly ConfirmationReceiver _confirmations = new(agent);
    private readonly ConversationReceiver _conversation = new(agent, outgoing);

    /// <summary>Processes one MSG. Never throws because of what is in it.</summary>
    public async Task ReceiveAsync(RelaySession session, RecipientId recipient, BrokerMessage.Msg message, CancellationToken cancellationToken)
    {
        var found = await agent.Store.ReadAsync(store => QueueRows.TryGetConnection(store, session.Server, recipient, out var id) ? id : (ConnectionId?)null, cancellationToken);
        // A queue of a connection that was deleted: it goes with its messages.
        if (found is not { } connectionId) return;

        var (queue, isDone) = await StoreAsync(connectionId, recipient, message, cancellationToken);
        if (isDone && queue is not null) await AcknowledgeAsync(queue, message.Message, cancellationToken);
    }

    // The relay gives nothing more of this queue until the message is acknowledged: what the store cannot take now is tried again.
    private async Task<(ReceiveQueue? Queue, bool IsDone)> StoreAsync(ConnectionId connectionId, RecipientId recipient, BrokerMessage.Msg message, CancellationToken cancellationToken)
    {
        var elapsed = TimeSpan.Zero;
        var delay = agent.Options.FastRetry.Initial;
        while (true)
        {
            try
            {
                using (await agent.Locks.EnterAsync(connectionId, cancellationToken))
                {
                    return await agent.Store.ChangeAsync(
                        transaction =>
                        {
                            if (!ConnectionRows.TryGet(transaction.Session, connectionId, out var connection)) return ((ReceiveQueue?)null, false);
                            var queue = connection.Receiving.FirstOrDefault(candidate => candidate.Recipient == recipient);
                            return (queue, queue is not null && Process(new Reception(transaction, connection, queue, message.Message, agent.Now), message));
                        },
                        cancellationToken);
                }
            }
            catch (StorageException e) when (e.IsTransient)
            {
                if (elapsed == TimeSpan.Zero) agent.Tasks.Report(e);
            }

            await Task.Delay(delay, agent.Time, cancellationToken);
            elapsed += delay;
            delay = agent.Options.FastRetry.Next(elapsed, delay);
        }
    }

    /// <summary>Tells the relay that it may forget a message, until it has heard that or the session was replaced by one that starts anew.</summary>
    public async Task AcknowledgeAsync(ReceiveQueue queue, MessageId message, CancellationToken cancellationToken)
    {
        var session = agent.Relays.Get(queue.User, queue.Server);
        var command = new RelayCommand(new SmpCommand.Ack(message), queue.Recipient.ToEntityId(), queue.RecipientKey);
        var elapsed = TimeSpan.Zero;
        var delay = agent.Options.FastRetry.Initial;
        while (true)
        {
            try
            {
                var answer = await session.SendAsync(command, cancellationToken);
                // The answer to an ACK may be the next message.
                if (answer is BrokerMessage.Msg) session.Deliver(new RelayEvent(queue.Recipient.ToEntityId(), answer));
                else if (answer is not BrokerMessage.Ok) throw session.Unexpected(answer);
                return;
            }
            catch (AgentException e) when (e.Error is AgentError.Relay { Error: SmpError.NoMessage })
            {
                // Acknowledged before, or not delivered in this session: then it comes again and is recognised.
                return;
            }
            catch (AgentException e) when (e.IsTransient)
            {
                await Task.Delay(delay, agent.Time, cancellationToken);
                elapsed += delay;
                delay = agent.Options.FastRetry.Next(elapsed, delay);
            }
            catch (AgentException e)
            {
                agent.Outbox.Publish(new AgentEvent.ConnectionFailed(queue.Connection, e.Error));
                return;
            }
        }
    }

    /// <summary>True when the relay may forget the message now.</summary>
    private bool Process(Reception reception, BrokerMessage.Msg message)
    {
        var queue = reception.Queue;
        using var relaySecret = queue.DhPrivate.DeriveSharedSecret(queue.ServerDhPublic);
        using var relayKey = BoxKey.From(relaySecret);
        if (!RelayMessage.TryOpen(relayKey, message.Message, message.EncryptedBody.Span, out var received)) return Refuse(reception, new AgentError.Crypto(CryptoFault.DecryptBox));
        switch (received)
        {
            case RelayMessage.QuotaMarker:
                return SendQueueContinue(reception);
            case RelayMessage.Content content:
                reception = reception with { BrokerTime = content.Time.ToDateTimeOffset(), IsNotificationWanted = content.Flags.Notification };
                return ClientMessageEnvelope.TryDecode(content.Body.Memory, out var envelope)
                    ? ProcessEnvelope(reception, envelope, content.Body)
                    : Refuse(reception, new AgentError.Peer(PeerFault.Message, "the client envelope does not parse"));
            default:
                throw new UnreachableException();
        }
    }

    private bool ProcessEnvelope(Reception reception, ClientMessageEnvelope envelope, Protocol.BlockSlice body)
    {
        var queue = reception.Queue;
        if (!agent.Options.ClientVersions.Contains(envelope.Version) && envelope.Version > queue.ClientVersion)
            return Refuse(reception, new AgentError.Peer(PeerFault.Version));
        var peerKey = queue.PeerE2ePublic ?? envelope.SenderDhKey;
        if (peerKey is null) return Refuse(reception, Prohibited("a message without a key before the confirmation"));
        // With a key although one is agreed: only a confirmation that is delivered again.
        var isAgreedKey = queue.PeerE2ePublic is not null;
        using var secret = queue.E2ePrivate.DeriveSharedSecret(peerKey);
        using var key = BoxKey.From(secret);
        if (!envelope.TryOpen(key, out var clientMessage)) return Refuse(reception, new AgentError.Crypto(CryptoFault.DecryptBox));
        if (!AgentEnvelope.TryDecode(clientMessage.Body.Memory, out var agentEnvelope)) return Refuse(reception, new AgentError.Peer(PeerFault.Message, "the agent envelope does not parse"));
        switch (agentEnvelope)
        {
            case AgentEnvelope.Confirmation when isAgreedKey && envelope.SenderDhKey is not null:
                return true;
            case AgentEnvelope.Confirmation confirmation when !isAgreedKey:
                if (clientMessage.SenderAuthKey is null && !queue.SenderCanSecure) return Refuse(reception, Prohibited("a confirmation without the sender's key"));
                return Settle(reception, _confirmations.Process(reception, confirmation, clientMessage.SenderAuthKey, peerKey, envelope.Version));
            case AgentEnvelope.Invitation invitation when !isAgreedKey && clientMessage.SenderAuthKey is null:
                return Settle(reception, InvitationReceiver.Process(agent, reception, invitation, Digests.Sha256(body.Span)));
            case AgentEnvelope.Message encrypted when isAgreedKey && envelope.SenderDhKey is null && clientMessage.SenderAuthKey is null:
                return _conversation.Process(reception, encrypted);
            case AgentEnvelope.RatchetKey when isAgreedKey && envelope.SenderDhKey is null && clientMessage.SenderAuthKey is null:
                // The other side asks for a new ratchet; answering that belongs to ratchet re-synchronisation.
                return Refuse(reception, Prohibited("ratchet re-synchronisation is not supported"));
            default:
                return Refuse(reception, Prohibited($"{agentEnvelope.GetType().Name} in this state of the queue"));
        }
    }

    /// <summary>The queue was full: its sender waits to hear that it has room again.</summary>
    private bool SendQueueContinue(Reception reception)
    {
        if (reception.Connection.CanSend)
        {
            var address = new SendQueueAddress(reception.Queue.Server, reception.Queue.Sender);
            outgoing.Enqueue(reception.Transaction, reception.Connection, new AgentMessageContent.QueueContinue(address), MessageKind.QueueContinue, isNotificationWanted: false);
        }

        return true;
    }

    private bool Settle(Reception reception, AgentError? error) => error is null || Refuse(reception, error);

    /// <summary>Tells that a message was not processed; the relay may forget it.</summary>
    private bool Refuse(Reception reception, AgentError error)
    {
        AgentLog.MessageRefused(agent.Log, error.GetType().Name);
        reception.Transaction.Raise(new AgentEvent.ConnectionFailed(reception.Connection.Id, error));
        return true;
    }

    private static AgentError.Peer Prohibited(string what) => new(PeerFault.Prohibited, what);
}

/// <summary>One message on its way through the layers.</summary>
internal sealed record Reception(AgentTransaction Transaction, Connection Connection, ReceiveQueue Queue, MessageId BrokerId, DateTimeOffset Now)
{
    /// <summary>When the relay took it.</summary>
    public DateTimeOffset BrokerTime { get; init; }

    public bool IsNotificationWanted { get; init; }
}
