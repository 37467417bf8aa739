using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Pairwise.Client;
using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp.Connections;
using Pairwise.Server.Smp.Dispatch;
using Pairwise.Server.Smp.Forwarding;
using Pairwise.Server.Smp.Journal;
using Pairwise.Server.Smp.Logs;
using Pairwise.Server.Smp.Operation;
using Pairwise.Server.Smp.Store;
using Pairwise.Server.Web;
using Pairwise.Transport;
using Pairwise.Transport.Smp;
using Pairwise.Transport.Sockets;
using Pairwise.Transport.Tls;
using Pairwise.Transport.WebSockets;

namespace Pairwise.Server.Smp;

/// <summary>
/// An SMP relay in this process: restores its state, listens, serves, and saves its state when it stops. It can run as
/// a program of its own or be embedded.
/// </summary>
/// <remarks>Thread-safe. One relay owns its state folder; two over one folder destroy each other's logs.</remarks>
public sealed partial class SmpServer : IAsyncDisposable
{
    private readonly SmpRelay _relay;
    private readonly SmpServerState _state;
    private readonly SmpCommandHandler _handler;
    private readonly RelaySessions _sessions;
    private readonly ProxyHandler _proxy;
    private readonly ILogger _logger;
    private readonly MemoryWatch _memory;
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentDictionary<long, SmpConnection> _connections = new();
    private readonly List<Task> _loops = [];
    private readonly SemaphoreSlim _stopOnce = new(1, 1);
    private TlsListener? _listener;
    private ServerWeb? _web;
    private ControlPort? _control;

    // Replaced when certificates are read again; who has read it goes on with what it was.
    private volatile SmpServerIdentity _identity;
    private long _connectionNumber;
    private bool _isStopped;

    private SmpServer(SmpRelay relay, SmpServerState state, SmpServerIdentity identity, ILogger logger)
    {
        _relay = relay;
        _state = state;
        _identity = identity;
        _logger = logger;
        _handler = new SmpCommandHandler(relay, new SmpDispatcher(relay));
        SmpServerOptions options = relay.Options;
        _countedFrom = options.Time.GetUtcNow();
        _memory = new MemoryWatch(options.Limits);
        (ConnectionLimit, int relaySessions) = LimitConnections(options.Limits, logger);
        SmpClientOptions proxyOptions = new() { Network = options.Network, IsProxy = true, Time = options.Time, Random = options.Random };
        _sessions = new RelaySessions(proxyOptions, options.Limits.ForwardingPause, relaySessions, logger);
        _proxy = new ProxyHandler(relay, _sessions);
    }

    /// <summary>The addresses listened on, with the ports that were taken.</summary>
    public IReadOnlyList<IPEndPoint> Endpoints => _listener?.EndPoints ?? [];

    /// <summary>The addresses listened on for WebSockets, with the ports that were taken.</summary>
    public IReadOnlyList<IPEndPoint> WebSocketEndpoints => _listener?.WebSocketEndPoints ?? [];

    /// <summary>The addresses of metrics and health, with the ports that were taken.</summary>
    public IReadOnlyList<IPEndPoint> OperationEndpoints => _web?.OperationEndpoints ?? [];

    /// <summary>Where the control port listens, if there is one.</summary>
    public IPEndPoint? ControlEndpoint => _control?.Endpoint;

    /// <summary>What clients enter: smp://FINGERPRINT@HOST[:PORT], without a password.</summary>
    public string Address { get; private set; } = "";

    /// <summary>Who the relay is.</summary>
    public SmpServerIdentity Identity => _identity;

    /// <summary>How many clients are connected.</summary>
    public int ConnectionCount => _connections.Count;

    /// <summary>What was found when the state was restored.</summary>
    public SmpServerReport Report => _state.Report;

