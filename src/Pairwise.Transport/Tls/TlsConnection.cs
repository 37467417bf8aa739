using System.Buffers;
using System.Net.Sockets;

namespace Pairwise.Transport.Tls;

/// <summary>
/// TLS over any stream that can wait for bytes with a read of length zero, as a socket's can. While it waits it holds no
/// buffer: a buffer for received bytes is rented when they are there and goes back when they are used up.
/// </summary>
public sealed class TlsConnection : ISecureConnection
{
    /// <summary>One full record and the start of the next: 16,384 bytes of content, 22 around it.</summary>
    private const int ReceiveSize = 17 * 1024;

    /// <summary>Several records, once the peer sends faster than they are read.</summary>
    private const int BulkReceiveSize = 64 * 1024;

    private const int MostRecordContent = 16 * 1024;

    /// <summary>Answers to a peer's own TLS messages that may wait for the next write: hundreds. More are an attack.</summary>
    private const int MostUnsent = 16 * 1024;

    private static readonly TimeSpan FarewellTime = TimeSpan.FromSeconds(1);

    // fixed after construction
    private readonly Stream _stream;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();

    // guarded by _gate
    private readonly TlsSession _session;
    private byte[]? _unsent;
    private int _unsentLength;
    private TransportException? _cause;
    private bool _isFreed;

    // owned by the reader
    private byte[]? _received;
    private int _receivedStart;
    private int _receivedEnd;
    private bool _isInputEnded;
    private bool _isReadable;
    private bool _isBulk;

    private int _writing;
    private volatile bool _isClosing;

    private TlsConnection(TlsContext context, TlsTarget? target, Stream stream, TimeProvider time)
    {
        _stream = stream;
        _time = time;
        _session = new TlsSession(context, target);
    }

    public ReadOnlyMemory<byte> SessionId { get; private set; }

    public string? ApplicationProtocol { get; private set; }

    public IReadOnlyList<ReadOnlyMemory<byte>> PeerCertificates { get; private set; } = [];

    public bool IsCertificateSent { get; private set; }

    public bool IsServerNameUsed => _session.IsServerNameUsed;

    /// <summary>0x0303 for TLS 1.2, 0x0304 for TLS 1.3.</summary>
    public int ProtocolVersion { get; private set; }

    internal TlsSession Session => _session;

    /// <summary>
    /// Does the server's handshake over <paramref name="stream"/>, which the connection owns from here on, also when this
    /// throws.
    /// </summary>
    /// <exception cref="TransportException">The handshake failed or the stream ended.</exception>
    public static ValueTask<TlsConnection> AcceptAsync(TlsContext context, Stream stream, TimeProvider time, CancellationToken cancellationToken) =>
        AcceptAsync(context, stream, ReadOnlyMemory<byte>.Empty, time, cancellationToken);

    /// <summary>The same, with what was read from the stream already; it is copied.</summary>
    /// <exception cref="TransportException">The handshake failed or the stream ended.</exception>
    public static ValueTask<TlsConnection> AcceptAsync(
        TlsContext context, Stream stream, ReadOnlyMemory<byte> begun, TimeProvider time, CancellationToken cancellationToken)
    {
        if (!context.IsServer)
            throw new ArgumentException("The context is a client's.", nameof(context));
        return OpenAsync(context, target: null, stream, begun, time, cancellationToken);
    }

    /// <summary>
    /// Does the client's handshake over <paramref name="stream"/>, which the connection owns from here on, also when this
    /// throws.
    /// </summary>
    /// <exception cref="TransportException">The handshake failed, the server is another one, or the stream ended.</exception>
    public static ValueTask<TlsConnection> ConnectAsync(TlsContext context, TlsTarget target, Stream stream, TimeProvider time, CancellationToken cancellationToken)
    {
        if (context.IsServer)
            throw new ArgumentException("The context is a server's.", nameof(context));
        return OpenAsync(context, target, stream, ReadOnlyMemory<byte>.Empty, time, cancellationToken);
    }

    private static async ValueTask<TlsConnection> OpenAsync(
        TlsContext context, TlsTarget? target, Stream stream, ReadOnlyMemory<byte> begun, TimeProvider time, CancellationToken cancellationToken)
    {
        TlsConnection connection;
        try
        {
            connection = new TlsConnection(context, target, stream, time);
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }

        try
        {
            if (!begun.IsEmpty)
                connection.Begin(begun.Span);
            await connection.HandshakeAsync(cancellationToken);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private void Begin(ReadOnlySpan<byte> begun)
    {
        _received = ArrayPool<byte>.Shared.Rent(Math.Max(ReceiveSize, begun.Length));
        begun.CopyTo(_received);
        _receivedEnd = begun.Length;
    }

    public ValueTask WaitForBytesAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            ThrowIfBroken();
            if (_isInputEnded || _isReadable || _received is not null || _session.HasPending)
                return ValueTask.CompletedTask;
        }

        return WaitAsync(cancellationToken);
    }

