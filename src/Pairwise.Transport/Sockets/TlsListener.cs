using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Pairwise.Transport.Tls;
using Pairwise.Transport.WebSockets;

namespace Pairwise.Transport.Sockets;

/// <summary>Where and how a server listens.</summary>
public sealed record TlsListenerOptions
{
    /// <summary>Addresses to listen on; port 0 takes a free one. <see cref="IPAddress.IPv6Any"/> listens for IPv4 too.</summary>
    public required IReadOnlyList<IPEndPoint> EndPoints { get; init; }

    /// <summary>Further addresses, where a connection is opened as a WebSocket whose messages are blocks.</summary>
    public IReadOnlyList<IPEndPoint> WebSocketEndPoints { get; init; } = [];

    /// <summary>The port whose clients get the certificate for browsers when they name a host; null means every port.</summary>
    public int? WebPort { get; init; }

    /// <summary>Time for the first record of the peer, its hello.</summary>
    public TimeSpan SilenceTime { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Time for the TLS handshake after the hello: the reference's.</summary>
    public TimeSpan HandshakeTime { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The same for handshakes that begin while more than half of the places are taken: slow ones hold up others then.</summary>
    public TimeSpan BusyHandshakeTime { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// While places are short, a handshake may be ended after this time for those who wait: the oldest of the address that
    /// holds most places. (<see cref="HandshakePlaces"/> has the policy.)
    /// </summary>
    public TimeSpan HandshakePatience { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Handshakes at the same time, from a whole hello on. Further ones wait for a place with their hello, so a flood of
    /// handshakes costs a bounded amount of memory.
    /// </summary>
    public int MaxHandshakes { get; init; } = 1024;

    /// <summary>Accepted sockets whose peer has sent no whole hello yet; one more closes the one that has waited longest.</summary>
    public int MaxSilent { get; init; } = 1024;

    /// <summary>Connections open at the same time, from being accepted on; further ones are refused with an alert.</summary>
    public int MaxConnections { get; init; } = int.MaxValue;

    /// <summary>Asked for each new connection; false refuses it. Null takes all. It must be quick and not throw.</summary>
    public Func<bool>? IsAdmitting { get; init; }

    /// <summary>How a failed handshake is logged: the reason, never the peer.</summary>
    public LogLevel HandshakeFailureLevel { get; init; } = LogLevel.Debug;

    /// <summary>Connections that may wait to be accepted.</summary>
    public int Backlog { get; init; } = 1024;

    /// <summary>Null leaves keep-alive off.</summary>
    public KeepAliveOptions? KeepAlive { get; init; } = new();

    /// <summary>
    /// Whether the handler goes on on the thread that sees the socket's event, see <see cref="SocketPoller"/>: for handlers
    /// that do not wait for anything but short work on this machine: what holds one up holds up its neighbours, unless
    /// <see cref="SocketPoller.Guard"/> was called: then for two tenths of a second at most.
    /// </summary>
    public bool HandlesInline { get; init; }
}

/// <summary>Counts of one listener since its start.</summary>
/// <param name="Accepted">Connections accepted.</param>
/// <param name="Active">Connections open now, handshakes included.</param>
/// <param name="Handshakes">Handshakes under way, without those that wait for a place.</param>
/// <param name="FailedHandshakes">Connections that ended before their handshake did.</param>
/// <param name="Refused">Connections refused as too many were open, or as nobody was admitted.</param>
/// <param name="SilentCut">Connections closed for others before their peer's hello was whole.</param>
public readonly record struct TlsListenerCounts(long Accepted, long Active, int Handshakes, long FailedHandshakes, long Refused, long SilentCut)
{
    /// <summary>The same for each port listened on, in the order of the options; addresses with one port count together.</summary>
    public IReadOnlyList<TlsPortCounts> Ports { get; init; } = [];
}

/// <summary>Counts of one port of a listener since its start.</summary>
/// <param name="Port">The port's number.</param>
/// <param name="Accepted">Connections accepted.</param>
/// <param name="Active">Connections open now.</param>
public readonly record struct TlsPortCounts(int Port, long Accepted, long Active);

/// <summary>
/// Accepts TLS connections and runs a handler for each. It owns the accept loops and the handlers' tasks: disposing it
/// stops accepting, cancels the handlers and waits for them.
/// </summary>
public sealed partial class TlsListener : IAsyncDisposable
{
    /// <summary>Hellos answered at the same time, for each core: more only make all of them slow.</summary>
    private const int AnsweringForEachCore = 4;

    private static readonly TimeSpan PauseAfterFailedAccept = TimeSpan.FromMilliseconds(100);

    // alert(21), TLS 1.2, 2 bytes: fatal(2), internal_error(80) ; RFC 8446, section 6
    private static readonly byte[] FatalAlert = [21, 3, 3, 0, 2, 2, 80];

    private readonly TlsListenerOptions _options;
    private readonly Func<ISecureConnection, CancellationToken, Task> _handler;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly HandshakePlaces _handshakes;
    private readonly SilentSockets _silent;
    private readonly List<ListeningSocket> _sockets = [];
    private readonly List<Task> _loops = [];
    private readonly ConcurrentDictionary<long, Task> _connections = new();
    private TlsContext _context;
    private long _accepted;
    private long _active;
    private long _failed;
    private long _refused;
    private int _isDisposed;

    private TlsListener(TlsListenerOptions options, TlsContext context, Func<ISecureConnection, CancellationToken, Task> handler, TimeProvider time, ILogger logger)
    {
        _options = options;
        _context = context;
        _handler = handler;
        _time = time;
        _logger = logger;
        _handshakes = new HandshakePlaces(options.MaxHandshakes, AnsweringForEachCore * Environment.ProcessorCount, options.HandshakePatience, time);
        _silent = new SilentSockets(options.MaxSilent);
    }

    /// <summary>The addresses listened on, in the order of the options, with the ports that were taken.</summary>
    public IReadOnlyList<IPEndPoint> EndPoints { get; private set; } = [];

    /// <summary>The same of those for WebSockets.</summary>
    public IReadOnlyList<IPEndPoint> WebSocketEndPoints { get; private set; } = [];

    public TlsListenerCounts Counts => new(
        Interlocked.Read(ref _accepted), Interlocked.Read(ref _active), _handshakes.Taken, Interlocked.Read(ref _failed), Interlocked.Read(ref _refused), _silent.Cut)
    {
        Ports = [.. _sockets.GroupBy(
            listening => listening.EndPoint.Port,
            (port, sockets) => new TlsPortCounts(port, sockets.Sum(each => Interlocked.Read(ref each.Accepted)), sockets.Sum(each => Interlocked.Read(ref each.Active))))],
    };

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
                listener._sockets.Add(new ListeningSocket(Listen(endPoint, options.Backlog), isWebSocket: false));
            foreach (var endPoint in options.WebSocketEndPoints)
                listener._sockets.Add(new ListeningSocket(Listen(endPoint, options.Backlog), isWebSocket: true));
        }
        catch
        {
            foreach (var listening in listener._sockets)
                listening.Socket.Dispose();
            listener._stop.Dispose();
            listener._handshakes.Dispose();
            throw;
        }

        listener.EndPoints = [.. listener._sockets.Where(listening => !listening.IsWebSocket).Select(listening => listening.EndPoint)];
        listener.WebSocketEndPoints = [.. listener._sockets.Where(listening => listening.IsWebSocket).Select(listening => listening.EndPoint)];
        foreach (var listening in listener._sockets)
            listener._loops.Add(listener.AcceptAsync(listening));
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
        foreach (var listening in _sockets)
            listening.Socket.Dispose();
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

    private async Task AcceptAsync(ListeningSocket listening)
    {
        var isFailing = false;
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var socket = await listening.Socket.AcceptAsync(_stop.Token);
                isFailing = false;
                var number = Interlocked.Increment(ref _accepted);
                Interlocked.Increment(ref listening.Accepted);
                if (Interlocked.Read(ref _active) >= _options.MaxConnections || _options.IsAdmitting?.Invoke() == false)
                {
                    Interlocked.Increment(ref _refused);
                    Refuse(socket);
                    continue;
                }

                if (!TryOwn(socket, out var stream))
                    continue;
                Interlocked.Increment(ref _active);
                Interlocked.Increment(ref listening.Active);
                var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                _connections[number] = RunAsync(number, listening, socket, stream, _silent.Enter(socket, stream), started.Task);
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
                if (!isFailing)
                    Log.AcceptFailed(_logger, e.SocketErrorCode);
                isFailing = true;
                if (e.SocketErrorCode is SocketError.TooManyOpenSockets)
                    _silent.CutOldest();
                await Task.Delay(PauseAfterFailedAccept, _time).WaitAsync(_stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task RunAsync(long number, ListeningSocket listening, Socket socket, Stream stream, LinkedListNode<(Socket Socket, Stream Stream)> silence, Task registered)
    {
        try
        {
            await registered;
            if (await TryOpenAsync(listening, socket, stream, silence) is { } connection)
            {
                await using (connection)
                    await HandleAsync(connection, listening.IsWebSocket);
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
            Interlocked.Decrement(ref _active);
            Interlocked.Decrement(ref listening.Active);
        }
    }

    private async Task HandleAsync(TlsConnection connection, bool isWebSocket)
    {
        if (!isWebSocket)
        {
            await _handler(connection, _stop.Token);
            return;
        }

        WebSocketConnection messages;
        using (var limit = new CancellationTokenSource(_options.HandshakeTime, _time))
        using (var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _stop.Token))
            messages = await WebSocketConnection.AcceptAsync(connection, either.Token);
        await using (messages)
            await _handler(messages, _stop.Token);
    }

    private bool TryOwn(Socket socket, [NotNullWhen(true)] out Stream? stream)
    {
        stream = null;
        try
        {
            stream = _options.HandlesInline ? SocketPoller.Next().Own(socket) : new NetworkStream(socket, ownsSocket: true);
        }
        catch (IOException)
        {
            Interlocked.Increment(ref _failed); // it has gone already, or the system is out of memory
            socket.Dispose();
        }

        return stream is not null;
    }

    // The peer may not have begun yet: it hears of it as of any failure of a TLS server, and not by waiting in vain.
    private static void Refuse(Socket socket)
    {
        try
        {
            socket.Send(FatalAlert);
            socket.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            // It has gone already.
        }
        finally
        {
            socket.Dispose();
        }
    }

    private async Task<TlsConnection?> TryOpenAsync(ListeningSocket listening, Socket socket, Stream stream, LinkedListNode<(Socket Socket, Stream Stream)> silence)
    {
        FirstRecord hello = default;
        try
        {
            socket.NoDelay = true;
            _options.KeepAlive?.ApplyTo(socket);
            using var limit = new CancellationTokenSource(_options.SilenceTime, _time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _stop.Token);
            hello = await FirstRecord.ReadAsync(stream, either.Token);
            _silent.Leave(silence);
            limit.CancelAfter(_options.HandshakeTime * 2); // those before it may take all of their time
            var place = _handshakes.Enter(((IPEndPoint)socket.RemoteEndPoint!).Address, limit);
            try
            {
                await place.Granted.WaitAsync(either.Token);
                limit.CancelAfter(_handshakes.Taken > _options.MaxHandshakes / 2 && _options.MaxHandshakes > 1 ? _options.BusyHandshakeTime : _options.HandshakeTime);
                var context = Volatile.Read(ref _context);
                if (_options.WebPort is { } port && port != listening.EndPoint.Port)
                    context = context.WithoutWeb;
                var accepting = TlsConnection.AcceptAsync(context, stream, hello.Bytes, _time, either.Token); // answers the hello
                _handshakes.Answered(place);
                return await accepting;
            }
            finally
            {
                _handshakes.Leave(place);
            }
        }
        catch (Exception e) when (e is TransportException or OperationCanceledException or SocketException or IOException or ObjectDisposedException)
        {
            Interlocked.Increment(ref _failed);
            await stream.DisposeAsync();
            Log.HandshakeFailed(_logger, _options.HandshakeFailureLevel, e is TransportException transport ? transport.Failure : TransportFailure.TimedOut);
            return null;
        }
        finally
        {
            hello.Return();
            _silent.Leave(silence);
        }
    }

    private sealed class ListeningSocket(Socket socket, bool isWebSocket)
    {
        public long Accepted;
        public long Active;

        public Socket Socket => socket;

        public bool IsWebSocket => isWebSocket;

        public IPEndPoint EndPoint { get; } = (IPEndPoint)socket.LocalEndPoint!;
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 3001, Level = LogLevel.Warning, Message = "A connection could not be accepted: {Code}.")]
        public static partial void AcceptFailed(ILogger logger, SocketError code);

        [LoggerMessage(EventId = 3002, Message = "A TLS handshake failed: {Failure}.")]
        public static partial void HandshakeFailed(ILogger logger, LogLevel level, TransportFailure failure);

        [LoggerMessage(EventId = 3003, Level = LogLevel.Debug, Message = "A connection ended.")]
        public static partial void ConnectionEnded(ILogger logger);

        [LoggerMessage(EventId = 3004, Level = LogLevel.Error, Message = "The handler of a connection failed.")]
        public static partial void HandlerFailed(ILogger logger, Exception exception);
    }
}
