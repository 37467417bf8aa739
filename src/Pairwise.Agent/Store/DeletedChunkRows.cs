using Pairwise.Agent.Files;
using Pairwise.Protocol;
using Pairwise.Protocol.Xftp;
using Pairwise.Storage;
using Pairwise.Wire;

namespace Pairwise.Agent.Store;

/// <summary>A chunk that is to be deleted at its server.</summary>
internal sealed record PendingDeletion(long Key, UserId User, ServerAddress Server, ChunkId Id, byte[] SenderKey, Bytes Digest, int Retries);

/// <summary>Table of chunks that are to be deleted: <c>agent_deleted_chunks</c>.</summary>
internal static class DeletedChunkRows
{
    public static void Add(DatabaseSession session, UserId user, ServerAddress server, ChunkId id, byte[] senderKey, Bytes digest, DateTimeOffset now) =>
        session.Execute(
            "INSERT INTO agent_deleted_chunks (user_id, server, chunk_id, sender_key, digest, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            user.Value, server.ToString(), id.Value.ToArray(), senderKey, digest.ToArray(), SqlValue.FromTime(now));

    public static List<(UserId User, ServerAddress Server)> GetServers(DatabaseSession session) =>
        session.Query("SELECT DISTINCT user_id, server FROM agent_deleted_chunks", row => (new UserId(row.GetInt64(0)), FileColumn.ToServer(row.GetText(1))));

    public static List<PendingDeletion> GetPending(DatabaseSession session, UserId user, ServerAddress server, int limit) =>
        session.Query(
            "SELECT deleted_chunk_id, user_id, server, chunk_id, sender_key, digest, retries FROM agent_deleted_chunks WHERE user_id = ?1 AND server = ?2 ORDER BY retries, deleted_chunk_id LIMIT ?3",
            row => new PendingDeletion(row.GetInt64(0), new UserId(row.GetInt64(1)), FileColumn.ToServer(row.GetText(2)), new ChunkId(row.GetBlob(3)), row.GetBlob(4), Bytes.Wrap(row.GetBlob(5)), row.GetInt32(6)),
            user.Value,
            server.ToString(),
            (long)limit);

    public static bool HasAny(DatabaseSession session) => session.Scalar("SELECT 1 FROM agent_deleted_chunks LIMIT 1") is not null;

    public static void CountFailure(DatabaseSession session, PendingDeletion chunk) =>
        session.Execute("UPDATE agent_deleted_chunks SET retries = retries + 1 WHERE deleted_chunk_id = ?1", chunk.Key);

    public static void Remove(DatabaseSession session, PendingDeletion chunk) =>
        session.Execute("DELETE FROM agent_deleted_chunks WHERE deleted_chunk_id = ?1", chunk.Key);

    /// <summary>Forgets those that their servers have forgotten by now.</summary>
    public static void RemoveExpired(DatabaseSession session, DateTimeOffset before) =>
        session.Execute("DELETE FROM agent_deleted_chunks WHERE created_at < ?1", SqlValue.FromTime(before));
}
