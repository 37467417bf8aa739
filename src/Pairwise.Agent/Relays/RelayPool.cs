using Pairwise.Protocol;
using Pairwise.Protocol.Smp;

namespace Pairwise.Agent.Relays;

/// <summary>The sessions of the agent, one for each user and relay, so that a relay cannot see two users in one session. Thread-safe.</summary>
internal sealed class RelayPool(Func<UserId, ServerAddress, RelaySession> create) : IAsyncDisposable
{
    // Guarded by itself.
    private readonly Dictionary<(UserId User, string Server), RelaySession> _sessions = [];

    // Guarded by _sessions.
    private bool _isDisposed;

    /// <summary>The session of a user with a relay; the connection is made when it is first needed.</summary>
    public RelaySession Get(UserId user, ServerAddress server)
    {
        var key = (user, server.ToString());
        lock (_sessions)
        {
            if (_isDisposed) throw new AgentException(new AgentError.Inactive());
            if (!_sessions.TryGetValue(key, out var session)) _sessions.Add(key, session = create(user, server));
            return session;
        }
    }

    public async ValueTask DisposeAsync()
    {
        RelaySession[] sessions;
        lock (_sessions)
        {
            _isDisposed = true;
            sessions = [.. _sessions.Values];
        }

        await Task.WhenAll(sessions.Select(session => session.DisposeAsync().AsTask()));
    }
}
