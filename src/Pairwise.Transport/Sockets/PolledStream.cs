using System.Net.Sockets;
using Pairwise.Transport.Interop;

namespace Pairwise.Transport.Sockets;

/// <summary>
/// A connected socket as a stream, with a <see cref="SocketPoller"/> for the waiting: reads and writes are tried at once,
/// and whoever has to wait goes on where the poller sees the event. One task reads and one writes. A read of length zero
/// waits and holds nothing. Failures are <see cref="IOException"/>s.
/// </summary>
public sealed class PolledStream : Stream
{
    private readonly Socket _socket;
    private readonly SafeSocketHandle _handle;
    private readonly SocketPoller _poller;
    private readonly Readiness _reading = new();

    // made by the first write that has to wait
    private Readiness? _writing;
    private int _isDisposed;

    // set by the poller, before it tells the reader
    private volatile bool _isEnding;

    internal PolledStream(Socket socket, SocketPoller poller, ulong number)
    {
        socket.Blocking = false;
        _socket = socket;
        _handle = socket.SafeHandle;
        _poller = poller;
        Number = number;
    }

    /// <summary>What the poller knows it by.</summary>
    internal ulong Number { get; }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
            return WaitUntilReadableAsync(cancellationToken);
        return TryReceive(buffer.Span, out var count) ? new ValueTask<int>(count) : ReadSlowlyAsync(buffer, cancellationToken);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var sent = Send(buffer.Span);
        return sent == buffer.Length ? ValueTask.CompletedTask : WriteSlowlyAsync(buffer[sent..], cancellationToken);
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <summary>Nothing is held back.</summary>
    public override void Flush()
    {
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Reading is asynchronous.");

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("Writing is asynchronous.");

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    internal void OnReadable(bool isEnding)
    {
        if (isEnding)
            _isEnding = true;
        _reading.Tell();
    }

    internal void OnWritable() => Volatile.Read(ref _writing)?.Tell();

    /// <summary>Closes the socket; whoever waits wakes on another thread, and fails.</summary>
    protected override void Dispose(bool disposing)
    {
        if (disposing && Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            _poller.Forget(this);
            _socket.Dispose();
            _reading.Abandon();
            Volatile.Read(ref _writing)?.Abandon();
        }

        base.Dispose(disposing);
    }

    private ValueTask<int> WaitUntilReadableAsync(CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _isDisposed) != 0, this);
        var waiting = _reading.WaitAsync(cancellationToken);
        if (!waiting.IsCompletedSuccessfully)
            return waiting;
        _ = waiting.Result; // an event may have come just now: taking the result ends the registration for the cancellation
        return LookAsync(cancellationToken);
    }

    // What an event told may have been read with what came before it: only looking tells.
    private ValueTask<int> LookAsync(CancellationToken cancellationToken)
    {
        _reading.Clear();
        try
        {
            if (_socket.Poll(0, SelectMode.SelectRead))
            {
                _reading.Keep();
                return new ValueTask<int>(0);
            }
        }
        catch (SocketException e)
        {
            throw new IOException(e.Message, e);
        }

        return _reading.WaitAsync(cancellationToken);
    }

    private async ValueTask<int> ReadSlowlyAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        int count;
        do
            await _reading.WaitAsync(cancellationToken);
        while (!TryReceive(buffer.Span, out count));
        return count;
    }

    private async ValueTask WriteSlowlyAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken)
    {
        var writing = _writing;
        if (writing is null)
            Interlocked.Exchange(ref _writing, writing = new Readiness());
        while (true)
        {
            writing.Clear();
            buffer = buffer[Send(buffer.Span)..];
            if (buffer.IsEmpty)
                return;
            await writing.WaitAsync(cancellationToken);
        }
    }

    private bool TryReceive(Span<byte> buffer, out int count)
    {
        _reading.Clear();
        count = SocketCalls.Receive(_handle, buffer);
        if (count < 0)
            return false;

        // Less than there was room for: all that was there. Else there may be more, of which no event will tell; and the
        // peer's end, or the failure, that was told together with these bytes is not told again.
        if (count == buffer.Length || count == 0 || _isEnding)
            _reading.Keep();
        return true;
    }

    /// <summary>Sends what the system takes now.</summary>
    private int Send(ReadOnlySpan<byte> buffer)
    {
        var sent = 0;
        while (sent < buffer.Length)
        {
            var count = SocketCalls.Send(_handle, buffer[sent..]);
            if (count < 0)
                break;
            sent += count;
        }

        return sent;
    }
}
