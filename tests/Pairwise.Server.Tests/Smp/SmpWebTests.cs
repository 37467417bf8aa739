using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Pairwise.Client;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp;
using Pairwise.Server.Web;
using Pairwise.Transport.Tls;

namespace Pairwise.Server.Tests.Smp;

/// <summary>Pages, metrics and the protocol on one relay, over real sockets.</summary>
public sealed class SmpWebTests : IAsyncLifetime
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pairwise-relay-");
    private SmpServer? _server;

    private SmpServer Server => _server ?? throw new InvalidOperationException("The relay was not started.");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        _server = await SmpServer.StartAsync(
            new SmpServerOptions
            {
                ConfigurationFolder = Path.Combine(_folder.FullName, "etc"),
                StateFolder = Path.Combine(_folder.FullName, "log"),
                MetricsInterval = TimeSpan.FromMinutes(1),
                Web = new ServerWebOptions
                {
                    StaticPath = Path.Combine(_folder.FullName, "www"),
                    Credential = new TlsCredential([certificate.RawData], key.ExportPkcs8PrivateKey()),
                    IsOnRelayPorts = true,
                    Operation = [new IPEndPoint(IPAddress.Loopback, 0)],
                },
            },
            Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Browsers_and_clients_share_a_port()
    {
        using var handler = new HttpClientHandler();
        handler.ServerCertificateCustomValidationCallback = (_, certificate, _, _) => certificate?.Subject == "CN=localhost";
        using var browser = new HttpClient(handler);
        var page = await browser.GetStringAsync($"https://localhost:{Server.Endpoints[0].Port}/", Cancellation);
        Assert.Contains("<h1>SMP relay</h1>", page, StringComparison.Ordinal);
        Assert.Contains("queues and messages", page, StringComparison.Ordinal);

        Assert.True(ServerAddress.TryParse(Server.Address, out var address));
        await using var client = await SmpClient.ConnectAsync(address, new SmpClientOptions(), isInteractive: true, Cancellation);
        var pong = await client.SendAsync(new SmpRequest(SmpCommand.Ping.Instance), Cancellation);
        Assert.True(pong.IsOk);
    }

    [Fact]
    public async Task Certificates_are_replaced_while_clients_stay_connected()
    {
        Assert.True(ServerAddress.TryParse(Server.Address, out var address));
        await using var before = await SmpClient.ConnectAsync(address, new SmpClientOptions(), isInteractive: true, Cancellation);
        var configuration = Path.Combine(_folder.FullName, "etc");
        SmpServerFiles.Renew(configuration, KeyAlgorithm.Ed448, null, SystemRandom.Instance, TimeProvider.System);
        Server.ReloadCertificates(null);
        Assert.Equal(KeyAlgorithm.Ed448, Server.Identity.Certificates.Leaf.PublicKey?.Algorithm);

        await using var after = await SmpClient.ConnectAsync(address, new SmpClientOptions(), isInteractive: true, Cancellation);
        Assert.True((await before.SendAsync(new SmpRequest(SmpCommand.Ping.Instance), Cancellation)).IsOk);
        Assert.True((await after.SendAsync(new SmpRequest(SmpCommand.Ping.Instance), Cancellation)).IsOk);

        // A broken file changes nothing.
        await File.WriteAllTextAsync(Path.Combine(configuration, SmpServerFiles.ServerKey), "nothing", Cancellation);
        Assert.Throws<SmpServerException>(() => Server.ReloadCertificates(null));
        await using var still = await SmpClient.ConnectAsync(address, new SmpClientOptions(), isInteractive: true, Cancellation);
        Assert.True((await still.SendAsync(new SmpRequest(SmpCommand.Ping.Instance), Cancellation)).IsOk);
    }

    [Fact]
    public async Task Metrics_tell_what_happened()
    {
        using var collector = new HttpClient { BaseAddress = new Uri($"http://{Server.OperationEndpoints[0]}") };
        Assert.Equal("ok\n", await collector.GetStringAsync("/health", Cancellation));
        var metrics = await collector.GetStringAsync("/metrics", Cancellation);
        Assert.Contains("\nsimplex_smp_queues_total1 0\n", metrics, StringComparison.Ordinal);
        var port = $"{{port=\"{Server.Endpoints[0].Port}\"}}";
        Assert.Contains($"\nsimplex_smp_sockets_accepted{port} 0\n", metrics, StringComparison.Ordinal);

        Assert.True(ServerAddress.TryParse(Server.Address, out var address));
        await using var client = await SmpClient.ConnectAsync(address, new SmpClientOptions(), isInteractive: true, Cancellation);
        metrics = await collector.GetStringAsync("/metrics", Cancellation);
        Assert.Contains($"\nsimplex_smp_sockets_accepted{port} 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains($"\nsimplex_smp_sockets_active{port} 1\n", metrics, StringComparison.Ordinal);

        using var other = await collector.GetAsync("/index.html", Cancellation);
        Assert.Equal(HttpStatusCode.NotFound, other.StatusCode);
    }
}
