using System.Diagnostics.CodeAnalysis;
using Pairwise.Agent.Files;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Xftp;
using Pairwise.Storage;
using Pairwise.Wire;

namespace Pairwise.Agent.Store;

/// <summary>Where a file that is sent stands. The numbers are stored.</summary>
internal enum SentFileStatus
{
    /// <summary>To be encrypted.</summary>
    New = 0,

    /// <summary>Encrypted and cut: its chunks are uploaded.</summary>
    Uploading = 1,

    /// <summary>Uploaded; it stays until the application has handled that.</summary>
    Complete = 2,
}

/// <summary>Where a chunk that is sent stands. The numbers are stored.</summary>
internal enum SentChunkStatus
{
    /// <summary>A server was chosen; it knows nothing yet.</summary>
    Assigned = 0,

    /// <summary>Registered at the server.</summary>
    Created = 1,

    /// <summary>Uploaded.</summary>
    Uploaded = 2,
}

/// <summary>A file that is sent.</summary>
internal sealed record SentFileRow(long Key, FileTransferId Id, UserId User, LocalFile Source, byte[]? Description, FileRedirect? Redirect, int Recipients, SentFileStatus Status, long Size, long Done);

/// <summary>A chunk of an encrypted file, as it was cut.</summary>
internal sealed record CutChunk(int Number, long Start, int Size, Bytes Digest, ServerAddress Server);

/// <summary>A chunk on its way to a server.</summary>
internal sealed record PendingUpload(
    long Key, long FileKey, FileTransferId File, UserId User, long FileSize, int Recipients,
    int Number, long Start, int Size, Bytes Digest, ServerAddress Server, SentChunkStatus Status, ChunkId Id, byte[]? SenderKey, int Registered, int Refusals, int Faults, int Retries);

/// <summary>Tables of files that are sent: <c>agent_sent_files</c>, <c>agent_sent_chunks</c>, <c>agent_sent_chunk_recipients</c>.</summary>
internal static class SentFileRows
{
    private const string FileColumns = "sent_file_id, file_id, user_id, path, path_key, path_nonce, description, redirect_size, redirect_digest, recipients, status, size, done";

    private const string UploadColumns = """
        c.sent_chunk_id, c.sent_file_id, f.file_id, c.user_id, f.size, f.recipients, c.number, c.start, c.size, c.digest, c.server, c.status, c.chunk_id, c.sender_key,
        (SELECT count(*) FROM agent_sent_chunk_recipients r WHERE r.sent_chunk_id = c.sent_chunk_id), c.refusals, c.faults, c.retries
        """;

    public static void Add(DatabaseSession session, FileTransferId id, UserId user, LocalFile source, byte[]? description, FileRedirect? redirect, int recipients, DateTimeOffset now) =>
        session.Execute(
            """
            INSERT INTO agent_sent_files (file_id, user_id, path, path_key, path_nonce, description, redirect_size, redirect_digest, recipients, status, created_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
            """,
            id.ToString(), user.Value, source.Path, source.Key?.Key.ToArray(), source.Key?.Nonce.ToArray(), description, redirect?.Size, redirect?.Digest.ToArray(),
            (long)recipients, (long)SentFileStatus.New, SqlValue.FromTime(now));

    public static bool TryGet(DatabaseSession session, FileTransferId id, [NotNullWhen(true)] out SentFileRow? file) =>
        session.TryQuery($"SELECT {FileColumns} FROM agent_sent_files WHERE file_id = ?1", ReadFile, out file, id.ToString());

    public static bool TryGet(DatabaseSession session, long key, [NotNullWhen(true)] out SentFileRow? file) =>
        session.TryQuery($"SELECT {FileColumns} FROM agent_sent_files WHERE sent_file_id = ?1", ReadFile, out file, key);

    public static List<FileTransferId> GetIds(DatabaseSession session, UserId user) =>
        session.Query("SELECT file_id FROM agent_sent_files WHERE user_id = ?1", row => FileTransferId.FromStore(row.GetText(0)), user.Value);

