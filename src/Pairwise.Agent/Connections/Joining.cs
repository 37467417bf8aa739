using System.Diagnostics.CodeAnalysis;
using Pairwise.Agent.Sending;
using Pairwise.Agent.Store;
using Pairwise.Protocol.Agent;
using Pairwise.Protocol.Smp;
using Pairwise.Ratchet;
using Pairwise.Storage;

namespace Pairwise.Agent.Connections;

/// <summary>What both sides of a link can do, at the newest version that each of them knows.</summary>
internal sealed record AgreedInvitation(SmpQueueInfo Queue, E2ERatchetParams Ratchet, AgentVersion AgentVersion)
{
    /// <summary>Whether both sides know a ratchet with the KEM.</summary>
    public bool CanBePostQuantum => AgentVersion >= AgentVersions.PostQuantum && Ratchet.Version.HasPostQuantum;

    /// <summary>False when there is no common version of the client, agent or ratchet protocol.</summary>
    public static bool TryAgree(ConnectionRequest.Invitation link, AgentOptions options, [NotNullWhen(true)] out AgreedInvitation? agreed)
    {
        agreed = null;
        if (!link.Queues[0].TryAgree(options.ClientVersions, out var queue)
            || !link.Ratchet.TryAgree(options.RatchetVersions, out var ratchet)
            || !link.AgentVersions.TryIntersect(options.AgentVersions, out var versions))
        {
            return false;
        }

        agreed = new AgreedInvitation(queue, ratchet, new AgentVersion(versions.Max));
        return true;
    }
}

/// <summary>
/// The joiner's side of a one-time link: keys and ratchet first, stored, then the relay steps. Every step is stored when it
/// is done, so a repeated join goes on where the last attempt stopped.
/// </summary>
internal sealed class Joining(AgentServices agent, ServerLists servers, QueueFactory queues, OutgoingMessages outgoing)
{
    /// <summary>A new connection for this link, without any relay having heard of it.</summary>
    public async Task<ConnectionId> PrepareAsync(UserId user, ConnectionRequest link, bool isPostQuantum, CancellationToken cancellationToken)
    {
        AgentVersion version;
        bool canBePostQuantum;
        if (link is ConnectionRequest.Invitation invitation)
        {
            var agreed = Agree(invitation);
            (version, canBePostQuantum) = (agreed.AgentVersion, agreed.CanBePostQuantum);
        }
        else
        {
            version = ContactRequests.Agree(link, agent.Options).AgentVersion;
            canBePostQuantum = version >= AgentVersions.PostQuantum;
        }

        var row = new ConnectionRow(
            ConnectionId.Generate(agent.Random),
            user,
            ConnectionMode.Invitation,
            version,
            isPostQuantum && canBePostQuantum,
            RatchetSyncState.Ok);
        await agent.Store.ChangeAsync(
            transaction =>
            {
                if (!ConnectionRows.HasUser(transaction.Session, user)) throw new AgentException(new AgentError.NoUser());
                ConnectionRows.Add(transaction.Session, row);
            },
            cancellationToken);
        return row.Id;
    }

