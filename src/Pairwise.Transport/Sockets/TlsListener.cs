using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Pairwise.Transport.Tls;

namespace Pairwise.Transport.Sockets;

/// <summary>Where and how a server listens.</summary>
public sealed record TlsListenerOptions
{
    /// <summary>Addresses to listen on; port 0 takes a free one. <see cref="IPAddress.IPv6Any"/> listens for IPv4 too.</summary>
    public required IReadOnlyList<IPEndPoint> EndPoints { get; init; }

    /// <summary>Time for the TLS handshake: the reference's.</summary>
    public TimeSpan HandshakeTime { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Handshakes at the same time. Further connections wait in the system's backlog, so a flood of half-open handshakes
    /// costs a bounded amount of memory.
    /// </summary>
    public int MaxHandshakes { get; init; } = 1024;

    /// <summary>Connections that may wait to be accepted.</summary>
    public int Backlog { get; init; } = 1024;

    /// <summary>Null leaves keep-alive off.</summary>
    public KeepAliveOptions? KeepAlive { get; init; } = new();
}

/// <summary>Counts of one listener since its start.</summary>
/// <param name="Accepted">Connections accepted.</param>
/// <param name="Active">Connections open now, handshakes included.</param>
/// <param name="FailedHandshakes">Connections that ended before their handshake did.</param>
public readonly record struct TlsListenerCounts(long Accepted, long Active, long FailedHandshakes);

/// <summary>
/// Accepts TLS connections and runs a handler for each. It owns the accept loops and the handlers' tasks: disposing it
/// stops accepting, cancels the handlers and waits for them.
/// </summary>
public sealed partial class TlsListener : IAsyncDisposable
{
    private static readonly TimeSpan PauseAfterFailedAccept = TimeSpan.FromMilliseconds(100);

    private readonly TlsListenerOptions _options;
    private readonly Func<ISecureConnection, CancellationToken, Task> _handler;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _handshakes;
    private readonly List<Socket> _sockets = [];
    private readonly List<Task> _loops = [];
    private readonly ConcurrentDictionary<long, Task> _connections = new();
    private TlsContext _context;
    private long _accepted;
    private long _failed;
    private int _isDisposed;

    private TlsListener(TlsListenerOptions options, TlsContext context, Func<ISecureConnection, CancellationToken, Task> handler, TimeProvider time, ILogger logger)
    {
        _options = options;
        _context = context;
        _handler = handler;
        _time = time;
        _logger = logger;
        _handshakes = new SemaphoreSlim(options.MaxHandshakes, options.MaxHandshakes);
    }

    /// <summary>The addresses listened on, in the order of the options, with the ports that were taken.</summary>
    public IReadOnlyList<IPEndPoint> EndPoints { get; private set; } = [];

    public TlsListenerCounts Counts => new(Interlocked.Read(ref _accepted), _connections.Count, Interlocked.Read(ref _failed));

    /// <summary>
    /// Starts to listen. <paramref name="handler"/> gets each connection after its handshake; the connection is closed when
    /// the handler ends. The listener owns <paramref name="context"/> from here on.
    /// </summary>
    /// <exception cref="SocketException">An address cannot be listened on; its code says why (a port in use, no right to it).</exception>
    public static TlsListener Start(TlsListenerOptions options, TlsContext context, Func<ISecureConnection, CancellationToken, Task> handler, TimeProvider time, ILogger logger)
    {
        var listener = new TlsListener(options, context, handler, time, logger);
        try
        {
            foreach (var endPoint in options.EndPoints)
                listener._sockets.Add(Listen(endPoint, options.Backlog));
        }
        catch
        {
            foreach (var socket in listener._sockets)
                socket.Dispose();
            listener._stop.Dispose();
            listener._handshakes.Dispose();
            throw;
        }

        listener.EndPoints = [.. listener._sockets.Select(socket => (IPEndPoint)socket.LocalEndPoint!)];
        foreach (var socket in listener._sockets)
            listener._loops.Add(listener.AcceptAsync(socket));
        return listener;
    }

