using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Pairwise.Agent.Connections;
using Pairwise.Agent.Delivery;
using Pairwise.Agent.Events;
using Pairwise.Agent.Files;
using Pairwise.Agent.Receiving;
using Pairwise.Agent.Relays;
using Pairwise.Agent.Sending;
using Pairwise.Agent.Store;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Agent;
using Pairwise.Protocol.Smp;
using Pairwise.Storage;

namespace Pairwise.Agent;

/// <summary>What an agent is built on.</summary>
/// <param name="Database">Opened with <see cref="AgentSchema.Schema"/> among its schemas; stays the caller's, and must outlive the agent.</param>
/// <param name="Relays">The way to relays.</param>
public sealed record AgentDependencies(Database Database, IRelayConnector Relays)
{
    public TimeProvider Time { get; init; } = TimeProvider.System;

    public IRandomSource Random { get; init; } = SystemRandom.Instance;

    public ILogger Log { get; init; } = NullLogger.Instance;
}

/// <inheritdoc cref="IAgentClient"/>
public sealed class AgentClient : IAgentClient
{
    private readonly AgentServices _agent;
    private readonly IRelayConnector _connector;
    private readonly ServerLists _servers;
    private readonly QueueFactory _queues;
    private readonly OutgoingMessages _outgoing;
    private readonly MessageReceiver _receiver;
    private readonly LinkCreation _links;
    private readonly Joining _joining;
    private readonly Deletion _deletion;
    private readonly FileTransfers _files;
    private int _isDisposed;

    private AgentClient(AgentOptions options, AgentDependencies dependencies)
    {
        var outbox = new EventOutbox();
        RelayEvents? observer = null;
        void Report(Exception cause)
        {
            AgentLog.WorkerFailed(dependencies.Log, cause);
            outbox.Publish(new AgentEvent.Failed(cause is AgentException { Error: var error } ? error : new AgentError.Internal(cause.Message)));
        }

        _agent = new AgentServices
        {
            Options = options,
            Store = new AgentStore(dependencies.Database, outbox),
            Outbox = outbox,
            Time = dependencies.Time,
            Random = dependencies.Random,
            Log = dependencies.Log,
            Tasks = new BackgroundTasks(Report),
            Relays = new RelayPool((user, server) => new RelaySession(user, server, dependencies.Relays, observer!, options, dependencies.Time, dependencies.Random, Report)),
        };
        _connector = dependencies.Relays;
        _servers = new ServerLists(dependencies.Random);
        _queues = new QueueFactory(_agent);
        _outgoing = new OutgoingMessages(_agent);
        _receiver = new MessageReceiver(_agent, _outgoing);
        _links = new LinkCreation(_agent, _servers, _queues);
        _joining = new Joining(_agent, _servers, _queues, _outgoing);
        _deletion = new Deletion(_agent);
        observer = new RelayEvents(_agent, _receiver);
        _agent.Deliveries = new KeyedWorkers<long>(new DeliverySteps(_agent), _agent.Tasks, Report, dependencies.Time);
        _files = new FileTransfers(_agent, dependencies.Database.Path);
        _agent.Commands = new KeyedWorkers<ConnectionId>(new CommandSteps(_agent, _queues, _outgoing), _agent.Tasks, Report, dependencies.Time);
    }

    public IFileTransfers Files => _files;

    /// <summary>Starts an agent: tells the events that were not handled before, and cleans up now and then. Nothing is subscribed or sent yet.</summary>
    public static async Task<AgentClient> StartAsync(AgentOptions options, AgentDependencies dependencies, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(dependencies);
        var client = new AgentClient(options, dependencies);
        await client._agent.Store.ChangeAsync(transaction => transaction.RaiseAgain(EventRows.GetAll(transaction.Session)), cancellationToken);
        client._agent.Tasks.Start(client.CleanUpAsync);
        client._agent.Tasks.Start(client._files.RunCleanUpAsync);
        return client;
    }

