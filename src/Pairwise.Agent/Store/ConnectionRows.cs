using System.Diagnostics.CodeAnalysis;
using Pairwise.Agent.Connections;
using Pairwise.Protocol.Agent;
using Pairwise.Storage;

namespace Pairwise.Agent.Store;

/// <summary>Tables of users and connections: <c>agent_users</c>, <c>agent_connections</c>.</summary>
internal static class ConnectionRows
{
    private const string Columns = "connection_id, user_id, mode, agent_version, post_quantum, ratchet_sync, last_peer_id, last_send_id";

    public static UserId AddUser(DatabaseSession session)
    {
        session.Execute("INSERT INTO agent_users DEFAULT VALUES");
        return new UserId(session.LastInsertedId);
    }

    public static List<UserId> GetUsers(DatabaseSession session) =>
        session.Query("SELECT user_id FROM agent_users WHERE deleted_at IS NULL ORDER BY user_id", row => new UserId(row.GetInt64(0)));

    public static bool HasUser(DatabaseSession session, UserId user) =>
        session.Scalar("SELECT 1 FROM agent_users WHERE user_id = ?1 AND deleted_at IS NULL", user.Value) is not null;

    public static void MarkUserDeleted(DatabaseSession session, UserId user, DateTimeOffset now) =>
        session.Execute("UPDATE agent_users SET deleted_at = ?2 WHERE user_id = ?1", user.Value, SqlValue.FromTime(now));

    /// <summary>Removes users that were marked as deleted and have no connections any more.</summary>
    public static void RemoveDeletedUsers(DatabaseSession session) =>
        session.Execute("DELETE FROM agent_users WHERE deleted_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM agent_connections c WHERE c.user_id = agent_users.user_id)");

    public static void Add(DatabaseSession session, ConnectionRow connection) =>
        session.Execute(
            "INSERT INTO agent_connections (connection_id, user_id, mode, agent_version, post_quantum) VALUES (?1, ?2, ?3, ?4, ?5)",
            connection.Id.ToString(),
            connection.User.Value,
            (long)connection.Mode,
            (long)connection.AgentVersion.Number,
            connection.IsPostQuantum);

    /// <summary>A connection that was not deleted, with its queues.</summary>
    public static bool TryGet(DatabaseSession session, ConnectionId id, [NotNullWhen(true)] out Connection? connection) => TryGet(session, id, isDeleted: false, out connection);

    /// <summary>A connection whose deletion was asked for and is not complete.</summary>
    public static bool TryGetDeleted(DatabaseSession session, ConnectionId id, [NotNullWhen(true)] out Connection? connection) => TryGet(session, id, isDeleted: true, out connection);

    public static List<ConnectionId> GetIds(DatabaseSession session) =>
        session.Query("SELECT connection_id FROM agent_connections WHERE deleted_at IS NULL ORDER BY connection_id", ReadId);

    public static List<ConnectionId> GetIds(DatabaseSession session, UserId user) =>
        session.Query("SELECT connection_id FROM agent_connections WHERE user_id = ?1 AND deleted_at IS NULL ORDER BY connection_id", ReadId, user.Value);

    public static void SetAgentVersion(DatabaseSession session, ConnectionId id, AgentVersion version) =>
        session.Execute("UPDATE agent_connections SET agent_version = ?2 WHERE connection_id = ?1", id.ToString(), (long)version.Number);

    public static void SetPostQuantum(DatabaseSession session, ConnectionId id, bool isPostQuantum) =>
        session.Execute("UPDATE agent_connections SET post_quantum = ?2 WHERE connection_id = ?1", id.ToString(), isPostQuantum);

    public static void SetRatchetSync(DatabaseSession session, ConnectionId id, RatchetSyncState state) =>
        session.Execute("UPDATE agent_connections SET ratchet_sync = ?2 WHERE connection_id = ?1", id.ToString(), (long)state);

    /// <summary>Takes the next id for a received message.</summary>
    public static AgentMessageId NextReceivedId(DatabaseSession session, ConnectionId id) =>
        new(session.Scalar("UPDATE agent_connections SET last_message_id = last_message_id + 1 WHERE connection_id = ?1 RETURNING last_message_id", id.ToString())
            ?? throw NotFound());

