using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Pairwise.Crypto;
using Pairwise.Protocol.Xftp;
using Pairwise.Server.Smp;
using Pairwise.Server.Smp.Operation;
using Pairwise.Server.Smp.Postgres;
using Pairwise.Server.Web;
using Pairwise.Server.Xftp.Http;
using Pairwise.Server.Xftp.Operation;
using Pairwise.Server.Xftp.Postgres;
using Pairwise.Server.Xftp.Store;
using Pairwise.Transport;
using Pairwise.Transport.Smp;
using Pairwise.Transport.Tls;

namespace Pairwise.Server.Xftp;

/// <summary>
/// A file server: HTTP/2 over our TLS, chunks on the disk, their records in memory and in a log. It owns its loops and its
/// connections; <see cref="StopAsync"/> ends them.
/// </summary>
public sealed partial class XftpServer : IAsyncDisposable
{
    // Kestrel adds the limit to its clock: with the infinite one the sum overflows, and idle connections end at once.
    private static readonly TimeSpan NoIdleLimit = TimeSpan.FromDays(3650);

    private static readonly Task<XftpError?> NotFound = Task.FromResult<XftpError?>(XftpError.Auth.Instance);

    private readonly XftpServerOptions _options;
    private readonly ChunkStore _store;
    private readonly ChunkFiles _files;
    private readonly XftpDispatcher _dispatcher;
    private readonly DownloadedChunks _downloaded = new();
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _stopOnce = new(1, 1);
    private readonly List<Task> _loops = [];
    private KestrelServer? _kestrel;
    private XftpListenerFactory? _listeners;
    private ServerWeb? _web;
    private ControlPort? _control;

    // Replaced when certificates are read again; who has read it goes on with what it was.
    private volatile SmpServerIdentity _identity;
    private volatile TlsCredential _credential;
    private bool _isStopped;

    private XftpServer(XftpServerOptions options, SmpServerIdentity identity, TlsCredential credential, ChunkStore store, ChunkFiles files, XftpStoreReport report)
    {
        _options = options;
        _identity = identity;
        _credential = credential;
        _store = store;
        _files = files;
        _logger = options.Logging.CreateLogger("Pairwise.Xftp");
        _dispatcher = new XftpDispatcher(options, store, files, Statistics, _downloaded, _logger);
        Report = report;
    }

    /// <summary>The addresses listened on, with the ports that were taken.</summary>
    public IReadOnlyList<IPEndPoint> Endpoints { get; private set; } = [];

    /// <summary>Where the control port listens, if there is one.</summary>
    public IPEndPoint? ControlEndpoint => _control?.Endpoint;

    /// <summary>The addresses of metrics and health, with the ports that were taken.</summary>
    public IReadOnlyList<IPEndPoint> OperationEndpoints => _web?.OperationEndpoints ?? [];

    /// <summary>The addresses of the pages without TLS, with the ports that were taken.</summary>
    public IReadOnlyList<IPEndPoint> HttpEndpoints => _web?.HttpEndpoints ?? [];

    /// <summary>The addresses of the pages with TLS, other than the server's own.</summary>
    public IReadOnlyList<IPEndPoint> HttpsEndpoints => _web?.HttpsEndpoints ?? [];

    /// <summary>What clients enter: xftp://FINGERPRINT@HOST[:PORT], without a password.</summary>
    public string Address { get; private set; } = "";

    /// <summary>What was found when the state was restored.</summary>
    public XftpStoreReport Report { get; }

    /// <summary>What happened since the start.</summary>
    public XftpStatistics Statistics { get; } = new();

    /// <summary>Bytes that chunks take, uploads under way included.</summary>
    public long UsedBytes => _store.UsedBytes;

