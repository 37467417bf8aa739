using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Server.Smp;
using Pairwise.Server.Smp.Operation;
using Pairwise.Server.Smp.Postgres;
using Pairwise.Server.Web;

namespace Pairwise.Server.Xftp;

/// <summary>A file server cannot start; the message is one sentence for the operator that says what to do.</summary>
public sealed class XftpServerException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The names of a file server's own files, as the reference has them; those of its identity are a relay's.</summary>
public static class XftpServerFiles
{
    public const string Configuration = "file-server.ini";
    public const string StoreLog = "file-server-store.log";
    public const string StatisticsLog = "file-server-stats.daily.log";
    public const string StatisticsBackup = "file-server-stats.log";
    public const string Metrics = "xftp-server-metrics.txt";
}

/// <summary>Bounds that no setting changes.</summary>
public sealed record XftpServerLimits
{
    /// <summary>The time in which the body of an upload has to arrive: the reference's.</summary>
    public TimeSpan UploadTime { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// How long a download may wait for its client to take a piece (32 KiB or less). It begins anew with every piece, so that only
    /// clients that take less than some 100 bytes a second are cut off: each holds an open file.
    /// </summary>
    public TimeSpan DownloadSilence { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>The time in which a browser without HTTP/2 has to say something.</summary>
    public TimeSpan FirstBytesTime { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Chunks and recipients that are remembered; some 300 bytes of memory each. More are refused as over the quota.</summary>
    public int Records { get; init; } = 2_000_000;

    /// <summary>Streams of one connection at the same time.</summary>
    public int StreamsPerConnection { get; init; } = 100;

    /// <summary>Connections at the same time.</summary>
    public int Connections { get; init; } = 20_000;

    /// <summary>Bytes of one upload that may wait to be written.</summary>
    public int UploadWindow { get; init; } = 256 * 1024;

    /// <summary>How long a stop waits for transfers that are under way.</summary>
    public TimeSpan StopTime { get; init; } = TimeSpan.FromSeconds(5);
}

/// <summary>How a file server runs. Immutable; the defaults are the reference's.</summary>
public sealed record XftpServerOptions
{
    /// <summary>
    /// Where certificates, keys and the fingerprint are: ca.crt, server.crt, server.key, fingerprint. When there is no
    /// server.crt, all are made at the start.
    /// </summary>
    public required string ConfigurationFolder { get; init; }

    /// <summary>Where the store log and the statistics are; null keeps nothing beyond the process.</summary>
    public string? StateFolder { get; init; }

    /// <summary>Where chunks are. Files in it that look like chunks and belong to none are removed at the start.</summary>
    public required string FilesFolder { get; init; }

    /// <summary>Addresses to listen on; port 0 takes a free one.</summary>
    public IReadOnlyList<IPEndPoint> Endpoints { get; init; } = [new IPEndPoint(IPAddress.Loopback, 0)];

    /// <summary>The host names that the printed address shows; empty shows the first address listened on.</summary>
    public string Host { get; init; } = "";

    /// <summary>The certificate's common name, when certificates are made at the start.</summary>
    public string CommonName { get; init; } = "127.0.0.1";

    /// <summary>What browsers and the operator's monitoring are served.</summary>
    public ServerWebOptions Web { get; init; } = new();

    /// <summary>Whether failed TLS handshakes are told in the log: their reason, not who it was.</summary>
    public bool LogTlsErrors { get; init; }

    /// <summary>Chunks are written to a log and restored from it. Needs a <see cref="StateFolder"/>.</summary>
    public bool KeepChunks { get; init; } = true;

    /// <summary>The database that remembers chunks instead of the log; null keeps them in the log.</summary>
    public PostgresOptions? Database { get; init; }

    /// <summary>Whether a log beside the database gets every record too.</summary>
    public bool MirrorDatabaseToLog { get; init; }

    /// <summary>Bytes that all chunks together may have.</summary>
    public long Quota { get; init; } = long.MaxValue;

    /// <summary>Whether FNEW is answered at all; off to wind a server down.</summary>
    public bool AllowNewChunks { get; init; } = true;

    /// <summary>The password for FNEW; null asks for none.</summary>
    public BasicAuth? CreatePassword { get; init; }

    /// <summary>When chunks are removed; null never.</summary>
    public Expiration? ChunkExpiration { get; init; } = new(TimeSpan.FromHours(48), TimeSpan.FromHours(2));

    /// <summary>When a connection that says nothing is closed; null never.</summary>
    public TimeSpan? InactiveClientTime { get; init; }

    /// <summary>Whether statistics are written once a day, and kept over a restart.</summary>
    public bool LogStatistics { get; init; }

    /// <summary>How often the metrics file is written; null never.</summary>
    public TimeSpan? MetricsInterval { get; init; }

    /// <summary>The operator's port; null has none.</summary>
    public SmpControlOptions? Control { get; init; }

    /// <summary>The bounds.</summary>
    public XftpServerLimits Limits { get; init; } = new();

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Randomness for ids, keys and nonces.</summary>
    public IRandomSource Random { get; init; } = SystemRandom.Instance;

    /// <summary>Where log lines go; none names a chunk, a key or an address.</summary>
    public ILoggerFactory Logging { get; init; } = NullLoggerFactory.Instance;
}
