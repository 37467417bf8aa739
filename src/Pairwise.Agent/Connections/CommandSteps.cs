using System.Diagnostics;
using Pairwise.Agent.Sending;
using Pairwise.Agent.Store;
using Pairwise.Crypto;
using Pairwise.Protocol.Agent;
using Pairwise.Storage;

namespace Pairwise.Agent.Connections;

/// <summary>
/// Does the stored commands of a connection, oldest first: each until it succeeds or fails for good. Every command can be
/// repeated from its beginning, because a crash may come between any two of its steps.
/// </summary>
internal sealed class CommandSteps(AgentServices agent, QueueFactory queues, OutgoingMessages outgoing) : IWorkerSteps<ConnectionId>
{
    public async Task<bool> TryDoNextAsync(ConnectionId key, AsyncSignal signal, CancellationToken cancellationToken)
    {
        var command = await agent.Store.ReadAsync(session => CommandRows.TryGetNext(session, key, out var next) ? next : null, cancellationToken);
        if (command is null) return false;

        var elapsed = TimeSpan.Zero;
        var delay = agent.Options.FastRetry.Initial;
        while (true)
        {
            try
            {
                using (await agent.Locks.EnterAsync(key, cancellationToken)) await DoAsync(command, cancellationToken);
                return true;
            }
            catch (AgentException e) when (e.Error.IsWorthRetrying)
            {
                await signal.WaitAsync(delay, agent.Time, cancellationToken);
                elapsed += delay;
                delay = agent.Options.FastRetry.Next(elapsed, delay);
            }
            catch (AgentException e)
            {
                await agent.Store.ChangeAsync(
                    transaction =>
                    {
                        CommandRows.Remove(transaction.Session, command);
                        transaction.Raise(new AgentEvent.ConnectionFailed(key, e.Error));
                    },
                    cancellationToken);
                return true;
            }
        }
    }

    private async Task DoAsync(StoredCommand command, CancellationToken cancellationToken)
    {
        var connection = await agent.Store.ReadAsync(session => ConnectionRows.TryGet(session, command.Connection, out var found) ? found : null, cancellationToken);
        switch (command.Kind)
        {
            case var _ when connection is null:
                // Deleted meanwhile: there is nothing left to do it for.
                await agent.Store.ChangeAsync(transaction => CommandRows.Remove(transaction.Session, command), cancellationToken);
                break;
            case CommandKind.Allow:
                await AllowAsync(command, connection, cancellationToken);
                break;
            case CommandKind.SecureReplyQueue:
                await SecureReplyQueueAsync(command, connection, cancellationToken);
                break;
            default:
                throw new UnreachableException();
        }
    }

    /// <summary>The side that made the link lets the joiner in.</summary>
    private async Task AllowAsync(StoredCommand command, Connection connection, CancellationToken cancellationToken)
    {
        var confirmation = await agent.Store.ReadAsync(session => HandshakeRows.TryGetAccepted(session, connection.Id, out var accepted) ? accepted : null, cancellationToken)
            ?? throw new AgentException(new AgentError.Internal("There is no accepted confirmation."));
        if (confirmation.SenderKey is { } senderKey) await queues.SecureAsync(connection.Receiving[0], senderKey, cancellationToken);

        var sending = connection.Sending.Count > 0 ? connection.Sending[0] : await AddSendQueueAsync(connection, confirmation, cancellationToken);
        await queues.SecureAsync(sending, cancellationToken);
        await agent.Store.ChangeAsync(
            transaction =>
            {
                outgoing.EnqueueConfirmation(transaction, connection, sending, new AgentMessage.ConnectionInfo(confirmation.OwnInfo ?? []), parameters: null);
                CommandRows.Remove(transaction.Session, command);
            },
            cancellationToken);
    }

    private async Task<SendQueue> AddSendQueueAsync(Connection connection, StoredConfirmation confirmation, CancellationToken cancellationToken)
    {
        if (!SmpQueueInfo.TryDecode(confirmation.ReplyQueue, out var address)) throw new StorageException(StorageError.Broken, "A stored queue address of the agent cannot be read.");
        if (!agent.Options.ClientVersions.Contains(address.ClientVersion)) throw new AgentException(new AgentError.Peer(PeerFault.Version));
        // Stored before the relay hears of it: a repeated SKEY must come with the same key.
        var queue = queues.ForSending(connection.Row.User, connection.Id, address);
        return await agent.Store.ChangeAsync(transaction => QueueRows.Add(transaction.Session, queue), cancellationToken);
    }

    /// <summary>The joiner secures its reply queue with the key from the other side's confirmation, and greets (classic handshake).</summary>
    private async Task SecureReplyQueueAsync(StoredCommand command, Connection connection, CancellationToken cancellationToken)
    {
        if (connection.Kind != ConnectionKind.Duplex) throw new AgentException(new AgentError.Internal("The connection is not duplex."));
        if (!PublicKey.TryFromSpki(command.Argument, out var senderKey)) throw new StorageException(StorageError.Broken, "A stored public key of the agent cannot be read.");
        await queues.SecureAsync(connection.Receiving[0], senderKey, cancellationToken);
        await agent.Store.ChangeAsync(
            transaction =>
            {
                outgoing.Enqueue(transaction, connection, AgentMessageContent.Hello.Instance, MessageKind.Hello, isNotificationWanted: true);
                CommandRows.Remove(transaction.Session, command);
            },
            cancellationToken);
    }
}
