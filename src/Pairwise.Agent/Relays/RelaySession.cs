using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;

namespace Pairwise.Agent.Relays;

/// <summary>What a session tells its owner.</summary>
internal interface IRelayObserver
{
    /// <summary>A message of the relay. Must not block.</summary>
    void OnEvent(RelaySession session, RelayEvent received);

    /// <summary>These connections receive from the relay now.</summary>
    void OnUp(RelaySession session, IReadOnlyList<ConnectionId> connections);

    /// <summary>These connections do not receive until the relay is back.</summary>
    void OnDown(RelaySession session, IReadOnlyList<ConnectionId> connections);

    /// <summary>The relay refused these subscriptions for good.</summary>
    void OnRefused(RelaySession session, IReadOnlyList<(ConnectionId Connection, AgentError Error)> refused);

    /// <summary>The relay itself cannot be used; the session goes on trying.</summary>
    void OnUnusable(RelaySession session, AgentError error);
}

/// <summary>
/// One user's use of one relay: a connection made when it is first needed, the queues subscribed through it, and their
/// re-subscription, with growing delays, after it was lost. Commands are not repeated here: who sends decides that.
/// It does not know what messages mean. Thread-safe.
/// </summary>
internal sealed class RelaySession : IAsyncDisposable
{
    // Fixed after construction.
    private readonly IRelayConnector _connector;
    private readonly IRelayObserver _observer;
    private readonly AgentOptions _options;
    private readonly TimeProvider _time;
    private readonly IRandomSource _random;
    private readonly BackgroundTasks _tasks;
    private readonly SemaphoreSlim _subscribing = new(1, 1);
    private readonly Lock _gate = new();

    // Guarded by _gate.
    private readonly SubscriptionSet _subscriptions = new();
    private Task<IRelayConnection>? _connection;
    private IRelayConnection? _live;
    private bool _isResubscribing;

    public RelaySession(UserId user, ServerAddress server, IRelayConnector connector, IRelayObserver observer, AgentOptions options, TimeProvider time, IRandomSource random, Action<Exception> report)
    {
        User = user;
        Server = server;
        _connector = connector;
        _observer = observer;
        _options = options;
        _time = time;
        _random = random;
        _tasks = new BackgroundTasks(report);
    }

    public UserId User { get; }

    public ServerAddress Server { get; }

    /// <summary>The connection, made now if there is none; callers that come meanwhile share the attempt and its failure.</summary>
    public async Task<IRelayConnection> GetConnectionAsync(CancellationToken cancellationToken)
    {
        Task<IRelayConnection> connection;
        lock (_gate)
        {
            if (_connection is null or { IsFaulted: true } or { IsCanceled: true })
            {
                var result = new TaskCompletionSource<IRelayConnection>(TaskCreationOptions.RunContinuationsAsynchronously);
                if (!_tasks.Start(stopping => RunConnectionAsync(result, stopping))) throw new AgentException(new AgentError.Inactive());
                _connection = result.Task;
            }

            connection = _connection;
        }

        return await connection.WaitAsync(cancellationToken);
    }

