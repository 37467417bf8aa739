using System.Diagnostics.CodeAnalysis;
using Pairwise.Storage;

namespace Pairwise.Agent.Store;

/// <summary>What the agent does by itself in the background, surviving restarts. The numbers are stored.</summary>
internal enum CommandKind
{
    /// <summary>After the application allowed a confirmation: secure our queue, secure theirs, send our confirmation.</summary>
    Allow = 1,

    /// <summary>After the confirmation of the side that made the link: secure our reply queue with the key in it, then greet (classic handshake).</summary>
    SecureReplyQueue = 2,
}

/// <summary>A command that waits to be done.</summary>
internal sealed record StoredCommand(long Key, ConnectionId Connection, CommandKind Kind, byte[]? Argument);

/// <summary>Table of background commands: <c>agent_commands</c>.</summary>
internal static class CommandRows
{
    public static void Add(DatabaseSession session, ConnectionId connection, CommandKind kind, byte[]? argument) =>
        session.Execute("INSERT INTO agent_commands (connection_id, kind, argument) VALUES (?1, ?2, ?3)", connection.ToString(), (long)kind, argument);

    public static bool Has(DatabaseSession session, ConnectionId connection, CommandKind kind) =>
        session.Scalar("SELECT 1 FROM agent_commands WHERE connection_id = ?1 AND kind = ?2", connection.ToString(), (long)kind) is not null;

    public static bool TryGetNext(DatabaseSession session, ConnectionId connection, [NotNullWhen(true)] out StoredCommand? command) =>
        session.TryQuery(
            "SELECT command_id, connection_id, kind, argument FROM agent_commands WHERE connection_id = ?1 ORDER BY command_id LIMIT 1",
            row => new StoredCommand(row.GetInt64(0), ConnectionId.FromStore(row.GetText(1)), (CommandKind)row.GetInt32(2), row.GetBlobOrNull(3)),
            out command,
            connection.ToString());

    public static List<ConnectionId> GetConnections(DatabaseSession session) =>
        session.Query(
            "SELECT DISTINCT connection_id FROM agent_commands JOIN agent_connections USING (connection_id) WHERE deleted_at IS NULL",
            row => ConnectionId.FromStore(row.GetText(0)));

    public static void Remove(DatabaseSession session, StoredCommand command) =>
        session.Execute("DELETE FROM agent_commands WHERE command_id = ?1", command.Key);
}