    /// <summary>The sender's id and the hash of the last received message.</summary>
    public static (long PeerId, byte[] Hash) GetLastReceived(DatabaseSession session, ConnectionId id) =>
        session.TryQuery("SELECT last_peer_id, last_peer_hash FROM agent_connections WHERE connection_id = ?1", row => (row.GetInt64(0), row.GetBlob(1)), out var last, id.ToString())
            ? last
            : throw NotFound();

    public static void SetLastReceived(DatabaseSession session, ConnectionId id, long peerId, byte[] hash) =>
        session.Execute("UPDATE agent_connections SET last_peer_id = ?2, last_peer_hash = ?3 WHERE connection_id = ?1", id.ToString(), peerId, hash);

    /// <summary>Takes the next ids for a message to send: ours, the one the other side sees, and the hash of the message before.</summary>
    public static (AgentMessageId Message, long SendId, byte[] PreviousHash) NextSendIds(DatabaseSession session, ConnectionId id) =>
        session.TryQuery(
            "UPDATE agent_connections SET last_message_id = last_message_id + 1, last_send_id = last_send_id + 1 WHERE connection_id = ?1 RETURNING last_message_id, last_send_id, last_send_hash",
            row => (new AgentMessageId(row.GetInt64(0)), row.GetInt64(1), row.GetBlob(2)),
            out var ids,
            id.ToString())
            ? ids
            : throw NotFound();

    public static void SetLastSentHash(DatabaseSession session, ConnectionId id, byte[] hash) =>
        session.Execute("UPDATE agent_connections SET last_send_hash = ?2 WHERE connection_id = ?1", id.ToString(), hash);

    /// <summary>From now on the connection is gone for the application; its queues are still to be deleted.</summary>
    public static void MarkDeleted(DatabaseSession session, ConnectionId id, bool waitForDelivery, DateTimeOffset now) =>
        session.Execute(
            "UPDATE agent_connections SET deleted_at = ?2, delete_waits_for_delivery = ?3 WHERE connection_id = ?1 AND deleted_at IS NULL",
            id.ToString(),
            SqlValue.FromTime(now),
            waitForDelivery);

    /// <summary>Connections to delete, and since when.</summary>
    public static List<(ConnectionId Id, DateTimeOffset DeletedAt, bool WaitsForDelivery)> GetDeleted(DatabaseSession session) =>
        session.Query(
            "SELECT connection_id, deleted_at, delete_waits_for_delivery FROM agent_connections WHERE deleted_at IS NOT NULL ORDER BY deleted_at",
            row => (ReadId(row), row.GetTime(1), row.GetBoolean(2)));

    /// <summary>Removes the connection and all that belongs to it.</summary>
    public static void Remove(DatabaseSession session, ConnectionId id) =>
        session.Execute("DELETE FROM agent_connections WHERE connection_id = ?1", id.ToString());

    private static bool TryGet(DatabaseSession session, ConnectionId id, bool isDeleted, [NotNullWhen(true)] out Connection? connection)
    {
        connection = null;
        if (!session.TryQuery($"SELECT {Columns} FROM agent_connections WHERE connection_id = ?1 AND (deleted_at IS NOT NULL) = ?2", Read, out var row, id.ToString(), isDeleted)) return false;
        connection = new Connection(row, QueueRows.GetReceiving(session, id), QueueRows.GetSending(session, id));
        return true;
    }

    private static ConnectionRow Read(Row row) => new(
        ReadId(row),
        new UserId(row.GetInt64(1)),
        (ConnectionMode)row.GetInt32(2),
        new AgentVersion(checked((ushort)row.GetInt32(3))),
        row.GetBoolean(4),
        (RatchetSyncState)row.GetInt32(5),
        row.GetInt64(6),
        row.GetInt64(7));

    private static ConnectionId ReadId(Row row) => ConnectionId.FromStore(row.GetText(0));

    private static AgentException NotFound() => new(new AgentError.Connection(ConnectionFault.NotFound));
}
