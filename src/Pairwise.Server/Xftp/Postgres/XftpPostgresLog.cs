using Microsoft.Extensions.Logging;
using Npgsql;
using Pairwise.Server.Smp;
using Pairwise.Server.Smp.Postgres;
using Pairwise.Server.Xftp.Store;

namespace Pairwise.Server.Xftp.Postgres;

/// <summary>
/// A file server's database: opened once, read once, then written behind memory by one writer whose commits answers wait
/// for. It owns the pool, the writer and the log beside the database, if there is one (<c>db_store_log</c>).
/// </summary>
internal sealed class XftpPostgresLog : IChunkLog
{
    private const string Program = "pairwise-xftp-server";

    private readonly NpgsqlDataSource _pool;
    private readonly PostgresWriter _writer;
    private XftpLogWriter? _mirror;

    private XftpPostgresLog(NpgsqlDataSource pool, TimeProvider time, ILogger logger)
    {
        _pool = pool;
        _writer = new PostgresWriter(pool, time, logger);
    }

    /// <summary>Connects, makes the tables when they are missing, and fills the store.</summary>
    /// <exception cref="SmpServerException">The database cannot be used.</exception>
    public static async Task<(XftpPostgresLog Log, XftpStoreReport Report)> OpenAsync(
        PostgresOptions options, ChunkStore store, TimeProvider time, ILogger logger, CancellationToken cancellationToken)
    {
        var pool = await ConnectAsync(options, time, cancellationToken);
        try
        {
            var report = await LoadAsync(pool, store, cancellationToken);
            return (new XftpPostgresLog(pool, time, logger), report);
        }
        catch (Exception fault) when (fault is NpgsqlException or System.Net.Sockets.SocketException)
        {
            await pool.DisposeAsync();
            throw new SmpServerException($"The database cannot be used: {PostgresStore.Explain(fault)}", fault);
        }
        catch
        {
            await pool.DisposeAsync();
            throw;
        }
    }

    /// <summary>A pool of connections to tables that are there.</summary>
    /// <exception cref="SmpServerException">The database cannot be used.</exception>
    public static async Task<NpgsqlDataSource> ConnectAsync(PostgresOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        var pool = options.OpenPool(Program);
        try
        {
            await PostgresSchema.PrepareAsync(pool, XftpPostgresRows.Migrations, options, time.GetUtcNow(), cancellationToken);
            return pool;
        }
        catch (Exception fault) when (fault is NpgsqlException or System.Net.Sockets.SocketException)
        {
            await pool.DisposeAsync();
            throw new SmpServerException($"The database cannot be used: {PostgresStore.Explain(fault)}", fault);
        }
        catch
        {
            await pool.DisposeAsync();
            throw;
        }
    }

    /// <summary>Fills a store with what the tables hold.</summary>
    public static async Task<XftpStoreReport> LoadAsync(NpgsqlDataSource pool, ChunkStore store, CancellationToken cancellationToken)
    {
        await using var connection = await pool.OpenConnectionAsync(cancellationToken);
        long rows = 0;
        long broken = 0;
        long refused = 0;
        await PostgresStore.ReadAsync(connection, $"SELECT {XftpPostgresRows.FileColumns} FROM files ORDER BY created_at", row =>
        {
            rows++;
            var records = XftpPostgresRows.ReadFile(row).ToArray();
            broken += records.Length == 0 ? 1 : 0;
            refused += records.All(store.Apply) ? 0 : 1;
        }, cancellationToken);
        await PostgresStore.ReadAsync(connection, $"SELECT {XftpPostgresRows.RecipientColumns} FROM recipients", row =>
        {
            rows++;
            var record = XftpPostgresRows.ReadRecipient(row);
            broken += record is null ? 1 : 0;
            refused += record is null || store.Apply(record) ? 0 : 1;
        }, cancellationToken);
        return XftpStoreReport.Empty with { Lines = rows, BrokenLines = broken, RefusedRecords = refused };
    }

    /// <summary>Begins a log beside the database, with all that is there now.</summary>
    public void Mirror(string path, ChunkStore store)
    {
        if (File.Exists(path))
        {
            File.Move(path, path + ".bak", overwrite: true);
        }

        XftpStoreLog.WriteAll(path, store);
        _mirror = new XftpLogWriter(path);
    }

    /// <summary>At the start: says where content was found, or that it is gone.</summary>
    public bool TryMove(IEnumerable<(Protocol.Xftp.ChunkId Sender, string? Path)> moved) =>
        _writer.TryEnqueue([.. moved.Select(chunk => XftpPostgresRows.PathOf(chunk.Sender, chunk.Path))]);

    public bool TryWrite(params ReadOnlySpan<XftpLogRecord> records)
    {
        List<PostgresChange> changes = [];
        foreach (var record in records)
        {
            changes.AddRange(XftpPostgresRows.ChangesOf(record));
        }

        // The mirror first: it is only a copy, and a change it refuses must not reach the database behind a store that was told of the refusal.
        return _mirror?.TryWrite(records) != false && _writer.TryEnqueue([.. changes]);
    }

    public async ValueTask WhenWrittenAsync()
    {
        await _writer.WhenWrittenAsync(null);
        if (_mirror is not null)
        {
            await _mirror.WhenWrittenAsync();
        }
    }

    /// <summary>Writes what waits, then closes all connections.</summary>
    public async ValueTask DisposeAsync()
    {
        await _writer.DisposeAsync();
        if (_mirror is not null)
        {
            await _mirror.DisposeAsync();
        }

        await _pool.DisposeAsync();
    }
}
