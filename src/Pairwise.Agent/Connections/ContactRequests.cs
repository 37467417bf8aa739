using Pairwise.Agent.Relays;
using Pairwise.Agent.Store;
using Pairwise.Crypto;
using Pairwise.Protocol.Agent;
using Pairwise.Protocol.Smp;

namespace Pairwise.Agent.Connections;

/// <summary>Asks the owner of a contact address for a connection: makes an invitation of our own and sends it there.</summary>
internal sealed class ContactRequests(AgentServices agent, LinkCreation links)
{
    /// <summary>The queue and version to use; fails when there is no common version.</summary>
    public static (SmpQueueInfo Queue, AgentVersion AgentVersion) Agree(ConnectionRequest link, AgentOptions options)
    {
        if (!link.Queues[0].TryAgree(options.ClientVersions, out var queue) || !link.AgentVersions.TryIntersect(options.AgentVersions, out var versions))
            throw new AgentException(new AgentError.Peer(PeerFault.Version));
        return (queue, new AgentVersion(versions.Max));
    }

    /// <summary>
    /// Sends a request. The caller holds the connection's lock. A repeated call sends it once more with the same invitation:
    /// whether the first one arrived is not known.
    /// </summary>
    public async Task<JoinedConnection> RequestAsync(ConnectionId id, ConnectionRequest.Contact link, ReadOnlyMemory<byte> info, bool isPostQuantum, CancellationToken cancellationToken)
    {
        var (queue, version) = Agree(link, agent.Options);
        var connection = await agent.Store.ReadAsync(session => ConnectionRows.TryGet(session, id, out var found) ? found : null, cancellationToken)
            ?? throw new AgentException(new AgentError.Connection(ConnectionFault.NotFound));
        var invitation = connection.Kind switch
        {
            // The request goes through one queue only, so there is room for the KEM key.
            ConnectionKind.New => (ConnectionRequest.Invitation)(await links.CreateAsync(
                connection.Row.User,
                id,
                ConnectionMode.Invitation,
                isPostQuantum && version >= AgentVersions.PostQuantum ? PostQuantumMode.InLink : PostQuantumMode.Off,
                cancellationToken)).Link,
            ConnectionKind.Receiving => await links.RestoreAsync(connection, cancellationToken),
            _ => throw new AgentException(new AgentError.Command(CommandFault.Prohibited, "the connection is in use")),
        };

        var envelope = new AgentEnvelope.Invitation(version, invitation, info);
        using var ephemeral = X25519PrivateKey.Generate(agent.Random);
        using var secret = ephemeral.DeriveSharedSecret(queue.Address.DhKey);
        using var key = BoxKey.From(secret);
        var body = ClientMessageEnvelope.Seal(queue.ClientVersion, ephemeral.PublicKey, key, BoxNonce.Random(agent.Random), new ClientMessage(null, envelope.Encode()))
            ?? throw new AgentException(new AgentError.Command(CommandFault.TooLarge, "the connection info is too large for a request"));
        var command = new RelayCommand(new SmpCommand.Send(new MessageFlags(Notification: true), body.Encode()), queue.Address.Sender.ToEntityId(), Key: null);
        var session = agent.Relays.Get(connection.Row.User, queue.Address.Server);
        await session.ReachAsync(cancellationToken);
        await session.SendForOkAsync(command, cancellationToken);
        return new JoinedConnection(id, IsSendQueueSecured: false);
    }
}
