using System.Security.Cryptography;

namespace Pairwise.Page.Tests;

/// <summary>Files through a browser: up, down, and to and from the command.</summary>
public sealed class TransferTests(Browser browser)
{
    [Fact]
    public async Task A_file_of_100_MB_goes_up_and_comes_down_and_leaves_nothing_behind()
    {
        await using var server = await PageServer.StartAsync();
        await using var window = await browser.OpenAsync();
        var file = server.MakeFile("photos.zip", 100 * 1024 * 1024);
        var sender = await window.OpenAsync(server.Url);
        var link = await sender.SendAsync(file, TimeSpan.FromMinutes(5));
        Assert.StartsWith(server.Url + "#", link, StringComparison.Ordinal);
        // 26 chunks do not fit in 400 characters: the link is that of their description.
        Assert.InRange(link.Length, 400, 800);

        var receiver = await window.OpenAsync(link);
        var received = Path.Combine(server.Folder, "received");
        Assert.Equal("photos.zip", await receiver.SaveAsync(received));
        await AssertSameAsync(file, received);

        Assert.Equal(0, await receiver.EvaluateAsync<int>("(async () => { let n = 0; for await (const _ of (await navigator.storage.getDirectory()).keys()) n++; return n; })()"));
        Assert.Equal(0, await receiver.EvaluateAsync<int>("localStorage.length + sessionStorage.length"));
        Assert.Equal(0, await receiver.EvaluateAsync<int>("indexedDB.databases().then((all) => all.length)"));
        Assert.Equal(0, await window.CountCookiesAsync());
        await AssertKeptToItselfAsync(window, server, link);
    }

    [Theory]
    [InlineData("note.txt", 1)]
    [InlineData("photo.jpg", 300_000)]
    [InlineData("отчёт 中文 (final).pdf", 5_000_000)]
    public async Task What_the_page_sends_the_command_receives(string name, int length)
    {
        await using var server = await PageServer.StartAsync();
        await using var window = await browser.OpenAsync();
        var file = server.MakeFile(name, length);
        var link = await (await window.OpenAsync(server.Url)).SendAsync(file);
        var folder = Directory.CreateDirectory(Path.Combine(server.Folder, "received")).FullName;
        await server.RunXftpAsync("recv", link, folder);
        await AssertSameAsync(file, Path.Combine(folder, name));
        await AssertKeptToItselfAsync(window, server, link);
    }

    [Theory]
    [InlineData("note.txt", 1, false)]
    [InlineData("отчёт 中文 (final).pdf", 5_000_000, false)]
    [InlineData("film.mp4", 12_000_000, true)]
    public async Task What_the_command_sends_the_page_receives(string name, int length, bool isShort)
    {
        await using var server = await PageServer.StartAsync();
        await using var window = await browser.OpenAsync();
        var file = server.MakeFile(name, length);
        var output = await server.RunXftpAsync(["send", file, server.Folder, "-s", server.Server.Address, .. isShort ? ["--short-link"] : Array.Empty<string>()]);
        var link = output.Split('\n').Single(line => line.StartsWith(server.Origin + "/#", StringComparison.Ordinal));

        // The command prints a link to the server's first page, which hands it on.
        var page = await window.OpenAsync(link);
        Assert.Equal("offer", await page.WaitAsync("#offer, #ended"));
        var received = Path.Combine(server.Folder, "received");
        Assert.Equal(name, await page.SaveAsync(received));
        await AssertSameAsync(file, received);

        // The page takes nothing away from others.
        Assert.Equal(name, await (await window.OpenAsync(server.Url + "#" + link[(link.IndexOf('#', StringComparison.Ordinal) + 1)..])).SaveAsync(received));
        await AssertKeptToItselfAsync(window, server, link);
    }

    [Theory]
    [InlineData("")]
    [InlineData("<hostnames>")]
    [InlineData("localhost,example.onion")]
    public async Task A_server_whose_hosts_are_not_named_is_where_its_page_is(string host)
    {
        await using var server = await PageServer.StartAsync(options => options with { Host = host });
        await using var window = await browser.OpenAsync();
        var file = server.MakeFile("note.txt", 1000);
        var link = await (await window.OpenAsync(server.Url)).SendAsync(file);
        var received = Path.Combine(server.Folder, "received");
        await (await window.OpenAsync(link)).SaveAsync(received);
        await AssertSameAsync(file, received);
    }

    [Fact]
    public async Task Several_pages_of_a_browser_share_a_connection()
    {
        await using var server = await PageServer.StartAsync();
        await using var window = await browser.OpenAsync();
        var files = Enumerable.Range(0, 3).Select(i => server.MakeFile($"file{i}", 6_000_000)).ToArray();
        var links = await Task.WhenAll(files.Select(async file => await (await window.OpenAsync(server.Url)).SendAsync(file)));
        var received = await Task.WhenAll(links.Select(async (link, i) =>
        {
            var path = Path.Combine(server.Folder, $"received{i}");
            await (await window.OpenAsync(link)).SaveAsync(path);
            return path;
        }));
        for (var i = 0; i < files.Length; i++)
        {
            await AssertSameAsync(files[i], received[i]);
        }
    }

    /// <summary>No violation of the page's policy, no request to anybody else, and no word of the key to the server.</summary>
    private static async Task AssertKeptToItselfAsync(Window window, PageServer server, string link)
    {
        var report = await window.ReportAsync();
        Assert.Empty(report.Violations);
        Assert.Empty(report.Errors);
        Assert.NotEmpty(report.Requests);
        var fragment = link[(link.IndexOf('#', StringComparison.Ordinal) + 1)..];
        Assert.All(report.Requests, request =>
        {
            var isLocal = request.Url.StartsWith("data:", StringComparison.Ordinal) || request.Url.StartsWith("blob:", StringComparison.Ordinal);
            Assert.True(isLocal || request.Url.StartsWith(server.Origin + "/", StringComparison.Ordinal), request.Url);
            Assert.False(request.Headers.ContainsKey("referer"), request.Url);
            Assert.False(request.Headers.ContainsKey("cookie"), request.Url);
            Assert.DoesNotContain(fragment, request.Url.Split('#')[0], StringComparison.Ordinal);
        });
    }

    private static async Task AssertSameAsync(string expected, string actual)
    {
        await using var one = File.OpenRead(expected);
        await using var other = File.OpenRead(actual);
        Assert.Equal(one.Length, other.Length);
        Assert.Equal(await SHA256.HashDataAsync(one, TestContext.Current.CancellationToken), await SHA256.HashDataAsync(other, TestContext.Current.CancellationToken));
    }
}
