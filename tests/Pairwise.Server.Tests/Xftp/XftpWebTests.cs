using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Pairwise.Crypto;
using Pairwise.Server.Smp;
using Pairwise.Server.Web;
using Pairwise.Server.Xftp;
using Pairwise.Transport.Tls;

namespace Pairwise.Server.Tests.Xftp;

/// <summary>Pages, metrics and the protocol on one file server, over real sockets.</summary>
public sealed class XftpWebTests : IAsyncLifetime
{
    private TestFileServer _server = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        var folder = Directory.CreateTempSubdirectory("pairwise-xftp-").FullName;
        var credential = new TlsCredential([certificate.RawData], key.ExportPkcs8PrivateKey());
        _server = await TestFileServer.StartAsync(
            options => options with
            {
                Web = new ServerWebOptions
                {
                    StaticPath = Path.Combine(folder, "www"),
                    Information = new ServerInformation { Operator = new ServerEntity("Example & Sons", "CH") },
                    Credential = credential,
                    IsOnRelayPorts = true,
                    Http = [new IPEndPoint(IPAddress.Loopback, 0)],
                    Https = [new IPEndPoint(IPAddress.Loopback, 0)],
                    Operation = [new IPEndPoint(IPAddress.Loopback, 0)],
                },
            },
            folder);
    }

    public async ValueTask DisposeAsync() => await _server.DisposeAsync();

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task Browsers_and_clients_share_a_port(string version)
    {
        using var browser = MakeBrowser(version);
        var root = $"https://localhost:{_server.Server.Endpoints[0].Port}";
        using var answer = await browser.GetAsync($"{root}/", Token);
        Assert.Equal(Version.Parse(version), answer.Version);
        Assert.Contains("default-src 'none'", Assert.Single(answer.Headers.GetValues("Content-Security-Policy")), StringComparison.Ordinal);
        var page = await answer.Content.ReadAsStringAsync(Token);
        Assert.Contains("<h1>XFTP file server</h1>", page, StringComparison.Ordinal);
        Assert.Contains("<dd>2 days</dd>", page, StringComparison.Ordinal);
        Assert.Contains("Example &amp; Sons (CH)", page, StringComparison.Ordinal);
        Assert.Contains("color-scheme", await browser.GetStringAsync($"{root}/media/style.css?v=1", Token), StringComparison.Ordinal);
        foreach (var path in new[] { "/nothing", "/..%2f..%2fetc/fingerprint", "/media/%2e%2e/%2e%2e/etc/ca.key", "/media/../../etc/server.key" })
        {
            using var missing = await browser.GetAsync(root + path, Token);
            Assert.Equal(HttpStatusCode.NotFound, missing.StatusCode);
        }

        using var head = await browser.SendAsync(new HttpRequestMessage(HttpMethod.Head, $"{root}/") { Version = Version.Parse(version), VersionPolicy = HttpVersionPolicy.RequestVersionExact }, Token);
        Assert.Equal(HttpStatusCode.OK, head.StatusCode);
        Assert.Empty(await head.Content.ReadAsByteArrayAsync(Token));

        await using var client = await _server.ConnectAsync();
        Assert.True((await client.PingAsync(Token)).IsOk);
    }

    [Fact]
    public async Task The_pages_have_ports_of_their_own_too()
    {
        using var browser = MakeBrowser("1.1");
        Assert.Contains("<h1>XFTP file server</h1>", await browser.GetStringAsync($"http://{_server.Server.HttpEndpoints[0]}/", Token), StringComparison.Ordinal);
        Assert.Contains("<h1>XFTP file server</h1>", await browser.GetStringAsync($"https://localhost:{_server.Server.HttpsEndpoints[0].Port}/", Token), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Certificates_are_replaced_while_clients_stay_connected()
    {
        await using var before = await _server.ConnectAsync();
        var configuration = Path.Combine(_server.Folder, "etc");
        SmpServerFiles.Renew(configuration, KeyAlgorithm.Ed448, null, SystemRandom.Instance, TimeProvider.System);
        _server.Server.ReloadCertificates(null);
        await using var after = await _server.ConnectAsync();
        Assert.True((await before.PingAsync(Token)).IsOk);
        Assert.True((await after.PingAsync(Token)).IsOk);

        // A broken file changes nothing.
        await File.WriteAllTextAsync(Path.Combine(configuration, SmpServerFiles.ServerKey), "nothing", Token);
        Assert.Throws<SmpServerException>(() => _server.Server.ReloadCertificates(null));
        await using var still = await _server.ConnectAsync();
        Assert.True((await still.PingAsync(Token)).IsOk);
    }

    [Fact]
    public async Task Metrics_tell_what_happened()
    {
        await using (var client = await _server.ConnectAsync())
        {
            await _server.CreateUploadedAsync(client, recipients: 2);
        }

        using var collector = new HttpClient { BaseAddress = new Uri($"http://{_server.Server.OperationEndpoints[0]}") };
        Assert.Equal("ok\n", await collector.GetStringAsync("/health", Token));
        var metrics = await collector.GetStringAsync("/metrics", Token);
        Assert.Contains("\nsimplex_xftp_files_recipients 2\n", metrics, StringComparison.Ordinal);
        Assert.Contains("\nsimplex_xftp_files_size 65536\n", metrics, StringComparison.Ordinal);
        using var other = await collector.GetAsync("/index.html", Token);
        Assert.Equal(HttpStatusCode.NotFound, other.StatusCode);
    }

    private static HttpClient MakeBrowser(string version)
    {
        var handler = new HttpClientHandler { ServerCertificateCustomValidationCallback = (_, certificate, _, _) => certificate?.Subject == "CN=localhost" };
        return new HttpClient(handler) { DefaultRequestVersion = Version.Parse(version), DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
    }
}
