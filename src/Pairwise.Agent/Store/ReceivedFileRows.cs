using System.Diagnostics.CodeAnalysis;
using Pairwise.Agent.Files;
using Pairwise.Protocol;
using Pairwise.Protocol.Xftp;
using Pairwise.Storage;
using Pairwise.Wire;

namespace Pairwise.Agent.Store;

/// <summary>Where a file that is received stands. The numbers are stored.</summary>
internal enum ReceivedFileStatus
{
    /// <summary>Its chunks are downloaded.</summary>
    Receiving = 0,

    /// <summary>All chunks are here; it is to be decrypted.</summary>
    Received = 1,

    /// <summary>It is decrypted, whole and authentic, beside its target, and takes its final name.</summary>
    Moving = 2,
}

/// <summary>A file that is received.</summary>
/// <param name="Stage">0 for the file behind the first description, 1 for the one behind its redirect.</param>
internal sealed record ReceivedFileRow(
    long Key, FileTransferId Id, UserId User, LocalFile Target, bool IsApproved, int Stage, FileRedirect? Redirect, ReceivedFileStatus Status,
    FileKey FileKey, long Size, long Done, Bytes Digest, string? FinalPath, string? FileName)
{
    /// <summary>Bytes of the file that is wanted in the end.</summary>
    public long TotalSize => Redirect?.Size ?? Size;
}

/// <summary>A chunk on its way from a server.</summary>
internal sealed record PendingDownload(
    long Key, long FileKey, FileTransferId File, UserId User, bool IsApproved, int Stage, bool IsRedirect, long FileSize,
    int Number, uint Size, Bytes Digest, ServerAddress Server, int Replica, ChunkId Id, byte[] RecipientKey, int Replicas, int Faults, int Retries);

/// <summary>Tables of files that are received: <c>agent_received_files</c>, <c>agent_received_chunks</c>, <c>agent_received_replicas</c>.</summary>
internal static class ReceivedFileRows
{
    private const string FileColumns = "received_file_id, file_id, user_id, path, path_key, path_nonce, is_approved, stage, redirect_size, redirect_digest, status, key, nonce, size, done, digest, final_path, file_name";

    private const string DownloadColumns = """
        c.received_chunk_id, c.received_file_id, f.file_id, c.user_id, f.is_approved, f.stage, f.redirect_size IS NOT NULL, f.size, c.number, c.size, c.digest, c.server, c.replica,
        r.recipient_id, r.key, (SELECT count(*) FROM agent_received_replicas a WHERE a.received_chunk_id = c.received_chunk_id AND a.is_refused = 0), c.faults, c.retries
        """;

    public static void Add(DatabaseSession session, FileTransferId id, UserId user, FileDescription description, LocalFile target, bool isApproved, DateTimeOffset now)
    {
        session.Execute(
            """
            INSERT INTO agent_received_files (file_id, user_id, path, path_key, path_nonce, is_approved, redirect_size, redirect_digest, status, key, nonce, size, digest, created_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
            """,
            id.ToString(), user.Value, target.Path, target.Key?.Key.ToArray(), target.Key?.Nonce.ToArray(), isApproved, description.Redirect?.Size, description.Redirect?.Digest.ToArray(),
            (long)ReceivedFileStatus.Receiving, description.Key.Key.ToArray(), description.Key.Nonce.ToArray(), description.Size, description.Digest.ToArray(), SqlValue.FromTime(now));
        AddChunks(session, session.LastInsertedId, user, description);
    }

    /// <summary>What the first description led to takes the place of its chunks.</summary>
    public static void SetRedirected(DatabaseSession session, ReceivedFileRow file, FileDescription description)
    {
        session.Execute("DELETE FROM agent_received_chunks WHERE received_file_id = ?1", file.Key);
        session.Execute(
            "UPDATE agent_received_files SET stage = stage + 1, redirect_size = NULL, redirect_digest = NULL, status = ?2, key = ?3, nonce = ?4, size = ?5, digest = ?6, done = 0 WHERE received_file_id = ?1",
            file.Key, (long)ReceivedFileStatus.Receiving, description.Key.Key.ToArray(), description.Key.Nonce.ToArray(), description.Size, description.Digest.ToArray());
        AddChunks(session, file.Key, file.User, description);
    }

    public static bool TryGet(DatabaseSession session, FileTransferId id, [NotNullWhen(true)] out ReceivedFileRow? file) =>
        session.TryQuery($"SELECT {FileColumns} FROM agent_received_files WHERE file_id = ?1", ReadFile, out file, id.ToString());

    public static bool TryGet(DatabaseSession session, long key, [NotNullWhen(true)] out ReceivedFileRow? file) =>
        session.TryQuery($"SELECT {FileColumns} FROM agent_received_files WHERE received_file_id = ?1", ReadFile, out file, key);

