namespace Pairwise.TestKit.Faults;

/// <summary>What goes wrong with one direction of a stream, and after how many bytes.</summary>
public abstract record StreamFault
{
    private StreamFault()
    {
    }

    /// <summary>The connection is lost after so many bytes: what was on its way is gone, both ends see an error or an end.</summary>
    public sealed record Cut(long AfterBytes) : StreamFault;

    /// <summary>Nothing moves any more after so many bytes until the test lets it.</summary>
    public sealed record Stall(long AfterBytes) : StreamFault;

    /// <summary>One byte after so many others has another value.</summary>
    public sealed record Flip(long AfterBytes) : StreamFault;

    /// <summary>What was written in one go is written twice, once so many bytes have passed.</summary>
    public sealed record Double(long AfterBytes) : StreamFault;

    /// <summary>Reads give at most so many bytes at a time.</summary>
    public sealed record Trickle(int BytesAtOnce) : StreamFault;
}

/// <summary>
/// A stream around another that does harm: to what is read, to what is written, or both. Thread-safe as streams are: one
/// reader and one writer.
/// </summary>
public sealed class FaultyStream(Stream inner, StreamFault? onRead = null, StreamFault? onWrite = null) : Stream
{
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _read;
    private long _written;

    /// <summary>Bytes that were read and written through this stream.</summary>
    public (long Read, long Written) Passed => (Interlocked.Read(ref _read), Interlocked.Read(ref _written));

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Ends a stall.</summary>
    public void Release() => _released.TrySetResult();

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var limit = await BeforeReadAsync(buffer.Length, cancellationToken);
        if (limit == 0 && buffer.Length > 0)
            return 0;
        var count = await inner.ReadAsync(buffer[..limit], cancellationToken);
        if (onRead is StreamFault.Flip flip && flip.AfterBytes >= _read && flip.AfterBytes < _read + count)
            buffer.Span[(int)(flip.AfterBytes - _read)] ^= 1;
        Interlocked.Add(ref _read, count);
        return count;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var end = _written + buffer.Length;
        switch (onWrite)
        {
            case StreamFault.Cut cut when end > cut.AfterBytes:
                await inner.WriteAsync(buffer[..(int)Math.Max(0, cut.AfterBytes - _written)], cancellationToken);
                await inner.DisposeAsync();
                throw new IOException("The connection was cut.");
            case StreamFault.Stall stall when end > stall.AfterBytes:
                await _released.Task.WaitAsync(cancellationToken);
                break;
            case StreamFault.Flip flip when flip.AfterBytes >= _written && flip.AfterBytes < end:
                var changed = buffer.ToArray();
                changed[flip.AfterBytes - _written] ^= 1;
                buffer = changed;
                break;
            case StreamFault.Double twice when end > twice.AfterBytes:
                await inner.WriteAsync(buffer, cancellationToken);
                break;
        }

        await inner.WriteAsync(buffer, cancellationToken);
        Interlocked.Add(ref _written, buffer.Length);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Only asynchronous reads.");

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("Only asynchronous writes.");

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            inner.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>How many bytes the next read may give.</summary>
    private async ValueTask<int> BeforeReadAsync(int wanted, CancellationToken cancellationToken)
    {
        switch (onRead)
        {
            case StreamFault.Cut cut:
                if (_read < cut.AfterBytes)
                    return (int)Math.Min(wanted, cut.AfterBytes - _read);
                await inner.DisposeAsync();
                return wanted == 0 ? 0 : throw new IOException("The connection was cut.");
            case StreamFault.Stall stall:
                if (_read >= stall.AfterBytes)
                    await _released.Task.WaitAsync(cancellationToken);
                return _released.Task.IsCompleted ? wanted : (int)Math.Min(wanted, stall.AfterBytes - _read);
            case StreamFault.Trickle trickle:
                return Math.Min(wanted, trickle.BytesAtOnce);
            default:
                return wanted;
        }
    }
}
