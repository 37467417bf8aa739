using System.Collections.Concurrent;
using Pairwise.Protocol;
using Pairwise.Transport;

namespace Pairwise.Client.Xftp;

/// <summary>
/// The connections of one user or one transfer: a few for each server, each used by one command at a time, made when they
/// are needed and made anew when they have ended. Thread-safe.
/// </summary>
/// <remarks>
/// One command at a time, because servers of the reference stop reading a connection on which several uploads run. Several
/// connections also use several cores.
/// </remarks>
public sealed class XftpClientPool(XftpClientOptions options, int connectionsPerServer = 4) : IAsyncDisposable
{
    private static readonly TimeSpan PauseBetweenAttempts = TimeSpan.FromMilliseconds(200);

    private readonly ConcurrentDictionary<ServerAddress, Connections> _servers = new();

    /// <summary>
    /// Runs a command on one of the server's connections; attempts are made again, up to <paramref name="attempts"/>, as long
    /// as the error is transient.
    /// </summary>
    /// <param name="retrying">Hears of every error after which there is another attempt.</param>
    public async Task<XftpResult<T>> RunAsync<T>(
        ServerAddress server,
        int attempts,
        Func<XftpClient, Task<XftpResult<T>>> run,
        Action<XftpClientError>? retrying,
        CancellationToken cancellationToken)
    {
        var connections = _servers.GetOrAdd(server, _ => new Connections(connectionsPerServer));
        for (var attempt = 1; ; attempt++)
        {
            var result = await connections.RunAsync(server, options, run, cancellationToken);
            if (result.IsOk || attempt >= attempts || !result.Error!.IsTransient)
                return result;
            retrying?.Invoke(result.Error);
            await Task.Delay(PauseBetweenAttempts * attempt, options.Time, cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var connections in _servers.Values)
            await connections.DisposeAsync();
    }

    private sealed class Connections(int limit) : IAsyncDisposable
    {
        private readonly SemaphoreSlim _free = new(limit, limit);
        private readonly ConcurrentBag<XftpClient> _idle = [];

        public async Task<XftpResult<T>> RunAsync<T>(ServerAddress server, XftpClientOptions options, Func<XftpClient, Task<XftpResult<T>>> run, CancellationToken cancellationToken)
        {
            await _free.WaitAsync(cancellationToken);
            XftpClient? client = null;
            var isUsable = false;
            try
            {
                client = _idle.TryTake(out var idle) ? idle : await XftpClient.ConnectAsync(server, options, cancellationToken);
                var result = await run(client);
                isUsable = result.IsOk || result.Error is XftpClientError.Server or XftpClientError.NoServerKey;
                if (result.Error is XftpClientError.Disconnected)
                    await DropIdleAsync();
                return result;
            }
            catch (TransportException cause)
            {
                return new XftpClientError.Disconnected(cause.Failure);
            }
            finally
            {
                if (client is not null && isUsable && !client.IsBroken)
                    _idle.Add(client);
                else if (client is not null)
                    await client.DisposeAsync();
                _free.Release();
            }
        }

        public async ValueTask DisposeAsync()
        {
            await DropIdleAsync();
            _free.Dispose();
        }

        // What ended one connection (the server's restart, another network) has probably ended the others too.
        private async ValueTask DropIdleAsync()
        {
            while (_idle.TryTake(out var client))
                await client.DisposeAsync();
        }
    }
}
