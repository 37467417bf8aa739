using System.Net;
using System.Net.Sockets;
using Pairwise.Server.Web;
using Pairwise.Transport.Tls;

namespace Pairwise.Server.Configuration;

/// <summary>The sections WEB and INFORMATION of a relay's ini file.</summary>
public static class WebSettings
{
    private const string Section = "WEB";

    /// <summary>Reads both sections; faults are collected by <paramref name="ini"/>.</summary>
    /// <param name="ini">The file.</param>
    /// <param name="isStatisticsEnabled">Whether daily statistics are kept; shown on the page.</param>
    /// <param name="isPortShared">
    /// Whether a certificate is enough for the relay's own ports to serve the pages, as with file servers; otherwise https
    /// has to name one of those ports.
    /// </param>
    public static ServerWebOptions Read(IniReader ini, bool isStatisticsEnabled, bool isPortShared)
    {
        ArgumentNullException.ThrowIfNull(ini);
        IPAddress any = Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any;
        string? folder = ini.Text(Section, "static_path") is { Length: > 0 } text ? text : null;
        TlsCredential? credential = folder is null && !isPortShared ? null : ReadCredential(ini, mustExist: isPortShared);
        long? http = ini.Number(Section, "http", 1, IPEndPoint.MaxPort);
        long? https = ini.Number(Section, "https", 1, IPEndPoint.MaxPort);
        bool isShared = https is { } port && Ports(ini).Contains(port);
        return new ServerWebOptions
        {
            StaticPath = folder,
            Information = ServerInformation.Read(ini),
            IsStatisticsEnabled = isStatisticsEnabled,
            Http = folder is not null && http is { } plain ? [new IPEndPoint(any, (int)plain)] : [],
            Https = credential is not null && https is { } secure && !isShared ? [new IPEndPoint(any, (int)secure)] : [],
            Credential = credential,
            IsOnRelayPorts = (isShared || isPortShared) && credential is not null,
            RelayPort = isShared && !isPortShared ? (int)https!.Value : null,
            Operation = ReadOperation(ini),
        };
    }

    // A new SMP relay names the files before somebody has put them there: until then there are no pages with TLS.
    private static TlsCredential? ReadCredential(IniReader ini, bool mustExist)
    {
        if (ini.Text(Section, "cert") is not { Length: > 0 } certificate || ini.Text(Section, "key") is not { Length: > 0 } key
            || (!mustExist && (!File.Exists(certificate) || !File.Exists(key))))
        {
            return null;
        }

        try
        {
            return TlsCredential.FromPem(File.ReadAllText(certificate), File.ReadAllText(key));
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            ini.Report(Section, "cert", $"the certificate or its key cannot be read: {cause.Message}");
            return null;
        }
    }

    private static List<IPEndPoint> ReadOperation(IniReader ini)
    {
        if (ini.Text(Section, "metrics") is not { Length: > 0 } text)
        {
            return [];
        }

        if (IPEndPoint.TryParse(text, out IPEndPoint? address) && address.Port != 0)
        {
            return [address];
        }

        ini.Report(Section, "metrics", $"\"{text}\" is not an address and port such as 127.0.0.1:9223.");
        return [];
    }

    private static IEnumerable<long> Ports(IniReader ini) =>
        $"{ini.Text("TRANSPORT", "port")},{ini.Text("TRANSPORT", "websockets")}".Split(',', StringSplitOptions.TrimEntries)
            .Select(port => long.TryParse(port, System.Globalization.CultureInfo.InvariantCulture, out long number) ? number : 0);
}
