namespace Pairwise.Transport;

/// <summary>
/// A secure connection as a stream, for libraries that speak their protocols over streams. One task reads and one writes;
/// a read of length zero waits without a buffer. Failures are <see cref="IOException"/>s around the transport's own.
/// </summary>
public sealed class SecureStream(ISecureConnection connection) : Stream
{
    /// <summary>The connection below, which is closed with the stream.</summary>
    public ISecureConnection Connection { get; } = connection;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            if (!buffer.IsEmpty)
                return await Connection.ReadAsync(buffer, cancellationToken);
            await Connection.WaitForBytesAsync(cancellationToken);
            return 0;
        }
        catch (Exception cause) when (cause is TransportException or ObjectDisposedException)
        {
            throw new IOException(cause.Message, cause);
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            await Connection.WriteAsync(buffer, cancellationToken);
        }
        catch (Exception cause) when (cause is TransportException or ObjectDisposedException)
        {
            throw new IOException(cause.Message, cause);
        }
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <summary>Nothing is held back: every write is on its way when it completes.</summary>
    public override void Flush()
    {
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Reading is asynchronous.");

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("Writing is asynchronous.");

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override async ValueTask DisposeAsync()
    {
        await Connection.DisposeAsync();
        await base.DisposeAsync();
    }

    protected override void Dispose(bool disposing)
    {
        // Saying farewell takes a while and is not possible here; whoever can wait uses DisposeAsync.
        if (disposing)
            Connection.Break(new TransportException(TransportFailure.Closed, "The connection was closed."));
        base.Dispose(disposing);
    }
}
