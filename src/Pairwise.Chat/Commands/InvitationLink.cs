using Pairwise.Protocol.Agent;

namespace Pairwise.Chat.Commands;

/// <summary>Reads what somebody pasted as a link.</summary>
internal static class InvitationLink
{
    /// <exception cref="ChatException">It is no one-time link that this program opens; the sentence says what it is.</exception>
    public static ConnectionRequest Parse(string text)
    {
        if (!ConnectionLink.TryParse(text.Trim(), out var link))
            throw new ChatException(ChatError.InvalidLink, "This is not a link, or a part of it is missing: copy it whole, from simplex:/ or https:// to its end.");
        return link switch
        {
            ConnectionLink.Full { Request: ConnectionRequest.Invitation invitation } => invitation,
            ConnectionLink.Full => throw new ChatException(ChatError.InvalidLink, "This is a contact address, not a one-time link: ask for a one-time link."),
            ConnectionLink.Short => throw new ChatException(ChatError.InvalidLink, "This is a short link, which this program does not open yet: ask for the full link."),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }
}
