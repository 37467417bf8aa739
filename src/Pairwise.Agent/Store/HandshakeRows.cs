using System.Diagnostics.CodeAnalysis;
using Pairwise.Crypto;
using Pairwise.Storage;

namespace Pairwise.Agent.Store;

/// <summary>A confirmation received by the side that made the link.</summary>
/// <param name="SenderKey">The key to secure our queue with; absent when the sender has done that itself.</param>
/// <param name="ReplyQueue">The joiner's queue (SMPQueueInfo).</param>
/// <param name="OwnInfo">What the application gave to send back; present once accepted.</param>
internal sealed record StoredConfirmation(ConfirmationId Id, ConnectionId Connection, PublicKey? SenderKey, byte[] ReplyQueue, byte[]? OwnInfo);

/// <summary>A request received at a contact address.</summary>
internal sealed record StoredInvitation(InvitationId Id, ConnectionId Contact, string Request, bool IsAccepted);

/// <summary>Tables of unfinished handshakes: <c>agent_confirmations</c>, <c>agent_invitations</c>.</summary>
internal static class HandshakeRows
{
    public static void Add(DatabaseSession session, StoredConfirmation confirmation) =>
        session.Execute(
            "INSERT INTO agent_confirmations (confirmation_id, connection_id, sender_key, reply_queue) VALUES (?1, ?2, ?3, ?4)",
            confirmation.Id.ToString(),
            confirmation.Connection.ToString(),
            confirmation.SenderKey?.ToSpki(),
            confirmation.ReplyQueue);

    /// <summary>Accepts a confirmation; false when there is no such one. Doing it again changes the info only.</summary>
    public static bool Accept(DatabaseSession session, ConnectionId connection, ConfirmationId id, byte[] ownInfo) =>
        session.Execute(
            "UPDATE agent_confirmations SET accepted = 1, own_info = ?3 WHERE confirmation_id = ?1 AND connection_id = ?2",
            id.ToString(),
            connection.ToString(),
            ownInfo) == 1;

    public static bool TryGetAccepted(DatabaseSession session, ConnectionId connection, [NotNullWhen(true)] out StoredConfirmation? confirmation) =>
        session.TryQuery(
            "SELECT confirmation_id, connection_id, sender_key, reply_queue, own_info FROM agent_confirmations WHERE connection_id = ?1 AND accepted = 1",
            row => new StoredConfirmation(
                ConfirmationId.FromStore(row.GetText(0)),
                ConnectionId.FromStore(row.GetText(1)),
                row.IsNull(2) ? null : ReadKey(row.GetBlobSpan(2)),
                row.GetBlob(3),
                row.GetBlob(4)),
            out confirmation,
            connection.ToString());

    public static void RemoveConfirmations(DatabaseSession session, ConnectionId connection) =>
        session.Execute("DELETE FROM agent_confirmations WHERE connection_id = ?1", connection.ToString());

    public static void Add(DatabaseSession session, StoredInvitation invitation, DateTimeOffset now) =>
        session.Execute(
            "INSERT INTO agent_invitations (invitation_id, connection_id, request, received_at) VALUES (?1, ?2, ?3, ?4)",
            invitation.Id.ToString(),
            invitation.Contact.ToString(),
            invitation.Request,
            SqlValue.FromTime(now));

    public static bool TryGetInvitation(DatabaseSession session, InvitationId id, [NotNullWhen(true)] out StoredInvitation? invitation) =>
        session.TryQuery(
            "SELECT invitation_id, connection_id, request, accepted FROM agent_invitations WHERE invitation_id = ?1",
            row => new StoredInvitation(InvitationId.FromStore(row.GetText(0)), ConnectionId.FromStore(row.GetText(1)), row.GetText(2), row.GetBoolean(3)),
            out invitation,
            id.ToString());

    public static void SetInvitationAccepted(DatabaseSession session, InvitationId id) =>
        session.Execute("UPDATE agent_invitations SET accepted = 1 WHERE invitation_id = ?1", id.ToString());

    public static void RemoveInvitation(DatabaseSession session, InvitationId id) =>
        session.Execute("DELETE FROM agent_invitations WHERE invitation_id = ?1", id.ToString());

    private static PublicKey ReadKey(ReadOnlySpan<byte> spki) =>
        PublicKey.TryFromSpki(spki, out var key) ? key : throw new StorageException(StorageError.Broken, "A stored public key of the agent cannot be read.");
}