    public async ValueTask<int> ReadAsync(Memory<byte> destination, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfZero(destination.Length);
        while (true)
        {
            switch (TryRead(destination.Span, out var count))
            {
                case TlsStep.Done:
                    return count;
                case TlsStep.Ended:
                    return 0;
            }

            if (_isInputEnded)
                return _received is null ? 0 : throw Fail(new IOException("The peer closed the connection within a record."));
            await FillAsync(cancellationToken);
        }
    }

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken)
    {
        if (source.IsEmpty)
            return;
        if (Interlocked.Exchange(ref _writing, 1) != 0)
        {
            lock (_gate)
                ThrowIfBroken();
            throw _isClosing
                ? new TransportException(TransportFailure.Closed, "The connection was closed.")
                : new InvalidOperationException("One task writes to a connection.");
        }

        try
        {
            byte[]? output;
            int length;
            lock (_gate)
            {
                ThrowIfBroken();
                var call = _session.Write(source.Span);
                KeepOutput(call);
                if (call.Step is not TlsStep.Done)
                    throw BreakLocked(call.Error ?? new TransportException(TransportFailure.Closed, "The peer has ended the TLS session."));
                (output, length) = TakeOutput();
            }

            await SendAsync(output, length, cancellationToken);
        }
        finally
        {
            Volatile.Write(ref _writing, 0);
        }
    }

    public void Break(TransportException cause)
    {
        lock (_gate)
            _cause ??= cause;

        // Whoever waits on the stream wakes with an error, and finds the cause.
        _stream.Dispose();
    }

    /// <summary>Says farewell if the way is free, closes, and wakes whoever waits.</summary>
    public async ValueTask DisposeAsync()
    {
        _isClosing = true;
        if (Interlocked.Exchange(ref _writing, 1) == 0)
            await SayFarewellAsync();
        Break(new TransportException(TransportFailure.Closed, "The connection was closed."));
        await _stream.DisposeAsync();
        lock (_gate)
        {
            if (_isFreed)
                return;
            _isFreed = true;
            _session.Dispose();
            ReturnArray(ref _unsent);
        }
    }

    private async ValueTask HandshakeAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var step = TryHandshake(out var output, out var length);
            await SendAsync(output, length, cancellationToken);
            if (step is TlsStep.Done)
                break;
            await FillAsync(cancellationToken);
        }

        SessionId = _session.SessionId;
        ApplicationProtocol = _session.ApplicationProtocol;
        PeerCertificates = _session.PeerCertificates;
        IsCertificateSent = _session.IsCertificateSent;
        ProtocolVersion = _session.ProtocolVersion;
    }

    private TlsStep TryHandshake(out byte[]? output, out int length)
    {
        lock (_gate)
        {
            ThrowIfBroken();
            var call = _session.Handshake(Received, _isInputEnded);
            Consume(call.Consumed);
            KeepOutput(call);
            if (call.Step is TlsStep.Failed or TlsStep.Ended)
                throw FailLocked(call);
            (output, length) = TakeOutput();
            return call.Step;
        }
    }

    private TlsStep TryRead(Span<byte> destination, out int count)
    {
        lock (_gate)
        {
            ThrowIfBroken();
            var call = _session.Read(destination, Received, _isInputEnded);
            Consume(call.Consumed);
            KeepReply(ref call);
            if (call.Step is TlsStep.Failed)
                throw FailLocked(call);
            count = call.Count;
            if (call.Step is TlsStep.Done && count > 0)
                ReadFurther(destination, ref count);
            return call.Step;
        }
    }

    /// <summary>
    /// Reads the records that were received with the first one, as long as any record fits. What fails here is told by the
    /// next read: what came before it was authentic.
    /// </summary>
    private void ReadFurther(Span<byte> destination, ref int count)
    {
        while (_received is not null && destination.Length - count >= MostRecordContent)
        {
            var call = _session.Read(destination[count..], Received, _isInputEnded);
            Consume(call.Consumed);
            KeepReply(ref call);
            if (call.Step is TlsStep.Failed)
                FailLocked(call);
            if (call.Step is not TlsStep.Done)
                return;
            count += call.Count;
        }
    }

    /// <inheritdoc/>
    public bool HoldsPart => Volatile.Read(ref _received) is not null;

    private ReadOnlySpan<byte> Received => _received.AsSpan(_receivedStart, _receivedEnd - _receivedStart);

    private void Consume(int count)
    {
        _receivedStart += count;
        if (_receivedStart < _receivedEnd)
            return;
        _receivedStart = 0;
        _receivedEnd = 0;
        ReturnArray(ref _received);
    }

    private async ValueTask WaitAsync(CancellationToken cancellationToken)
    {
        try
        {
#pragma warning disable CA2022 // a read of length zero waits and reads nothing: that is its use
            await _stream.ReadAsync(Memory<byte>.Empty, cancellationToken);
#pragma warning restore CA2022
            _isReadable = true;
        }
        catch (Exception e) when (IsStreamFailure(e))
        {
            throw Fail(e);
        }
    }

    /// <summary>Gets more bytes of the peer, first waiting for them without a buffer.</summary>
    private async ValueTask FillAsync(CancellationToken cancellationToken)
    {
        if (!_isReadable)
            await WaitAsync(cancellationToken);
        _isReadable = false;

        // What is there already is the beginning of a record; the whole record fits.
        var buffer = _received ?? ArrayPool<byte>.Shared.Rent(_isBulk ? BulkReceiveSize : ReceiveSize);
        var kept = _receivedEnd - _receivedStart;
        if (_receivedStart > 0)
            Received.CopyTo(buffer);
        _received = buffer;
        _receivedStart = 0;
        _receivedEnd = kept;
        try
        {
            var count = await _stream.ReadAsync(buffer.AsMemory(kept), cancellationToken);
            _isBulk = count == buffer.Length - kept;
            _receivedEnd += count;
            _isInputEnded = count == 0;
        }
        catch (Exception e) when (IsStreamFailure(e))
        {
            throw Fail(e);
        }
        finally
        {
            if (_receivedEnd == 0)
                ReturnArray(ref _received);
        }
    }

    /// <summary>Sends <paramref name="output"/> and gives the array back to the pool.</summary>
    private async ValueTask SendAsync(byte[]? output, int length, CancellationToken cancellationToken)
    {
        if (output is null)
            return;
        try
        {
            await _stream.WriteAsync(output.AsMemory(0, length), cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // Part of a record may be on its way: nothing that follows could be understood.
            Break(new TransportException(TransportFailure.Closed, "A write to the connection was cancelled."));
            throw;
        }
        catch (Exception e) when (IsStreamFailure(e))
        {
            throw Fail(e);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(output);
        }
    }

    /// <summary>Sends what waits and the farewell, but never longer than a moment: the peer may be gone.</summary>
    private async ValueTask SayFarewellAsync()
    {
        byte[]? output;
        int length;
        lock (_gate)
        {
            if (_isFreed)
                return;
            if (_cause is null)
                KeepOutput(_session.Shutdown());
            (output, length) = TakeOutput();
        }

        if (output is null)
            return;
        using var limit = new CancellationTokenSource(FarewellTime, _time);
        try
        {
            await _stream.WriteAsync(output.AsMemory(0, length), limit.Token);
        }
        catch (Exception e) when (IsStreamFailure(e) || e is OperationCanceledException)
        {
            // The farewell is a courtesy; the connection ends either way.
            return;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(output);
        }
    }

    /// <summary>
    /// Adds what OpenSSL wrote to what waits to be sent. What a read causes (the answer to a key update, an alert) goes out
    /// with the next write, or before the farewell: so records leave in the order they were made in, by one writer.
    /// </summary>
    private void KeepOutput(in TlsCall call)
    {
        if (call.Output is null)
            return;
        if (_unsent is null)
        {
            _unsent = call.Output;
            _unsentLength = call.OutputLength;
            return;
        }

        var joined = ArrayPool<byte>.Shared.Rent(_unsentLength + call.OutputLength);
        _unsent.AsSpan(0, _unsentLength).CopyTo(joined);
        call.Output.AsSpan(0, call.OutputLength).CopyTo(joined.AsSpan(_unsentLength));
        ArrayPool<byte>.Shared.Return(_unsent);
        ArrayPool<byte>.Shared.Return(call.Output);
        _unsent = joined;
        _unsentLength += call.OutputLength;
    }

    /// <summary>
    /// Keeps what a read causes. A peer that asks for answers on and on while nothing is written to it (key updates, new
    /// handshakes within TLS 1.2) fails.
    /// </summary>
    private void KeepReply(ref TlsCall call)
    {
        KeepOutput(call);
        if (_unsent is null || _unsentLength <= MostUnsent || call.Step is TlsStep.Failed)
            return;
        call.Step = TlsStep.Failed;
        call.Error = new TransportException(TransportFailure.Tls, "The peer asks for too many answers of TLS.");
    }

    private (byte[]? Output, int Length) TakeOutput()
    {
        var output = _unsent;
        _unsent = null;
        return (output, _unsentLength);
    }

    private TransportException FailLocked(in TlsCall call)
    {
        _cause ??= call.Error ?? new TransportException(TransportFailure.Closed, "The peer ended the TLS session during the handshake.");
        return _cause;
    }

    private TransportException BreakLocked(TransportException cause) => _cause ??= cause;

    private TransportException Fail(Exception e)
    {
        lock (_gate)
            return _cause ??= new TransportException(TransportFailure.Closed, "The connection was lost.", e);
    }

    private void ThrowIfBroken()
    {
        if (_cause is not null)
            throw _cause;
        ObjectDisposedException.ThrowIf(_isFreed, this);
    }

    private static bool IsStreamFailure(Exception e) => e is IOException or SocketException or ObjectDisposedException;

    private static void ReturnArray(ref byte[]? array)
    {
        if (array is not null)
            ArrayPool<byte>.Shared.Return(array);
        array = null;
    }
}
