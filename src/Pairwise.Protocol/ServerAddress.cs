using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using Pairwise.Wire;

namespace Pairwise.Protocol;

/// <summary>The protocols that a server address can be for.</summary>
public enum ServerProtocol
{
    Smp,
    Ntf,
    Xftp,
}

/// <summary>
/// Where a server is and who it is: <c>smp://FINGERPRINT@host1[,host2][:port]</c>. Passwords are apart
/// (<see cref="ServerAddressWithPassword"/>), since queues and links never carry one. Immutable, compares by content.
/// </summary>
/// <param name="Protocol">The scheme.</param>
/// <param name="Hosts">1 to 255; the same server under each.</param>
/// <param name="Port">At most 9 digits as the reference keeps them (it knows no limit), or empty for the protocol's default.</param>
/// <param name="KeyHash">SHA-256 of the CA certificate; other lengths up to 255 bytes parse, and match nothing.</param>
public sealed record ServerAddress(ServerProtocol Protocol, ValueList<TransportHost> Hosts, string Port, Bytes KeyHash)
{
    /// <summary>Where a relay listens when its address names no port.</summary>
    public const ushort DefaultSmpPort = 5223;

    /// <summary>Where a file server or notification server listens when its address names no port.</summary>
    public const ushort DefaultHttpsPort = 443;

    private const int MaxTextLength = 4096;
    private const int MaxPortLength = 9;

