using System.Buffers.Binary;
using System.Net.Sockets;

namespace Pairwise.Load;

/// <summary>
/// A stream between a client and its socket that parts what the client computes from what it sends. First it lets
/// everything through. Then it keeps what is written: TLS records, sealed and numbered in their order. Then it sends these
/// and keeps what comes back, unread. Last it gives the answers to the client, which opens them.
/// </summary>
/// <remarks>
/// For exchanges whose answers are as long as what they answer, as with blocks: the answers take the place of what was
/// sent, so that one store serves both, and stays in the cache. A task of the client or <see cref="ExchangeAsync"/> at a time.
/// </remarks>
internal sealed class HeldStream(Socket socket, Stream inner, Memory<byte> store) : Stream
{
    /// <summary>Bytes of a TLS record that holds one block.</summary>
    internal const int RecordLength = 16_384 + 22;

    private const int Piece = 4 * RecordLength;
    private const int Window = 4 * Piece; // on their way there and back
    private const int LowWater = 2 * Piece; // answers that are worth waking up for

    // socket(7), Linux
    private const int SocketLevel = 1;
    private const int ReceiveLowWater = 18;

    private State _state;
    private int _held;
    private int _sent;
    private int _received;
    private int _replayed;
    private TaskCompletionSource? _room;

    private enum State
    {
        Through,
        Holding,
        Replaying,
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Records that came back so far; may be asked from anywhere.</summary>
    internal int ReceivedRecords => Volatile.Read(ref _received) / RecordLength;

    private bool HasRoom => _sent + Piece - Volatile.Read(ref _received) <= Window;

    /// <summary>What is written from here on is kept.</summary>
    internal void Hold() => _state = State.Holding;

    /// <summary>
    /// Sends what was kept and takes as much back, a bounded part of it on its way at a time, until all is sent or the round
    /// is over; ends when everything sent is answered.
    /// </summary>
    /// <exception cref="IOException">The connection is lost.</exception>
    internal async Task ExchangeAsync(HeldRound round, CancellationToken cancellationToken)
    {
        SetLowWater(LowWater);
        Task sending = SendAsync(round, cancellationToken);
        while (!sending.IsCompleted || _received < _sent)
        {
            int count = await inner.ReadAsync(store[_received.._sent], cancellationToken);
            if (count == 0)
            {
                throw new SuiteException("the relay closed a connection");
            }

            Volatile.Write(ref _received, _received + count);
            if (HasRoom)
            {
                Interlocked.Exchange(ref _room, null)?.SetResult(); // the sending goes on within this
            }
        }

        await sending;
    }

    /// <summary>Reads give what came back.</summary>
    internal void Replay() => _state = State.Replaying;

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_state == State.Through)
        {
            return inner.ReadAsync(buffer, cancellationToken);
        }

        int count = Math.Min(buffer.Length, _received - _replayed);
        store.Slice(_replayed, count).CopyTo(buffer);
        _replayed += count;
        return ValueTask.FromResult(count);
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        switch (_state)
        {
            case State.Through:
                return inner.WriteAsync(buffer, cancellationToken);
            case State.Holding when buffer.Length == RecordLength:
                buffer.CopyTo(store[_held..]);
                _held += buffer.Length;
                return ValueTask.CompletedTask;
            default:
                return ValueTask.CompletedTask; // the farewell of a session whose records were not all sent: nobody could read it
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        inner.Dispose();
        base.Dispose(disposing);
    }

    private void SetLowWater(int count)
    {
        Span<byte> value = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(value, count);
        socket.SetRawSocketOption(SocketLevel, ReceiveLowWater, value);
    }

    private async Task SendAsync(HeldRound round, CancellationToken cancellationToken)
    {
        while (_sent < _held && !round.IsOver)
        {
            if (!HasRoom)
            {
                TaskCompletionSource room = new();
                Interlocked.Exchange(ref _room, room);
                if (!HasRoom)
                {
                    await room.Task;
                }

                continue;
            }

            int start = _sent;
            _sent = Math.Min(_held, start + Piece);
            await inner.WriteAsync(store[start.._sent], cancellationToken);
        }

        round.End();
        SetLowWater(1); // the last answers may be fewer
    }
}