    /// <summary>Makes what is missing, restores the state, and starts to listen.</summary>
    /// <exception cref="XftpServerException">A file cannot be used or a port is taken; the message says which.</exception>
    /// <exception cref="SmpServerException">A file of the identity cannot be used; the message says which.</exception>
    public static async Task<XftpServer> StartAsync(XftpServerOptions options, CancellationToken cancellationToken = default)
    {
        if (!SmpServerFiles.Exist(options.ConfigurationFolder))
        {
            SmpServerFiles.Create(options.ConfigurationFolder, KeyAlgorithm.Ed25519, options.CommonName, options.Random, options.Time);
        }

        var (identity, credential) = SmpServerFiles.Load(options.ConfigurationFolder);
        var store = new ChunkStore(options.Random, options.Quota, options.Limits.Records);
        ChunkFiles files;
        XftpStoreReport report;
        try
        {
            (files, report) = await RestoreAsync(options, store, cancellationToken);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            await store.DisposeAsync();
            throw new XftpServerException($"The state of the server cannot be restored: {cause.Message}", cause);
        }
        catch
        {
            await store.DisposeAsync();
            throw;
        }

        var server = new XftpServer(options, identity, credential, store, files, report);
        try
        {
            server.RestoreStatistics();
            await server.ExpireChunksAsync();
            server._web = await ServerWeb.StartAsync(
                options.Web,
                folder => XftpSite.Write(folder, options.Web.Information, server.PageSettings()),
                pages => new FilePage(pages, server.UploadPageSettings),
                server.WriteMetrics,
                () => !server._stopping.IsCancellationRequested,
                options.Time,
                server._logger);
            await server.ListenAsync(cancellationToken);
        }
        catch (ServerWebException cause)
        {
            await server.DisposeAsync();
            throw new XftpServerException(cause.Message, cause);
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }

        return server;
    }

    /// <summary>
    /// Reads the certificates and their keys again, as after "cert" or after those of the pages were renewed. Connections
    /// made from now on use them; those that are open stay. A client whose handshake is under way at this moment may have
    /// to connect again.
    /// </summary>
    /// <param name="webCredential">The certificate that browsers believe, as it is now.</param>
    /// <exception cref="XftpServerException">They cannot be used; then nothing has changed.</exception>
    /// <exception cref="SmpServerException">A file of the identity cannot be used; then nothing has changed.</exception>
    public void ReloadCertificates(TlsCredential? webCredential)
    {
        var (identity, credential) = SmpServerFiles.Load(_options.ConfigurationFolder);
        if (identity.KeyHash != _identity.KeyHash)
        {
            throw new XftpServerException("The certificate of the authority is another one, and so would be the server's address: restart the server if that is meant.");
        }

        var former = _credential;
        try
        {
            _web?.Replace(webCredential);
            _credential = credential;
            _listeners?.Replace();
        }
        catch (TransportException cause)
        {
            _credential = former;
            throw new XftpServerException("The new certificates or their keys cannot be used.", cause);
        }

        _identity = identity;
    }

