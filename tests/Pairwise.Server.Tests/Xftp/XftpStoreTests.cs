using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Pairwise.Client.Xftp;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Protocol.Xftp;
using Pairwise.Server.Smp.Logs;
using Pairwise.Server.Xftp;
using Pairwise.Server.Xftp.Store;
using Pairwise.TestKit;
using Pairwise.Wire;

namespace Pairwise.Server.Tests.Xftp;

/// <summary>What the reference wrote to disk, read by us.</summary>
public sealed class XftpStoreTests
{
    private const int StoreLogRecords = 8;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void Every_line_of_the_log_is_read_and_written_as_the_reference_has_it()
    {
        var records = VectorFile.Load("store_log.json").OfKind("xftpStoreLog").ToArray();
        Assert.Equal(StoreLogRecords, records.Length);
        foreach (var record in records)
        {
            var line = Encoding.ASCII.GetBytes(record.String("line"));
            Assert.True(XftpLogCodec.TryRead(line, out var read), record.Name);
            var writer = new LogLineWriter();
            XftpLogCodec.Write(writer, read);
            Assert.Equal(record.String("line"), Encoding.ASCII.GetString(writer.Written));
            for (var cut = 0; cut < line.Length; cut++)
            {
                // A torn line may read as a shorter one, but never throws.
                if (XftpLogCodec.TryRead(line.AsSpan(0, cut), out var torn))
                {
                    Assert.Equal(read.GetType(), torn.GetType());
                }
            }
        }
    }

