using Npgsql;
using Pairwise.Crypto;
using Pairwise.Server.Smp.Postgres;
using Pairwise.Server.Xftp.Store;

namespace Pairwise.Server.Xftp.Postgres;

/// <summary>What a move came to. Counts only.</summary>
/// <param name="Files">Files moved.</param>
/// <param name="Recipients">Recipients moved.</param>
/// <param name="LeftOut">Lines or rows that could not be moved.</param>
public sealed record XftpMoveReport(long Files, long Recipients, long LeftOut);

/// <summary>Moves what a file server remembers between its store log and its database, while no server runs on either.</summary>
public static class XftpDatabaseMoves
{
    /// <summary>Fills empty tables from the store log, which stays beside with the ending <c>.bak</c>.</summary>
    /// <exception cref="XftpServerException">The log is missing or the tables are not empty.</exception>
    /// <exception cref="Smp.SmpServerException">The database cannot be used.</exception>
    public static async Task<XftpMoveReport> ImportAsync(PostgresOptions options, string storeLog, TimeProvider time, CancellationToken cancellationToken)
    {
        if (!File.Exists(storeLog))
        {
            throw new XftpServerException($"store log file {storeLog} does not exist: there is nothing to import.");
        }

        await using var store = new ChunkStore(SystemRandom.Instance, long.MaxValue);
        var read = XftpStoreLog.Read(storeLog, store);
        await using var pool = await XftpPostgresLog.ConnectAsync(options, time, cancellationToken);
        try
        {
            await using var connection = await pool.OpenConnectionAsync(cancellationToken);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            if (await DatabaseMoves.CountAsync(connection, "files", cancellationToken) is var rows and > 0)
            {
                throw new XftpServerException($"the database already contains {rows} files: drop the schema {options.Schema} first, or use another database.");
            }

            await DatabaseMoves.InsertAsync(connection, store.AllRecords().SelectMany(XftpPostgresRows.ChangesOf), cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        }
        catch (NpgsqlException fault)
        {
            throw new XftpServerException($"The database refused: {PostgresStore.Explain(fault)}", fault);
        }

        File.Move(storeLog, storeLog + ".bak", overwrite: true);
        return new XftpMoveReport(store.Count, store.RecipientCount, read.BrokenLines + read.RefusedRecords);
    }

    /// <summary>Writes the store log from the database; a log that is there is not overwritten.</summary>
    /// <exception cref="XftpServerException">A log is there already.</exception>
    /// <exception cref="Smp.SmpServerException">The database cannot be used.</exception>
    public static async Task<XftpMoveReport> ExportAsync(PostgresOptions options, string storeLog, TimeProvider time, CancellationToken cancellationToken)
    {
        if (File.Exists(storeLog))
        {
            throw new XftpServerException($"store log file {storeLog} already exists: move it away first, it would be overwritten.");
        }

        await using var store = new ChunkStore(SystemRandom.Instance, long.MaxValue);
        await using var pool = await XftpPostgresLog.ConnectAsync(options, time, cancellationToken);
        try
        {
            var read = await XftpPostgresLog.LoadAsync(pool, store, cancellationToken);
            var unfinished = storeLog + ".tmp";
            XftpStoreLog.WriteAll(unfinished, store);
            File.Move(unfinished, storeLog);
            return new XftpMoveReport(store.Count, store.RecipientCount, read.BrokenLines + read.RefusedRecords);
        }
        catch (NpgsqlException fault)
        {
            throw new XftpServerException($"The database refused: {PostgresStore.Explain(fault)}", fault);
        }
    }
}
