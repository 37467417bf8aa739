using System.IO.Pipelines;
using Pairwise.Crypto;
using Pairwise.Server.Xftp;
using Pairwise.TestKit;
using Xunit;

namespace Pairwise.Server.Tests.Xftp;

public sealed class ChunkDownloadTests
{
    private const int Size = 256 * 1024;
    private static readonly TimeSpan Silence = TimeSpan.FromMinutes(5);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_client_that_takes_nothing_is_given_up_and_a_slow_one_is_not()
    {
        var path = Path.GetTempFileName();
        try
        {
            await File.WriteAllBytesAsync(path, new byte[Size], Token);
            var time = new ManualTime();
            var pipe = new Pipe();
            using var download = Open(path);
            var sending = download.SendAsync(pipe.Writer, Silence, time, Token).AsTask();

            // A slow one: every two pieces take it nearly all of the time, and the whole of it much more than that.
            for (var i = 0; i < 3; i++)
            {
                var read = await pipe.Reader.ReadAtLeastAsync(64 * 1024, Token);
                time.Advance(Silence - TimeSpan.FromSeconds(1));
                Assert.False(sending.IsCompleted);
                pipe.Reader.AdvanceTo(read.Buffer.End);
            }

            await pipe.Reader.ReadAtLeastAsync(64 * 1024, Token);
            time.Advance(Silence);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending.EndsAsync(Token));
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static ChunkDownload Open(string path)
    {
        Assert.True(ChunkDownload.TryOpen(path, Size, out var file));
        using var ours = X25519PrivateKey.Generate(SystemRandom.Instance);
        using var theirs = X25519PrivateKey.Generate(SystemRandom.Instance);
        using var secret = ours.DeriveSharedSecret(theirs.PublicKey);
        using var box = BoxKey.From(secret);
        return new ChunkDownload(file, Size, box.StartStream(BoxNonce.Random(SystemRandom.Instance)));
    }
}
