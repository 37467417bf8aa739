using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Pairwise.Wire;

namespace Pairwise.Protocol;

/// <summary>The kinds of host that a server address may name.</summary>
public enum TransportHostKind
{
    DomainName,
    IPv4,
    IPv6,

    /// <summary>A Tor onion service.</summary>
    Onion,
}

/// <summary>A host of a server. Names are kept as written: case matters to equality and to what is sent on.</summary>
public sealed record TransportHost
{
    // What the length byte of the binary form can tell.
    private const int MaxNameLength = byte.MaxValue;

    private static readonly SearchValues<byte> IPv6Characters = SearchValues.Create("0123456789abcdefABCDEF:."u8);

    private TransportHost(TransportHostKind kind, string name)
    {
        Kind = kind;
        Name = name;
    }

    public TransportHostKind Kind { get; }

    /// <summary>The host as text; an IPv6 address without brackets.</summary>
    public string Name { get; }

    /// <summary>Whether this is the machine that asks, by its name or by its address: nobody else is reached by it.</summary>
    public bool IsThisMachine =>
        Name == "localhost" || (Kind is TransportHostKind.IPv4 or TransportHostKind.IPv6 && IPAddress.TryParse(Name, out var address) && IPAddress.IsLoopback(address));

    /// <summary>Reads a host that is the whole text.</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, [NotNullWhen(true)] out TransportHost? host)
    {
        var cursor = new TextCursor(text);
        return TryRead(ref cursor, out host) && cursor.IsAtEnd;
    }

    /// <inheritdoc cref="TryParse(ReadOnlySpan{byte}, out TransportHost)"/>
    public static bool TryParse(string text, [NotNullWhen(true)] out TransportHost? host)
    {
        host = null;
        return Latin1.TryGetBytes(text, out var bytes) && TryParse(bytes, out host);
    }

    public override string ToString() => Name;

    // host = ipv4 / ipv6 / onion / domain
    // ipv4 = 3(decimal-octet ".") decimal ; the last number wraps at 8 bits
    // ipv6 = "[" 1*<not "]"> "]" / 1*(HEXDIG / ":")
    // onion = *(%x61-7A / DIGIT) ".onion" ; domain = 1*<visible ASCII, not ":#,;/">, and not ending in ".onion"
    internal static bool TryRead(ref TextCursor cursor, [NotNullWhen(true)] out TransportHost? host) =>
        TryReadIPv4(ref cursor, out host)
        || TryReadIPv6(ref cursor, out host)
        || TryReadOnion(ref cursor, out host)
        || TryReadDomain(ref cursor, out host);

    // transportHost = shortString of the text
    internal void Write(ref WireWriter writer) => writer.WriteShort(Encoding.ASCII.GetBytes(Name));

    internal static bool TryRead(ref WireReader reader, [NotNullWhen(true)] out TransportHost? host)
    {
        host = null;
        return reader.TryReadShort(out var text) && TryParse(text, out host);
    }

    private static bool TryReadIPv4(ref TextCursor cursor, [NotNullWhen(true)] out TransportHost? host)
    {
        host = null;
        var start = cursor.Position;
        Span<byte> octets = stackalloc byte[4];
        for (var i = 0; i < octets.Length; i++)
        {
            if (!cursor.TryReadDigits(out var digits)
                || !TextEncoding.TryParseUInt64(digits, out var number)
                || (i < 3 && (number > byte.MaxValue || !cursor.TryRead("."u8))))
            {
                cursor.Position = start;
                return false;
            }

            octets[i] = unchecked((byte)number);
        }

        host = new TransportHost(TransportHostKind.IPv4, new IPAddress(octets).ToString());
        return true;
    }

    private static bool TryReadIPv6(ref TextCursor cursor, [NotNullWhen(true)] out TransportHost? host)
    {
        host = null;
        var start = cursor.Position;
        ReadOnlySpan<byte> text;
        if (cursor.TryRead("["u8))
        {
            text = cursor.ReadUntilAny("]"u8);
            if (!cursor.TryRead("]"u8))
            {
                cursor.Position = start;
                return false;
            }
        }
        else
        {
            var rest = cursor.Rest;
            var length = 0;
            while (length < rest.Length && (char.IsAsciiHexDigit((char)rest[length]) || rest[length] == (byte)':'))
            {
                length++;
            }

            text = rest[..length];
            cursor.Position += length;
        }

        const int longestText = 45; // eight groups of four, or an embedded IPv4 address
        if (text.Length > longestText
            || text.IndexOf((byte)':') < 0
            || text.IndexOfAnyExcept(IPv6Characters) >= 0
            || !IPAddress.TryParse(Encoding.ASCII.GetString(text), out var address)
            || address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            cursor.Position = start;
            return false;
        }

        host = new TransportHost(TransportHostKind.IPv6, ToText(address));
        return true;
    }

    // The mixed notation of addresses that hold an IPv4 one has dots, which only brackets would let through again.
    private static string ToText(IPAddress address)
    {
        var text = address.ToString();
        if (!text.Contains('.', StringComparison.Ordinal))
        {
            return text;
        }

        var bytes = address.GetAddressBytes();
        var high = BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(12));
        var low = BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(14));
        return string.Create(CultureInfo.InvariantCulture, $"{text[..(text.LastIndexOf(':') + 1)]}{high:x}:{low:x}");
    }

    private static bool TryReadOnion(ref TextCursor cursor, [NotNullWhen(true)] out TransportHost? host)
    {
        host = null;
        var rest = cursor.Rest;
        var length = 0;
        while (length < rest.Length && (char.IsAsciiLetterLower((char)rest[length]) || char.IsAsciiDigit((char)rest[length])))
        {
            length++;
        }

        if (!rest[length..].StartsWith(".onion"u8) || length + ".onion".Length > MaxNameLength)
        {
            return false;
        }

        length += ".onion".Length;
        cursor.Position += length;
        host = new TransportHost(TransportHostKind.Onion, Encoding.ASCII.GetString(rest[..length]));
        return true;
    }

    private static bool TryReadDomain(ref TextCursor cursor, [NotNullWhen(true)] out TransportHost? host)
    {
        host = null;
        var start = cursor.Position;
        var name = cursor.ReadUntilAny(":#,;/ \n\r\t"u8);
        if (name.IsEmpty || name.Length > MaxNameLength || name.EndsWith(".onion"u8) || name.IndexOfAnyExceptInRange((byte)'!', (byte)'~') >= 0)
        {
            cursor.Position = start;
            return false;
        }

        host = new TransportHost(TransportHostKind.DomainName, Encoding.ASCII.GetString(name));
        return true;
    }
}
