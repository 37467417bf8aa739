using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Text;
using Pairwise.Client;
using Pairwise.Transport.Sockets;

namespace Pairwise.Terminal.Startup;

/// <summary>The SOCKS proxy as the command line names it.</summary>
internal static class ProxyArgument
{
    private const int UsualPort = 9050;
    private const int LongestCredential = 255;

    /// <summary>Tor on this machine.</summary>
    public static SocksOptions Usual => new() { IsThisMachineDirect = true };

    // proxy = [user ":" password "@" / "@"] [address] [":" port]
    // Without anything before an "@", each start of the program has a name of its own at the proxy, which keeps its connections
    // apart from others; "@" alone is for a proxy without users.
    /// <summary>False when the text is none.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out SocksOptions? options)
    {
        options = null;
        var at = text.LastIndexOf('@');
        SocksAuthentication? authentication = at switch
        {
            < 0 => SocksAuthentication.Isolate.Instance,
            0 => SocksAuthentication.None.Instance,
            _ => ReadCredentials(text[..at]),
        };
        if (authentication is null || !TryReadEndPoint(text[(at + 1)..], out var endPoint)) return false;
        options = Usual with { EndPoint = endPoint, Authentication = authentication };
        return true;
    }

    private static SocksAuthentication.Fixed? ReadCredentials(string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0) return null;
        var (name, password) = (text[..colon], text[(colon + 1)..]);
        return Encoding.UTF8.GetByteCount(name) <= LongestCredential && Encoding.UTF8.GetByteCount(password) <= LongestCredential
            ? new SocksAuthentication.Fixed(new SocksCredentials(name, password))
            : null;
    }

    private static bool TryReadEndPoint(string text, [NotNullWhen(true)] out IPEndPoint? endPoint)
    {
        endPoint = null;
        var (host, port) = (text, UsualPort);
        // An IPv6 address has brackets when a port follows, and may have none otherwise.
        var colon = text.LastIndexOf(':');
        if (colon >= 0 && (text.StartsWith('[') ? text[colon - 1] == ']' : text.IndexOf(':', StringComparison.Ordinal) == colon))
        {
            host = text[..colon];
            if (!int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port) || port is < 1 or > ushort.MaxValue) return false;
        }

        if (host is "" or "localhost")
        {
            endPoint = new IPEndPoint(IPAddress.Loopback, port);
            return true;
        }

        if (!IPAddress.TryParse(host.Trim('[', ']'), out var address) || (address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork && host.Count('.') != 3)) return false;
        endPoint = new IPEndPoint(address, port);
        return true;
    }
}
