using Pairwise.Agent.Connections;
using Pairwise.Agent.Store;
using Pairwise.Crypto;
using Pairwise.Protocol.Agent;
using Pairwise.Ratchet;
using Pairwise.Storage;
using Pairwise.Wire;

namespace Pairwise.Agent.Receiving;

/// <summary>
/// Confirmations of both sides: the joiner's at the side that made the link (sets up the ratchet and asks the
/// application), and that side's at the joiner (completes the connection).
/// </summary>
internal sealed class ConfirmationReceiver(AgentServices agent)
{
    /// <summary>Stores what follows from a confirmation; the error when nothing does.</summary>
    public AgentError? Process(Reception reception, AgentEnvelope.Confirmation confirmation, PublicKey? senderKey, X25519PublicKey peerKey, ushort clientVersion)
    {
        var row = reception.Connection.Row;
        var isCompatible = (agent.Options.AgentVersions.Contains(confirmation.AgentVersion.Number) || confirmation.AgentVersion <= row.AgentVersion)
            && (agent.Options.ClientVersions.Contains(clientVersion) || clientVersion <= reception.Queue.ClientVersion);
        if (!isCompatible) return new AgentError.Peer(PeerFault.Version);
        if (reception.Queue.Status != QueueStatus.New) return Prohibited("a second confirmation");
        var agreedClientVersion = Math.Min(clientVersion, reception.Queue.ClientVersion);
        return (reception.Connection.Kind, confirmation.Ratchet) switch
        {
            (ConnectionKind.Receiving, { } parameters) => FromJoiner(reception, confirmation, parameters, senderKey, peerKey, agreedClientVersion),
            (ConnectionKind.Duplex, null) => FromCreator(reception, confirmation, senderKey, peerKey, agreedClientVersion),
            _ => Prohibited("a confirmation in this state of the connection"),
        };
    }

    private AgentError? FromJoiner(Reception reception, AgentEnvelope.Confirmation confirmation, E2ERatchetParams parameters, PublicKey? senderKey, X25519PublicKey peerKey, ushort clientVersion)
    {
        var session = reception.Transaction.Session;
        var id = reception.Connection.Id;
        if (!agent.Options.RatchetVersions.Contains(parameters.Version.Value)) return new AgentError.Peer(PeerFault.Version);
        if (RatchetRows.GetX3dhKeys(session, id) is not { } storedKeys) return Prohibited("a confirmation without keys for it");
        if (!X3dhKeys.TryDeserialize(storedKeys, out var keys)) throw new StorageException(StorageError.Broken, "Stored keys of a link cannot be read.");

        var isPostQuantum = reception.Connection.Row.IsPostQuantum
            && confirmation.AgentVersion >= AgentVersions.PostQuantum
            && parameters.Version.HasPostQuantum;
        using (keys)
        {
            if (!X3dh.TryInitiate(keys, parameters, new E2EVersion(agent.Options.RatchetVersions.Max), isPostQuantum, out var ratchet, out var error))
                return AgentErrors.From(error);
            using (ratchet)
            using (var skipped = new SkippedKeys())
            using (var decrypted = DoubleRatchet.Decrypt(agent.Random, ratchet, skipped, confirmation.EncryptedInfo.Span))
            {
                if (decrypted.Message is not { } body || decrypted.NextState is not { } next) return AgentErrors.From(decrypted.Error ?? default);
                if (!AgentMessage.TryDecode(body, out var message)) return new AgentError.Peer(PeerFault.Message, "the confirmation does not parse");
                if (message is not AgentMessage.ConnectionInfoReply reply) return Prohibited("a confirmation without a reply queue");

                // The ratchet is set up before the application allows the joiner, because messages may come before that.
                RatchetRows.Create(session, id, next);
                RatchetRows.Update(session, id, next, decrypted.SkippedKeys);
                ConnectionRows.SetAgentVersion(session, id, confirmation.AgentVersion);
                ConnectionRows.SetPostQuantum(session, id, isPostQuantum);
                ConnectionRows.SetLastReceived(session, id, 1, Digests.Sha256(body));
                QueueRows.SetConfirmed(session, reception.Queue, peerKey, clientVersion);
                var confirmationId = ConfirmationId.Generate(agent.Random);
                HandshakeRows.Add(session, new StoredConfirmation(confirmationId, id, senderKey, reply.Queues[0].Encode(), OwnInfo: null));
                reception.Transaction.Raise(new AgentEvent.ConfirmationReceived(
                    id,
                    confirmationId,
                    isPostQuantum,
                    [.. reply.Queues.Select(queue => queue.Address.Server)],
                    Bytes.CopyOf(reply.Info.Span)));
                return null;
            }
        }
    }

    private AgentError? FromCreator(Reception reception, AgentEnvelope.Confirmation confirmation, PublicKey? senderKey, X25519PublicKey peerKey, ushort clientVersion)
    {
        var session = reception.Transaction.Session;
        var id = reception.Connection.Id;
        using var ratchet = RatchetRows.Get(session, id);
        using var skipped = RatchetRows.GetSkippedKeys(session, id);
        using var decrypted = DoubleRatchet.Decrypt(agent.Random, ratchet, skipped, confirmation.EncryptedInfo.Span);
        // A body that does not authenticate under an authentic header advances the ratchet all the same.
        if (decrypted.HasChanges) RatchetRows.Update(session, id, decrypted.NextState ?? ratchet, decrypted.SkippedKeys);
        if (decrypted.Message is not { } body || decrypted.NextState is not { } next) return AgentErrors.From(decrypted.Error ?? default);
        if (!AgentMessage.TryDecode(body, out var message)) return new AgentError.Peer(PeerFault.Message, "the confirmation does not parse");
        if (message is not AgentMessage.ConnectionInfo info) return Prohibited("a confirmation with a reply queue from the side that made the link");

        QueueRows.SetConfirmed(session, reception.Queue, peerKey, clientVersion);
        ConnectionRows.SetLastReceived(session, id, 1, Digests.Sha256(body));
        reception.Transaction.Raise(new AgentEvent.InfoReceived(id, reception.Connection.Row.IsPostQuantum, Bytes.CopyOf(info.Info.Span)));
        if (senderKey is not null)
        {
            CommandRows.Add(session, id, CommandKind.SecureReplyQueue, senderKey.ToSpki());
            reception.Transaction.AfterCommit(() => agent.Commands.Wake(id));
        }
        else
        {
            QueueRows.SetStatus(session, reception.Queue, QueueStatus.Active);
            reception.Transaction.Raise(new AgentEvent.Connected(id, next.ReceivesPostQuantum));
        }

        return null;
    }

    private static AgentError.Peer Prohibited(string what) => new(PeerFault.Prohibited, what);
}