    /// <summary>Makes what is missing, restores the state, and starts to listen.</summary>
    /// <exception cref="SmpServerException">A file cannot be used or a port is taken; the message says which.</exception>
    public static async Task<SmpServer> StartAsync(SmpServerOptions options, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (!SmpServerFiles.Exist(options.ConfigurationFolder))
        {
            SmpServerFiles.Create(options.ConfigurationFolder, KeyAlgorithm.Ed25519, options.CommonName, options.Random, options.Time);
        }

        (SmpServerIdentity identity, TlsCredential credential) = SmpServerFiles.Load(options.ConfigurationFolder);
        SmpServerState state = await SmpServerState.RestoreAsync(options, cancellationToken);
        SmpRelay relay = new(options, state.Queues, state.Messages, state.Notifications, state.Statistics) { DurableWrites = state.DurableWrites, Disk = state.Disk };
        state.QueueEvicted = queue => relay.EndDeleted(queue, null);
        SmpServer server = new(relay, state, identity, options.Logging.CreateLogger("Pairwise.Smp"));
        try
        {
            server._web = await ServerWeb.StartAsync(
                options.Web,
                folder => SmpSite.Write(folder, options.Web.Information, PageSettings(options)),
                complete: null,
                server.WriteMetrics,
                () => !server._stopping.IsCancellationRequested,
                options.Time,
                server._logger);
            server.Listen(credential);
        }
        catch (ServerWebException cause)
        {
            await server.DisposeAsync();
            throw new SmpServerException(cause.Message, cause);
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }

        return server;
    }