    public async IAsyncEnumerable<AgentEvent> ReadEventsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var raised in _agent.Outbox.ReadAllAsync(cancellationToken)) yield return raised;
    }

    public async Task<UserId> CreateUserAsync(IReadOnlyList<ServerAddressWithPassword> servers, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(servers);
        if (servers.Count == 0) throw new ArgumentException("A user needs at least one relay.", nameof(servers));
        var user = await _agent.Store.ChangeAsync(transaction => ConnectionRows.AddUser(transaction.Session), cancellationToken);
        _servers.Set(user, servers);
        return user;
    }

    public void SetServers(UserId user, IReadOnlyList<ServerAddressWithPassword> servers) => _servers.Set(user, servers);

    public async Task DeleteUserAsync(UserId user, CancellationToken cancellationToken)
    {
        var connections = await _agent.Store.ChangeAsync(
            transaction =>
            {
                if (!ConnectionRows.HasUser(transaction.Session, user)) throw new AgentException(new AgentError.NoUser());
                ConnectionRows.MarkUserDeleted(transaction.Session, user, _agent.Now);
                // Together with the mark: what the servers hold has to be noted before the user's rows go.
                _files.EndUser(transaction, user);
                var ids = ConnectionRows.GetIds(transaction.Session, user);
                if (ids.Count == 0) ConnectionRows.RemoveDeletedUsers(transaction.Session);
                return ids;
            },
            cancellationToken);
        _servers.Remove(user);
        await _deletion.MarkAsync(connections, waitForDelivery: false, cancellationToken);
        _agent.Tasks.Start(_deletion.RunAsync);
    }

    public async Task<IReadOnlyList<ConnectionId>> GetConnectionsAsync(CancellationToken cancellationToken) =>
        await _agent.Store.ReadAsync(ConnectionRows.GetIds, cancellationToken);

    public async Task<CreatedConnection> CreateConnectionAsync(UserId user, ConnectionMode mode, PostQuantumMode postQuantum, CancellationToken cancellationToken)
    {
        if (mode == ConnectionMode.Contact && postQuantum == PostQuantumMode.InLink)
            throw new ArgumentException("The link of a contact address holds no keys.", nameof(postQuantum));
        await RequireUserAsync(user, cancellationToken);
        return await _links.CreateAsync(user, ConnectionId.Generate(_agent.Random), mode, postQuantum, cancellationToken);
    }

    public Task<ConnectionId> PrepareToJoinAsync(UserId user, ConnectionRequest link, bool isPostQuantum, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(link);
        return _joining.PrepareAsync(user, link, isPostQuantum, cancellationToken);
    }

    public async Task<JoinedConnection> JoinConnectionAsync(ConnectionId connection, ConnectionRequest link, ReadOnlyMemory<byte> info, bool isPostQuantum, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(link);
        using var held = await _agent.Locks.EnterAsync(connection, cancellationToken);
        return link switch
        {
            ConnectionRequest.Invitation invitation => await _joining.JoinAsync(connection, invitation, info, isPostQuantum, cancellationToken),
            ConnectionRequest.Contact contact => await new ContactRequests(_agent, _links).RequestAsync(connection, contact, info, isPostQuantum, cancellationToken),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }

    public async Task AllowConnectionAsync(ConnectionId connection, ConfirmationId confirmation, ReadOnlyMemory<byte> info, CancellationToken cancellationToken)
    {
        using var held = await _agent.Locks.EnterAsync(connection, cancellationToken);
        await _agent.Store.ChangeAsync(
            transaction =>
            {
                var stored = Require(transaction.Session, connection);
                if (stored.Kind == ConnectionKind.Duplex || CommandRows.Has(transaction.Session, connection, CommandKind.Allow)) return;
                if (stored.Kind != ConnectionKind.Receiving) throw Prohibited("there is nobody to allow on this connection");
                if (!HandshakeRows.Accept(transaction.Session, connection, confirmation, info.ToArray())) throw Prohibited("there is no such confirmation");
                CommandRows.Add(transaction.Session, connection, CommandKind.Allow, argument: null);
                transaction.AfterCommit(() => _agent.Commands.Wake(connection));
            },
            cancellationToken);
    }

    public async Task<JoinedConnection> AcceptContactAsync(UserId user, InvitationId invitation, ReadOnlyMemory<byte> info, bool isPostQuantum, CancellationToken cancellationToken)
    {
        var stored = await _agent.Store.ReadAsync(session => HandshakeRows.TryGetInvitation(session, invitation, out var found) ? found : null, cancellationToken);
        if (stored is null || stored.IsAccepted) throw Prohibited("the request was answered before");
        if (!ConnectionRequest.TryParse(stored.Request, out var request) || request is not ConnectionRequest.Invitation link)
            throw new StorageException(StorageError.Broken, "A stored request of the agent cannot be read.");
        var id = await _joining.PrepareAsync(user, link, isPostQuantum, cancellationToken);
        using var held = await _agent.Locks.EnterAsync(id, cancellationToken);
        try
        {
            var joined = await _joining.JoinAsync(id, link, info, isPostQuantum, cancellationToken);
            await _agent.Store.ChangeAsync(transaction => HandshakeRows.SetInvitationAccepted(transaction.Session, invitation), cancellationToken);
            return joined;
        }
        catch (AgentException)
        {
            // The request can be accepted again; what this attempt made at our relay goes with the connection.
            await _agent.Store.ChangeAsync(transaction => ConnectionRows.MarkDeleted(transaction.Session, id, waitForDelivery: false, _agent.Now), cancellationToken);
            throw;
        }
    }

    public Task RejectContactAsync(InvitationId invitation, CancellationToken cancellationToken) =>
        _agent.Store.ChangeAsync(transaction => HandshakeRows.RemoveInvitation(transaction.Session, invitation), cancellationToken);

    public async Task SubscribeAsync(IReadOnlyCollection<ConnectionId> connections, CancellationToken cancellationToken)
    {
        var found = await _agent.Store.ReadAsync(session => connections.Select(id => Require(session, id)).ToList(), cancellationToken);
        await SubscribeAsync(
            found.SelectMany(connection => connection.Receiving),
            found.SelectMany(connection => connection.Sending).Select(queue => queue.Key),
            connections,
            cancellationToken);
    }

    public async Task SubscribeAllAsync(CancellationToken cancellationToken)
    {
        var (receiving, sending, commands) = await _agent.Store.ReadAsync(
            session => (QueueRows.GetAllReceiving(session), QueueRows.GetAllWithDeliveries(session), CommandRows.GetConnections(session)),
            cancellationToken);
        await SubscribeAsync(receiving, sending.Select(queue => queue.Key), commands, cancellationToken);
    }

    public async Task<AcceptedMessage> SendMessageAsync(ConnectionId connection, ReadOnlyMemory<byte> body, bool isNotificationWanted, bool isPostQuantum, CancellationToken cancellationToken)
    {
        using var held = await _agent.Locks.EnterAsync(connection, cancellationToken);
        return await _agent.Store.ChangeAsync(
            transaction =>
            {
                var stored = Require(transaction.Session, connection);
                if (stored.Row.RatchetSync is RatchetSyncState.Required or RatchetSyncState.Started or RatchetSyncState.Agreed)
                    throw Prohibited("the ratchet is out of step with the other side's");
                return _outgoing.Enqueue(transaction, stored, new AgentMessageContent.Message(body), MessageKind.User, isNotificationWanted, isPostQuantum);
            },
            cancellationToken);
    }

    public Task<bool> HasUnsentAsync(CancellationToken cancellationToken) => _agent.Store.ReadAsync(
        static session => QueueRows.GetAllWithDeliveries(session).Count > 0 || CommandRows.GetConnections(session).Count > 0,
        cancellationToken);

    public async Task AckMessageAsync(ConnectionId connection, AgentMessageId message, ReadOnlyMemory<byte>? receipt, CancellationToken cancellationToken)
    {
        using var held = await _agent.Locks.EnterAsync(connection, cancellationToken);
        await _agent.Store.ChangeAsync(
            transaction =>
            {
                var session = transaction.Session;
                var stored = Require(session, connection);
                // Acknowledged before: a restart came between that and the application's own record of it.
                if (!ReceivedMessageRows.TryGet(session, connection, message, out var received)) return;
                if (receipt is { } content)
                {
                    if (received.Kind != MessageKind.User) throw Prohibited("only messages of the other application take a receipt");
                    if (stored.Row.AgentVersion >= AgentVersions.DeliveryReceipts && stored.CanSend)
                    {
                        var item = new MessageReceipt(received.Meta.SenderMessageId, Wire.Bytes.Wrap(received.Hash), Wire.Bytes.CopyOf(content.Span));
                        _outgoing.Enqueue(transaction, stored, new AgentMessageContent.Receipts([item]), MessageKind.Receipts, isNotificationWanted: false);
                    }
                }

                ReceivedMessageRows.Remove(session, connection, message);
                if (stored.Receiving.FirstOrDefault(queue => queue.Key == received.Queue) is { } queue)
                    transaction.AfterCommit(() => _agent.Tasks.Start(stopping => _receiver.AcknowledgeAsync(queue, received.BrokerId, stopping)));
            },
            cancellationToken);
    }

    public async Task SuspendConnectionAsync(ConnectionId connection, CancellationToken cancellationToken)
    {
        using var held = await _agent.Locks.EnterAsync(connection, cancellationToken);
        var stored = await _agent.Store.ReadAsync(session => Require(session, connection), cancellationToken);
        if (stored.Receiving.Count == 0) throw new AgentException(new AgentError.Connection(ConnectionFault.Simplex));
        foreach (var queue in stored.Receiving)
        {
            var command = new RelayCommand(SmpCommand.Off.Instance, queue.Recipient.ToEntityId(), queue.RecipientKey);
            await _agent.Relays.Get(queue.User, queue.Server).SendForOkAsync(command, cancellationToken);
        }
    }

    public async Task DeleteConnectionAsync(ConnectionId connection, bool waitForDelivery, CancellationToken cancellationToken)
    {
        await _agent.Store.ReadAsync(session => Require(session, connection), cancellationToken);
        await _deletion.MarkAsync([connection], waitForDelivery, cancellationToken);
        _agent.Tasks.Start(_deletion.RunAsync);
    }

    public async Task<ConnectionServers> GetConnectionServersAsync(ConnectionId connection, CancellationToken cancellationToken)
    {
        var stored = await _agent.Store.ReadAsync(session => Require(session, connection), cancellationToken);
        return new ConnectionServers(
            stored.Row.AgentVersion,
            [.. stored.Receiving.Select(queue => queue.Server)],
            [.. stored.Sending.Select(queue => queue.Server)],
            stored.Row.RatchetSync,
            stored.Receiving.Any(queue => _agent.Relays.Get(queue.User, queue.Server).IsSubscribed(queue.Recipient)));
    }

    public Task<byte[]> GetSecurityCodeAsync(ConnectionId connection, CancellationToken cancellationToken) =>
        _agent.Store.ReadAsync(
            session =>
            {
                Require(session, connection);
                using var ratchet = RatchetRows.Get(session, connection);
                return ratchet.GetSecurityCode();
            },
            cancellationToken);

    public Task<ServerTestFailure?> TestServerAsync(ServerAddressWithPassword server, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(server);
        return ServerTest.RunAsync(_connector, _agent.Random, server, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0) return;
        await _agent.Tasks.DisposeAsync();
        await _agent.Relays.DisposeAsync();
        try
        {
            await _files.SaveStatisticsAsync(CancellationToken.None);
        }
        finally
        {
            await _files.DisposeAsync();
            _agent.Deliveries.Dispose();
            _agent.Commands.Dispose();
            _deletion.Dispose();
            _agent.Outbox.Complete();
        }

        // What the application handled is not told again at the next start.
        await _agent.Store.ChangeAsync(static _ => { }, CancellationToken.None);
    }

    private async Task SubscribeAsync(IEnumerable<ReceiveQueue> receiving, IEnumerable<long> sending, IEnumerable<ConnectionId> commands, CancellationToken cancellationToken)
    {
        foreach (var queue in sending) _agent.Deliveries.Wake(queue);
        foreach (var connection in commands) _agent.Commands.Wake(connection);
        var sessions = receiving.GroupBy(queue => _agent.Relays.Get(queue.User, queue.Server));
        await Task.WhenAll(sessions.Select(queues =>
            queues.Key.SubscribeAsync([.. queues.Select(queue => new WantedQueue(queue.Connection, queue.Recipient, queue.RecipientKey))], cancellationToken)));
    }

    private async Task CleanUpAsync(CancellationToken stopping)
    {
        while (true)
        {
            try
            {
                await _deletion.RunAsync(stopping);
                await _agent.Store.ChangeAsync(
                    transaction =>
                    {
                        var before = _agent.Now - _agent.Options.StoredMessageLifetime;
                        ReceivedMessageRows.RemoveExpiredHashes(transaction.Session, before, _agent.Options.CleanupBatch);
                        SentMessageRows.RemoveExpired(transaction.Session, before, _agent.Options.CleanupBatch);
                    },
                    stopping);
            }
            catch (Exception e) when (e is StorageException or AgentException)
            {
                // The next round tries again: a full disk must not end deletions for good.
                _agent.Tasks.Report(e);
            }

            await Task.Delay(_agent.Options.CleanupInterval, _agent.Time, stopping);
        }
    }

    private async Task RequireUserAsync(UserId user, CancellationToken cancellationToken)
    {
        if (!await _agent.Store.ReadAsync(session => ConnectionRows.HasUser(session, user), cancellationToken)) throw new AgentException(new AgentError.NoUser());
    }

    private static Connection Require(DatabaseSession session, ConnectionId id) =>
        ConnectionRows.TryGet(session, id, out var connection) ? connection : throw new AgentException(new AgentError.Connection(ConnectionFault.NotFound));

    private static AgentException Prohibited(string context) => new(new AgentError.Command(CommandFault.Prohibited, context));
}
