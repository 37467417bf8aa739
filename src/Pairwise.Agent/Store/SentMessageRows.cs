using System.Diagnostics.CodeAnalysis;
using Pairwise.Agent.Delivery;
using Pairwise.Storage;

namespace Pairwise.Agent.Store;

/// <summary>A message that waits to be sent.</summary>
/// <param name="Body">The agent message, to be encrypted with the key of <paramref name="Encryption"/>; the finished envelope when there is none.</param>
/// <param name="Encryption">The ratchet's key for this message (its serialized form) and the padded length.</param>
internal sealed record PendingMessage(
    ConnectionId Connection,
    AgentMessageId Id,
    MessageKind Kind,
    bool IsNotificationWanted,
    bool IsPostQuantum,
    DateTimeOffset CreatedAt,
    byte[] Body,
    (byte[] Key, int PaddedLength)? Encryption,
    TimeSpan? SlowDelay = null,
    TimeSpan? FastDelay = null);

/// <summary>A message that was sent, as far as receipts need it.</summary>
internal sealed record SentMessage(AgentMessageId Id, MessageKind Kind, byte[] Hash, bool? Receipt);

/// <summary>Tables of sent messages: <c>agent_sent_messages</c>, <c>agent_deliveries</c>.</summary>
internal static class SentMessageRows
{
    public static void Add(DatabaseSession session, PendingMessage message, long sendId, byte[] hash) =>
        session.Execute(
            """
            INSERT INTO agent_sent_messages (connection_id, message_id, send_id, created_at, kind, notification, hash, body, encrypt_key, padded_length, post_quantum)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
            """,
            message.Connection.ToString(),
            message.Id.Value,
            sendId,
            SqlValue.FromTime(message.CreatedAt),
            (long)message.Kind,
            message.IsNotificationWanted,
            hash,
            message.Body,
            message.Encryption?.Key,
            message.Encryption?.PaddedLength,
            message.IsPostQuantum);

    public static void AddDelivery(DatabaseSession session, ConnectionId connection, AgentMessageId id, long queue) =>
        session.Execute("INSERT INTO agent_deliveries (send_queue_id, message_id, connection_id) VALUES (?1, ?2, ?3)", queue, id.Value, connection.ToString());

    /// <summary>The oldest message that waits in this queue.</summary>
    public static bool TryGetNext(DatabaseSession session, long queue, [NotNullWhen(true)] out PendingMessage? message) =>
        session.TryQuery(
            """
            SELECT m.connection_id, m.message_id, m.kind, m.notification, m.post_quantum, m.created_at, m.body,
              m.encrypt_key, m.padded_length, m.slow_delay, m.fast_delay
            FROM agent_deliveries d JOIN agent_sent_messages m ON m.connection_id = d.connection_id AND m.message_id = d.message_id
            WHERE d.send_queue_id = ?1 ORDER BY d.message_id LIMIT 1
            """,
            row => new PendingMessage(
                ConnectionId.FromStore(row.GetText(0)),
                new AgentMessageId(row.GetInt64(1)),
                (MessageKind)row.GetInt32(2),
                row.GetBoolean(3),
                row.GetBoolean(4),
                row.GetTime(5),
                row.GetBlob(6),
                row.IsNull(7) ? null : (row.GetBlob(7), row.GetInt32(8)),
                ReadDelay(row, 9),
                ReadDelay(row, 10)),
            out message,
            queue);

    /// <summary>Messages of this queue that were created before <paramref name="before"/> and still wait, oldest first.</summary>
    public static List<AgentMessageId> GetExpired(DatabaseSession session, long queue, DateTimeOffset before) =>
        session.Query(
            """
            SELECT m.message_id FROM agent_deliveries d JOIN agent_sent_messages m ON m.connection_id = d.connection_id AND m.message_id = d.message_id
            WHERE d.send_queue_id = ?1 AND m.created_at < ?2 ORDER BY m.message_id
            """,
            row => new AgentMessageId(row.GetInt64(0)),
            queue,
            SqlValue.FromTime(before));

    public static bool HasDeliveries(DatabaseSession session, ConnectionId connection) =>
        session.Scalar("SELECT 1 FROM agent_deliveries WHERE connection_id = ?1 LIMIT 1", connection.ToString()) is not null;

    /// <summary>Nothing of this connection is sent any more.</summary>
    public static void RemoveDeliveries(DatabaseSession session, ConnectionId connection) =>
        session.Execute("DELETE FROM agent_deliveries WHERE connection_id = ?1", connection.ToString());

    public static void SetRetry(DatabaseSession session, PendingMessage message, RetryState retry) =>
        session.Execute(
            "UPDATE agent_sent_messages SET slow_delay = ?3, fast_delay = ?4 WHERE connection_id = ?1 AND message_id = ?2",
            message.Connection.ToString(),
            message.Id.Value,
            (long)retry.SlowDelay.TotalMilliseconds,
            (long)retry.FastDelay.TotalMilliseconds);

    /// <summary>
    /// The message is through this queue, or given up. When no other queue waits for it, its content is removed, and its
    /// record as well unless a receipt may still come for it.
    /// </summary>
    public static void RemoveDelivery(DatabaseSession session, ConnectionId connection, AgentMessageId id, long queue, bool keepForReceipt)
    {
        session.Execute("DELETE FROM agent_deliveries WHERE send_queue_id = ?1 AND message_id = ?2", queue, id.Value);
        if (session.Scalar("SELECT 1 FROM agent_deliveries WHERE connection_id = ?1 AND message_id = ?2 LIMIT 1", connection.ToString(), id.Value) is not null) return;
        // A receipt can come before the relay's answer to the sender does.
        session.Execute(
            keepForReceipt
                ? "UPDATE agent_sent_messages SET body = NULL, encrypt_key = NULL WHERE connection_id = ?1 AND message_id = ?2"
                : "DELETE FROM agent_sent_messages WHERE connection_id = ?1 AND message_id = ?2",
            connection.ToString(),
            id.Value);
    }

    /// <summary>The message that the other side knows by this id.</summary>
    public static bool TryGetBySendId(DatabaseSession session, ConnectionId connection, long sendId, [NotNullWhen(true)] out SentMessage? message) =>
        session.TryQuery(
            "SELECT message_id, kind, hash, receipt FROM agent_sent_messages WHERE connection_id = ?1 AND send_id = ?2",
            row => new SentMessage(new AgentMessageId(row.GetInt64(0)), (MessageKind)row.GetInt32(1), row.GetBlob(2), row.IsNull(3) ? null : row.GetBoolean(3)),
            out message,
            connection.ToString(),
            sendId);

    public static void SetReceipt(DatabaseSession session, ConnectionId connection, AgentMessageId id, bool isHashCorrect) =>
        session.Execute("UPDATE agent_sent_messages SET receipt = ?3 WHERE connection_id = ?1 AND message_id = ?2", connection.ToString(), id.Value, isHashCorrect);

    public static void RemoveExpired(DatabaseSession session, DateTimeOffset before, int limit) =>
        session.Execute(
            "DELETE FROM agent_sent_messages WHERE (connection_id, message_id) IN (SELECT connection_id, message_id FROM agent_sent_messages WHERE created_at < ?1 ORDER BY created_at LIMIT ?2)",
            SqlValue.FromTime(before),
            (long)limit);

    private static TimeSpan? ReadDelay(Row row, int column) => row.IsNull(column) ? null : TimeSpan.FromMilliseconds(row.GetInt64(column));
}
