using System.IO.Pipelines;

namespace Pairwise.Transport.Memory;

/// <summary>
/// Two streams, each the other's end, in memory. They behave as the two ends of a TCP connection: bounded buffers, reads
/// of length zero that wait, and the end of one seen by the other.
/// </summary>
public static class MemoryDuplex
{
    /// <summary>Bytes that may wait in each direction before a write waits.</summary>
    public const int BufferSize = 128 * 1024;

    public static (Stream First, Stream Second) CreatePair()
    {
        var options = new PipeOptions(pauseWriterThreshold: BufferSize, resumeWriterThreshold: BufferSize / 2, useSynchronizationContext: false);
        var forth = new Pipe(options);
        var back = new Pipe(options);
        return (new MemoryStreamEnd(back.Reader, forth.Writer), new MemoryStreamEnd(forth.Reader, back.Writer));
    }

    private sealed class MemoryStreamEnd(PipeReader input, PipeWriter output) : Stream
    {
        private readonly Lock _reading = new();
        private int _isClosed;

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
            ThrowIfClosed();
            var result = await input.ReadAsync(cancellationToken);
            lock (_reading)
            {
                ThrowIfClosed();
                var count = (int)Math.Min(result.Buffer.Length, buffer.Length);
                var taken = result.Buffer.Slice(0, count);
                var at = buffer.Span;
                foreach (var part in taken)
                {
                    part.Span.CopyTo(at);
                    at = at[part.Length..];
                }

                input.AdvanceTo(taken.End);
                return count;
            }
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            ThrowIfClosed();
            FlushResult result;
            try
            {
                result = await output.WriteAsync(buffer, cancellationToken);
            }
            catch (InvalidOperationException e)
            {
                throw new IOException("This end is closed.", e);
            }

            ThrowIfClosed();
            if (result.IsCompleted)
                throw new IOException("The other end is closed.");
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
            if (disposing && Interlocked.Exchange(ref _isClosed, 1) == 0)
            {
                // The waiting read of this end wakes with an error; the other end sees the end of the stream.
                input.CancelPendingRead();
                lock (_reading)
                    input.Complete();
                output.Complete();
            }

            base.Dispose(disposing);
        }

        private void ThrowIfClosed()
        {
            if (Volatile.Read(ref _isClosed) != 0)
                throw new IOException("This end is closed.");
        }
    }
}
