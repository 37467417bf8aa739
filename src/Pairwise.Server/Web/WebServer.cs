using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Pairwise.Transport;
using Pairwise.Transport.Sockets;
using Pairwise.Transport.Tls;

namespace Pairwise.Server.Web;

/// <summary>Where web content is served.</summary>
public sealed record WebServerOptions
{
    /// <summary>Addresses of plain HTTP.</summary>
    public IReadOnlyList<IPEndPoint> Http { get; init; } = [];

    /// <summary>Addresses of HTTPS; they need a <see cref="Credential"/>.</summary>
    public IReadOnlyList<IPEndPoint> Https { get; init; } = [];

    /// <summary>The certificate that browsers believe, and its key.</summary>
    public TlsCredential? Credential { get; init; }

    /// <summary>Connections at the same time; further ones are closed at once.</summary>
    public int MaxConnections { get; init; } = 256;
}

/// <summary>
/// Serves content over HTTP/1.1: on ports of its own, and over TLS connections that a relay's listener hands to it.
/// </summary>
/// <remarks>It owns its listeners; disposing it stops them and waits for what they serve. Thread-safe.</remarks>
public sealed class WebServer : IAsyncDisposable
{
    /// <summary>The application protocol of the connections that are handed over.</summary>
    public const string ApplicationProtocol = "http/1.1";

    private readonly IWebContent _content;
    private readonly TimeProvider _time;
    private readonly int _maxConnections;
    private readonly List<PlainListener> _plain = [];
    private TlsListener? _tls;
    private int _connections;

    private WebServer(IWebContent content, int maxConnections, TimeProvider time)
    {
        _content = content;
        _maxConnections = maxConnections;
        _time = time;
    }

    /// <summary>The addresses of plain HTTP, with the ports that were taken.</summary>
    public IReadOnlyList<IPEndPoint> HttpEndpoints => [.. _plain.Select(listener => listener.EndPoint)];

    /// <summary>The addresses of HTTPS, with the ports that were taken.</summary>
    public IReadOnlyList<IPEndPoint> HttpsEndpoints => _tls?.EndPoints ?? [];

    /// <summary>Starts to listen; with no addresses it only serves what "ServeAsync" gets.</summary>
    /// <exception cref="SocketException">An address cannot be listened on.</exception>
    /// <exception cref="TransportException">The certificate or its key cannot be used.</exception>
    public static async Task<WebServer> StartAsync(WebServerOptions options, IWebContent content, TimeProvider time, ILogger logger)
    {
        if (options.Https.Count > 0 && options.Credential is null)
        {
            throw new ArgumentException("HTTPS needs a certificate.", nameof(options));
        }

        WebServer server = new(content, options.MaxConnections, time);
        try
        {
            foreach (IPEndPoint endpoint in options.Http)
            {
                server._plain.Add(PlainListener.Start(endpoint, server.ServeStreamAsync, time, logger));
            }

            if (options.Https.Count > 0)
            {
                server._tls = TlsListener.Start(new TlsListenerOptions { EndPoints = options.Https }, MakeContext(options.Credential!), server.ServeAsync, time, logger);
            }
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }

        return server;
    }

    /// <summary>HTTPS connections made from now on use another certificate.</summary>
    /// <exception cref="TransportException">It cannot be used; then nothing has changed.</exception>
    public void Replace(TlsCredential credential) => _tls?.Replace(MakeContext(credential));

    /// <summary>Serves one TLS connection until it ends; the caller closes it.</summary>
    public Task ServeAsync(ISecureConnection connection, CancellationToken cancellationToken) =>
        CountedAsync(() => HttpSession.RunAsync(_content, _time, connection, cancellationToken));

    /// <summary>Serves one TLS connection of which something has been read ahead; the caller closes it.</summary>
    public Task ServeAsync(IDuplexPipe connection, CancellationToken cancellationToken) =>
        CountedAsync(() => HttpSession.RunAsync(_content, _time, connection, cancellationToken));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (PlainListener listener in _plain)
        {
            await listener.DisposeAsync();
        }

        if (_tls is not null)
        {
            await _tls.DisposeAsync();
        }
    }

    private static TlsContext MakeContext(TlsCredential credential) => TlsContext.ForServer(new TlsServerOptions
    {
        Credential = credential,
        WebCredential = credential,
        ApplicationProtocols = [ApplicationProtocol],
    });

    private Task ServeStreamAsync(Stream stream, CancellationToken cancellationToken) =>
        CountedAsync(() => HttpSession.RunAsync(_content, _time, stream, cancellationToken));

    private async Task CountedAsync(Func<Task> serve)
    {
        if (Interlocked.Increment(ref _connections) <= _maxConnections)
        {
            try
            {
                await serve();
            }
            finally
            {
                Interlocked.Decrement(ref _connections);
            }
        }
        else
        {
            Interlocked.Decrement(ref _connections);
        }
    }
}
