using Pairwise.Agent.Relays;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Agent;
using Pairwise.Protocol.Smp;

namespace Pairwise.Agent.Connections;

/// <summary>Makes queues: receiving ones at a relay, sending ones from the address in a link or confirmation. Stores nothing.</summary>
internal sealed class QueueFactory(AgentServices agent)
{
    /// <summary>A queue just created, with the relay session over which that was done: it is subscribed there.</summary>
    public sealed record Created(ReceiveQueue Queue, RelaySession Session, IRelayConnection Connection)
    {
        /// <summary>To be called once the queue is stored: what the relay delivers now can be processed.</summary>
        public void StartReceiving() => Session.AddSubscribed(Connection, new WantedQueue(Queue.Connection, Queue.Recipient, Queue.RecipientKey));
    }

    /// <summary>Creates a queue at a relay (NEW).</summary>
    /// <exception cref="AgentException">The relay cannot be reached or refuses.</exception>
    public async Task<Created> CreateAsync(UserId user, ConnectionId connection, ServerAddressWithPassword server, QueueMode mode, ushort clientVersion, CancellationToken cancellationToken)
    {
        var recipientKey = Ed25519PrivateKey.Generate(agent.Random);
        var dhPrivate = X25519PrivateKey.Generate(agent.Random);
        QueueRequest request = mode == QueueMode.Messaging ? new QueueRequest.Messaging(null) : new QueueRequest.Contact(null);
        var command = new SmpCommand.New(recipientKey.PublicKey, dhPrivate.PublicKey, server.Password, SubscriptionMode.Subscribe, request, Notifier: null);
        var session = agent.Relays.Get(user, server.Server);
        var relay = await session.ReachAsync(cancellationToken);
        var answer = await relay.SendAsync(new RelayCommand(command, EntityId.None, recipientKey), cancellationToken);
        if (answer is BrokerMessage.Err error) throw new AgentException(new AgentError.Relay(server.Server.ToString(), error.Error));
        if (answer is not BrokerMessage.Ids ids) throw session.Unexpected(answer);
        var queue = new ReceiveQueue
        {
            Connection = connection,
            User = user,
            Server = server.Server,
            Recipient = ids.Recipient,
            RecipientKey = recipientKey,
            DhPrivate = dhPrivate,
            ServerDhPublic = ids.ServerDhKey,
            E2ePrivate = X25519PrivateKey.Generate(agent.Random),
            Sender = ids.Sender,
            Mode = ids.Mode,
            ClientVersion = clientVersion,
        };
        return new Created(queue, session, relay);
    }

    /// <summary>The sending side of a queue that somebody else receives from.</summary>
    public SendQueue ForSending(UserId user, ConnectionId connection, SmpQueueInfo address) => new()
    {
        Connection = connection,
        User = user,
        Server = address.Address.Server,
        Sender = address.Address.Sender,
        SenderKey = Ed25519PrivateKey.Generate(agent.Random),
        Mode = address.Address.Mode,
        E2ePrivate = X25519PrivateKey.Generate(agent.Random),
        PeerE2ePublic = address.Address.DhKey,
        ClientVersion = address.ClientVersion,
    };

    /// <summary>Secures a queue as its sender (SKEY), when that is possible and still to do; returns whether the queue is secured by us.</summary>
    public async Task<bool> SecureAsync(SendQueue queue, CancellationToken cancellationToken)
    {
        if (!queue.SenderCanSecure) return false;
        if (queue.Status != QueueStatus.New) return true;
        var command = new RelayCommand(new SmpCommand.SKey(queue.SenderKey.PublicKey), queue.Sender.ToEntityId(), queue.SenderKey);
        var session = agent.Relays.Get(queue.User, queue.Server);
        await session.ReachAsync(cancellationToken);
        await session.SendForOkAsync(command, cancellationToken);
        await agent.Store.ChangeAsync(transaction => Store.QueueRows.SetStatus(transaction.Session, queue, QueueStatus.Secured), cancellationToken);
        return true;
    }

    /// <summary>Secures a queue as its recipient with the sender's key (KEY), when that is still to do.</summary>
    public async Task SecureAsync(ReceiveQueue queue, PublicKey senderKey, CancellationToken cancellationToken)
    {
        if (queue.Status is QueueStatus.Secured or QueueStatus.Active) return;
        var command = new RelayCommand(new SmpCommand.Key(senderKey), queue.Recipient.ToEntityId(), queue.RecipientKey);
        await agent.Relays.Get(queue.User, queue.Server).SendForOkAsync(command, cancellationToken);
        await agent.Store.ChangeAsync(transaction => Store.QueueRows.SetStatus(transaction.Session, queue, QueueStatus.Secured), cancellationToken);
    }
}