    /// <summary>Stops accepting, waits a moment for transfers, ends the rest, and closes the store. Safe to call more than once.</summary>
    public async Task StopAsync(CancellationToken cancellationToken = default)
    {
        await _stopOnce.WaitAsync(cancellationToken);
        try
        {
            if (_isStopped)
            {
                return;
            }

            _isStopped = true;
            await _stopping.CancelAsync();
            if (_kestrel is not null)
            {
                using var limit = new CancellationTokenSource(_options.Limits.StopTime, _options.Time);
                await _kestrel.StopAsync(limit.Token);
                _kestrel.Dispose();
            }

            if (_web is not null)
            {
                await _web.DisposeAsync();
            }

            if (_control is not null)
            {
                await _control.DisposeAsync();
            }

            await Task.WhenAll(_loops);
            SaveStatistics();
            await _store.DisposeAsync();
            await _files.DisposeAsync();
        }
        finally
        {
            _stopOnce.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stopping.Dispose();
        _stopOnce.Dispose();
    }

    /// <summary>Deletes a chunk by the id that one of its recipients knows; null when that is done.</summary>
    public Task<XftpError?> DeleteAsync(ChunkId recipient) =>
        _store.TryFindAsRecipient(recipient, out var chunk, out _, out _) ? _dispatcher.DeleteAsync(chunk) : NotFound;

    /// <summary>Blocks a chunk by the id that one of its recipients knows; null when that is done.</summary>
    public Task<XftpError?> BlockAsync(ChunkId recipient, XftpError.Blocked reason) =>
        _store.TryFindAsRecipient(recipient, out var chunk, out _, out _) ? _dispatcher.BlockAsync(chunk, reason) : NotFound;

    private static async Task<(ChunkFiles Files, XftpStoreReport Report)> RestoreAsync(XftpServerOptions options, ChunkStore store, CancellationToken cancellationToken)
    {
        var files = new ChunkFiles(options.FilesFolder);
        if (options.StateFolder is not { } folder)
        {
            var (removed, _) = files.RemoveOrphans([], isComplete: true);
            return (files, XftpStoreReport.Empty with { OrphanedFiles = removed });
        }

        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, XftpServerFiles.StoreLog);
        if (!options.KeepChunks && options.Database is null)
        {
            // Nothing is remembered, unless the operator switched the log off for once.
            var (removed, kept) = files.RemoveOrphans([], isComplete: !File.Exists(path));
            return (files, XftpStoreReport.Empty with { OrphanedFiles = removed, KeptFiles = kept });
        }

        var (log, report, isComplete) = options.Database is { } database
            ? await OpenDatabaseAsync(options, database, path, store, cancellationToken)
            : OpenLog(options, path, store);
        store.AttachLog(log);
        var moved = store.CheckContent(files.Locate);
        if (log is XftpPostgresLog opened)
        {
            opened.TryMove(moved);
            if (options.MirrorDatabaseToLog)
            {
                opened.Mirror(path, store);
            }
        }

        var orphans = files.RemoveOrphans(store.AllPaths(), isComplete);
        return (files, report with { MissingFiles = moved.Count(chunk => chunk.Path is null), OrphanedFiles = orphans.Removed, KeptFiles = orphans.Kept });
    }

    // A log that is new or has lost lines does not say what nobody owns.
    private static (IChunkLog Log, XftpStoreReport Report, bool IsComplete) OpenLog(XftpServerOptions options, string path, ChunkStore store)
    {
        var wasThere = File.Exists(path) || File.Exists(path + ".start");
        var (log, report) = XftpStoreLog.Open(path, store, options.Time.GetUtcNow());
        return (log, report, wasThere && report.BrokenLines == 0);
    }

    private static async Task<(IChunkLog Log, XftpStoreReport Report, bool IsComplete)> OpenDatabaseAsync(
        XftpServerOptions options, PostgresOptions database, string path, ChunkStore store, CancellationToken cancellationToken)
    {
        if (File.Exists(path) && !options.MirrorDatabaseToLog)
        {
            throw new XftpServerException($"the store log {path} is there, but store_files is database: use `xftp-server database import` to move it, or set db_store_log to on.");
        }

        var (log, report) = await XftpPostgresLog.OpenAsync(database, store, options.Time, options.Logging.CreateLogger("Pairwise.Xftp.Database"), cancellationToken);
        return (log, report, report.Lines > 0 && report.BrokenLines == 0);
    }

    private TlsContext MakeContext() => TlsContext.ForServer(new TlsServerOptions
    {
        Credential = _credential,
        WebCredential = _web?.RelayPortCredential,
        ApplicationProtocols = [XftpVersions.ApplicationProtocol, "h2", WebServer.ApplicationProtocol],
    });