    public static List<FileTransferId> GetIds(DatabaseSession session, UserId user) =>
        session.Query("SELECT file_id FROM agent_received_files WHERE user_id = ?1", row => FileTransferId.FromStore(row.GetText(0)), user.Value);

    /// <summary>Files whose chunks are all here.</summary>
    public static List<long> GetToAssemble(DatabaseSession session) =>
        session.Query("SELECT received_file_id FROM agent_received_files WHERE status > ?1", row => row.GetInt64(0), (long)ReceivedFileStatus.Receiving);

    /// <summary>The servers that chunks wait for.</summary>
    public static List<(UserId User, ServerAddress Server)> GetPendingServers(DatabaseSession session) =>
        session.Query("SELECT DISTINCT user_id, server FROM agent_received_chunks WHERE is_received = 0", row => (new UserId(row.GetInt64(0)), FileColumn.ToServer(row.GetText(1))));

    /// <summary>The servers at which the chunks of one file wait.</summary>
    public static List<ServerAddress> GetPendingServers(DatabaseSession session, long file) =>
        session.Query("SELECT DISTINCT server FROM agent_received_chunks WHERE received_file_id = ?1 AND is_received = 0", row => FileColumn.ToServer(row.GetText(0)), file);

    public static bool HasUnfinished(DatabaseSession session) => session.Scalar("SELECT 1 FROM agent_received_files LIMIT 1") is not null;

    /// <summary>The sizes of the chunks, in order.</summary>
    public static List<(int Number, long Size)> GetChunks(DatabaseSession session, long file) =>
        session.Query("SELECT number, size FROM agent_received_chunks WHERE received_file_id = ?1 ORDER BY number", row => (row.GetInt32(0), row.GetInt64(1)), file);

    /// <summary>The next chunks from a server, those first that failed the fewest times.</summary>
    public static List<PendingDownload> GetPending(DatabaseSession session, UserId user, ServerAddress server, int limit) =>
        session.Query(
            $"""
            SELECT {DownloadColumns} FROM agent_received_chunks c INDEXED BY agent_received_chunks_pending
            JOIN agent_received_files f USING (received_file_id)
            JOIN agent_received_replicas r ON r.received_chunk_id = c.received_chunk_id AND r.number = c.replica
            WHERE c.user_id = ?1 AND c.server = ?2 AND c.is_received = 0 ORDER BY c.retries, c.received_chunk_id LIMIT ?3
            """,
            ReadDownload,
            user.Value,
            server.ToString(),
            (long)limit);

    public static bool Has(DatabaseSession session, PendingDownload chunk) =>
        session.Scalar("SELECT 1 FROM agent_received_chunks WHERE received_chunk_id = ?1 AND received_file_id = ?2", chunk.Key, chunk.FileKey) is not null;

    public static void CountFailure(DatabaseSession session, PendingDownload chunk, bool isFault) =>
        session.Execute("UPDATE agent_received_chunks SET retries = retries + 1, faults = faults + ?2 WHERE received_chunk_id = ?1", chunk.Key, isFault);

    public static void SetRefused(DatabaseSession session, PendingDownload chunk) =>
        session.Execute("UPDATE agent_received_replicas SET is_refused = 1 WHERE received_chunk_id = ?1 AND number = ?2", chunk.Key, (long)chunk.Replica);

    /// <summary>Turns to the next copy of a chunk that no server has refused; its server, or null when there is none.</summary>
    public static ServerAddress? TakeNextReplica(DatabaseSession session, PendingDownload chunk)
    {
        if (!session.TryQuery(
            "SELECT number, server FROM agent_received_replicas WHERE received_chunk_id = ?1 AND is_refused = 0 ORDER BY number <= ?2, number LIMIT 1",
            row => (Number: row.GetInt64(0), Server: FileColumn.ToServer(row.GetText(1))),
            out var next,
            chunk.Key,
            (long)chunk.Replica)) return null;
        session.Execute("UPDATE agent_received_chunks SET replica = ?2, server = ?3 WHERE received_chunk_id = ?1", chunk.Key, next.Number, next.Server.ToString());
        return next.Server;
    }

