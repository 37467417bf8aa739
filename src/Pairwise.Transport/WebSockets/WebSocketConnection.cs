using System.Net.WebSockets;
using Pairwise.Crypto;
using Pairwise.Protocol.Smp;

namespace Pairwise.Transport.WebSockets;

/// <summary>
/// A secure connection whose blocks travel as the messages of a WebSocket, one block a message. It owns the connection
/// below, whose session id and certificates are its own.
/// </summary>
public sealed class WebSocketConnection : ISecureConnection
{
    private readonly ISecureConnection _connection;
    private readonly WebSocket _socket;

    // owned by the reader
    private int _read;
    private bool _hasEnded;

    // whether a message has begun whose end did not come
    private volatile bool _isWithin;

    // A client masks what it sends.
    private WebSocketConnection(ISecureConnection connection, bool isServer)
    {
        _connection = connection;
        _socket = WebSocket.CreateFromStream(
            new SecureStream(connection), new WebSocketCreationOptions { IsServer = isServer, KeepAliveInterval = TimeSpan.Zero });
    }

    public ReadOnlyMemory<byte> SessionId => _connection.SessionId;

    public string? ApplicationProtocol => _connection.ApplicationProtocol;

    public IReadOnlyList<ReadOnlyMemory<byte>> PeerCertificates => _connection.PeerCertificates;

    public bool IsCertificateSent => _connection.IsCertificateSent;

    public bool IsServerNameUsed => _connection.IsServerNameUsed;

    public bool HoldsPart => _isWithin || _connection.HoldsPart;

    /// <summary>Answers a client that asks for a WebSocket over <paramref name="connection"/>, which is closed when this throws.</summary>
    /// <exception cref="TransportException">The connection is lost, or the peer does not ask for a WebSocket.</exception>
    public static async Task<WebSocketConnection> AcceptAsync(ISecureConnection connection, CancellationToken cancellationToken)
    {
        try
        {
            await WebSocketOpening.AcceptAsync(connection, cancellationToken);
            return new WebSocketConnection(connection, isServer: true);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Asks the relay for a WebSocket over <paramref name="connection"/>, which is closed when this throws.</summary>
    /// <exception cref="TransportException">The connection is lost, or the relay does not open one.</exception>
    public static async Task<WebSocketConnection> OpenAsync(ISecureConnection connection, string host, IRandomSource random, CancellationToken cancellationToken)
    {
        try
        {
            await WebSocketOpening.RequestAsync(connection, host, random.Bytes(WebSocketOpening.KeyLength), cancellationToken);
            return new WebSocketConnection(connection, isServer: false);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    public async ValueTask WaitForBytesAsync(CancellationToken cancellationToken)
    {
        if (!_hasEnded)
            await ReceiveAsync(Memory<byte>.Empty, cancellationToken);
    }

    public async ValueTask<int> ReadAsync(Memory<byte> destination, CancellationToken cancellationToken)
    {
        while (!_hasEnded)
        {
            var received = await ReceiveAsync(destination, cancellationToken);
            if (received.Count > 0)
                return received.Count;
            await Task.Yield(); // of many frames with nothing in them the reader gives its thread back in between
        }

        return 0;
    }

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken)
    {
        if (source.Length != Block.Size)
            throw new ArgumentException("A message is one block.", nameof(source));
        try
        {
            await _socket.SendAsync(source, WebSocketMessageType.Binary, endOfMessage: true, cancellationToken);
        }
        catch (Exception cause) when (IsLoss(cause))
        {
            throw Lost(cause, cancellationToken);
        }
    }

    public void Break(TransportException cause) => _connection.Break(cause);

    public async ValueTask DisposeAsync()
    {
        await _connection.DisposeAsync();
        _socket.Dispose();
    }

    private async ValueTask<ValueWebSocketReceiveResult> ReceiveAsync(Memory<byte> destination, CancellationToken cancellationToken)
    {
        ValueWebSocketReceiveResult received;
        try
        {
            received = await _socket.ReceiveAsync(destination, cancellationToken);
            if (received.MessageType == WebSocketMessageType.Close)
            {
                _hasEnded = true;
                if (_socket.State == WebSocketState.CloseReceived)
                    await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, cancellationToken);
                return received;
            }
        }
        catch (Exception cause) when (IsLoss(cause))
        {
            throw Lost(cause, cancellationToken);
        }

        _read += received.Count;
        if (_read > Block.Size || (received.EndOfMessage && _read != Block.Size))
        {
            var broken = new TransportException(TransportError.Block, "A message of the peer is not a block.");
            _connection.Break(broken);
            throw broken;
        }

        if (received.EndOfMessage)
            _read = 0;
        _isWithin = !received.EndOfMessage; // from its first header on: the reader has a buffer for the block then
        return received;
    }

    private static bool IsLoss(Exception cause) =>
        cause is WebSocketException or IOException or ObjectDisposedException or OperationCanceledException;

    // The first cause is the one below, if there is one.
    private static Exception Lost(Exception cause, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
            return new OperationCanceledException(cancellationToken);
        for (var inner = cause; inner is not null; inner = inner.InnerException)
        {
            if (inner is TransportException below)
                return below;
        }

        return new TransportException(TransportFailure.Closed, "The WebSocket was lost.", cause);
    }
}
