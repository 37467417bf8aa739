using System.Text;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Protocol.Xftp;
using Pairwise.TestKit;
using Pairwise.Wire;

namespace Pairwise.Page.Tests;

/// <summary>What the page says when something is wrong: one sentence that says what to do.</summary>
public sealed class FailureTests(Browser browser)
{
    [Fact]
    public async Task A_chunk_that_was_tampered_with_is_refused()
    {
        await using var server = await PageServer.StartAsync();
        await using var window = await browser.OpenAsync();
        var link = await (await window.OpenAsync(server.Url)).SendAsync(server.MakeFile("letter.txt", 200_000));
        var path = server.StoredFiles[0];
        var content = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
        content[1000] ^= 1;
        await File.WriteAllBytesAsync(path, content, TestContext.Current.CancellationToken);
        var reason = await (await window.OpenAsync(link)).FailToSaveAsync();
        Assert.StartsWith("The file was changed on its way or on the server", reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_description_with_another_files_key_or_digest_is_refused()
    {
        await using var server = await PageServer.StartAsync();
        await using var window = await browser.OpenAsync();
        var link = await (await window.OpenAsync(server.Url)).SendAsync(server.MakeFile("letter.txt", 1000));
        Assert.True(FileWebLink.TryParse(link, out var description));
        var key = description.Key.Key.ToArray();
        key[0] ^= 1;
        FileDescription[] wrong =
        [
            description with { Key = new FileKey(key, description.Key.Nonce) },
            description with { Digest = Bytes.Wrap(new byte[64]) },
            description with { Chunks = [description.Chunks[0] with { Digest = Bytes.Wrap(new byte[32]) }] },
        ];
        foreach (var other in wrong)
        {
            var page = await window.OpenAsync(server.Url + "#" + FileWebLink.EncodeFragment(other));
            Assert.StartsWith("The file was changed on its way or on the server", await page.FailToSaveAsync(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_file_that_was_deleted_is_gone()
    {
        await using var server = await PageServer.StartAsync();
        await using var window = await browser.OpenAsync();
        var sender = await window.OpenAsync(server.Url);
        var link = await sender.SendAsync(server.MakeFile("film.mp4", 5_000_000));
        Assert.True(server.Server.UsedBytes > 5_000_000);
        await sender.ClickAsync("#delete");
        Assert.Equal("Delete it now? The link will not work any more.", await sender.TextAsync("#delete"));
        await sender.ClickAsync("#delete");
        await sender.WaitAsync("#ended");
        Assert.StartsWith("The file was deleted from the server.", await sender.TextAsync("#reason"), StringComparison.Ordinal);
        Assert.Equal(0, server.Server.UsedBytes);
        Assert.Empty(server.StoredFiles);
        var reason = await (await window.OpenAsync(link)).FailToSaveAsync();
        Assert.Equal("The file is not on the server any more: it has expired or was deleted.", reason);
    }

    [Fact]
    public async Task Files_that_are_too_large_are_not_begun()
    {
        await using var server = await PageServer.StartAsync();
        await using var window = await browser.OpenAsync();
        var sender = await window.OpenAsync(server.Url);
        await sender.ChooseAsync(server.MakeFile("film.mp4", (100 * 1024 * 1024) + 1));
        await sender.WaitAsync("#ended");
        Assert.StartsWith("The file is too large for this page, which sends at most 100 MB", await sender.TextAsync("#reason"), StringComparison.Ordinal);

        var receiver = await window.OpenAsync(server.Url + "#" + FileWebLink.EncodeFragment(DescribeLargeFile(server)));
        Assert.Equal("ended", await receiver.WaitAsync("#offer, #ended"));
        Assert.StartsWith("The file is too large for this page, which receives at most 100 MB", await receiver.TextAsync("#reason"), StringComparison.Ordinal);
        Assert.Equal(0, server.Server.UsedBytes);
    }

    [Fact]
    public async Task A_link_with_mistakes_is_said_to_have_them()
    {
        await using var server = await PageServer.StartAsync();
        await using var window = await browser.OpenAsync();
        var link = await (await window.OpenAsync(server.Url)).SendAsync(server.MakeFile("letter.txt", 1000));
        foreach (var wrong in new[] { link[..^20], link.Replace("#", "#A", StringComparison.Ordinal), server.Url + "#hello" })
        {
            var page = await window.OpenAsync(wrong);
            Assert.Equal("ended", await page.WaitAsync("#offer, #ended"));
            Assert.StartsWith("The link is not complete or has a mistake in it", await page.TextAsync("#reason"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_transfer_that_is_cancelled_leaves_nothing_on_the_server()
    {
        await using var server = await PageServer.StartAsync();
        await using var window = await browser.OpenAsync();
        var page = await window.OpenAsync(server.Url);
        var file = server.MakeFile("film.mp4", 60_000_000);
        await page.ChooseAsync(file);
        await page.EvaluateAsync<bool>("new Promise((seen) => { const bar = document.getElementById('bar'); const look = () => bar.value > 0.2 ? seen(true) : setTimeout(look, 5); look(); })");
        await page.ClickAsync("#cancel");
        await page.WaitAsync("#ended");
        Assert.Equal("Cancelled.", await page.TextAsync("#reason"));
        await Eventually.UntilAsync(() => server.Server.UsedBytes == 0, TestContext.Current.CancellationToken);

        // And from there it goes on.
        await page.ClickAsync("#again");
        var link = await page.WaitForLinkAsync();
        var received = Path.Combine(server.Folder, "received");
        await (await window.OpenAsync(link)).SaveAsync(received);
        Assert.Equal(new FileInfo(file).Length, new FileInfo(received).Length);
    }

    [Fact]
    public async Task A_server_that_asks_for_a_password_gets_it()
    {
        Assert.True(BasicAuth.TryParse("open-sesame", out var password));
        await using var server = await PageServer.StartAsync(options => options with { CreatePassword = password });
        await using var window = await browser.OpenAsync();
        var page = await window.OpenAsync(server.Url);
        var file = server.MakeFile("letter.txt", 1000);
        await page.ChooseAsync(file);
        await page.WaitAsync("#ended");
        Assert.StartsWith("The server refused the file: it asks for a password", await page.TextAsync("#reason"), StringComparison.Ordinal);
        await page.ClickAsync("#over");
        await page.TypeAsync("#password", "open-sesame");
        var link = await page.SendAsync(file);
        Assert.Equal("letter.txt", await (await window.OpenAsync(link)).SaveAsync(Path.Combine(server.Folder, "received")));
    }

    [Fact]
    public async Task A_server_that_takes_no_files_says_so_and_one_without_room_too()
    {
        await using var closed = await PageServer.StartAsync(options => options with { AllowNewChunks = false });
        await using var full = await PageServer.StartAsync(options => options with { Quota = 100_000 });
        await using var window = await browser.OpenAsync();
        var page = await window.OpenAsync(closed.Url);
        await page.WaitAsync("#closed");
        Assert.StartsWith("This server takes no new files any more.", await page.TextAsync("#closed"), StringComparison.Ordinal);

        var other = await window.OpenAsync(full.Url);
        await other.ChooseAsync(full.MakeFile("letter.txt", 200_000));
        await other.WaitAsync("#ended");
        Assert.StartsWith("The server has no room left", await other.TextAsync("#reason"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_servers_identity_under_the_name_is_refused()
    {
        await using var server = await PageServer.StartAsync();
        await using var window = await browser.OpenAsync();
        var link = await (await window.OpenAsync(server.Url)).SendAsync(server.MakeFile("letter.txt", 1000));
        Assert.True(FileWebLink.TryParse(link, out var description));
        var replica = description.Chunks[0].Replicas[0];
        var address = $"xftp://{Convert.ToBase64String(Encoding.ASCII.GetBytes("this is somebody else's identity")).Replace('+', '-').Replace('/', '_')}@localhost:{server.Server.Endpoints[0].Port}";
        Assert.True(ServerAddress.TryParse(address, out var impostor));
        var page = await window.OpenAsync(server.Url + "#" + FileWebLink.EncodeFragment(
            description with { Chunks = [description.Chunks[0] with { Replicas = [replica with { Server = impostor }] }] }));
        Assert.StartsWith("This is not the server that the address promises", await page.FailToSaveAsync(), StringComparison.Ordinal);
    }

    private static FileDescription DescribeLargeFile(PageServer server)
    {
        const int chunkSize = 4 * 1024 * 1024;
        Assert.True(ServerAddress.TryParse(server.Server.Address, out var address));
        var key = Ed25519PrivateKey.Generate(SystemRandom.Instance);
        FileChunk[] chunks = [.. Enumerable.Range(1, 27).Select(i => new FileChunk(i, chunkSize, Bytes.Wrap(new byte[32]), [new ChunkReplica(address, new ChunkId(new byte[16]), key)]))];
        return new FileDescription(FileParty.Recipient, 27L * chunkSize, Bytes.Wrap(new byte[64]), FileKey.Generate(SystemRandom.Instance), chunkSize, ValueList.Create<FileChunk>(chunks));
    }
}
