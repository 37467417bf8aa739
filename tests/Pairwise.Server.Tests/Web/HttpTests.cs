using System.IO.Compression;
using System.Net;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Pairwise.Server.Web;
using Pairwise.TestKit;
using Pairwise.Transport.Memory;

namespace Pairwise.Server.Tests.Web;

/// <summary>The small HTTP server: what browsers and collectors ask, and what attackers send.</summary>
public sealed class HttpTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pairwise-web-");
    private readonly ManualTime _time = new();

    public HttpTests()
    {
        var site = Directory.CreateDirectory(Path.Combine(_folder.FullName, "site"));
        File.WriteAllText(Path.Combine(_folder.FullName, "secret.html"), "secret");
        File.WriteAllText(Path.Combine(site.FullName, "index.html"), "<p>front</p>");
        File.WriteAllText(Path.Combine(site.FullName, ".hidden"), "secret");
        Directory.CreateDirectory(Path.Combine(site.FullName, "a"));
        File.WriteAllText(Path.Combine(site.FullName, "a", "index.html"), new string('x', 5000));
        Directory.CreateDirectory(Path.Combine(site.FullName, "well-known"));
        File.WriteAllText(Path.Combine(site.FullName, "well-known", "apple-app-site-association"), "{}");
        File.CreateSymbolicLink(Path.Combine(site.FullName, "link.html"), Path.Combine(_folder.FullName, "secret.html"));
        Directory.CreateSymbolicLink(Path.Combine(site.FullName, "up"), _folder.FullName);
    }

    private IWebContent Site => new StaticFolder(Path.Combine(_folder.FullName, "site"));

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("/", 200, "text/html; charset=utf-8", "<p>front</p>")]
    [InlineData("/index.html?query=1", 200, "text/html; charset=utf-8", "<p>front</p>")]
    [InlineData("/%69ndex.html", 200, "text/html; charset=utf-8", "<p>front</p>")]
    [InlineData("/.well-known/apple-app-site-association", 200, "application/json", "{}")]
    [InlineData("/nothing", 404, "text/plain; charset=utf-8", "Not Found\n")]
    public async Task Files_are_found_by_their_path(string path, int status, string type, string content)
    {
        var answer = await AskAsync($"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        Assert.StartsWith($"HTTP/1.1 {status} ", answer, StringComparison.Ordinal);
        Assert.Contains($"Content-Type: {type}\r\n", answer, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\n" + content, answer, StringComparison.Ordinal);
        Assert.Contains("default-src 'none'", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/../secret.html")]
    [InlineData("/a/../../secret.html")]
    [InlineData("/%2e%2e/secret.html")]
    [InlineData("/..%2fsecret.html")]
    [InlineData("//../secret.html")]
    [InlineData("/.hidden")]
    [InlineData("/link.html")]
    [InlineData("/up/secret.html")]
    [InlineData("/up")]
    public async Task Nothing_outside_the_folder_can_be_reached(string path)
    {
        var answer = await AskAsync($"GET {path} HTTP/1.1\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 404 ", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Text_is_compressed_for_those_who_take_it()
    {
        var answer = await AskBytesAsync("GET /a HTTP/1.1\r\nAccept-Encoding: br, gzip\r\nConnection: close\r\n\r\n");
        var bodyStart = answer.AsSpan().IndexOf("\r\n\r\n"u8) + 4;
        Assert.Contains("Content-Encoding: gzip", Encoding.ASCII.GetString(answer, 0, bodyStart), StringComparison.Ordinal);
        using var gzip = new GZipStream(new MemoryStream(answer, bodyStart, answer.Length - bodyStart), CompressionMode.Decompress);
        Assert.Equal(new string('x', 5000), await new StreamReader(gzip).ReadToEndAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Requests_of_one_connection_are_answered_in_order()
    {
        var answer = await AskAsync("GET / HTTP/1.1\r\n\r\nHEAD /a HTTP/1.1\r\n\r\nGET /nothing HTTP/1.1\r\nConnection: close\r\n\r\n");
        var first = answer.IndexOf("HTTP/1.1 200 OK", StringComparison.Ordinal);
        var second = answer.IndexOf("Content-Length: 5000", StringComparison.Ordinal);
        var third = answer.IndexOf("HTTP/1.1 404 Not Found", StringComparison.Ordinal);
        Assert.True(first == 0 && second > first && third > second);
        Assert.DoesNotContain("xxxxx", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("POST / HTTP/1.1\r\nConnection: close\r\n\r\n", 405)]
    [InlineData("GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", 413)]
    [InlineData("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 413)]
    [InlineData("GET /\r\n\r\n", 400)]
    [InlineData("GET / HTTP/2.0\r\n\r\n", 400)]
    [InlineData("GET http://other/ HTTP/1.1\r\n\r\n", 400)]
    [InlineData("GET /%zz HTTP/1.1\r\n\r\n", 400)]
    [InlineData("GET /%00 HTTP/1.1\r\n\r\n", 400)]
    [InlineData("GET / HTTP/1.1\r\nno colon\r\n\r\n", 400)]
    public async Task What_is_no_request_for_a_page_is_refused(string request, int status) =>
        Assert.StartsWith($"HTTP/1.1 {status} ", await AskAsync(request), StringComparison.Ordinal);

    [Fact]
    public async Task A_head_without_end_is_refused() =>
        Assert.StartsWith("HTTP/1.1 431 ", await AskAsync("GET / HTTP/1.1\r\nX: " + new string('a', 20_000)), StringComparison.Ordinal);

    [Fact]
    public async Task A_client_that_does_not_finish_its_request_is_left_after_its_time()
    {
        var (client, server) = MemoryDuplex.CreatePair();
        var serving = HttpSession.RunAsync(Site, _time, server, TestContext.Current.CancellationToken);
        await client.WriteAsync("GET / HT"u8.ToArray(), TestContext.Current.CancellationToken);
        while (_time.TimerCount == 0)
            await Task.Yield();
        Assert.False(serving.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(15));
        await serving;
    }

    [Fact]
    public void Any_bytes_as_a_head_never_throw()
    {
        var random = SeededRandom.Usual();
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {random.Seed}");
        ReadOnlySpan<byte> alphabet = "GET /%2e. HTTP/1.1\r\n:ab\0é"u8;
        for (var round = 0; round < 50_000; round++)
        {
            var head = new byte[random.Next(60)];
            for (var i = 0; i < head.Length; i++)
                head[i] = alphabet[random.Next(alphabet.Length)];
            byte[] whole = random.Next(2) == 0 ? head : [.. "GET /"u8, .. head, .. " HTTP/1.1\r\n"u8, .. head];
            if (HttpRequestHead.TryParse(whole, out var request))
                Assert.StartsWith("/", request.Path, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Metrics_and_health_are_served_on_a_port()
    {
        var isHealthy = true;
        var content = new OperationContent(() => "metric 1\n", () => isHealthy);
        await using var server = await WebServer.StartAsync(
            new WebServerOptions { Http = [new IPEndPoint(IPAddress.Loopback, 0)] }, content, TimeProvider.System, NullLogger.Instance);
        using var client = new HttpClient { BaseAddress = new Uri($"http://{server.HttpEndpoints[0]}") };
        Assert.Equal("metric 1\n", await client.GetStringAsync("/metrics", TestContext.Current.CancellationToken));
        Assert.Equal("ok\n", await client.GetStringAsync("/health", TestContext.Current.CancellationToken));
        isHealthy = false;
        using var answer = await client.GetAsync("/health", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        using var other = await client.GetAsync("/", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NotFound, other.StatusCode);
    }

    private async Task<string> AskAsync(string request) => Encoding.UTF8.GetString(await AskBytesAsync(request));

    private async Task<byte[]> AskBytesAsync(string request)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var (client, server) = MemoryDuplex.CreatePair();
        var serving = ServeAsync();
        await client.WriteAsync(Encoding.UTF8.GetBytes(request), cancellationToken);
        using var answer = new MemoryStream();
        await client.CopyToAsync(answer, cancellationToken);
        await serving;
        return answer.ToArray();

        async Task ServeAsync()
        {
            await using (server)
                await HttpSession.RunAsync(Site, _time, server, cancellationToken);
        }
    }
}
