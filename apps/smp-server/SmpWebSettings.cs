using System.Net;
using System.Net.Sockets;
using Pairwise.Server.Configuration;
using Pairwise.Server.Smp.Operation;
using Pairwise.Server.Web;
using Pairwise.Transport.Tls;

namespace Pairwise.SmpRelay;

/// <summary>The sections WEB and INFORMATION of the ini file.</summary>
internal static class SmpWebSettings
{
    private const string Section = "WEB";

    public static SmpWebOptions Read(IniReader ini, bool isStatisticsEnabled)
    {
        IPAddress any = Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any;
        string? folder = ini.Text(Section, "static_path") is { Length: > 0 } text ? text : null;
        TlsCredential? credential = folder is null ? null : ReadCredential(ini);
        long? http = ini.Number(Section, "http", 1, IPEndPoint.MaxPort);
        long? https = ini.Number(Section, "https", 1, IPEndPoint.MaxPort);
        bool isShared = https is { } port && Ports(ini).Contains(port);
        return new SmpWebOptions
        {
            StaticPath = folder,
            Information = ServerInformation.Read(ini),
            IsStatisticsEnabled = isStatisticsEnabled,
            Http = folder is not null && http is { } plain ? [new IPEndPoint(any, (int)plain)] : [],
            Https = credential is not null && https is { } secure && !isShared ? [new IPEndPoint(any, (int)secure)] : [],
            Credential = credential,
            IsOnRelayPorts = isShared && credential is not null,
            Operation = ReadOperation(ini),
        };
    }

    // A new relay names the files before somebody has put them there: until then there are no pages with TLS.
    private static TlsCredential? ReadCredential(IniReader ini)
    {
        if (ini.Text(Section, "cert") is not { Length: > 0 } certificate || ini.Text(Section, "key") is not { Length: > 0 } key
            || !File.Exists(certificate) || !File.Exists(key))
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
        (ini.Text("TRANSPORT", "port") ?? "").Split(',', StringSplitOptions.TrimEntries)
            .Select(port => long.TryParse(port, System.Globalization.CultureInfo.InvariantCulture, out long number) ? number : 0);
}
