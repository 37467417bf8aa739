using System.Diagnostics.CodeAnalysis;
using Pairwise.Protocol.Smp;
using Pairwise.Storage;
using Pairwise.Wire;

namespace Pairwise.Agent.Store;

/// <summary>A received message as stored until the application acknowledges it.</summary>
/// <param name="Body">What the other application sent; empty for messages between agents.</param>
/// <param name="Hash">SHA-256 of the whole decrypted agent message; goes into receipts.</param>
internal sealed record StoredReceivedMessage(ConnectionId Connection, long Queue, MessageMeta Meta, MessageKind Kind, bool IsNotificationWanted, byte[] Body, byte[] Hash)
{
    public MessageId BrokerId => new(Meta.BrokerMessageId.Span);

    /// <summary>The event of a message of the other application.</summary>
    public AgentEvent.MessageReceived ToEvent() => new(Connection, Meta, IsNotificationWanted, Bytes.CopyOf(Body));
}

/// <summary>Tables of received messages: <c>agent_received_messages</c>, <c>agent_received_hashes</c>.</summary>
internal static class ReceivedMessageRows
{
    private const string Columns =
        "connection_id, receive_queue_id, message_id, received_at, broker_id, broker_time, peer_id, integrity, post_quantum, kind, notification, body, hash";

    public static void Add(DatabaseSession session, StoredReceivedMessage message) =>
        session.Execute(
            $"INSERT INTO agent_received_messages ({Columns}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            message.Connection.ToString(),
            message.Queue,
            message.Meta.Id.Value,
            SqlValue.FromTime(message.Meta.ReceivedAt),
            message.Meta.BrokerMessageId.Memory,
            SqlValue.FromTime(message.Meta.BrokerTime),
            message.Meta.SenderMessageId,
            message.Meta.Integrity.ToText(),
            message.Meta.IsPostQuantum,
            (long)message.Kind,
            message.IsNotificationWanted,
            message.Body,
            message.Hash);

    public static bool TryGet(DatabaseSession session, ConnectionId connection, AgentMessageId id, [NotNullWhen(true)] out StoredReceivedMessage? message) =>
        session.TryQuery($"SELECT {Columns} FROM agent_received_messages WHERE connection_id = ?1 AND message_id = ?2", Read, out message, connection.ToString(), id.Value);

    /// <summary>The message that the relay knows by this id, unless it was acknowledged.</summary>
    public static bool TryGet(DatabaseSession session, long queue, MessageId brokerId, [NotNullWhen(true)] out StoredReceivedMessage? message) =>
        session.TryQuery(
            $"SELECT {Columns} FROM agent_received_messages WHERE receive_queue_id = ?1 AND broker_id = ?2",
            Read,
            out message,
            queue,
            brokerId.Value.ToArray());

    /// <summary>Counts one more reception of a message that was not acknowledged.</summary>
    public static int CountAttempt(DatabaseSession session, ConnectionId connection, AgentMessageId id) =>
        (int)(session.Scalar(
            "UPDATE agent_received_messages SET attempts = attempts + 1 WHERE connection_id = ?1 AND message_id = ?2 RETURNING attempts",
            connection.ToString(),
            id.Value) ?? 0);

    public static void Remove(DatabaseSession session, ConnectionId connection, AgentMessageId id) =>
        session.Execute("DELETE FROM agent_received_messages WHERE connection_id = ?1 AND message_id = ?2", connection.ToString(), id.Value);

    /// <summary>Remembers the SHA-256 of an encrypted message, by which it is recognised if the relay delivers it again.</summary>
    public static void AddHash(DatabaseSession session, ConnectionId connection, byte[] hash, DateTimeOffset now) =>
        session.Execute(
            "INSERT OR IGNORE INTO agent_received_hashes (connection_id, hash, received_at) VALUES (?1, ?2, ?3)",
            connection.ToString(),
            hash,
            SqlValue.FromTime(now));

    public static bool HasHash(DatabaseSession session, ConnectionId connection, byte[] hash) =>
        session.Scalar("SELECT 1 FROM agent_received_hashes WHERE connection_id = ?1 AND hash = ?2", connection.ToString(), hash) is not null;

    public static void RemoveExpiredHashes(DatabaseSession session, DateTimeOffset before, int limit) =>
        session.Execute(
            "DELETE FROM agent_received_hashes WHERE (connection_id, hash) IN (SELECT connection_id, hash FROM agent_received_hashes WHERE received_at < ?1 ORDER BY received_at LIMIT ?2)",
            SqlValue.FromTime(before),
            (long)limit);

    private static StoredReceivedMessage Read(Row row) => new(
        ConnectionId.FromStore(row.GetText(0)),
        row.GetInt64(1),
        new MessageMeta(
            new AgentMessageId(row.GetInt64(2)),
            row.GetTime(3),
            Bytes.Wrap(row.GetBlob(4)),
            row.GetTime(5),
            row.GetInt64(6),
            MessageIntegrity.FromText(row.GetText(7)),
            row.GetBoolean(8)),
        (MessageKind)row.GetInt32(9),
        row.GetBoolean(10),
        row.GetBlob(11),
        row.GetBlob(12));
}
