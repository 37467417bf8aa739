using System.Net;
using System.Net.Sockets;
using Pairwise.Client;
using Pairwise.Server.Configuration;
using Pairwise.Transport.Sockets;

namespace Pairwise.SmpRelay;

/// <summary>[PROXY]: how other relays are reached when commands are forwarded to them.</summary>
internal static class SmpProxySettings
{
    private const string Section = "PROXY";

    /// <summary>Reads the section; what is not set stays the reference's.</summary>
    public static NetworkOptions Read(IniReader ini)
    {
        bool isOnion = ini.OneOf(Section, "host_mode", "public", "onion") == "onion";
        bool isAlways = ini.OneOf(Section, "socks_mode", "onion", "always") == "always";
        return new NetworkOptions
        {
            HostMode = isOnion ? HostMode.OnionViaSocks : HostMode.Public,
            IsHostModeRequired = ini.Switch(Section, "required_host_mode") ?? false,
            Socks = ReadSocks(ini) is { } socks ? socks with { Mode = isAlways ? SocksMode.Always : SocksMode.OnionOnly } : null,
        };
    }

    // socks_proxy = [user ":" password "@" / "@"] address: with a name and password, without any, or by default with names
    // that keep sessions apart
    private static SocksOptions? ReadSocks(IniReader ini)
    {
        if (ini.Text(Section, "socks_proxy") is not { Length: > 0 } text)
        {
            return null;
        }

        int at = text.LastIndexOf('@');
        string[] credentials = at < 0 ? [] : text[..at].Split(':', 2);
        if (at > 0 && (credentials.Length != 2 || credentials[0].Length is 0 or > 255 || credentials[1].Length > 255))
        {
            ini.Report(Section, "socks_proxy", "before the @ stands user:password, or nothing for a proxy without users.");
            return null;
        }

        return ReadEndpoint(ini, text[(at + 1)..]) is not { } endpoint ? null
            : at < 0 ? new SocksOptions { EndPoint = endpoint }
            : at == 0 ? new SocksOptions { EndPoint = endpoint, Authentication = SocksAuthentication.None.Instance }
            : new SocksOptions { EndPoint = endpoint, Authentication = new SocksAuthentication.Fixed(new SocksCredentials(credentials[0], credentials[1])) };
    }

    // address = [host] [":" port]: this machine when there is no host
    private static IPEndPoint? ReadEndpoint(IniReader ini, string text)
    {
        const int usualPort = 9050;
        string host = text;
        int port = usualPort;
        int colon = text.LastIndexOf(':');
        if (colon >= 0)
        {
            host = text[..colon];
            if (!int.TryParse(text.AsSpan(colon + 1), out port) || port is <= 0 or > IPEndPoint.MaxPort)
            {
                ini.Report(Section, "socks_proxy", $"\"{text}\" has no port number after its colon.");
                return null;
            }
        }

        if (host is "" or "localhost")
        {
            return new IPEndPoint(IPAddress.Loopback, port);
        }

        if (IPAddress.TryParse(host.Trim('[', ']'), out IPAddress? address))
        {
            return new IPEndPoint(address, port);
        }

        try
        {
            return new IPEndPoint(Dns.GetHostAddresses(host)[0], port);
        }
        catch (SocketException)
        {
            ini.Report(Section, "socks_proxy", $"the host \"{host}\" cannot be found.");
            return null;
        }
    }
}