    public static List<long> GetNew(DatabaseSession session) =>
        session.Query("SELECT sent_file_id FROM agent_sent_files WHERE status = ?1", row => row.GetInt64(0), (long)SentFileStatus.New);

    /// <summary>The servers that chunks wait for.</summary>
    public static List<(UserId User, ServerAddress Server)> GetPendingServers(DatabaseSession session) =>
        session.Query("SELECT DISTINCT user_id, server FROM agent_sent_chunks WHERE status < 2", row => (new UserId(row.GetInt64(0)), FileColumn.ToServer(row.GetText(1))));

    public static bool HasUnfinished(DatabaseSession session) =>
        session.Scalar("SELECT 1 FROM agent_sent_files WHERE status < ?1 LIMIT 1", (long)SentFileStatus.Complete) is not null;

    /// <summary>The file was encrypted and cut.</summary>
    public static void SetEncrypted(DatabaseSession session, SentFileRow file, FileKey key, long size, Bytes digest, IReadOnlyList<CutChunk> chunks)
    {
        session.Execute(
            "UPDATE agent_sent_files SET status = ?2, key = ?3, nonce = ?4, size = ?5, digest = ?6, description = NULL WHERE sent_file_id = ?1",
            file.Key, (long)SentFileStatus.Uploading, key.Key.ToArray(), key.Nonce.ToArray(), size, digest.ToArray());
        foreach (var chunk in chunks)
        {
            session.Execute(
                "INSERT INTO agent_sent_chunks (sent_file_id, user_id, number, start, size, digest, server) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                file.Key, file.User.Value, (long)chunk.Number, chunk.Start, (long)chunk.Size, chunk.Digest.ToArray(), chunk.Server.ToString());
        }
    }

    /// <summary>The next chunks for a server, those first that failed the fewest times.</summary>
    public static List<PendingUpload> GetPending(DatabaseSession session, UserId user, ServerAddress server, int limit) =>
        session.Query(
            $"""
            SELECT {UploadColumns} FROM agent_sent_chunks c INDEXED BY agent_sent_chunks_pending JOIN agent_sent_files f USING (sent_file_id)
            WHERE c.user_id = ?1 AND c.server = ?2 AND c.status < 2 ORDER BY c.retries, c.sent_chunk_id LIMIT ?3
            """,
            ReadUpload,
            user.Value,
            server.ToString(),
            (long)limit);

    public static bool TryGetUpload(DatabaseSession session, long key, [NotNullWhen(true)] out PendingUpload? chunk) =>
        session.TryQuery($"SELECT {UploadColumns} FROM agent_sent_chunks c JOIN agent_sent_files f USING (sent_file_id) WHERE c.sent_chunk_id = ?1", ReadUpload, out chunk, key);

    public static void SetCreated(DatabaseSession session, long chunk, ChunkId id, PrivateKey senderKey) =>
        session.Execute("UPDATE agent_sent_chunks SET status = ?2, chunk_id = ?3, sender_key = ?4 WHERE sent_chunk_id = ?1", chunk, (long)SentChunkStatus.Created, id.Value.Span.ToArray(), senderKey.ToPkcs8());

    public static void AddRecipients(DatabaseSession session, long chunk, int first, ValueList<ChunkId> ids, IReadOnlyList<PrivateKey> keys)
    {
        for (var i = 0; i < keys.Count; i++)
        {
            session.Execute(
                "INSERT INTO agent_sent_chunk_recipients (sent_chunk_id, number, recipient_id, key) VALUES (?1, ?2, ?3, ?4)",
                chunk, (long)(first + i), ids[i].Value.Span.ToArray(), keys[i].ToPkcs8());
        }
    }

    /// <summary>The chunk goes to another server, or to the same one anew.</summary>
    public static void Assign(DatabaseSession session, long chunk, ServerAddress server)
    {
        session.Execute("DELETE FROM agent_sent_chunk_recipients WHERE sent_chunk_id = ?1", chunk);
        session.Execute("UPDATE agent_sent_chunks SET status = ?2, server = ?3, chunk_id = NULL, sender_key = NULL WHERE sent_chunk_id = ?1", chunk, (long)SentChunkStatus.Assigned, server.ToString());
    }

    public static void CountFailure(DatabaseSession session, long chunk, bool isRefusal, bool isFault) =>
        session.Execute("UPDATE agent_sent_chunks SET retries = retries + 1, refusals = refusals + ?2, faults = faults + ?3 WHERE sent_chunk_id = ?1", chunk, isRefusal, isFault);

    /// <summary>A chunk was uploaded; gives how much of the file is, and whether that is all.</summary>
    public static (long Done, bool IsComplete) SetUploaded(DatabaseSession session, PendingUpload chunk)
    {
        session.Execute("UPDATE agent_sent_chunks SET status = ?2 WHERE sent_chunk_id = ?1", chunk.Key, (long)SentChunkStatus.Uploaded);
        session.Execute("UPDATE agent_sent_files SET done = done + ?2 WHERE sent_file_id = ?1", chunk.FileKey, (long)chunk.Size);
        var isComplete = session.Scalar("SELECT 1 FROM agent_sent_chunks WHERE sent_file_id = ?1 AND status < 2 LIMIT 1", chunk.FileKey) is null;
        if (isComplete) session.Execute("UPDATE agent_sent_files SET status = ?2 WHERE sent_file_id = ?1", chunk.FileKey, (long)SentFileStatus.Complete);
        return (session.Scalar("SELECT done FROM agent_sent_files WHERE sent_file_id = ?1", chunk.FileKey) ?? 0, isComplete);
    }

    /// <summary>Removes a file; chunks that servers know are handed over to be deleted there.</summary>
    public static void RemoveWithChunks(DatabaseSession session, long file, DateTimeOffset now)
    {
        session.Execute(
            """
            INSERT INTO agent_deleted_chunks (user_id, server, chunk_id, sender_key, digest, created_at)
            SELECT user_id, server, chunk_id, sender_key, digest, ?2 FROM agent_sent_chunks WHERE sent_file_id = ?1 AND chunk_id IS NOT NULL
            """,
            file,
            SqlValue.FromTime(now));
        session.Execute("DELETE FROM agent_sent_files WHERE sent_file_id = ?1", file);
    }

    /// <summary>Removes uploaded files whose event the application has handled.</summary>
    public static void RemoveHandled(DatabaseSession session) =>
        session.Execute(
            "DELETE FROM agent_sent_files WHERE status = ?1 AND NOT EXISTS (SELECT 1 FROM agent_events e WHERE e.file_id = agent_sent_files.file_id)",
            (long)SentFileStatus.Complete);

    public static List<SentFileRow> GetExpired(DatabaseSession session, DateTimeOffset before) =>
        session.Query($"SELECT {FileColumns} FROM agent_sent_files WHERE status < ?1 AND created_at < ?2", ReadFile, (long)SentFileStatus.Complete, SqlValue.FromTime(before));

    private static SentFileRow ReadFile(Row row) => new(
        row.GetInt64(0),
        FileTransferId.FromStore(row.GetText(1)),
        new UserId(row.GetInt64(2)),
        new LocalFile(row.GetText(3), FileColumn.ToKey(row.GetBlobOrNull(4), row.GetBlobOrNull(5))),
        row.GetBlobOrNull(6),
        FileColumn.ToRedirect(row.GetInt64OrNull(7), row.GetBlobOrNull(8)),
        row.GetInt32(9),
        (SentFileStatus)row.GetInt32(10),
        row.GetInt64(11),
        row.GetInt64(12));

    private static PendingUpload ReadUpload(Row row) => new(
        row.GetInt64(0), row.GetInt64(1), FileTransferId.FromStore(row.GetText(2)), new UserId(row.GetInt64(3)), row.GetInt64(4), row.GetInt32(5),
        row.GetInt32(6), row.GetInt64(7), row.GetInt32(8), Bytes.Wrap(row.GetBlob(9)), FileColumn.ToServer(row.GetText(10)), (SentChunkStatus)row.GetInt32(11),
        row.GetBlobOrNull(12) is { } id ? new ChunkId(id) : default, row.GetBlobOrNull(13), row.GetInt32(14), row.GetInt32(15), row.GetInt32(16), row.GetInt32(17));
}