    /// <summary>Joins. The caller holds the connection's lock.</summary>
    public async Task<JoinedConnection> JoinAsync(ConnectionId id, ConnectionRequest.Invitation link, ReadOnlyMemory<byte> info, bool isPostQuantum, CancellationToken cancellationToken)
    {
        var agreed = Agree(link);
        var (connection, parameters) = await agent.Store.ChangeAsync(transaction => Start(transaction, id, agreed, isPostQuantum), cancellationToken);
        var sending = connection.Sending[0];
        var isFast = sending.SenderCanSecure && connection.Row.AgentVersion >= AgentVersions.RatchetOnConfirmation;
        // A former attempt came through: the confirmation is stored or sent.
        if (sending.Status is QueueStatus.Confirmed or QueueStatus.Active || parameters is null) return new JoinedConnection(id, isFast);

        try
        {
            await queues.SecureAsync(sending, cancellationToken);
        }
        catch (AgentException e) when (e.Error is AgentError.Relay { Error: SmpError.Auth })
        {
            throw new AgentException(new AgentError.Connection(ConnectionFault.NotAvailable), e);
        }

        QueueFactory.Created? created = null;
        if (connection.Receiving.Count == 0)
        {
            created = await queues.CreateAsync(connection.Row.User, id, servers.Pick(connection.Row.User, sending.Server), QueueMode.Messaging, sending.ClientVersion, cancellationToken);
            await agent.Store.ChangeAsync(transaction => QueueRows.Add(transaction.Session, created.Queue), cancellationToken);
            created.StartReceiving();
        }

        var replyQueue = created?.Queue ?? connection.Receiving[0];
        var reply = new AgentMessage.ConnectionInfoReply([new SmpQueueInfo(replyQueue.ClientVersion, LinkCreation.AddressOf(replyQueue))], info);
        await agent.Store.ChangeAsync(
            transaction =>
            {
                outgoing.EnqueueConfirmation(transaction, connection, sending, reply, parameters);
                // The parameters were for this; without them a repeated join knows that it is done.
                RatchetRows.ForgetSentParameters(transaction.Session, id);
            },
            cancellationToken);
        return new JoinedConnection(id, isFast);
    }

    /// <summary>Stores keys, send queue and ratchet at the first attempt; finds them at the next.</summary>
    private (Connection Connection, E2ERatchetParams? Parameters) Start(AgentTransaction transaction, ConnectionId id, AgreedInvitation agreed, bool isPostQuantum)
    {
        var session = transaction.Session;
        if (!ConnectionRows.TryGet(session, id, out var connection)) throw new AgentException(new AgentError.Connection(ConnectionFault.NotFound));
        switch (connection.Kind)
        {
            case ConnectionKind.New:
                break;
            case ConnectionKind.Sending or ConnectionKind.Duplex when connection.Sending[0].Sender == agreed.Queue.Address.Sender:
                return (connection, RatchetRows.GetSentParameters(session, id) is { } stored ? ReadParameters(stored) : null);
            default:
                throw new AgentException(new AgentError.Command(CommandFault.Prohibited, "the connection was made for another link"));
        }

        var supportsPostQuantum = isPostQuantum && agreed.CanBePostQuantum;
        ConnectionRows.SetAgentVersion(session, id, agreed.AgentVersion);
        ConnectionRows.SetPostQuantum(session, id, supportsPostQuantum);
        using var keys = X3dh.GenerateJoining(agent.Random, agreed.Ratchet.Version, KemReply.To(agreed.Ratchet, supportsPostQuantum));
        if (!X3dh.TryJoin(agent.Random, keys, agreed.Ratchet, new E2EVersion(agent.Options.RatchetVersions.Max), out var ratchet, out var error))
            throw new AgentException(AgentErrors.From(error));
        var parameters = keys.ToParams(agreed.Ratchet.Version);
        using (ratchet) RatchetRows.Create(session, id, ratchet, parameters.Encode());
        QueueRows.Add(session, queues.ForSending(connection.Row.User, id, agreed.Queue));
        return ConnectionRows.TryGet(session, id, out var started)
            ? (started, parameters)
            : throw new AgentException(new AgentError.Connection(ConnectionFault.NotFound));
    }

    private AgreedInvitation Agree(ConnectionRequest.Invitation link) =>
        AgreedInvitation.TryAgree(link, agent.Options, out var agreed) ? agreed : throw new AgentException(new AgentError.Peer(PeerFault.Version));

    private static E2ERatchetParams ReadParameters(byte[] stored) =>
        E2ERatchetParams.TryDecode(stored, out var parameters) ? parameters : throw new StorageException(StorageError.Broken, "Stored key parameters of the agent cannot be read.");
}