    /// <summary>Serves one client over a connection that somebody else made, until it ends. The connection is closed then.</summary>
    public async Task ServeAsync(ISecureConnection connection, CancellationToken cancellationToken)
    {
        using CancellationTokenSource ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stopping.Token);
        await RunConnectionAsync(connection, ending.Token);
    }

    /// <summary>
    /// Reads the certificates and their keys again, as after "cert" or after those of the pages were renewed. Connections
    /// made from now on use them; those that are open stay. A client whose handshake is under way at this moment may have
    /// to connect again.
    /// </summary>
    /// <param name="webCredential">The certificate that browsers believe, as it is now.</param>
    /// <exception cref="SmpServerException">They cannot be used; then nothing has changed.</exception>
    public void ReloadCertificates(TlsCredential? webCredential)
    {
        (SmpServerIdentity identity, TlsCredential credential) = SmpServerFiles.Load(_relay.Options.ConfigurationFolder);
        if (identity.KeyHash != _identity.KeyHash)
        {
            throw new SmpServerException("The certificate of the authority is another one, and so would be the relay's address: restart the relay if that is meant.");
        }

        try
        {
            _web?.Replace(webCredential);
            _listener?.Replace(MakeContext(credential));
        }
        catch (TransportException cause)
        {
            throw new SmpServerException("The new certificates or their keys cannot be used.", cause);
        }

        _identity = identity;
    }

    /// <summary>Ends all connections, then saves the state. Safe to call more than once.</summary>
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
            await StopServingAsync();
            try
            {
                _state.Save();
            }
            finally
            {
                SaveStatistics();
                await _state.DisposeAsync();
            }
        }
        finally
        {
            _stopOnce.Release();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stopping.Dispose();
        _stopOnce.Dispose();
    }

    // However this ends, what waits in memory is saved after it: nothing here may take long or throw.
    private async Task StopServingAsync()
    {
        try
        {
            await StopPartsAsync().WaitAsync(_relay.Options.Limits.StopTime, _relay.Options.Time);
        }
        catch (TimeoutException)
        {
            Log.StopIsSlow(_logger);
        }
        catch (Exception fault)
        {
            // The boundary of all that the relay does by itself.
            Log.LoopFault(_logger, fault);
        }
    }

    private async Task StopPartsAsync()
    {
        try
        {
            await Task.WhenAll([
                _listener?.DisposeAsync().AsTask() ?? Task.CompletedTask,
                _web?.DisposeAsync().AsTask() ?? Task.CompletedTask,
                _control?.DisposeAsync().AsTask() ?? Task.CompletedTask,
                .. _loops,
            ]);
        }
        finally
        {
            await _sessions.DisposeAsync();
        }
    }

    private void Listen(TlsCredential credential)
    {
        SmpServerOptions options = _relay.Options;
        TlsContext context = MakeContext(credential);
        if (_state.UsesFiles)
        {
            SocketPoller.Guard();
        }

        try
        {
            _listener = TlsListener.Start(
                new TlsListenerOptions
                {
                    EndPoints = options.Endpoints,
                    WebSocketEndPoints = options.WebSocketEndpoints,
                    WebPort = options.Web.RelayPort,
                    MaxHandshakes = options.Limits.Handshakes,
                    HandshakeFailureLevel = options.LogTlsErrors ? LogLevel.Warning : LogLevel.Debug,
                    MaxSilent = Math.Max(options.Limits.Handshakes, ConnectionLimit / SmpServerLimits.SilentShare),
                    MaxConnections = ConnectionLimit,
                    HandlesInline = true,
                    IsAdmitting = () => _memory.State == MemoryState.Enough,
                },
                context,
                RunConnectionAsync,
                options.Time,
                _logger);
        }
        catch (SocketException cause)
        {
            context.Dispose();
            string addresses = string.Join(", ", options.Endpoints.Concat(options.WebSocketEndpoints));
            throw new SmpServerException(
                cause.SocketErrorCode switch
                {
                    SocketError.AddressAlreadyInUse => $"The port is in use ({addresses}): stop the program that listens on it, or choose another port.",
                    SocketError.AccessDenied => $"Listening is not allowed ({addresses}): ports below 1024 need a right of their own.",
                    _ => $"Listening is not possible ({addresses}): {cause.Message}.",
                },
                cause);
        }

        Address = MakeAddress(options);
        if (options.Control is { } control)
        {
            _control = ControlPort.Start(control.Endpoint, "SMP server", () => new SmpControl(_relay, control, () => _connections.Values, () => _listener.Counts.Ports, () => _countedFrom, SaveAll), options.Time);
        }

        _loops.Add(SweepConnectionsAsync(_stopping.Token));
        _loops.Add(WatchMemoryAsync(_stopping.Token));
        _loops.Add(DeliverNotificationsAsync(_stopping.Token));
        _loops.Add(ExpireNotificationsAsync(_stopping.Token));
        if (options.Database is not null)
        {
            _loops.Add(SweepDatabaseAsync(_stopping.Token));
        }

        if (options.MessageExpiration is { } expiration)
        {
            _loops.Add(ExpireMessagesAsync(expiration, _stopping.Token));
        }

        if (_relay.Messages is JournalMessageStore journals)
        {
            _loops.Add(EraseReceivedAsync(journals, _stopping.Token));
        }

        if (options.SnapshotInterval is { } interval && _state.HasSnapshots)
        {
            _loops.Add(SaveSnapshotsAsync(interval, _stopping.Token));
        }

        if (options.KeepStatistics && options.StateFolder is { } statisticsFolder)
        {
            RestoreStatistics(statisticsFolder);
            _loops.Add(WriteDaysAsync(Path.Combine(statisticsFolder, SmpServerFiles.DailyStatistics), _stopping.Token));
        }

        if (options.MetricsInterval is { } metricsInterval && options.StateFolder is { } stateFolder)
        {
            _loops.Add(SaveMetricsAsync(Path.Combine(stateFolder, SmpServerFiles.Metrics), metricsInterval, _stopping.Token));
        }
    }

    private TlsContext MakeContext(TlsCredential credential)
    {
        TlsCredential? webCredential = _web?.RelayPortCredential;
        return TlsContext.ForServer(new TlsServerOptions
        {
            Credential = credential,
            WebCredential = webCredential,
            ApplicationProtocols = webCredential is null ? ["smp/1"] : ["smp/1", WebServer.ApplicationProtocol],
            CheckClient = _relay.Options.AcceptServices ? CheckClient : null,
        });
    }

    private static SmpSiteSettings PageSettings(SmpServerOptions options) => new()
    {
        Persistence = options.Database is null && !options.KeepQueues ? "nothing"
            : options.KeepMessages || options.MessageStorage != MessageStorage.Memory ? "queues and messages" : "queues",
        MessageExpiration = options.MessageExpiration?.Lifetime,
        IsStatisticsEnabled = options.Web.IsStatisticsEnabled,
        AreNewQueuesAllowed = options.AllowNewQueues,
        IsPasswordRequired = options.CreatePassword is not null,
        OnionHost = options.Host.Split(',').FirstOrDefault(host => host.EndsWith(".onion", StringComparison.Ordinal)),
    };

    private string MakeAddress(SmpServerOptions options)
    {
        if (Endpoints.Count == 0)
        {
            return $"smp://{_identity.KeyHash.ToBase64Url()}@{options.Host}";
        }

        IPEndPoint first = Endpoints[0];
        string host = options.Host.Length > 0 ? options.Host : first.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{first.Address}]" : first.Address.ToString();
        const int defaultPort = 5223;
        return $"smp://{_identity.KeyHash.ToBase64Url()}@{host}" + (first.Port == defaultPort ? "" : $":{first.Port}");
    }

    // Services show certificates of their own authorities: what counts is proved in the handshake of the protocol.
    // A service is known by the hash of its identity certificate, which is public: only a chain in which each certificate
    // is signed by the next one shows that the leaf's key is the service's.
    private TlsPeerVerdict CheckClient(IReadOnlyList<ReadOnlyMemory<byte>> certificates)
    {
        if (!CertificateChain.TryParse(certificates, out CertificateChain? chain))
        {
            return TlsPeerVerdict.BadCertificate;
        }

        DateTimeOffset now = _relay.Options.Time.GetUtcNow();
        if (chain.IsSelfSigned)
        {
            return now < chain.Leaf.NotBefore || now > chain.Leaf.NotAfter ? TlsPeerVerdict.Expired : TlsPeerVerdict.Accepted;
        }

        return chain.Validate(now) switch
        {
            CertificateVerdict.Valid => TlsPeerVerdict.Accepted,
            CertificateVerdict.Expired or CertificateVerdict.NotYetValid => TlsPeerVerdict.Expired,
            _ => TlsPeerVerdict.BadCertificate,
        };
    }

    // Who names a host was shown the browsers' certificate, which no client of the protocol would accept.
    private static bool IsBrowser(ISecureConnection connection) =>
        connection.ApplicationProtocol is WebServer.ApplicationProtocol || (connection.ApplicationProtocol is null && connection.IsServerNameUsed);

    private async Task RunConnectionAsync(ISecureConnection connection, CancellationToken cancellationToken)
    {
        if (_web is not null && connection is not WebSocketConnection && IsBrowser(connection))
        {
            await _web.ServeAsync(connection, cancellationToken);
            return;
        }

        SmpServerOptions options = _relay.Options;
        if (_connections.Count >= ConnectionLimit)
        {
            Log.TooManyConnections(_logger, ConnectionLimit);
            return;
        }

        SmpServerSession session;
        using (CancellationTokenSource limit = new(options.Limits.HandshakeTime, options.Time))
        using (CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken))
        {
            try
            {
                session = await SmpServerHandshake.RunAsync(connection, _identity, SmpVersions.ServerRange, options.Random, RegisterServiceAsync, either.Token);
            }
            catch (Exception cause) when (cause is TransportException or OperationCanceledException)
            {
                Log.HandshakeFailed(_logger);
                return;
            }
        }

        await using (session)
        {
            using SmpConnection client = new(_relay, session, _handler, _proxy, Interlocked.Increment(ref _connectionNumber));
            _connections[client.Number] = client;
            try
            {
                await client.RunAsync(cancellationToken);
            }
            catch (OperationCanceledException)
            {
                // The relay stops.
            }
            catch (Exception fault)
            {
                LogEnd(fault);
            }
            finally
            {
                _connections.TryRemove(client.Number, out _);
                if (client.Fault is { } fault)
                {
                    LogEnd(fault);
                }
            }
        }
    }

    // A store that fails ends many connections: one line each, without what could name a queue's file.
    private void LogEnd(Exception fault)
    {
        if (fault is IOException)
        {
            Log.StoreFault(_logger, (fault.InnerException ?? fault).GetType().Name);
        }
        else
        {
            Log.ConnectionFault(_logger, fault);
        }
    }

    private async ValueTask<ServiceId?> RegisterServiceAsync(SmpServiceClaim claim, CancellationToken cancellationToken)
    {
        const long secondsPerDay = 86400;
        long today = _relay.NowSeconds() / secondsPerDay * secondsPerDay;
        ServiceRecord record = new(
            _relay.NewId(),
            claim.Role,
            [.. claim.Certificates.Certificates.Select(certificate => Wire.Bytes.CopyOf(certificate.Der.Span))],
            claim.CertificateHash,
            today);
        if (_relay.Queues.GetOrAddService(record, out StoredId id) is not null)
        {
            return null;
        }

        try
        {
            await (_relay.DurableWrites?.WhenWrittenAsync(null) ?? ValueTask.CompletedTask);
            return new ServiceId(id.ToWireId());
        }
        catch (IOException)
        {
            return null; // not stored yet: the service may come again
        }
    }

    private static partial class Log
    {
        [LoggerMessage(2050, LogLevel.Warning, "Messages of {Count} queues could not be checked for expiry; the first cause: {Kind}.")]
        public static partial void ExpirationFailed(ILogger logger, int count, string kind);

        [LoggerMessage(2055, LogLevel.Warning, "Received messages could not be removed from all journals: {Kind}.")]
        public static partial void ErasingFailed(ILogger logger, string kind);

        [LoggerMessage(2053, LogLevel.Information, "At most {Possible} connections can be open, not {Wanted}: the system allows {Descriptors} open files. Raise the limit (ulimit -n, or LimitNOFILE in the unit).")]
        public static partial void FewDescriptors(ILogger logger, long possible, long descriptors, int wanted);

        [LoggerMessage(2054, LogLevel.Warning, "Memory: {State}, {Used} of {Limit} MB are used.")]
        public static partial void MemoryChanged(ILogger logger, MemoryState state, long used, long limit);

        [LoggerMessage(2051, LogLevel.Warning, "Not all connections ended in time; the state is saved regardless.")]
        public static partial void StopIsSlow(ILogger logger);

        [LoggerMessage(2052, LogLevel.Error, "A part of the relay ended by a fault.")]
        public static partial void LoopFault(ILogger logger, Exception fault);

        [LoggerMessage(2010, LogLevel.Warning, "The statistics could not be written or read.")]
        public static partial void StatisticsFailed(ILogger logger, Exception fault);

        [LoggerMessage(2009, LogLevel.Warning, "The metrics could not be written.")]
        public static partial void MetricsFailed(ILogger logger, Exception fault);

        [LoggerMessage(2001, LogLevel.Debug, "A handshake failed.")]
        public static partial void HandshakeFailed(ILogger logger);

        [LoggerMessage(2002, LogLevel.Warning, "A connection was refused: {Limit} are open already.")]
        public static partial void TooManyConnections(ILogger logger, int limit);

        [LoggerMessage(2003, LogLevel.Error, "A connection ended by a fault of the relay.")]
        public static partial void ConnectionFault(ILogger logger, Exception fault);

        [LoggerMessage(2005, LogLevel.Warning, "A connection was ended, as what it waited for could not be read or written: {Kind}.")]
        public static partial void StoreFault(ILogger logger, string kind);

        [LoggerMessage(2004, LogLevel.Error, "Messages could not be saved while running.")]
        public static partial void SnapshotFailed(ILogger logger, Exception fault);
    }
}
