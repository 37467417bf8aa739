using System.Collections.Concurrent;
using Pairwise.Protocol;
using Pairwise.Transport;

namespace Pairwise.Client.Xftp;

/// <summary>
/// The connections of one user or one transfer: one for each server, shared by all commands, made when it is needed and
/// made anew when it has ended. Thread-safe.
/// </summary>
public sealed class XftpClientPool(XftpClientOptions options) : IAsyncDisposable
{
    private readonly ConcurrentDictionary<ServerAddress, Entry> _entries = new();

    /// <summary>
    /// Runs a command on the server's connection; attempts are made again, up to <paramref name="attempts"/>, as long as the
    /// error is transient.
    /// </summary>
    /// <param name="retrying">Hears of every error after which there is another attempt.</param>
    public async Task<XftpResult<T>> RunAsync<T>(
        ServerAddress server,
        int attempts,
        Func<XftpClient, Task<XftpResult<T>>> run,
        Action<XftpClientError>? retrying,
        CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            var result = await RunOnceAsync(server, run, cancellationToken);
            if (result.IsOk || attempt >= attempts || !result.Error!.IsTransient)
                return result;
            retrying?.Invoke(result.Error);
            await Task.Delay(TimeSpan.FromMilliseconds(200 * attempt), options.Time, cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var entry in _entries.Values)
            await entry.DisposeAsync();
    }

    private async Task<XftpResult<T>> RunOnceAsync<T>(ServerAddress server, Func<XftpClient, Task<XftpResult<T>>> run, CancellationToken cancellationToken)
    {
        try
        {
            var client = await _entries.GetOrAdd(server, static _ => new Entry()).GetAsync(server, options, cancellationToken);
            return await run(client);
        }
        catch (TransportException cause)
        {
            return new XftpClientError.Disconnected(cause.Failure);
        }
    }

    private sealed class Entry : IAsyncDisposable
    {
        private readonly SemaphoreSlim _gate = new(1, 1);
        private XftpClient? _client;

        public async Task<XftpClient> GetAsync(ServerAddress server, XftpClientOptions options, CancellationToken cancellationToken)
        {
            await _gate.WaitAsync(cancellationToken);
            try
            {
                if (_client is { IsBroken: true })
                {
                    await _client.DisposeAsync();
                    _client = null;
                }

                return _client ??= await XftpClient.ConnectAsync(server, options, cancellationToken);
            }
            finally
            {
                _gate.Release();
            }
        }

        public async ValueTask DisposeAsync()
        {
            if (_client is not null)
                await _client.DisposeAsync();
            _gate.Dispose();
        }
    }
}
