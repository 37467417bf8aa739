using System.Net;
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
