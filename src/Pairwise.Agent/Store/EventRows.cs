using Pairwise.Agent.Events;
using Pairwise.Agent.Files;
using Pairwise.Storage;

namespace Pairwise.Agent.Store;

/// <summary>Table of durable events that the application has not handled yet: <c>agent_events</c>.</summary>
internal static class EventRows
{
    /// <summary>Stores an event if it is durable; either way it is ready to be told after the commit.</summary>
    public static QueuedEvent Add(DatabaseSession session, AgentEvent raised)
    {
        if (StoredEvent.From(raised) is not { } stored) return new QueuedEvent(raised, null);
        long? message = raised switch
        {
            AgentEvent.MessageReceived e => e.Meta.Id.Value,
            AgentEvent.ReceiptsReceived e => e.Meta.Id.Value,
            _ => null,
        };
        session.Execute(
            "INSERT INTO agent_events (connection_id, message_id, body, file_id) VALUES (?1, ?2, ?3, ?4)",
            (raised as AgentEvent.OfConnection)?.Connection.ToString(),
            message,
            StoredEventJson.ToText(stored),
            (raised as AgentEvent.OfFile)?.File.ToString());
        return new QueuedEvent(raised, session.LastInsertedId);
    }

    /// <summary>Whether a received message still waits to be told.</summary>
    public static bool IsWaiting(DatabaseSession session, ConnectionId connection, AgentMessageId message) =>
        session.Scalar("SELECT 1 FROM agent_events WHERE connection_id = ?1 AND message_id = ?2 LIMIT 1", connection.ToString(), message.Value) is not null;

    /// <summary>Whether the end of a transfer still waits to be told.</summary>
    public static bool IsWaiting(DatabaseSession session, FileTransferId file) =>
        session.Scalar("SELECT 1 FROM agent_events WHERE file_id = ?1 LIMIT 1", file.ToString()) is not null;

    /// <summary>All events that were not handled before the agent stopped, in order.</summary>
    public static List<QueuedEvent> GetAll(DatabaseSession session)
    {
        List<QueuedEvent> events = [];
        foreach (var (row, connection, body) in session.Query(
            "SELECT event_id, connection_id, body FROM agent_events ORDER BY event_id",
            row => (row.GetInt64(0), row.GetTextOrNull(1), row.GetText(2))))
        {
            var id = connection is null ? default : ConnectionId.FromStore(connection);
            if (StoredEventJson.FromText(body).Restore(session, id) is { } restored) events.Add(new QueuedEvent(restored, row));
            else session.Execute("DELETE FROM agent_events WHERE event_id = ?1", row);
        }

        return events;
    }

    public static void Remove(DatabaseSession session, IReadOnlyList<long> rows)
    {
        foreach (var row in rows) session.Execute("DELETE FROM agent_events WHERE event_id = ?1", row);
    }
}
