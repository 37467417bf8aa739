using Pairwise.Client.Xftp;
using Pairwise.Protocol.Xftp;
using Pairwise.Wire;

namespace Pairwise.Server.Tests.Xftp;

/// <summary>Somebody changes what a file server keeps: it starts all the same, and nobody gets a wrong content for a right one.</summary>
public sealed class XftpTamperTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(32_768)]
    [InlineData(65_535)]
    public async Task A_changed_byte_of_a_chunk_is_noticed_by_who_downloads_it(int position)
    {
        await using var server = await TestFileServer.StartAsync();
        await using var client = await server.ConnectAsync();
        var chunk = await server.CreateUploadedAsync(client);
        var path = Directory.EnumerateFiles(server.FilesFolder).Single();
        await using (var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite))
        {
            file.Position = position;
            var value = file.ReadByte();
            file.Position = position;
            file.WriteByte((byte)(value ^ 0x20));
        }

        var (_, error) = await chunk.DownloadAsync(client);
        Assert.Equal(new XftpClientError.BadContent(XftpError.Digest.Instance), error);
        Assert.Equal("what the server sent is not what was uploaded: it was changed on the way or on the server.", FileTransferErrors.Sentence(error!));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(65_535)]
    [InlineData(65_537)]
    public async Task A_chunk_of_another_length_is_not_served(int length)
    {
        await using var server = await TestFileServer.StartAsync();
        await using var client = await server.ConnectAsync();
        var chunk = await server.CreateUploadedAsync(client);
        await using (var file = new FileStream(Directory.EnumerateFiles(server.FilesFolder).Single(), FileMode.Open, FileAccess.Write))
        {
            file.SetLength(length);
        }

        Assert.Equal(new XftpClientError.Server(XftpError.Auth.Instance), (await chunk.DownloadAsync(client)).Error);
    }

    // FNEW id key size digest time status, FADD id recipients, FPUT id path
    [Theory]
    [InlineData("FNEW", 0)]
    [InlineData("FNEW", 1)]
    [InlineData("FNEW", 2)]
    [InlineData("FNEW", 3)]
    [InlineData("FNEW", 4)]
    [InlineData("FNEW", 5)]
    [InlineData("FNEW", 6)]
    [InlineData("FADD", 0)]
    [InlineData("FADD", 1)]
    [InlineData("FADD", 2)]
    [InlineData("FPUT", 0)]
    [InlineData("FPUT", 1)]
    [InlineData("FPUT", 2)]
    public async Task A_changed_field_of_the_log_harms_its_own_chunk_at_most(string tag, int field)
    {
        foreach (var change in new Func<string, string>[] { FlipOne, word => word[..^1], word => word + "A", _ => "", _ => "%%%" })
        {
            await using var server = await TestFileServer.StartAsync(options => options with { ChunkExpiration = null });
            TestChunk first, second;
            await using (var client = await server.ConnectAsync())
            {
                first = await server.CreateUploadedAsync(client);
                second = await server.CreateUploadedAsync(client);
            }

            await server.Server.StopAsync(Token);
            var lines = await File.ReadAllLinesAsync(server.StoreLog, Token);
            var id = first.Ids.Sender.Value;
            var at = Array.FindIndex(lines, line => line.StartsWith($"{tag} {TextEncoding.ToBase64Url(id.Span)}", StringComparison.Ordinal));
            var words = lines[at].Split(' ');
            words[field] = change(words[field]);
            lines[at] = string.Join(' ', words);
            await File.WriteAllTextAsync(server.StoreLog, string.Join('\n', lines) + "\n", Token);

            await server.StartAgainAsync();
            await using var again = await server.ConnectAsync();
            Assert.Equal(second.Content, (await second.DownloadAsync(again)).Content);
            var (content, error) = await first.DownloadAsync(again);
            Assert.True(error is not null || content!.AsSpan().SequenceEqual(first.Content));
            Assert.Equal(2, Directory.EnumerateFiles(server.FilesFolder).Count() + server.Server.Report.OrphanedFiles);
        }
    }

    private static string FlipOne(string word)
    {
        var letters = word.ToCharArray();
        var middle = letters.Length / 2;
        letters[middle] = letters[middle] == 'B' ? 'C' : 'B';
        return new string(letters);
    }
}
