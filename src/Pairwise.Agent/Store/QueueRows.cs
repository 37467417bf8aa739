using System.Diagnostics.CodeAnalysis;
using Pairwise.Agent.Connections;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Storage;

namespace Pairwise.Agent.Store;

/// <summary>Tables of queues: <c>agent_receive_queues</c>, <c>agent_send_queues</c>.</summary>
internal static class QueueRows
{
    private const string SelectReceiving = """
        SELECT q.receive_queue_id, q.connection_id, c.user_id, q.server, q.recipient_id, q.recipient_key, q.dh_private, q.server_dh_public,
          q.e2e_private, q.peer_e2e_public, q.sender_id, q.mode, q.status, q.is_primary, q.replaces_queue_id, q.client_version, q.delete_errors
        FROM agent_receive_queues q JOIN agent_connections c ON c.connection_id = q.connection_id
        """;

    private const string SelectSending = """
        SELECT q.send_queue_id, q.connection_id, c.user_id, q.server, q.sender_id, q.sender_key, q.e2e_private, q.peer_e2e_public,
          q.mode, q.status, q.is_primary, q.replaces_queue_id, q.client_version
        FROM agent_send_queues q JOIN agent_connections c ON c.connection_id = q.connection_id
        """;

    // The current primary queue first, the next primary after it.
    private const string PrimaryFirst = " ORDER BY q.is_primary DESC, q.replaces_queue_id IS NOT NULL";

    /// <summary>Stores a queue and returns it with its row id.</summary>
    public static ReceiveQueue Add(DatabaseSession session, ReceiveQueue queue)
    {
        session.Execute(
            """
            INSERT INTO agent_receive_queues (connection_id, server, recipient_id, recipient_key, dh_private, server_dh_public,
              e2e_private, peer_e2e_public, sender_id, mode, status, is_primary, replaces_queue_id, client_version)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
            """,
            queue.Connection.ToString(),
            queue.Server.ToString(),
            queue.Recipient.Value.ToArray(),
            queue.RecipientKey.ToPkcs8(),
            queue.DhPrivate.ToPkcs8(),
            queue.ServerDhPublic.ToSpki(),
            queue.E2ePrivate.ToPkcs8(),
            queue.PeerE2ePublic?.ToSpki(),
            queue.Sender.Value.ToArray(),
            (long?)queue.Mode,
            (long)queue.Status,
            queue.IsPrimary,
            queue.Replaces,
            (long)queue.ClientVersion);
        return queue with { Key = session.LastInsertedId };
    }

    /// <inheritdoc cref="Add(DatabaseSession, ReceiveQueue)"/>
    public static SendQueue Add(DatabaseSession session, SendQueue queue)
    {
        session.Execute(
            """
            INSERT INTO agent_send_queues (connection_id, server, sender_id, sender_key, mode, e2e_private, peer_e2e_public,
              status, is_primary, replaces_queue_id, client_version)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
            """,
            queue.Connection.ToString(),
            queue.Server.ToString(),
            queue.Sender.Value.ToArray(),
            queue.SenderKey.ToPkcs8(),
            (long?)queue.Mode,
            queue.E2ePrivate.ToPkcs8(),
            queue.PeerE2ePublic.ToSpki(),
            (long)queue.Status,
            queue.IsPrimary,
            queue.Replaces,
            (long)queue.ClientVersion);
        return queue with { Key = session.LastInsertedId };
    }

    public static List<ReceiveQueue> GetReceiving(DatabaseSession session, ConnectionId connection) =>
        session.Query(SelectReceiving + " WHERE q.connection_id = ?1" + PrimaryFirst, ReadReceiving, connection.ToString());

    public static List<SendQueue> GetSending(DatabaseSession session, ConnectionId connection) =>
        session.Query(SelectSending + " WHERE q.connection_id = ?1" + PrimaryFirst, ReadSending, connection.ToString());

    public static bool TryGetReceiving(DatabaseSession session, long key, [NotNullWhen(true)] out ReceiveQueue? queue) =>
        session.TryQuery(SelectReceiving + " WHERE q.receive_queue_id = ?1", ReadReceiving, out queue, key);

    public static bool TryGetSending(DatabaseSession session, long key, [NotNullWhen(true)] out SendQueue? queue) =>
        session.TryQuery(SelectSending + " WHERE q.send_queue_id = ?1", ReadSending, out queue, key);

    /// <summary>The connection that receives from this queue.</summary>
    public static bool TryGetConnection(DatabaseSession session, ServerAddress server, RecipientId recipient, out ConnectionId connection) =>
        session.TryQuery(
            "SELECT connection_id FROM agent_receive_queues WHERE server = ?1 AND recipient_id = ?2",
            row => ConnectionId.FromStore(row.GetText(0)),
            out connection,
            server.ToString(),
            recipient.Value.ToArray());

