using System.IO.Pipelines;
using Pairwise.Crypto;
using Pairwise.Protocol.Xftp;
using Pairwise.Server.Xftp;
using Pairwise.Server.Xftp.Store;
using Pairwise.Wire;
using Xunit;

namespace Pairwise.Server.Tests.Xftp;

public sealed class ChunkUploadTests
{
    private const int Size = 65_536;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // The rest has to be read before the refusal is answered.
    [Fact]
    public async Task A_disk_that_gets_full_leaves_the_rest_of_the_body_to_be_read()
    {
        using var key = Ed25519PrivateKey.Generate(SystemRandom.Instance);
        var chunk = new StoredChunk(new ChunkId(new byte[16]), new ChunkInfo(key.PublicKey, Size, Bytes.Wrap(new byte[32])), createdAt: 0);
        using var full = File.OpenHandle("/dev/full", FileMode.Open, FileAccess.Write);
        var body = new Pipe();
        await body.Writer.WriteAsync(new byte[Size / 2], Token);
        await Assert.ThrowsAsync<IOException>(async () => await ChunkUpload.ReceiveAsync(body.Reader, full, chunk, Token));
        await body.Writer.WriteAsync(new byte[Size / 4], Token);
        await body.Writer.CompleteAsync();
        Assert.Equal(Size / 4, await ChunkUpload.CountAsync(body.Reader, Size, Token));
    }
}