    private XftpSiteSettings PageSettings() => new()
    {
        FileExpiration = _options.ChunkExpiration?.Lifetime,
        IsStatisticsEnabled = _options.Web.IsStatisticsEnabled,
        AreNewFilesAllowed = _options.AllowNewChunks,
        IsPasswordRequired = _options.CreatePassword is not null,
        OnionHost = _options.Host.Split(',').FirstOrDefault(host => host.EndsWith(".onion", StringComparison.Ordinal)),
    };

    private FilePageSettings UploadPageSettings() =>
        new(MakeAddress(_options.Host.Length > 0 ? _options.Host : FilePageSettings.UnknownHost), _options.CreatePassword is not null, _options.AllowNewChunks, _options.ChunkExpiration?.Lifetime);

    private async Task ListenAsync(CancellationToken cancellationToken)
    {
        _listeners = new XftpListenerFactory(_options, MakeContext, _web, _logger);
        _kestrel = new KestrelServer(Options.Create(MakeKestrelOptions()), _listeners, NullLoggerFactory.Instance);
        try
        {
            await _kestrel.StartAsync(new XftpHttpApplication(_options, () => _identity, _dispatcher, _web?.Content, _logger), cancellationToken);
        }
        catch (Exception cause) when (cause is SocketException or IOException)
        {
            var addresses = string.Join(", ", _options.Endpoints);
            throw new XftpServerException(
                (cause as SocketException ?? cause.InnerException as SocketException)?.SocketErrorCode switch
                {
                    SocketError.AddressAlreadyInUse => $"The port is in use ({addresses}): stop the program that listens on it, or choose another port.",
                    SocketError.AccessDenied => $"Listening is not allowed ({addresses}): ports below 1024 need a right of their own.",
                    _ => $"Listening is not possible ({addresses}): {cause.Message}.",
                },
                cause);
        }

        Endpoints = _listeners.EndPoints;
        Address = MakeAddress();
        if (_options.Control is { } control)
        {
            _control = ControlPort.Start(control.Endpoint, "XFTP server", () => new XftpControl(this, control, _logger), _options.Time);
        }

        if (_options.ChunkExpiration is { } expiration)
        {
            _loops.Add(RepeatAsync(expiration.CheckInterval, ExpireChunksAsync));
        }

        if (_options.MetricsInterval is { } interval && _options.StateFolder is not null)
        {
            _loops.Add(RepeatAsync(interval, SaveMetrics));
        }

        if (_options.LogStatistics && _options.StateFolder is not null)
        {
            _loops.Add(LogStatisticsAsync(_stopping.Token));
        }
    }

    private KestrelServerOptions MakeKestrelOptions()
    {
        var kestrel = new KestrelServerOptions
        {
            AddServerHeader = false,
            AllowAlternateSchemes = true,
            ApplicationServices = new ServiceCollection().AddLogging().BuildServiceProvider(),
        };
        var limits = kestrel.Limits;
        limits.MaxRequestBodySize = null;
        limits.MinRequestBodyDataRate = null;
        limits.MinResponseDataRate = null;
        limits.KeepAliveTimeout = _options.InactiveClientTime ?? NoIdleLimit;
        limits.Http2.MaxStreamsPerConnection = _options.Limits.StreamsPerConnection;
        limits.Http2.InitialStreamWindowSize = _options.Limits.UploadWindow;
        limits.Http2.InitialConnectionWindowSize = 2 * _options.Limits.UploadWindow;
        foreach (var endPoint in _options.Endpoints)
        {
            kestrel.Listen(endPoint, listen => listen.Protocols = HttpProtocols.Http2);
        }

        return kestrel;
    }

    private string MakeAddress()
    {
        var first = Endpoints[0];
        return MakeAddress(
            _options.Host.Length > 0 ? _options.Host
            : first.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{first.Address}]"
            : first.Address.ToString());
    }

    private string MakeAddress(string host)
    {
        var port = Endpoints[0].Port;
        return $"xftp://{_identity.KeyHash.ToBase64Url()}@{host}" + (port == Protocol.ServerAddress.DefaultHttpsPort ? "" : $":{port}");
    }
}
