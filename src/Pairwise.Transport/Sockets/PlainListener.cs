using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Pairwise.Transport.Sockets;

/// <summary>
/// Accepts connections without TLS, for an operator's loopback services and plain web pages, and runs a handler for each.
/// It owns the accept loop and the handlers' tasks: disposing it stops accepting, cancels the handlers and waits for them.
/// </summary>
public sealed partial class PlainListener : IAsyncDisposable
{
    private static readonly TimeSpan PauseAfterFailedAccept = TimeSpan.FromMilliseconds(100);

    private readonly Socket _socket;
    private readonly Func<Stream, CancellationToken, Task> _handler;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<long, Task> _connections = new();
    private readonly Task _loop;
    private long _accepted;
    private int _isDisposed;

    private PlainListener(Socket socket, Func<Stream, CancellationToken, Task> handler, TimeProvider time, ILogger logger)
    {
        _socket = socket;
        _handler = handler;
        _time = time;
        _logger = logger;
        EndPoint = (IPEndPoint)socket.LocalEndPoint!;
        _loop = AcceptAsync();
    }

    /// <summary>The address listened on, with the port that was taken.</summary>
    public IPEndPoint EndPoint { get; }

    /// <summary>
    /// Starts to listen; port 0 takes a free one. The connection is closed when its <paramref name="handler"/> ends.
    /// </summary>
    /// <exception cref="SocketException">The address cannot be listened on; its code says why.</exception>
    public static PlainListener Start(IPEndPoint endPoint, Func<Stream, CancellationToken, Task> handler, TimeProvider time, ILogger logger)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            if (endPoint.Address.Equals(IPAddress.IPv6Any))
                socket.DualMode = true;
            socket.Bind(endPoint);
            socket.Listen();
            return new PlainListener(socket, handler, time, logger);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
            return;
        await _stop.CancelAsync();
        _socket.Dispose();
        await _loop;
        await Task.WhenAll(_connections.Values);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var socket = await _socket.AcceptAsync(_stop.Token);
                var number = Interlocked.Increment(ref _accepted);
                var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                _connections[number] = RunAsync(number, socket, started.Task);
                started.SetResult();
            }
            catch (Exception end) when (end is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException fault)
            {
                Log.AcceptFailed(_logger, fault.SocketErrorCode);
                await Task.Delay(PauseAfterFailedAccept, _time).WaitAsync(_stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task RunAsync(long number, Socket socket, Task registered)
    {
        try
        {
            await registered;
            socket.NoDelay = true;
            await using var stream = new NetworkStream(socket, ownsSocket: true);
            await _handler(stream, _stop.Token);
        }
        catch (Exception end) when (end is OperationCanceledException or IOException or SocketException)
        {
            Log.ConnectionEnded(_logger);
        }
        catch (Exception fault)
        {
            // The boundary of a connection: a fault in its handler ends it and nothing else.
            Log.HandlerFailed(_logger, fault);
        }
        finally
        {
            _connections.TryRemove(number, out _);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 3011, Level = LogLevel.Warning, Message = "A plain connection could not be accepted: {Code}.")]
        public static partial void AcceptFailed(ILogger logger, SocketError code);

        [LoggerMessage(EventId = 3012, Level = LogLevel.Debug, Message = "A plain connection ended.")]
        public static partial void ConnectionEnded(ILogger logger);

        [LoggerMessage(EventId = 3013, Level = LogLevel.Error, Message = "The handler of a plain connection failed.")]
        public static partial void HandlerFailed(ILogger logger, Exception exception);
    }
}