    /// <summary>All queues to subscribe to, of connections that were not deleted.</summary>
    public static List<ReceiveQueue> GetAllReceiving(DatabaseSession session) =>
        session.Query(SelectReceiving + " WHERE c.deleted_at IS NULL ORDER BY c.user_id, q.server, q.receive_queue_id", ReadReceiving);

    /// <summary>All queues with messages that wait to be sent.</summary>
    public static List<SendQueue> GetAllWithDeliveries(DatabaseSession session) =>
        session.Query(SelectSending + " WHERE EXISTS (SELECT 1 FROM agent_deliveries d WHERE d.send_queue_id = q.send_queue_id) ORDER BY q.send_queue_id", ReadSending);

    public static void SetStatus(DatabaseSession session, ReceiveQueue queue, QueueStatus status) =>
        session.Execute("UPDATE agent_receive_queues SET status = ?2 WHERE receive_queue_id = ?1", queue.Key, (long)status);

    public static void SetStatus(DatabaseSession session, SendQueue queue, QueueStatus status) =>
        session.Execute("UPDATE agent_send_queues SET status = ?2 WHERE send_queue_id = ?1", queue.Key, (long)status);

    /// <summary>The confirmation told the sender's half of the inner encryption.</summary>
    public static void SetConfirmed(DatabaseSession session, ReceiveQueue queue, X25519PublicKey peerE2e, ushort clientVersion) =>
        session.Execute(
            "UPDATE agent_receive_queues SET peer_e2e_public = ?2, status = ?3, client_version = ?4 WHERE receive_queue_id = ?1",
            queue.Key,
            peerE2e.ToSpki(),
            (long)QueueStatus.Confirmed,
            (long)clientVersion);

    public static void CountDeleteError(DatabaseSession session, ReceiveQueue queue) =>
        session.Execute("UPDATE agent_receive_queues SET delete_errors = delete_errors + 1 WHERE receive_queue_id = ?1", queue.Key);

    public static void Remove(DatabaseSession session, ReceiveQueue queue) =>
        session.Execute("DELETE FROM agent_receive_queues WHERE receive_queue_id = ?1", queue.Key);

    private static ReceiveQueue ReadReceiving(Row row) => new()
    {
        Key = row.GetInt64(0),
        Connection = ConnectionId.FromStore(row.GetText(1)),
        User = new UserId(row.GetInt64(2)),
        Server = ReadServer(row.GetText(3)),
        Recipient = new RecipientId(row.GetBlobSpan(4)),
        RecipientKey = ReadPrivateKey(row.GetBlobSpan(5)),
        DhPrivate = ReadX25519(row.GetBlobSpan(6)),
        ServerDhPublic = ReadPublicX25519(row.GetBlobSpan(7)),
        E2ePrivate = ReadX25519(row.GetBlobSpan(8)),
        PeerE2ePublic = row.IsNull(9) ? null : ReadPublicX25519(row.GetBlobSpan(9)),
        Sender = new SenderId(row.GetBlobSpan(10)),
        Mode = (QueueMode?)row.GetInt32OrNull(11),
        Status = (QueueStatus)row.GetInt32(12),
        IsPrimary = row.GetBoolean(13),
        Replaces = row.GetInt64OrNull(14),
        ClientVersion = checked((ushort)row.GetInt32(15)),
        DeleteErrors = row.GetInt32(16),
    };

    private static SendQueue ReadSending(Row row) => new()
    {
        Key = row.GetInt64(0),
        Connection = ConnectionId.FromStore(row.GetText(1)),
        User = new UserId(row.GetInt64(2)),
        Server = ReadServer(row.GetText(3)),
        Sender = new SenderId(row.GetBlobSpan(4)),
        SenderKey = ReadPrivateKey(row.GetBlobSpan(5)),
        E2ePrivate = ReadX25519(row.GetBlobSpan(6)),
        PeerE2ePublic = ReadPublicX25519(row.GetBlobSpan(7)),
        Mode = (QueueMode?)row.GetInt32OrNull(8),
        Status = (QueueStatus)row.GetInt32(9),
        IsPrimary = row.GetBoolean(10),
        Replaces = row.GetInt64OrNull(11),
        ClientVersion = checked((ushort)row.GetInt32(12)),
    };

    private static ServerAddress ReadServer(string text) =>
        ServerAddress.TryParse(text, out var server) ? server : throw Broken("server address");

    private static PrivateKey ReadPrivateKey(ReadOnlySpan<byte> pkcs8) =>
        PrivateKey.TryFromPkcs8(pkcs8, out var key) ? key : throw Broken("private key");

    private static X25519PrivateKey ReadX25519(ReadOnlySpan<byte> pkcs8) =>
        X25519PrivateKey.TryFromPkcs8(pkcs8, out var key) ? key : throw Broken("private key");

    private static X25519PublicKey ReadPublicX25519(ReadOnlySpan<byte> spki) =>
        X25519PublicKey.TryFromSpki(spki, out var key) ? key : throw Broken("public key");

    private static StorageException Broken(string what) => new(StorageError.Broken, $"A stored {what} of the agent cannot be read.");
}
