using System.Net;
using System.Net.Sockets;
using System.Reflection;
using Microsoft.Extensions.Logging;
using Pairwise.Server.Web;
using Pairwise.Transport;
using Pairwise.Transport.Tls;

namespace Pairwise.Server.Smp.Operation;

/// <summary>The pages, metrics and health of one relay, as long as it runs. Thread-safe; disposing it stops it.</summary>
internal sealed class SmpWeb : IAsyncDisposable
{
    private readonly SmpWebOptions _options;
    private WebServer? _pages;
    private WebServer? _operation;
    private volatile TlsCredential? _credential;

    private SmpWeb(SmpWebOptions options)
    {
        _options = options;
        _credential = options.Credential;
    }

    /// <summary>What TLS on the relay's own ports needs to know; null when pages are not served there.</summary>
    public TlsCredential? RelayPortCredential => _options.IsOnRelayPorts && _pages is not null ? _credential : null;

    /// <summary>The addresses of metrics and health.</summary>
    public IReadOnlyList<IPEndPoint> OperationEndpoints => _operation?.HttpEndpoints ?? [];

    /// <summary>Writes the pages and starts to listen.</summary>
    /// <param name="server">The relay's options.</param>
    /// <param name="writeMetrics">Gives the metrics of this moment.</param>
    /// <param name="isHealthy">Whether the relay serves.</param>
    /// <param name="logger">Where faults are told.</param>
    /// <exception cref="SmpServerException">The pages cannot be written, a port is taken or the certificate cannot be used.</exception>
    public static async Task<SmpWeb> StartAsync(SmpServerOptions server, Func<string> writeMetrics, Func<bool> isHealthy, ILogger logger)
    {
        SmpWebOptions options = server.Web;
        SmpWeb web = new(options);
        try
        {
            if (options.StaticPath is { } folder)
            {
                SmpSite.Write(folder, options.Information, PageSettings(server));
                WebServerOptions pages = new() { Http = options.Http, Https = options.Https, Credential = options.Credential };
                web._pages = await WebServer.StartAsync(pages, new StaticFolder(folder), server.Time, logger);
            }

            if (options.Operation.Count > 0)
            {
                web._operation = await WebServer.StartAsync(
                    new WebServerOptions { Http = options.Operation }, new OperationContent(writeMetrics, isHealthy), server.Time, logger);
            }

            return web;
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException or SocketException or TransportException)
        {
            await web.DisposeAsync();
            throw new SmpServerException(
                cause switch
                {
                    SocketException => $"The pages or metrics cannot be served ({string.Join(", ", [.. options.Http, .. options.Https, .. options.Operation])}): {cause.Message}.",
                    TransportException => "The certificate of the pages or its key cannot be used: check cert and key in the section WEB.",
                    _ => $"The pages cannot be written to {options.StaticPath}: {cause.Message}",
                },
                cause);
        }
    }

    /// <summary>The program's version, without the build's mark.</summary>
    public static string Version { get; } =
        (typeof(SmpWeb).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown").Split('+')[0];

    /// <summary>From now on browsers are shown this certificate; null keeps the former one.</summary>
    /// <exception cref="TransportException">It cannot be used; then nothing has changed.</exception>
    public void Replace(TlsCredential? credential)
    {
        if (credential is not null)
        {
            _pages?.Replace(credential);
            _credential = credential;
        }
    }

    /// <summary>Serves a browser that came to the relay's own port; the caller closes the connection.</summary>
    public Task ServeAsync(ISecureConnection connection, CancellationToken cancellationToken) =>
        _pages?.ServeAsync(connection, cancellationToken) ?? Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (_pages is not null)
        {
            await _pages.DisposeAsync();
        }

        if (_operation is not null)
        {
            await _operation.DisposeAsync();
        }
    }

    private static SmpSiteSettings PageSettings(SmpServerOptions server) => new()
    {
        Persistence = !server.KeepQueues ? "nothing" : server.KeepMessages || server.MessageStorage == MessageStorage.Journal ? "queues and messages" : "queues",
        MessageExpiration = server.MessageExpiration?.Lifetime,
        IsStatisticsEnabled = server.Web.IsStatisticsEnabled,
        AreNewQueuesAllowed = server.AllowNewQueues,
        IsPasswordRequired = server.CreatePassword is not null,
        OnionHost = server.Host.Split(',').FirstOrDefault(host => host.EndsWith(".onion", StringComparison.Ordinal)),
    };
}