    [Fact]
    public async Task The_folder_of_a_reference_server_serves_what_that_server_served()
    {
        var source = VectorFile.PathOf("server_files");
        using var expected = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(source, "xftp.expected.json"), Token));
        var folder = Directory.CreateTempSubdirectory("pairwise-xftp-").FullName;
        CopyAll(Path.Combine(source, "xftp_1"), folder);
        await using var server = await TestFileServer.StartAsync(options => options with { ChunkExpiration = null }, folder);
        Assert.Equal(0, server.Server.Report.BrokenLines + server.Server.Report.RefusedRecords + server.Server.Report.MissingFiles + server.Server.Report.OrphanedFiles);
        Assert.True(ServerAddressWithPassword.TryParse(expected.RootElement.GetProperty("serverAddress").GetString()!, out var address));
        Assert.Equal(address.Server.KeyHash, server.Address.KeyHash);

        await using var client = await server.ConnectAsync();
        var downloads = 0;
        foreach (var file in expected.RootElement.GetProperty("files").EnumerateArray())
        {
            var digest = Bytes.Wrap(file.Bytes("contentSha256"));
            foreach (var recipient in file.GetProperty("recipients").EnumerateArray())
            {
                Assert.True(PrivateKey.TryFromPkcs8(recipient.GetProperty("key").Bytes("privatePkcs8"), out var key));
                using var content = new MemoryStream();
                var result = await client.DownloadAsync(
                    new ChunkId(recipient.Bytes("recipientId")), key, file.GetProperty("size").GetUInt32(), digest, content, null, Token);
                var outcome = recipient.GetProperty("download").GetString()!;
                if (outcome == "ok")
                {
                    Assert.True(result.IsOk, result.Error?.ToString());
                    Assert.Equal(digest.ToArray(), SHA256.HashData(content.ToArray()));
                }
                else
                {
                    var refused = Assert.IsType<XftpClientError.Server>(result.Error);
                    Assert.Equal(outcome, $"PCEProtocolError {refused.Error}");
                }

                downloads++;
            }
        }

        Assert.Equal(8, downloads);
    }

    [Fact]
    public async Task A_start_that_died_while_it_compacted_the_log_is_repaired()
    {
        await using var server = await TestFileServer.StartAsync();
        TestChunk chunk;
        await using (var client = await server.ConnectAsync())
        {
            chunk = await server.CreateUploadedAsync(client);
        }

        await server.Server.StopAsync(Token);
        File.Move(server.StoreLog, server.StoreLog + ".start");
        await File.WriteAllTextAsync(server.StoreLog, "FNEW half", Token);
        await server.StartAgainAsync();
        Assert.Equal(2, server.Server.Report.Lines - 1);
        Assert.Equal("FNEW half", await File.ReadAllTextAsync(server.StoreLog + ".bak", Token));
        Assert.Single(Directory.EnumerateFiles(Path.GetDirectoryName(server.StoreLog)!, "*.log.20*Z"));
        await using var again = await server.ConnectAsync();
        Assert.Equal(chunk.Content, (await chunk.DownloadAsync(again)).Content);
    }

    [Fact]
    public async Task A_torn_last_line_counts_for_nothing_even_if_it_reads_as_a_shorter_one()
    {
        await using var server = await TestFileServer.StartAsync();
        var chunk = await CreateAsync(server);
        await server.Server.StopAsync(Token);
        var id = chunk.Ids.Sender.Value;
        await File.AppendAllTextAsync(server.StoreLog, $"FDEL {TextEncoding.ToBase64Url(id.Span)}", Token);
        await server.StartAgainAsync();
        Assert.True(server.Server.Report.HasTornLastLine);
        Assert.Equal(0, server.Server.Report.BrokenLines);
        await using var again = await server.ConnectAsync();
        Assert.Equal(chunk.Content, (await chunk.DownloadAsync(again)).Content);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Content_is_not_removed_when_the_log_may_have_lost_its_owner(bool isLogGone)
    {
        await using var server = await TestFileServer.StartAsync();
        await CreateAsync(server);
        await server.Server.StopAsync(Token);
        if (isLogGone)
        {
            File.Delete(server.StoreLog);
        }
        else
        {
            var lines = await File.ReadAllLinesAsync(server.StoreLog, Token);
            await File.WriteAllTextAsync(server.StoreLog, string.Concat("broken\n", string.Join('\n', lines[1..]), "\n"), Token);
        }

        await server.StartAgainAsync();
        Assert.Equal(1, server.Server.Report.KeptFiles);
        Assert.Equal(0, server.Server.Report.OrphanedFiles);
        Assert.Single(Directory.EnumerateFiles(server.FilesFolder));
    }

    [Fact]
    public async Task A_chunk_that_is_switched_off_serves_nobody()
    {
        await using var server = await TestFileServer.StartAsync();
        var chunk = await CreateAsync(server);
        await server.Server.StopAsync(Token);
        await File.WriteAllTextAsync(server.StoreLog, (await File.ReadAllTextAsync(server.StoreLog, Token)).Replace(" active\n", " off\n", StringComparison.Ordinal), Token);
        await server.StartAgainAsync();
        await using (var client = await server.ConnectAsync())
        {
            Assert.Equal(new XftpClientError.Server(XftpError.Auth.Instance), (await chunk.DownloadAsync(client)).Error);
            Assert.Equal(new XftpClientError.Server(XftpError.Auth.Instance), (await client.DeleteAsync(chunk.Ids.Sender, chunk.SenderKey, Token)).Error);
        }

        await server.Server.StopAsync(Token);
        Assert.Contains(" off\n", await File.ReadAllTextAsync(server.StoreLog, Token), StringComparison.Ordinal);
    }

    [Fact]
    public void A_log_that_the_reference_wrote_after_a_block_is_read_without_complaint()
    {
        var store = new ChunkStore(SystemRandom.Instance, long.MaxValue);
        var key = Ed25519PrivateKey.Generate(SystemRandom.Instance).PublicKey;
        var id = new ChunkId(new byte[16]);
        var block = new XftpError.Blocked(BlockingReason.Spam);
        Assert.True(store.Apply(new XftpLogRecord.Add(id, new ChunkInfo(key, 65_536, Bytes.Wrap(new byte[32])), 0, block)));
        Assert.True(store.Apply(new XftpLogRecord.Put(id, "/files/there")));
        Assert.Empty(store.AllPaths());
        Assert.True(store.TryFindAsSender(id, out _, out var found));
        Assert.Equal(block, found);
    }

    private static async Task<TestChunk> CreateAsync(TestFileServer server)
    {
        await using var client = await server.ConnectAsync();
        return await server.CreateUploadedAsync(client);
    }

    private static void CopyAll(string from, string to)
    {
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }
}
