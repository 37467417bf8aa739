using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Pairwise.Server.Web;
using Pairwise.Transport;
using Pairwise.Transport.Sockets;
using Pairwise.Transport.Tls;

namespace Pairwise.Server.Xftp.Http;

/// <summary>Has Kestrel listen through our TLS, which knows the network's certificates.</summary>
internal sealed class XftpListenerFactory(XftpServerOptions options, Func<TlsContext> makeContext, ServerWeb? web, ILogger logger) : IConnectionListenerFactory
{
    private readonly List<XftpListener> _listeners = [];

    /// <summary>The addresses listened on, with the ports that were taken.</summary>
    public IReadOnlyList<IPEndPoint> EndPoints => [.. _listeners.Select(listener => (IPEndPoint)listener.EndPoint)];

    /// <summary>Connections made from now on show other certificates.</summary>
    /// <exception cref="TransportException">They cannot be used.</exception>
    public void Replace()
    {
        foreach (var listener in _listeners)
        {
            listener.Replace(makeContext());
        }
    }

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var listener = new XftpListener(options, web);
        listener.Start((IPEndPoint)endpoint, makeContext(), logger);
        _listeners.Add(listener);
        return new ValueTask<IConnectionListener>(listener);
    }
}

/// <summary>One address listened on. Connections that Kestrel has not taken yet wait in a bounded queue.</summary>
internal sealed class XftpListener(XftpServerOptions options, ServerWeb? web) : IConnectionListener
{
    private const int WaitingConnections = 256;

    // Full: the handler waits, and with it the listener's bound on handshakes.
    private readonly Channel<ConnectionContext> _accepted = Channel.CreateBounded<ConnectionContext>(WaitingConnections);
    private TlsListener? _listener;
    private long _number;
    private long _open;

    public EndPoint EndPoint => _listener!.EndPoints[0];

    public void Start(IPEndPoint endPoint, TlsContext context, ILogger logger) =>
        _listener = TlsListener.Start(new TlsListenerOptions { EndPoints = [endPoint], HandshakeFailureLevel = options.LogTlsErrors ? LogLevel.Warning : LogLevel.Debug }, context, RunAsync, options.Time, logger);

    public void Replace(TlsContext context) => _listener!.Replace(context);

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) =>
        await _accepted.Reader.WaitToReadAsync(cancellationToken) && _accepted.Reader.TryRead(out var context) ? context : null;

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        _accepted.Writer.TryComplete();
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        _accepted.Writer.TryComplete();
        if (_listener is not null)
        {
            await _listener.DisposeAsync();
        }
    }

    private async Task RunAsync(ISecureConnection connection, CancellationToken cancellationToken)
    {
        if (Interlocked.Increment(ref _open) > options.Limits.Connections)
        {
            Interlocked.Decrement(ref _open);
            return;
        }

        try
        {
            using var session = new XftpSession(connection, options.Random);
            var context = new SecureConnectionContext(connection, Interlocked.Increment(ref _number), session);
            await using (cancellationToken.Register(() => context.Abort(new ConnectionAbortedException("The server stops."))))
            {
                if (web?.Content is not null && MayBeOldBrowser(connection) && await TryServePagesAsync(web, context, cancellationToken))
                {
                    return;
                }

                try
                {
                    await _accepted.Writer.WriteAsync(context, cancellationToken);
                }
                catch (Exception cause) when (cause is ChannelClosedException or OperationCanceledException)
                {
                    await context.DisposeAsync();
                    return;
                }

                await context.Done;
            }
        }
        finally
        {
            Interlocked.Decrement(ref _open);
        }
    }

    // Who names a host was shown the browsers' certificate; one that does not ask for HTTP/2 may mean it all the same.
    private static bool MayBeOldBrowser(ISecureConnection connection) =>
        connection is { IsServerNameUsed: true, ApplicationProtocol: null or WebServer.ApplicationProtocol };

    // preface = "PRI * HTTP/2.0" CRLF CRLF "SM" CRLF CRLF ; RFC 9113, section 3.4. No method of HTTP/1.1 begins so.
    private async ValueTask<bool> TryServePagesAsync(ServerWeb web, SecureConnectionContext context, CancellationToken cancellationToken)
    {
        try
        {
            using (var limit = new CancellationTokenSource(options.Limits.FirstBytesTime, options.Time))
            using (var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken))
            {
                var read = await context.Input.ReadAtLeastAsync("PRI"u8.Length, either.Token);
                var isHttp2 = read.Buffer.Length >= "PRI"u8.Length && read.Buffer.Slice(0, "PRI"u8.Length).ToArray().AsSpan().SequenceEqual("PRI"u8);
                context.Input.AdvanceTo(read.Buffer.Start);
                if (isHttp2)
                {
                    return false;
                }
            }

            // Pages are all that it can have.
            await web.ServeAsync(context, cancellationToken);
        }
        catch
        {
            await context.DisposeAsync();
            throw;
        }

        await context.DisposeAsync();
        return true;
    }
}
