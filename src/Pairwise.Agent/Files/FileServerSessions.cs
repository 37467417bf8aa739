using System.Globalization;
using Pairwise.Client;
using Pairwise.Client.Xftp;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Wire;

namespace Pairwise.Agent.Files;

/// <summary>
/// The connections to file servers, kept apart as the session mode asks: those of different users always, those of one user
/// by session or chunk if wanted. Connections to a server that nothing uses are closed after a while. Thread-safe.
/// </summary>
internal sealed class FileServerSessions(FileTransferOptions options, TimeProvider time, IRandomSource random) : IAsyncDisposable
{
    private readonly string _start = time.GetUtcNow().ToString("O", CultureInfo.InvariantCulture);

    // One for each server, so that each is closed by itself. Guarded by itself.
    private readonly Dictionary<(string Isolation, ServerAddress Server), Entry> _pools = [];

    /// <summary>Servers that connections are kept for, in each of their sessions.</summary>
    public int Count
    {
        get
        {
            lock (_pools) return _pools.Count;
        }
    }

    /// <summary>Takes part in the connections for a chunk at a server.</summary>
    public Lease Enter(UserId user, ServerAddress server, Bytes chunkDigest)
    {
        var key = (Isolation: IsolationOf(user, server, chunkDigest), server);
        lock (_pools)
        {
            if (!_pools.TryGetValue(key, out var entry))
            {
                var client = new XftpClientOptions { Network = options.Network, IsolationKey = key.Isolation, Time = time, Random = random };
                _pools.Add(key, entry = new Entry(new XftpClientPool(client, options.ParallelChunks)));
            }

            entry.Users++;
            return new Lease(this, key, entry);
        }
    }

    /// <summary>Closes what was not used for the options' time.</summary>
    public async Task DropIdleAsync()
    {
        List<Entry> idle = [];
        lock (_pools)
        {
            foreach (var (key, entry) in _pools.ToList())
            {
                if (entry.Users > 0 || time.GetUtcNow() - entry.IdleSince < options.IdleTime) continue;
                _pools.Remove(key);
                idle.Add(entry);
            }
        }

        foreach (var entry in idle) await entry.Pool.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        List<Entry> all;
        lock (_pools)
        {
            all = [.. _pools.Values];
            _pools.Clear();
        }

        foreach (var entry in all) await entry.Pool.DisposeAsync();
    }

    // What is not to be linked gets another name at a SOCKS proxy, and another connection.
    private string IsolationOf(UserId user, ServerAddress server, Bytes chunkDigest) => options.SessionMode switch
    {
        SessionMode.User => $"{user}",
        SessionMode.Session => $"{user}:{_start}",
        SessionMode.Server => $"{user}:{_start}@{server}",
        _ => $"{user}:{_start}@{server}/{chunkDigest.ToBase64Url()}",
    };

    private async ValueTask LeaveAsync((string Isolation, ServerAddress Server) key, Entry entry)
    {
        var isDropped = false;
        lock (_pools)
        {
            entry.Users--;
            entry.IdleSince = time.GetUtcNow();
            if (entry.Users == 0 && options.SessionMode == SessionMode.Entity) isDropped = _pools.Remove(key);
        }

        if (isDropped) await entry.Pool.DisposeAsync();
    }

    /// <summary>A share in connections; disposing it gives it back.</summary>
    internal sealed class Lease(FileServerSessions owner, (string Isolation, ServerAddress Server) key, Entry entry) : IAsyncDisposable
    {
        // A connection that ended while nothing used it costs the second attempt; more is the business of the workers.
        private const int Attempts = 2;

        public Task<XftpResult<T>> RunAsync<T>(ServerAddress server, Func<XftpClient, Task<XftpResult<T>>> run, CancellationToken cancellationToken) =>
            entry.Pool.RunAsync(server, Attempts, run, retrying: null, cancellationToken);

        public ValueTask DisposeAsync() => owner.LeaveAsync(key, entry);
    }

    internal sealed class Entry(XftpClientPool pool)
    {
        public XftpClientPool Pool => pool;

        /// <summary>Guarded by the owner's lock, as the next one.</summary>
        public int Users { get; set; }

        public DateTimeOffset IdleSince { get; set; }
    }
}
