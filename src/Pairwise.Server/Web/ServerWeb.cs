using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Reflection;
using Microsoft.Extensions.Logging;
using Pairwise.Transport;
using Pairwise.Transport.Tls;

namespace Pairwise.Server.Web;

/// <summary>Pages, metrics or health cannot be served; the message is one sentence for the operator.</summary>
internal sealed class ServerWebException(string message, Exception inner) : Exception(message, inner);

/// <summary>The pages, metrics and health of one relay, as long as it runs. Thread-safe; disposing it stops it.</summary>
internal sealed class ServerWeb : IAsyncDisposable
{
    private readonly ServerWebOptions _options;
    private WebServer? _pages;
    private WebServer? _operation;
    private volatile TlsCredential? _credential;

    private ServerWeb(ServerWebOptions options)
    {
        _options = options;
        _credential = options.Credential;
    }

    /// <summary>The pages; null when there are none.</summary>
    public IWebContent? Content { get; private set; }

    /// <summary>What TLS on the relay's own ports needs to know; null when browsers are not served there.</summary>
    public TlsCredential? RelayPortCredential => _options.IsOnRelayPorts ? _credential : null;

    /// <summary>The addresses of the pages without TLS, with the ports that were taken.</summary>
    public IReadOnlyList<IPEndPoint> HttpEndpoints => _pages?.HttpEndpoints ?? [];

    /// <summary>The addresses of the pages with TLS, other than the relay's own.</summary>
    public IReadOnlyList<IPEndPoint> HttpsEndpoints => _pages?.HttpsEndpoints ?? [];

    /// <summary>The addresses of metrics and health.</summary>
    public IReadOnlyList<IPEndPoint> OperationEndpoints => _operation?.HttpEndpoints ?? [];

    /// <summary>Has the pages written and starts to listen.</summary>
    /// <param name="options">What is served where.</param>
    /// <param name="writePages">Writes the relay's pages into a folder.</param>
    /// <param name="complete">Adds pages that are not in the folder to those that are; null adds none.</param>
    /// <param name="writeMetrics">Gives the metrics of this moment.</param>
    /// <param name="isHealthy">Whether the relay serves.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where faults are told.</param>
    /// <exception cref="ServerWebException">The pages cannot be written, a port is taken or the certificate cannot be used.</exception>
    public static async Task<ServerWeb> StartAsync(
        ServerWebOptions options, Action<string> writePages, Func<IWebContent, IWebContent>? complete, Func<string> writeMetrics, Func<bool> isHealthy, TimeProvider time, ILogger logger)
    {
        ServerWeb web = new(options);
        try
        {
            if (options.StaticPath is { } folder)
            {
                writePages(folder);
                StaticFolder written = new(folder);
                web.Content = complete?.Invoke(written) ?? written;
                WebServerOptions pages = new() { Http = options.Http, Https = options.Https, Credential = options.Credential };
                web._pages = await WebServer.StartAsync(pages, web.Content, time, logger);
            }

            if (options.Operation.Count > 0)
            {
                web._operation = await WebServer.StartAsync(
                    new WebServerOptions { Http = options.Operation }, new OperationContent(writeMetrics, isHealthy), time, logger);
            }

            return web;
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException or SocketException or TransportException)
        {
            await web.DisposeAsync();
            throw new ServerWebException(
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
        (typeof(ServerWeb).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown").Split('+')[0];

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

    /// <summary>The same for a connection of which something has been read ahead.</summary>
    public Task ServeAsync(IDuplexPipe connection, CancellationToken cancellationToken) =>
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
}
