using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Pairwise.Protocol.Agent;

/// <summary>Anything that a user can be given to connect with: a full link or a short one.</summary>
public abstract record ConnectionLink
{
    private protected ConnectionLink()
    {
    }

    public sealed record Full(ConnectionRequest Request) : ConnectionLink;

    public sealed record Short(ShortLink Link) : ConnectionLink;

    /// <summary>Reads a full or short link that is the whole text, without white space around it.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out ConnectionLink? link)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        link = ConnectionRequest.TryParse(bytes, out var request) ? new Full(request)
            : ShortLink.TryParse(bytes, out var shortLink) ? new Short(shortLink)
            : null;
        return link is not null;
    }
}
