using System.Buffers;
using System.Net;
using Microsoft.Win32.SafeHandles;
using Pairwise.Protocol.Xftp;

namespace Pairwise.Client.Xftp;

/// <summary>A time limit for silence: it begins anew whenever something moves.</summary>
internal sealed class MovingLimit : IDisposable
{
    private readonly TimeSpan _time;
    private readonly CancellationTokenSource _source;

    public MovingLimit(TimeSpan time, TimeProvider provider)
    {
        _time = time;
        _source = new CancellationTokenSource(time, provider);
    }

    public CancellationToken Token => _source.Token;

    public void Restart() => _source.CancelAfter(_time);

    public void Dispose() => _source.Dispose();
}

/// <summary>The body of a request: a block, and the content of an upload behind it, handed over in pieces.</summary>
internal sealed class XftpRequestContent(ReadOnlyMemory<byte> block, ReadOnlyMemory<byte> content, IProgress<int>? progress, MovingLimit limit) : HttpContent
{
    private const int PieceLength = 64 * 1024;

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        await stream.WriteAsync(block, cancellationToken);
        for (var rest = content; !rest.IsEmpty;)
        {
            var piece = rest[..Math.Min(rest.Length, PieceLength)];
            await stream.WriteAsync(piece, cancellationToken);
            limit.Restart();
            progress?.Report(piece.Length);
            rest = rest[piece.Length..];
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = XftpLimits.BlockSize + content.Length;
        return true;
    }
}

/// <summary>The body of an upload whose content is a part of a file.</summary>
internal sealed class XftpFileRequestContent(ReadOnlyMemory<byte> block, SafeFileHandle file, long start, int length, IProgress<int>? progress, MovingLimit limit) : HttpContent
{
    private const int PieceLength = 64 * 1024;

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        await stream.WriteAsync(block, cancellationToken);
        var buffer = ArrayPool<byte>.Shared.Rent(PieceLength);
        try
        {
            for (var done = 0; done < length;)
            {
                var read = await ReadAsync(buffer.AsMemory(0, Math.Min(PieceLength, length - done)), start + done, cancellationToken);
                await stream.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
                limit.Restart();
                progress?.Report(read);
                done += read;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async ValueTask<int> ReadAsync(Memory<byte> buffer, long position, CancellationToken cancellationToken)
    {
        try
        {
            return await RandomAccess.ReadAsync(file, buffer, position, cancellationToken) is var read and > 0
                ? read
                : throw new EndOfStreamException("The file became shorter while it was sent.");
        }
        catch (IOException cause)
        {
            throw new LocalFaultException(cause);
        }
    }

    protected override bool TryComputeLength(out long bytes)
    {
        bytes = XftpLimits.BlockSize + length;
        return true;
    }
}

/// <summary>What failed was not the connection, but a file on this device: the inner exception says how.</summary>
internal sealed class LocalFaultException(IOException cause) : Exception(cause.Message, cause);
