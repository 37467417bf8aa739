using Pairwise.Agent.Connections;
using Pairwise.Agent.Store;
using Pairwise.Protocol.Agent;
using Pairwise.Wire;

namespace Pairwise.Agent.Receiving;

/// <summary>Requests that come to a contact address.</summary>
internal static class InvitationReceiver
{
    /// <summary>Stores a request and tells it; the error when it is not one.</summary>
    /// <param name="hash">Of the encrypted message: a request that the relay delivers again is not told again.</param>
    public static AgentError? Process(AgentServices agent, Reception reception, AgentEnvelope.Invitation invitation, byte[] hash)
    {
        if (reception.Connection.Kind != ConnectionKind.Contact) return new AgentError.Peer(PeerFault.Prohibited, "a request to a connection that is no contact address");
        if (invitation.Request is not ConnectionRequest.Invitation link) return new AgentError.Peer(PeerFault.Message, "a request with a contact address in place of an invitation");
        var session = reception.Transaction.Session;
        var id = reception.Connection.Id;
        if (ReceivedMessageRows.HasHash(session, id, hash)) return null;
        ReceivedMessageRows.AddHash(session, id, hash, reception.Now);
        // Told even when the versions do not fit: accepting it then fails with the reason.
        var isPostQuantum = AgreedInvitation.TryAgree(link, agent.Options, out var agreed) && agreed.CanBePostQuantum;
        var invitationId = InvitationId.Generate(agent.Random);
        HandshakeRows.Add(session, new StoredInvitation(invitationId, id, link.ToText(), IsAccepted: false), reception.Now);
        reception.Transaction.Raise(new AgentEvent.RequestReceived(
            id,
            invitationId,
            isPostQuantum,
            [.. link.Queues.Select(queue => queue.Address.Server)],
            Bytes.CopyOf(invitation.Info.Span)));
        return null;
    }
}