    /// <summary>The connection, for somebody who waits: not longer than <see cref="AgentOptions.ReachTime"/>.</summary>
    /// <exception cref="AgentException">The relay was not reached in this time (transient).</exception>
    public async Task<IRelayConnection> ReachAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await GetConnectionAsync(cancellationToken).WaitAsync(_options.ReachTime, _time, cancellationToken);
        }
        catch (TimeoutException e)
        {
            throw new AgentException(new AgentError.Broker(Server.ToString(), BrokerFault.Timeout, "the relay was not reached in time"), e);
        }
    }

    /// <summary>Sends one command.</summary>
    /// <exception cref="AgentException">No answer (transient), or the relay answered with an error (<see cref="AgentError.Relay"/>).</exception>
    public async Task<BrokerMessage> SendAsync(RelayCommand command, CancellationToken cancellationToken)
    {
        var connection = await GetConnectionAsync(cancellationToken);
        var answer = await connection.SendAsync(command, cancellationToken);
        return answer is BrokerMessage.Err error ? throw new AgentException(new AgentError.Relay(Server.ToString(), error.Error)) : answer;
    }

    /// <summary>Sends a command whose only good answer is OK.</summary>
    public async Task SendForOkAsync(RelayCommand command, CancellationToken cancellationToken)
    {
        var answer = await SendAsync(command, cancellationToken);
        if (answer is not BrokerMessage.Ok) throw Unexpected(answer);
    }

    /// <summary>The error for an answer that does not belong to its command.</summary>
    public AgentException Unexpected(BrokerMessage answer) =>
        new(new AgentError.Broker(Server.ToString(), BrokerFault.Unexpected, answer.ToString() ?? string.Empty));

    /// <summary>
    /// Wants these queues and tries to subscribe them now. What fails for a passing reason is tried again in the background;
    /// results are told to the observer.
    /// </summary>
    public async Task SubscribeAsync(IReadOnlyCollection<WantedQueue> queues, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            foreach (var queue in queues) _subscriptions.Want(queue);
        }

        try
        {
            await TrySubscribePendingAsync(cancellationToken);
        }
        finally
        {
            ResubscribeInBackground();
        }
    }

    /// <summary>A queue was created over <paramref name="connection"/> with its subscription.</summary>
    public void AddSubscribed(IRelayConnection connection, WantedQueue queue)
    {
        lock (_gate)
        {
            if (ReferenceEquals(connection, _live))
            {
                _subscriptions.AddActive(queue);
                return;
            }

            _subscriptions.Want(queue);
        }

        ResubscribeInBackground();
    }

    /// <summary>Does not want the queue any more; returns what was wanted of it, if anything.</summary>
    public WantedQueue? Unsubscribe(RecipientId queue)
    {
        lock (_gate) return _subscriptions.Remove(queue);
    }

    public bool IsSubscribed(RecipientId queue)
    {
        lock (_gate) return _subscriptions.IsActive(queue);
    }

    /// <summary>A message that came as the answer to a command.</summary>
    public void Deliver(RelayEvent received) => _observer.OnEvent(this, received);

    public async ValueTask DisposeAsync()
    {
        await _tasks.DisposeAsync();
        _subscribing.Dispose();
    }

    /// <summary>Owns a connection from its first attempt to its end.</summary>
    private async Task RunConnectionAsync(TaskCompletionSource<IRelayConnection> result, CancellationToken stopping)
    {
        IRelayConnection connection;
        try
        {
            connection = await _connector.ConnectAsync(Server, stopping);
        }
        catch (AgentException e)
        {
            result.SetException(e);
            // Queues that wait for the relay are tried again even if nobody else needs it.
            ResubscribeInBackground();
            return;
        }
        catch (OperationCanceledException)
        {
            result.SetException(new AgentException(new AgentError.Inactive()));
            return;
        }
        catch (Exception e)
        {
            result.SetException(e);
            throw;
        }

        await using (connection)
        {
            lock (_gate) _live = connection;
            result.SetResult(connection);
            try
            {
                await foreach (var received in connection.ReadEventsAsync(stopping)) _observer.OnEvent(this, received);
            }
            finally
            {
                List<ConnectionId> lost;
                lock (_gate)
                {
                    _live = null;
                    _connection = null;
                    lost = _subscriptions.Suspend();
                }

                if (!stopping.IsCancellationRequested)
                {
                    if (lost.Count > 0) _observer.OnDown(this, lost);
                    ResubscribeInBackground();
                }
            }
        }
    }

    private void ResubscribeInBackground()
    {
        lock (_gate)
        {
            if (_isResubscribing || !_subscriptions.HasPending) return;
            _isResubscribing = _tasks.Start(ResubscribeAsync);
        }
    }

    private async Task ResubscribeAsync(CancellationToken stopping)
    {
        try
        {
            var elapsed = TimeSpan.Zero;
            var delay = _options.Reconnect.Initial;
            while (!await TrySubscribePendingAsync(stopping))
            {
                await Task.Delay(Jitter(delay), _time, stopping);
                elapsed += delay;
                delay = _options.Reconnect.Next(elapsed, delay);
            }
        }
        finally
        {
            lock (_gate) _isResubscribing = false;
        }

        // Something may have become pending after the last look and before the flag fell.
        ResubscribeInBackground();
    }

    /// <summary>Up to a fifth longer at random, so that the clients of a relay do not all come back in the same moment.</summary>
    private TimeSpan Jitter(TimeSpan delay)
    {
        Span<byte> random = stackalloc byte[1];
        _random.Fill(random);
        return delay + new TimeSpan(delay.Ticks / 5 * random[0] / byte.MaxValue);
    }

    /// <summary>Subscribes all pending queues, in batches; false when some are left for a passing reason.</summary>
    private async Task<bool> TrySubscribePendingAsync(CancellationToken cancellationToken)
    {
        await _subscribing.WaitAsync(cancellationToken);
        try
        {
            while (true)
            {
                List<WantedQueue> batch;
                lock (_gate) batch = _subscriptions.NextPending(_options.SubscriptionBatch);
                if (batch.Count == 0) return true;
                if (!await TrySubscribeAsync(batch, cancellationToken)) return false;
            }
        }
        catch (AgentException e)
        {
            // A relay that cannot be used at all (wrong identity, no common version) may be repaired: the queues stay wanted.
            if (!e.IsTransient) _observer.OnUnusable(this, e.Error);
            return false;
        }
        finally
        {
            _subscribing.Release();
        }
    }

    /// <summary>Every queue of the batch becomes active or is refused, or the result is false.</summary>
    private async Task<bool> TrySubscribeAsync(List<WantedQueue> batch, CancellationToken cancellationToken)
    {
        var connection = await GetConnectionAsync(cancellationToken);
        var commands = batch.ConvertAll(queue => new RelayCommand(SmpCommand.Sub.Instance, queue.Queue.ToEntityId(), queue.Key));
        var answers = await connection.SendBatchAsync(commands, cancellationToken);
        List<ConnectionId> up = [];
        List<(ConnectionId, AgentError)> refused = [];
        List<RelayEvent> messages = [];
        var isComplete = true;
        lock (_gate)
        {
            var isLive = ReferenceEquals(connection, _live);
            for (var i = 0; i < batch.Count; i++)
            {
                switch (answers[i].Message)
                {
                    case BrokerMessage.Ok or BrokerMessage.Sok or BrokerMessage.Msg:
                        if (answers[i].Message is BrokerMessage.Msg message) messages.Add(new RelayEvent(batch[i].Queue.ToEntityId(), message));
                        if (!isLive) isComplete = false;
                        else if (_subscriptions.Activate(batch[i].Queue)) up.Add(batch[i].Connection);
                        break;
                    case null when answers[i].Error is { IsTransient: false } error:
                        _subscriptions.Remove(batch[i].Queue);
                        refused.Add((batch[i].Connection, error));
                        break;
                    case null:
                        isComplete = false;
                        break;
                    case BrokerMessage.Err error:
                        _subscriptions.Remove(batch[i].Queue);
                        refused.Add((batch[i].Connection, new AgentError.Relay(Server.ToString(), error.Error)));
                        break;
                    case var other:
                        _subscriptions.Remove(batch[i].Queue);
                        refused.Add((batch[i].Connection, Unexpected(other).Error));
                        break;
                }
            }
        }

        if (up.Count > 0) _observer.OnUp(this, [.. up.Distinct()]);
        if (refused.Count > 0) _observer.OnRefused(this, refused);
        foreach (var message in messages) _observer.OnEvent(this, message);
        return isComplete;
    }
}