    /// <summary>The port to connect to; false if it is not one.</summary>
    public bool TryGetPort(out ushort port)
    {
        if (Port.Length == 0)
        {
            port = Protocol == ServerProtocol.Smp ? DefaultSmpPort : DefaultHttpsPort;
            return true;
        }

        return ushort.TryParse(Port, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port != 0;
    }

    /// <summary>Whether both name the same hosts and port, whatever the fingerprint.</summary>
    public bool HasSameLocation(ServerAddress other) => Hosts == other.Hosts && Port == other.Port;

    /// <summary>Reads an address that is the whole text and has no password.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out ServerAddress? address)
    {
        address = null;
        return Latin1.TryGetBytes(text, out var bytes) && TryParse(bytes, out address);
    }

    /// <inheritdoc cref="TryParse(string, out ServerAddress)"/>
    public static bool TryParse(ReadOnlySpan<byte> text, [NotNullWhen(true)] out ServerAddress? address)
    {
        var cursor = new TextCursor(text);
        return TryRead(ref cursor, out address, out var password) && password is null && cursor.IsAtEnd;
    }

    /// <summary>The text form, which <see cref="TryParse(string, out ServerAddress)"/> reads.</summary>
    public override string ToString() => ToText(null);

    // server = scheme "://" keyHash [":" password] "@" host *("," host) [":" port] ; scheme = "smp" / "ntf" / "xftp"
    internal static bool TryRead(ref TextCursor cursor, [NotNullWhen(true)] out ServerAddress? address, out BasicAuth? password)
    {
        address = null;
        password = null;
        if (cursor.Rest.Length > MaxTextLength || !TryReadScheme(ref cursor, out var protocol))
        {
            return false;
        }

        if (!cursor.TryReadBase64Url(out var keyHash) || keyHash.Length > byte.MaxValue)
        {
            return false;
        }

        if (cursor.TryRead(":"u8) && !BasicAuth.TryRead(ref cursor, out password))
        {
            return false;
        }

        if (!cursor.TryRead("@"u8) || !TryReadHosts(ref cursor, out var hosts))
        {
            return false;
        }

        address = new ServerAddress(protocol, hosts, ReadPort(ref cursor), Bytes.Wrap(keyHash));
        return true;
    }

    internal static bool TryReadHosts(ref TextCursor cursor, out ValueList<TransportHost> hosts)
    {
        hosts = default;
        var list = new List<TransportHost>();
        do
        {
            if (list.Count == byte.MaxValue || !TransportHost.TryRead(ref cursor, out var host))
            {
                return false;
            }

            list.Add(host);
        }
        while (cursor.TryRead(","u8));

        hosts = [.. list];
        return true;
    }

    internal string ToText(BasicAuth? password)
    {
        var text = new StringBuilder(SchemeOf(Protocol)).Append("://").Append(KeyHash.ToBase64Url());
        if (password is not null)
        {
            text.Append(':').Append(Encoding.Latin1.GetString(password.Span));
        }

        text.Append('@').AppendJoin(',', Hosts);
        return Port.Length == 0 ? text.ToString() : text.Append(':').Append(Port).ToString();
    }

    /// <summary>The text form with the first host only, which clients of version 1 understand.</summary>
    public string ToLegacyText() => (this with { Hosts = [Hosts[0]] }).ToText(null);

    // server = nonEmptyList(host) port keyHash ; port = shortString ; keyHash = shortString
    /// <summary>Writes the binary form of the address.</summary>
    public void Write(ref WireWriter writer)
    {
        writer.WriteListCount(Hosts.Count);
        foreach (var host in Hosts)
        {
            host.Write(ref writer);
        }

        WritePortAndKeyHash(ref writer);
    }

    /// <summary>Reads the binary form of an address of the given protocol.</summary>
    public static bool TryRead(ref WireReader reader, ServerProtocol protocol, [NotNullWhen(true)] out ServerAddress? address)
    {
        address = null;
        if (!reader.TryReadNonEmptyListCount(out var count))
        {
            return false;
        }

        var hosts = new List<TransportHost>();
        for (var i = 0; i < count; i++)
        {
            if (!TransportHost.TryRead(ref reader, out var host))
            {
                return false;
            }

            hosts.Add(host);
        }

        return TryReadPortAndKeyHash(ref reader, protocol, [.. hosts], out address);
    }

    // legacyServer = host port keyHash
    /// <summary>Writes the binary form with the first host only, which clients of version 1 understand.</summary>
    public void WriteLegacy(ref WireWriter writer)
    {
        Hosts[0].Write(ref writer);
        WritePortAndKeyHash(ref writer);
    }

    /// <summary>Reads the binary form with one host.</summary>
    public static bool TryReadLegacy(ref WireReader reader, ServerProtocol protocol, [NotNullWhen(true)] out ServerAddress? address)
    {
        address = null;
        return TransportHost.TryRead(ref reader, out var host) && TryReadPortAndKeyHash(ref reader, protocol, [host], out address);
    }

    /// <summary>The length of the binary form.</summary>
    public int GetEncodedLength()
    {
        var length = 1 + 1 + Port.Length + 1 + KeyHash.Length;
        foreach (var host in Hosts)
        {
            length += 1 + host.Name.Length;
        }

        return length;
    }

    private void WritePortAndKeyHash(ref WireWriter writer)
    {
        writer.WriteShort(Encoding.ASCII.GetBytes(Port));
        writer.WriteShort(KeyHash.Span);
    }

    private static bool TryReadPortAndKeyHash(
        ref WireReader reader, ServerProtocol protocol, ValueList<TransportHost> hosts, [NotNullWhen(true)] out ServerAddress? address)
    {
        address = null;
        if (!reader.TryReadShort(out var port) || !IsPort(port) || !reader.TryReadShort(out var keyHash))
        {
            return false;
        }

        address = new ServerAddress(protocol, hosts, Encoding.ASCII.GetString(port), Bytes.CopyOf(keyHash));
        return true;
    }

    private static string SchemeOf(ServerProtocol protocol) => protocol switch
    {
        ServerProtocol.Smp => "smp",
        ServerProtocol.Ntf => "ntf",
        ServerProtocol.Xftp => "xftp",
        _ => throw new ArgumentOutOfRangeException(nameof(protocol)),
    };

    private static bool TryReadScheme(ref TextCursor cursor, out ServerProtocol protocol)
    {
        protocol = ServerProtocol.Smp;
        if (cursor.TryRead("smp://"u8))
        {
            return true;
        }

        protocol = ServerProtocol.Ntf;
        if (cursor.TryRead("ntf://"u8))
        {
            return true;
        }

        protocol = ServerProtocol.Xftp;
        return cursor.TryRead("xftp://"u8);
    }

    // The reference keeps any number, without leading zeros; a port that long would only be a riddle to whoever reads it.
    private static string ReadPort(ref TextCursor cursor)
    {
        var start = cursor.Position;
        if (cursor.TryRead(":"u8)
            && cursor.TryReadDigits(out var digits)
            && digits.Length <= MaxPortLength
            && TextEncoding.TryParseUInt32(digits, out var port))
        {
            return port.ToString(CultureInfo.InvariantCulture);
        }

        cursor.Position = start;
        return "";
    }

    private static bool IsPort(ReadOnlySpan<byte> text) =>
        text.Length <= MaxPortLength && text.IndexOfAnyExceptInRange((byte)'0', (byte)'9') < 0;
}

/// <summary>A server address as users configure it: <c>smp://FINGERPRINT[:password]@host1[,host2][:port]</c>.</summary>
/// <param name="Server">The server.</param>
/// <param name="Password">What NEW or PRXY must present, if the server wants one.</param>
public sealed record ServerAddressWithPassword(ServerAddress Server, BasicAuth? Password)
{
    public static bool TryParse(string text, [NotNullWhen(true)] out ServerAddressWithPassword? address)
    {
        address = null;
        return Latin1.TryGetBytes(text, out var bytes) && TryParse(bytes, out address);
    }

    public static bool TryParse(ReadOnlySpan<byte> text, [NotNullWhen(true)] out ServerAddressWithPassword? address)
    {
        address = null;
        var cursor = new TextCursor(text);
        if (!ServerAddress.TryRead(ref cursor, out var server, out var password) || !cursor.IsAtEnd)
        {
            return false;
        }

        address = new ServerAddressWithPassword(server, password);
        return true;
    }

    /// <summary>The address with its password: for configuration, not for logs.</summary>
    public string ToConfigurationText() => Server.ToText(Password);

    public override string ToString() => Server.ToString();
}
