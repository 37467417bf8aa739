using System.Diagnostics;
using System.Security.Cryptography;
using Pairwise.Ratchet;
using Pairwise.Storage;

namespace Pairwise.Agent.Store;

/// <summary>Tables of ratchets: <c>agent_ratchets</c>, <c>agent_skipped_keys</c>.</summary>
internal static class RatchetRows
{
    /// <summary>The ratchet of a connection. The caller disposes it.</summary>
    /// <exception cref="AgentException">There is none yet.</exception>
    public static RatchetState Get(DatabaseSession session, ConnectionId connection)
    {
        if (!session.TryQuery("SELECT state FROM agent_ratchets WHERE connection_id = ?1 AND state IS NOT NULL", ReadState, out var state, connection.ToString()))
            throw new AgentException(new AgentError.Internal("The connection has no ratchet."));
        return state;
    }

    /// <summary>Stores a new ratchet; key material of the handshake, if any, is removed.</summary>
    public static void Create(DatabaseSession session, ConnectionId connection, RatchetState state, byte[]? sentParameters = null)
    {
        var stored = state.Serialize();
        session.Execute(
            """
            INSERT INTO agent_ratchets (connection_id, state, sent_parameters) VALUES (?1, ?2, ?3)
            ON CONFLICT (connection_id) DO UPDATE SET state = excluded.state, sent_parameters = excluded.sent_parameters, x3dh_keys = NULL
            """,
            connection.ToString(),
            stored,
            sentParameters);
        CryptographicOperations.ZeroMemory(stored);
    }

    /// <summary>Stores the state after a step, with the change of the skipped keys.</summary>
    public static void Update(DatabaseSession session, ConnectionId connection, RatchetState state, SkippedKeyDiff? diff = null)
    {
        var stored = state.Serialize();
        session.Execute("UPDATE agent_ratchets SET state = ?2 WHERE connection_id = ?1", connection.ToString(), stored);
        CryptographicOperations.ZeroMemory(stored);
        switch (diff)
        {
            case null or SkippedKeyDiff.None:
                break;
            case SkippedKeyDiff.Removed removed:
                session.Execute(
                    "DELETE FROM agent_skipped_keys WHERE connection_id = ?1 AND header_key = ?2 AND number = ?3",
                    connection.ToString(),
                    removed.Key.HeaderKey.ToArray(),
                    (long)removed.Key.Number);
                break;
            case SkippedKeyDiff.Added added:
                foreach (var key in added.Keys)
                {
                    session.Execute(
                        "INSERT OR REPLACE INTO agent_skipped_keys (connection_id, header_key, number, message_key) VALUES (?1, ?2, ?3, ?4)",
                        connection.ToString(),
                        key.HeaderKey.ToArray(),
                        (long)key.Number,
                        key.MessageKey.ToArray());
                }

                break;
            default:
                throw new UnreachableException();
        }
    }

    /// <summary>The keys of messages that were skipped. The caller disposes them.</summary>
    public static SkippedKeys GetSkippedKeys(DatabaseSession session, ConnectionId connection)
    {
        var keys = new SkippedKeys();
        foreach (var key in session.Query(
            "SELECT header_key, number, message_key FROM agent_skipped_keys WHERE connection_id = ?1",
            row => new SkippedKey(row.GetBlobSpan(0), checked((uint)row.GetInt64(1)), row.GetBlobSpan(2)),
            connection.ToString()))
        {
            keys.Add(key);
        }

        return keys;
    }

    /// <summary>Remembers the private keys of a link until somebody uses it.</summary>
    public static void SetX3dhKeys(DatabaseSession session, ConnectionId connection, byte[] keys) =>
        session.Execute(
            "INSERT INTO agent_ratchets (connection_id, x3dh_keys) VALUES (?1, ?2) ON CONFLICT (connection_id) DO UPDATE SET x3dh_keys = excluded.x3dh_keys",
            connection.ToString(),
            keys);

    /// <summary>The private keys of a link; null when there are none (any more).</summary>
    public static byte[]? GetX3dhKeys(DatabaseSession session, ConnectionId connection) =>
        session.TryQuery("SELECT x3dh_keys FROM agent_ratchets WHERE connection_id = ?1", row => row.GetBlobOrNull(0), out var keys, connection.ToString()) ? keys : null;

    /// <summary>What the joiner sends of its X3DH keys, for a repeated attempt; null when there is none.</summary>
    public static byte[]? GetSentParameters(DatabaseSession session, ConnectionId connection) =>
        session.TryQuery("SELECT sent_parameters FROM agent_ratchets WHERE connection_id = ?1", row => row.GetBlobOrNull(0), out var sent, connection.ToString()) ? sent : null;

    /// <summary>The parameters are in the stored confirmation now.</summary>
    public static void ForgetSentParameters(DatabaseSession session, ConnectionId connection) =>
        session.Execute("UPDATE agent_ratchets SET sent_parameters = NULL WHERE connection_id = ?1", connection.ToString());

    private static RatchetState ReadState(Row row) => RatchetState.TryDeserialize(row.GetBlobSpan(0), out var state)
        ? state
        : throw new StorageException(StorageError.Broken, "A stored ratchet of the agent cannot be read.");
}
