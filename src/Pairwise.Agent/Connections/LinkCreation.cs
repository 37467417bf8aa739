using System.Security.Cryptography;
using Pairwise.Agent.Store;
using Pairwise.Protocol.Agent;
using Pairwise.Protocol.Smp;
using Pairwise.Ratchet;
using Pairwise.Storage;

namespace Pairwise.Agent.Connections;

/// <summary>Makes a connection together with the link that invites to it.</summary>
internal sealed class LinkCreation(AgentServices agent, ServerLists servers, QueueFactory queues)
{
    /// <summary>Creates the queue at a relay drawn from the user's list, then stores the connection with it.</summary>
    /// <param name="connection">Its id; for the requests of contact addresses the connection exists already.</param>
    public async Task<CreatedConnection> CreateAsync(UserId user, ConnectionId connection, ConnectionMode mode, PostQuantumMode postQuantum, CancellationToken cancellationToken)
    {
        var queueMode = mode == ConnectionMode.Contact ? QueueMode.Contact : QueueMode.Messaging;
        var created = await queues.CreateAsync(user, connection, servers.Pick(user, used: null), queueMode, agent.Options.ClientVersions.Max, cancellationToken);
        var queueUri = new SmpQueueUri(agent.Options.ClientVersions, AddressOf(created.Queue));
        var row = new ConnectionRow(connection, user, mode, new AgentVersion(agent.Options.AgentVersions.Max), postQuantum != PostQuantumMode.Off, RatchetSyncState.Ok);
        ConnectionRequest link;
        byte[]? storedKeys = null;
        if (mode == ConnectionMode.Contact)
        {
            link = new ConnectionRequest.Contact(agent.Options.AgentVersions, [queueUri], ClientData: null);
        }
        else
        {
            using var keys = X3dh.GenerateInitiating(agent.Random, new E2EVersion(agent.Options.RatchetVersions.Max), postQuantum == PostQuantumMode.InLink);
            link = new ConnectionRequest.Invitation(agent.Options.AgentVersions, [queueUri], ClientData: null, keys.ToParams(agent.Options.RatchetVersions));
            storedKeys = keys.Serialize();
        }

        await agent.Store.ChangeAsync(
            transaction =>
            {
                if (!ConnectionRows.TryGet(transaction.Session, connection, out _)) ConnectionRows.Add(transaction.Session, row);
                QueueRows.Add(transaction.Session, created.Queue);
                if (storedKeys is not null) RatchetRows.SetX3dhKeys(transaction.Session, connection, storedKeys);
            },
            cancellationToken);
        CryptographicOperations.ZeroMemory(storedKeys);
        created.StartReceiving();
        return new CreatedConnection(connection, link);
    }

    /// <summary>The one-time link of a connection that was not used yet, once more.</summary>
    public async Task<ConnectionRequest.Invitation> RestoreAsync(Connection connection, CancellationToken cancellationToken)
    {
        var stored = await agent.Store.ReadAsync(session => RatchetRows.GetX3dhKeys(session, connection.Id), cancellationToken)
            ?? throw new AgentException(new AgentError.Command(CommandFault.Prohibited, "the link was used"));
        if (!X3dhKeys.TryDeserialize(stored, out var keys)) throw new StorageException(StorageError.Broken, "Stored keys of a link cannot be read.");
        using (keys)
        {
            var queueUri = new SmpQueueUri(agent.Options.ClientVersions, AddressOf(connection.Receiving[0]));
            return new ConnectionRequest.Invitation(agent.Options.AgentVersions, [queueUri], ClientData: null, keys.ToParams(agent.Options.RatchetVersions));
        }
    }

    /// <summary>A queue as others address it.</summary>
    public static SmpQueueAddress AddressOf(ReceiveQueue queue) => new(queue.Server, queue.Sender, queue.E2ePrivate.PublicKey, queue.Mode);
}