    /// <summary>
    /// Connections accepted from now on use <paramref name="context"/>; the listener owns it. The former one may be in use by
    /// a handshake that starts at this moment, so it is not disposed but left to the garbage collector.
    /// </summary>
    public void Replace(TlsContext context) => Volatile.Write(ref _context, context);

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
            return;
        await _stop.CancelAsync();
        foreach (var socket in _sockets)
            socket.Dispose();
        await Task.WhenAll(_loops);
        await Task.WhenAll(_connections.Values);
        _context.Dispose();
        _handshakes.Dispose();
        _stop.Dispose();
    }

    private static Socket Listen(IPEndPoint endPoint, int backlog)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            // The runtime lets a port be taken again while old connections of it fade out. To ask for the reuse of addresses
            // would do more: two processes could listen on one port and not know of each other.
            if (endPoint.Address.Equals(IPAddress.IPv6Any))
                socket.DualMode = true;
            socket.Bind(endPoint);
            socket.Listen(backlog);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task AcceptAsync(Socket listening)
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await _handshakes.WaitAsync(_stop.Token);
                Socket socket;
                try
                {
                    socket = await listening.AcceptAsync(_stop.Token);
                }
                catch
                {
                    _handshakes.Release();
                    throw;
                }

                var number = Interlocked.Increment(ref _accepted);
                var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                _connections[number] = RunAsync(number, socket, started.Task);
                started.SetResult();
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (ObjectDisposedException)
            {
                return;
            }
            catch (SocketException e)
            {
                // The peer may have gone, or this process has no descriptor left: neither ends a server.
                Log.AcceptFailed(_logger, e.SocketErrorCode);
                await Task.Delay(PauseAfterFailedAccept, _time).WaitAsync(_stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task RunAsync(long number, Socket socket, Task registered)
    {
        try
        {
            await registered;
            if (await TryOpenAsync(socket) is { } connection)
            {
                await using (connection)
                    await _handler(connection, _stop.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or TransportException)
        {
            Log.ConnectionEnded(_logger);
        }
        catch (Exception e)
        {
            // The boundary of a connection: a fault in its handler ends it and nothing else.
            Log.HandlerFailed(_logger, e);
        }
        finally
        {
            _connections.TryRemove(number, out _);
        }
    }

    private async Task<TlsConnection?> TryOpenAsync(Socket socket)
    {
        try
        {
            socket.NoDelay = true;
            _options.KeepAlive?.ApplyTo(socket);
            using var limit = new CancellationTokenSource(_options.HandshakeTime, _time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _stop.Token);
            return await TlsConnection.AcceptAsync(_context, new NetworkStream(socket, ownsSocket: true), _time, either.Token);
        }
        catch (Exception e) when (e is TransportException or OperationCanceledException or SocketException)
        {
            Interlocked.Increment(ref _failed);
            socket.Dispose();
            Log.HandshakeFailed(_logger, e is TransportException transport ? transport.Failure : TransportFailure.TimedOut);
            return null;
        }
        finally
        {
            _handshakes.Release();
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 3001, Level = LogLevel.Warning, Message = "A connection could not be accepted: {Code}.")]
        public static partial void AcceptFailed(ILogger logger, SocketError code);

        [LoggerMessage(EventId = 3002, Level = LogLevel.Debug, Message = "A TLS handshake failed: {Failure}.")]
        public static partial void HandshakeFailed(ILogger logger, TransportFailure failure);

        [LoggerMessage(EventId = 3003, Level = LogLevel.Debug, Message = "A connection ended.")]
        public static partial void ConnectionEnded(ILogger logger);

        [LoggerMessage(EventId = 3004, Level = LogLevel.Error, Message = "The handler of a connection failed.")]
        public static partial void HandlerFailed(ILogger logger, Exception exception);
    }
}
