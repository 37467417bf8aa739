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
internal sealed class RelaySessions(SmpClientOptions options, TimeSpan failurePause, ILogger logger) : IAsyncDisposable
{
    private const int MaxFailures = 1024;

    private readonly ConcurrentDictionary<ServerAddress, Entry> _byAddress = new();
    private readonly ConcurrentDictionary<Bytes, (SmpClient Client, ServerAddress Relay)> _bySession = new();
    private readonly CancellationTokenSource _ending = new();

    /// <summary>The session with a relay, made when there is none.</summary>
    /// <exception cref="TransportException">The relay cannot be reached now, or could not a moment ago.</exception>
    public async Task<SmpClient> GetAsync(ServerAddress relay)
    {
        while (true)
        {
            Entry entry = _byAddress.GetOrAdd(relay, address => new Entry(() => ConnectAsync(address), options.Time));
            Task<SmpClient> attempt = entry.Client;
            bool isFormer = attempt.IsCompleted;
            try
            {
                SmpClient client = await attempt;
                if (!client.Completion.IsCompleted)
                {
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
    public (SmpClient Client, ServerAddress Relay)? Find(ReadOnlySpan<byte> sessionId) =>
        _bySession.TryGetValue(Bytes.CopyOf(sessionId), out var session) && !session.Client.Completion.IsCompleted ? session : null;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        foreach ((SmpClient client, _) in _bySession.Values)
        {
            await client.DisposeAsync();
        }

        _ending.Dispose();
    }

    private async Task<SmpClient> ConnectAsync(ServerAddress relay)
    {
        SmpClient client = await SmpClient.ConnectAsync(relay, options, isInteractive: false, _ending.Token);
        foreach ((Bytes id, (SmpClient known, _)) in _bySession)
        {
            if (known.Completion.IsCompleted)
            {
                _bySession.TryRemove(id, out _);
                await known.DisposeAsync();
            }
        }

        _bySession[client.SessionId] = (client, relay);
        RelaySessionsLog.Connected(logger);
        return client;
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
