using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Pairwise.Client;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Transport;
using Pairwise.Wire;

namespace Pairwise.Server.Smp.Forwarding;

/// <summary>
/// The proxy's sessions with other relays: one for each relay, shared by all clients. A session that is lost is made
/// anew when somebody asks; a relay that cannot be reached is not tried again for a while.
/// </summary>
/// <remarks>
/// Which relays there are is the clients' choice, and one relay can have any number of addresses: there are so many
/// sessions at most, of which the one that was used longest ago makes room, and half as many attempts at the same time.
/// </remarks>
/// <param name="options">How sessions are made.</param>
/// <param name="failurePause">How long a relay that could not be reached is not tried again.</param>
/// <param name="most">How many sessions there may be.</param>
/// <param name="logger">Hears of sessions, not of relays.</param>
internal sealed class RelaySessions(SmpClientOptions options, TimeSpan failurePause, int most, ILogger logger) : IAsyncDisposable
{
    private const int MaxFailures = 1024;

    private readonly ConcurrentDictionary<ServerAddress, Entry> _byAddress = new();
    private readonly ConcurrentDictionary<Bytes, Session> _bySession = new();
    private readonly CancellationTokenSource _ending = new();
    private int _attempts;

    /// <summary>How many sessions there are, with those that ended and were not looked at since.</summary>
    public int Count => _bySession.Count;

    /// <summary>How many relays are remembered, for their session or their failure.</summary>
    public int RelayCount => _byAddress.Count;

    /// <summary>The session with a relay, made when there is none.</summary>
    /// <exception cref="TransportException">The relay cannot be reached now, or could not a moment ago, or too many are being tried.</exception>
    public async Task<SmpClient> GetAsync(ServerAddress relay)
    {
        while (true)
        {
            if (Volatile.Read(ref _attempts) >= Math.Max(1, most / 2) && !_byAddress.ContainsKey(relay))
            {
                throw new TransportException(TransportFailure.Unreachable, "Too many relays are being connected to.");
            }

            Entry entry = _byAddress.GetOrAdd(relay, address => new Entry(() => ConnectAsync(address), options.Time));
            Task<SmpClient> attempt = entry.Client;
            bool isFormer = attempt.IsCompleted;
            try
            {
                SmpClient client = await attempt;
                if (!client.Completion.IsCompleted)
                {
                    Find(client.SessionId.Span);
                    return client;
                }
            }
            catch (TransportException) when (!isFormer || !entry.FailedBefore(failurePause))
            {
                // Whoever waited for an attempt hears of its end, however long it took.
                ForgetFormerFailures();
                throw;
            }
            catch (TransportException)
            {
                // That was a while ago: it is tried again below.
            }

            _byAddress.TryRemove(new KeyValuePair<ServerAddress, Entry>(relay, entry));
        }
    }

    /// <summary>The session with this id, while it lasts.</summary>
    public (SmpClient Client, ServerAddress Relay)? Find(ReadOnlySpan<byte> sessionId)
    {
        if (!_bySession.TryGetValue(Bytes.CopyOf(sessionId), out Session? session) || session.Client.Completion.IsCompleted)
        {
            return null;
        }

        session.Used = options.Time.GetTimestamp();
        return (session.Client, session.Relay);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        foreach (Session session in _bySession.Values)
        {
            await session.Client.DisposeAsync();
        }

        _ending.Dispose();
    }

    private async Task<SmpClient> ConnectAsync(ServerAddress relay)
    {
        SmpClient client;
        Interlocked.Increment(ref _attempts);
        try
        {
            client = await SmpClient.ConnectAsync(relay, options, isInteractive: false, _ending.Token);
        }
        finally
        {
            Interlocked.Decrement(ref _attempts);
        }

        foreach ((Bytes id, Session known) in _bySession)
        {
            if (known.Client.Completion.IsCompleted)
            {
                await RemoveAsync(id, known);
            }
        }

        while (_bySession.Count >= most && _bySession.MinBy(each => each.Value.Used) is { Value: not null } oldest)
        {
            await RemoveAsync(oldest.Key, oldest.Value);
        }

        _bySession[client.SessionId] = new Session(client, relay) { Used = options.Time.GetTimestamp() };
        RelaySessionsLog.Connected(logger);
        return client;
    }

    private async Task RemoveAsync(Bytes id, Session session)
    {
        if (!_bySession.TryRemove(new KeyValuePair<Bytes, Session>(id, session)))
        {
            return; // somebody else is at it
        }

        if (_byAddress.TryGetValue(session.Relay, out Entry? entry) && entry.Holds(session.Client))
        {
            _byAddress.TryRemove(new KeyValuePair<ServerAddress, Entry>(session.Relay, entry));
        }

        await session.Client.DisposeAsync();
    }

    // Addresses are the clients' choice: those that failed are kept for the pause, and no more of them than the limit.
    private void ForgetFormerFailures()
    {
        int remembered = 0;
        foreach (KeyValuePair<ServerAddress, Entry> each in _byAddress)
        {
            if (each.Value.HasFailed && (each.Value.FailedBefore(failurePause) || ++remembered > MaxFailures))
            {
                _byAddress.TryRemove(each);
            }
        }
    }

    private sealed class Session(SmpClient client, ServerAddress relay)
    {
        private long _used;

        public SmpClient Client { get; } = client;

        public ServerAddress Relay { get; } = relay;

        public long Used
        {
            get => Volatile.Read(ref _used);
            set => Volatile.Write(ref _used, value);
        }
    }

    // When a relay could not be reached, the failed task stands for it until the pause is over.
    private sealed class Entry
    {
        private readonly TimeProvider _time;
        private readonly Lazy<Task<SmpClient>> _client;
        private long _failed;

        public Entry(Func<Task<SmpClient>> connect, TimeProvider time)
        {
            _time = time;
            _client = new Lazy<Task<SmpClient>>(() => RunAsync(connect));
        }

        public Task<SmpClient> Client => _client.Value;

        public bool Holds(SmpClient client) => _client.IsValueCreated && _client.Value.IsCompletedSuccessfully && _client.Value.Result == client;

        public bool HasFailed => _client.IsValueCreated && _client.Value.IsFaulted;

        // Counted from the end of the attempt, which may itself take longer than the pause.
        public bool FailedBefore(TimeSpan pause) => _time.GetElapsedTime(Volatile.Read(ref _failed)) >= pause;

        private async Task<SmpClient> RunAsync(Func<Task<SmpClient>> connect)
        {
            try
            {
                return await connect();
            }
            catch (TransportException)
            {
                Volatile.Write(ref _failed, _time.GetTimestamp());
                throw;
            }
        }
    }
}

/// <summary>Log lines of the proxy; none names a relay.</summary>
internal static partial class RelaySessionsLog
{
    [LoggerMessage(2011, LogLevel.Debug, "A session with another relay was made.")]
    public static partial void Connected(ILogger logger);
}