    /// <summary>A chunk is here; gives how much of the file is, and whether that is all.</summary>
    public static (long Done, bool IsComplete) SetReceived(DatabaseSession session, PendingDownload chunk)
    {
        session.Execute("UPDATE agent_received_chunks SET is_received = 1 WHERE received_chunk_id = ?1", chunk.Key);
        session.Execute("UPDATE agent_received_files SET done = done + ?2 WHERE received_file_id = ?1", chunk.FileKey, (long)chunk.Size);
        var isComplete = session.Scalar("SELECT 1 FROM agent_received_chunks WHERE received_file_id = ?1 AND is_received = 0 LIMIT 1", chunk.FileKey) is null;
        if (isComplete) session.Execute("UPDATE agent_received_files SET status = ?2 WHERE received_file_id = ?1", chunk.FileKey, (long)ReceivedFileStatus.Received);
        return (session.Scalar("SELECT done FROM agent_received_files WHERE received_file_id = ?1", chunk.FileKey) ?? 0, isComplete);
    }

    /// <summary>Chunks that were lost from the disk are downloaded once more.</summary>
    public static void SetLost(DatabaseSession session, ReceivedFileRow file, IReadOnlyCollection<int> numbers)
    {
        foreach (var number in numbers)
        {
            session.Execute(
                "UPDATE agent_received_files SET done = done - (SELECT size FROM agent_received_chunks WHERE received_file_id = ?1 AND number = ?2) WHERE received_file_id = ?1",
                file.Key,
                (long)number);
            session.Execute("UPDATE agent_received_chunks SET is_received = 0 WHERE received_file_id = ?1 AND number = ?2", file.Key, (long)number);
        }

        session.Execute("UPDATE agent_received_files SET status = ?2 WHERE received_file_id = ?1", file.Key, (long)ReceivedFileStatus.Receiving);
    }

    /// <summary>The file is decrypted and will be known by this path.</summary>
    public static void SetMoving(DatabaseSession session, ReceivedFileRow file, string finalPath, string fileName) =>
        session.Execute(
            "UPDATE agent_received_files SET status = ?2, final_path = ?3, file_name = ?4 WHERE received_file_id = ?1",
            file.Key, (long)ReceivedFileStatus.Moving, finalPath, fileName);

    public static bool Remove(DatabaseSession session, long file) => session.Execute("DELETE FROM agent_received_files WHERE received_file_id = ?1", file) > 0;

    public static List<ReceivedFileRow> GetExpired(DatabaseSession session, DateTimeOffset before) =>
        session.Query($"SELECT {FileColumns} FROM agent_received_files WHERE status = ?1 AND created_at < ?2", ReadFile, (long)ReceivedFileStatus.Receiving, SqlValue.FromTime(before));

    private static void AddChunks(DatabaseSession session, long file, UserId user, FileDescription description)
    {
        foreach (var chunk in description.Chunks)
        {
            session.Execute(
                "INSERT INTO agent_received_chunks (received_file_id, user_id, number, size, digest, server) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                file, user.Value, (long)chunk.Number, (long)chunk.Size, chunk.Digest.ToArray(), chunk.Replicas[0].Server.ToString());
            var key = session.LastInsertedId;
            for (var i = 0; i < chunk.Replicas.Count; i++)
            {
                var replica = chunk.Replicas[i];
                session.Execute(
                    "INSERT INTO agent_received_replicas (received_chunk_id, number, server, recipient_id, key) VALUES (?1, ?2, ?3, ?4, ?5)",
                    key, (long)i, replica.Server.ToString(), replica.Id.Value.ToArray(), replica.Key.ToPkcs8());
            }
        }
    }

    private static ReceivedFileRow ReadFile(Row row) => new(
        row.GetInt64(0),
        FileTransferId.FromStore(row.GetText(1)),
        new UserId(row.GetInt64(2)),
        new LocalFile(row.GetText(3), FileColumn.ToKey(row.GetBlobOrNull(4), row.GetBlobOrNull(5))),
        row.GetBoolean(6),
        row.GetInt32(7),
        FileColumn.ToRedirect(row.GetInt64OrNull(8), row.GetBlobOrNull(9)),
        (ReceivedFileStatus)row.GetInt32(10),
        new FileKey(row.GetBlobSpan(11), row.GetBlobSpan(12)),
        row.GetInt64(13),
        row.GetInt64(14),
        Bytes.Wrap(row.GetBlob(15)),
        row.GetTextOrNull(16),
        row.GetTextOrNull(17));

    private static PendingDownload ReadDownload(Row row) => new(
        row.GetInt64(0), row.GetInt64(1), FileTransferId.FromStore(row.GetText(2)), new UserId(row.GetInt64(3)), row.GetBoolean(4), row.GetInt32(5), row.GetBoolean(6), row.GetInt64(7),
        row.GetInt32(8), (uint)row.GetInt64(9), Bytes.Wrap(row.GetBlob(10)), FileColumn.ToServer(row.GetText(11)), row.GetInt32(12),
        new ChunkId(row.GetBlob(13)), row.GetBlob(14), row.GetInt32(15), row.GetInt32(16), row.GetInt32(17));
}
