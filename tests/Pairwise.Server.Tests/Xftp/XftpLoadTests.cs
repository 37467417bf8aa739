using Pairwise.Client.Xftp;
using Pairwise.Protocol.Xftp;
using Pairwise.TestKit;

namespace Pairwise.Server.Tests.Xftp;

/// <summary>Many at once, and a full disk.</summary>
public sealed class XftpLoadTests
{
    private const int Size = 64 * 1024;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_thousand_downloads_of_one_chunk_at_once_all_succeed()
    {
        const int connections = 50;
        const int each = 20;
        await using var server = await TestFileServer.StartAsync();
        await using var owner = await server.ConnectAsync();
        var chunk = await server.CreateUploadedAsync(owner);
        var errors = await Task.WhenAll(Enumerable.Range(0, connections).Select(async _ =>
        {
            await using var client = await server.ConnectAsync();
            var results = await Task.WhenAll(Enumerable.Range(0, each).Select(_ => client.DownloadAsync(
                chunk.Ids.Recipients[0], chunk.RecipientKeys[0], chunk.Info.Size, chunk.Info.Digest, Stream.Null, null, Token)));
            return results.Where(result => !result.IsOk).Select(result => result.Error!.ToString()).ToArray();
        }));
        Assert.Empty(errors.SelectMany(each => each));
        Assert.Equal(connections * each, server.Server.Statistics[Server.Xftp.Operation.XftpCounter.FileDownloads]);
    }

    [Fact]
    public async Task Strangers_cannot_fill_more_than_the_quota_whatever_they_break_off()
    {
        const int quota = 20 * Size;
        const int clients = 8;
        await using var server = await TestFileServer.StartAsync(options => options with { Quota = quota });
        using var watching = new CancellationTokenSource();
        var most = WatchAsync(server, watching.Token);
        var uploaded = 0;
        var refused = 0;
        await Task.WhenAll(Enumerable.Range(0, clients).Select(async number =>
        {
            var random = new Random(number);
            for (var i = 0; i < 12; i++)
            {
                await using var client = await server.ConnectAsync();
                TestChunk chunk;
                lock (server)
                {
                    chunk = new TestChunk(server.Random, Size, 1);
                }

                var created = await client.CreateAsync(chunk.Info, chunk.SenderKey, [chunk.RecipientKeys[0].PublicKey], null, Token);
                chunk.Ids = created.Value;
                if (random.Next(3) == 0)
                {
                    using var abort = new CancellationTokenSource();
                    await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
                        client.UploadAsync(chunk.Ids.Sender, chunk.SenderKey, chunk.Content, new AbortingProgress(abort), abort.Token));
                    continue;
                }

                var result = await chunk.UploadAsync(client);
                Interlocked.Add(ref uploaded, result.IsOk ? 1 : 0);
                Interlocked.Add(ref refused, result.Error is XftpClientError.Server { Error: XftpError.Quota } ? 1 : 0);
                Assert.True(result.IsOk || result.Error is XftpClientError.Server { Error: XftpError.Quota }, result.Error?.ToString());
            }
        }));

        // Once all is quiet what was broken off has given its room back, and exactly what fits is taken.
        await using var last = await server.ConnectAsync();
        await Eventually.UntilAsync(() => server.Server.UsedBytes == uploaded * Size, Token);

        while (uploaded < quota / Size)
        {
            await server.CreateUploadedAsync(last);
            uploaded++;
        }

        var over = await server.CreateAsync(last);
        Assert.Equal(new XftpClientError.Server(XftpError.Quota.Instance), (await over.UploadAsync(last)).Error);
        await watching.CancelAsync();
        Assert.InRange(await most, 1, quota);
        Assert.Equal(quota, server.Server.UsedBytes);
        Assert.Equal(quota, new DirectoryInfo(server.FilesFolder).EnumerateFiles().Sum(file => file.Length));
        Assert.True(refused > 0);
    }

    [Fact]
    public async Task Records_without_content_have_an_end_too()
    {
        await using var server = await TestFileServer.StartAsync(options => options with { Limits = options.Limits with { Records = 6 } });
        await using var client = await server.ConnectAsync();
        var chunk = await server.CreateAsync(client, recipients: 3);
        var key = chunk.RecipientKeys[0].PublicKey;
        Assert.True((await client.AddRecipientsAsync(chunk.Ids.Sender, chunk.SenderKey, [key], Token)).IsOk);
        Assert.Equal(new XftpClientError.Server(XftpError.Quota.Instance), (await client.AddRecipientsAsync(chunk.Ids.Sender, chunk.SenderKey, [key, key], Token)).Error);
        Assert.Equal(new XftpClientError.Server(XftpError.Quota.Instance), (await client.CreateAsync(chunk.Info, chunk.SenderKey, [key], null, Token)).Error);
        Assert.True((await client.AcknowledgeAsync(chunk.Ids.Recipients[1], chunk.RecipientKeys[1], Token)).IsOk);
        Assert.True((await client.CreateAsync(chunk.Info, chunk.SenderKey, [key], null, Token)).IsOk);
    }

    [Fact]
    public async Task Disk_that_is_given_back_can_be_used_again()
    {
        await using var server = await TestFileServer.StartAsync(options => options with { Quota = 3 * Size });
        await using var client = await server.ConnectAsync();
        for (var round = 0; round < 5; round++)
        {
            var chunks = new List<TestChunk>();
            for (var i = 0; i < 3; i++)
            {
                chunks.Add(await server.CreateUploadedAsync(client));
            }

            var over = await server.CreateAsync(client);
            Assert.Equal(new XftpClientError.Server(XftpError.Quota.Instance), (await over.UploadAsync(client)).Error);
            Assert.True((await client.DeleteAsync(chunks[0].Ids.Sender, chunks[0].SenderKey, Token)).IsOk);
            Assert.Null(await server.Server.DeleteAsync(chunks[1].Ids.Recipients[0]));
            Assert.Null(await server.Server.BlockAsync(chunks[2].Ids.Recipients[0], new XftpError.Blocked(Protocol.Smp.BlockingReason.Spam)));
            Assert.Equal(0, server.Server.UsedBytes);
        }

        Assert.Empty(Directory.EnumerateFiles(server.FilesFolder));
    }

    private static async Task<long> WatchAsync(TestFileServer server, CancellationToken stop)
    {
        long most = 0;
        while (!stop.IsCancellationRequested)
        {
            most = Math.Max(most, server.Server.UsedBytes);
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, CancellationToken.None);
        }

        return most;
    }

    private sealed class AbortingProgress(CancellationTokenSource abort) : IProgress<int>
    {
        public void Report(int value) => abort.Cancel();
    }
}
