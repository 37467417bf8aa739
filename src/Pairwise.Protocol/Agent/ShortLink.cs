using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.Ratchet;
using Pairwise.Wire;

namespace Pairwise.Protocol.Agent;

/// <summary>What is behind a short link of the contact kind.</summary>
public enum ContactLinkType
{
    /// <summary>a: a person's address.</summary>
    Contact,

    /// <summary>c: a channel.</summary>
    Channel,

    /// <summary>g: a group.</summary>
    Group,

    /// <summary>r: a chat relay.</summary>
    Relay,
}

/// <summary>How a short link begins.</summary>
public enum ShortLinkScheme
{
    /// <summary><c>simplex:</c>, with all hosts in the query.</summary>
    Simplex,

    /// <summary><c>https://</c> and the relay's first host, whose page explains the link to browsers.</summary>
    Server,
}

/// <summary>
/// A short link: where encrypted link data is, and the key to it. Immutable, compares by content.
/// Source: agent-protocol.md, "Short links".
/// </summary>
/// <param name="Scheme">How the text form begins.</param>
/// <param name="Server">The relay; only its first host if it is one that everybody knows (see <see cref="Shorten"/>).</param>
/// <param name="Key">SHA3-256 of the fixed link data: what the data is encrypted with, and checked against.</param>
public abstract record ShortLink(ShortLinkScheme Scheme, ServerAddress Server, Bytes Key)
{
    /// <summary>i: a one-time invitation.</summary>
    public sealed record Invitation(ShortLinkScheme Scheme, ServerAddress Server, LinkId Link, Bytes Key) : ShortLink(Scheme, Server, Key)
    {
        public override string ToString() => base.ToString();
    }

    /// <summary>a, c, g, r: an address; its link id follows from the key.</summary>
    public sealed record Contact(ShortLinkScheme Scheme, ContactLinkType Type, ServerAddress Server, Bytes Key) : ShortLink(Scheme, Server, Key)
    {
        public override string ToString() => base.ToString();
    }

    // shortLink = ("simplex:" / "https://" host) "/" type ["/"] "#" [linkId "/"] key ["?" query]
    // type = "i" / "a" / "c" / "g" / "r", the latter four in either case ; linkId with "i" only
    // linkId and key base64url, written without padding
    // query: h = hosts (with "simplex:") or the other hosts, p = port, c = key hash ; each only if there is something to say
    /// <summary>The text form, with the key: a secret of its owner and whoever it is for.</summary>
    public string ToText()
    {
        var authority = Scheme == ShortLinkScheme.Simplex ? "simplex:" : "https://" + Server.Hosts[0];
        var queryHosts = Scheme == ShortLinkScheme.Simplex ? Server.Hosts : [.. Server.Hosts.Skip(1)];
        var (type, linkId) = this switch
        {
            Invitation invitation => ('i', TextEncoding.ToBase64UrlUnpadded(invitation.Link.Value.Span) + "/"),
            Contact contact => (TypeLetter(contact.Type), ""),
            _ => throw new UnreachableException(),
        };
        var query = new QueryBuilder();
        if (!queryHosts.IsEmpty)
        {
            query.Add("h", string.Join(',', queryHosts));
        }

        if (Server.Port.Length > 0)
        {
            query.Add("p", Server.Port);
        }

        if (!Server.KeyHash.IsEmpty)
        {
            query.Add("c", TextEncoding.ToBase64UrlUnpadded(Server.KeyHash.Span));
        }

        return $"{authority}/{type}#{linkId}{TextEncoding.ToBase64UrlUnpadded(Key.Span)}{(query.IsEmpty ? "" : "?")}{query}";
    }

    /// <summary>Nothing that would let a reader of a log use the link.</summary>
    public override string ToString() => $"short {(this is Invitation ? "invitation" : "contact")} link";

    public static bool TryParse(string text, [NotNullWhen(true)] out ShortLink? link) => TryParse(Encoding.UTF8.GetBytes(text), out link);

    /// <summary>Reads a short link that is the whole text.</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, [NotNullWhen(true)] out ShortLink? link)
    {
        link = null;
        var cursor = new TextCursor(text);
        if (!TryReadAuthority(ref cursor, out var scheme, out var host) || !cursor.TryRead("/"u8))
        {
            return false;
        }

        var isInvitation = cursor.TryRead("i"u8);
        var type = ContactLinkType.Contact;
        if (!isInvitation && !TryReadType(ref cursor, out type))
        {
            return false;
        }

        cursor.TryRead("/"u8);
        if (!cursor.TryRead("#"u8))
        {
            return false;
        }

        byte[]? linkId = null;
        if (isInvitation && !(cursor.TryReadBase64Url(out linkId) && linkId.Length <= WireId.MaxLength && cursor.TryRead("/"u8)))
        {
            return false;
        }

        if (!cursor.TryReadBase64Url(out var key) || key.Length > byte.MaxValue || !TryReadServer(ref cursor, host, out var server))
        {
            return false;
        }

        link = isInvitation
            ? new Invitation(scheme, server, new LinkId(linkId), Bytes.Wrap(key))
            : new Contact(scheme, type, server, Bytes.Wrap(key));
        return true;
    }

    // shortLink = "I" server linkId key / "C" type server key ; type = "A" / "C" / "G" / "R", linkId and key = shortString
    public byte[] Encode()
    {
        var bytes = new byte[MaxEncodedLength];
        var writer = new WireWriter(bytes);
        Write(ref writer);
        return writer.WrittenSpan.ToArray();
    }

    internal int MaxEncodedLength => 2 + Server.GetEncodedLength() + 1 + byte.MaxValue + 1 + Key.Length;

    internal void Write(ref WireWriter writer)
    {
        switch (this)
        {
            case Invitation invitation:
                writer.WriteTag("I"u8);
                Server.Write(ref writer);
                writer.WriteShort(invitation.Link.Value.Span);
                break;
            case Contact contact:
                writer.WriteTag("C"u8);
                writer.WriteByte((byte)char.ToUpperInvariant(TypeLetter(contact.Type)));
                Server.Write(ref writer);
                break;
            default:
                throw new UnreachableException();
        }

        writer.WriteShort(Key.Span);
    }

    public static bool TryDecode(ReadOnlySpan<byte> encoded, [NotNullWhen(true)] out ShortLink? link)
    {
        var reader = new WireReader(encoded);
        return TryRead(ref reader, out link) && reader.IsAtEnd;
    }

    /// <summary>Reads the binary form, which says nothing of the scheme: it is <see cref="ShortLinkScheme.Server"/>.</summary>
    internal static bool TryRead(ref WireReader reader, [NotNullWhen(true)] out ShortLink? link)
    {
        link = null;
        if (!reader.TryReadByte(out var mode) || mode is not ((byte)'I' or (byte)'C'))
        {
            return false;
        }

        var type = ContactLinkType.Contact;
        if (mode == (byte)'C' && !(reader.TryReadByte(out var letter) && char.IsAsciiLetterUpper((char)letter) && TryFindType(letter, out type)))
        {
            return false;
        }

        ReadOnlySpan<byte> linkId = default;
        if (!ServerAddress.TryRead(ref reader, ServerProtocol.Smp, out var server)
            || (mode == (byte)'I' && !reader.TryReadShort(out linkId))
            || !reader.TryReadShort(out var key))
        {
            return false;
        }

        link = mode == (byte)'I'
            ? new Invitation(ShortLinkScheme.Server, server, new LinkId(linkId), Bytes.CopyOf(key))
            : new Contact(ShortLinkScheme.Server, type, server, Bytes.CopyOf(key));
        return true;
    }

    /// <summary>The same link without what everybody knows, if its relay is one of the application's preset relays.</summary>
    /// <param name="presetServers">The application's, never those that a user added.</param>
    public ShortLink Shorten(IEnumerable<ServerAddress> presetServers) =>
        FindPreset(presetServers) is { } preset && IsPreset(preset) ? this with { Server = Server with { Hosts = [Server.Hosts[0]], Port = "", KeyHash = Bytes.Empty } } : this;

    /// <summary>The same link with what a shortened one lacks, if its relay is one of the application's preset relays.</summary>
    public ShortLink Restore(IEnumerable<ServerAddress> presetServers) =>
        Server is { Hosts.Count: 1, Port: "", KeyHash.IsEmpty: true } && FindPreset(presetServers) is { } preset ? this with { Server = preset } : this;

    private ServerAddress? FindPreset(IEnumerable<ServerAddress> presetServers) =>
        presetServers.FirstOrDefault(preset => preset.Hosts[0] == Server.Hosts[0]);

    private bool IsPreset(ServerAddress preset) =>
        Server.Hosts.All(host => preset.Hosts.Contains(host))
        && (Server.Port == preset.Port || (preset.Port.Length == 0 && Server.Port is "443" or "5223"))
        && Server.KeyHash == preset.KeyHash;

    private static char TypeLetter(ContactLinkType type) => type switch
    {
        ContactLinkType.Contact => 'a',
        ContactLinkType.Channel => 'c',
        ContactLinkType.Group => 'g',
        ContactLinkType.Relay => 'r',
        _ => throw new UnreachableException(),
    };

    private static bool TryFindType(byte letter, out ContactLinkType type)
    {
        ContactLinkType? found = (char)letter switch
        {
            'a' or 'A' => ContactLinkType.Contact,
            'c' or 'C' => ContactLinkType.Channel,
            'g' or 'G' => ContactLinkType.Group,
            'r' or 'R' => ContactLinkType.Relay,
            _ => null,
        };
        type = found ?? default;
        return found is not null;
    }

    private static bool TryReadType(ref TextCursor cursor, out ContactLinkType type)
    {
        type = default;
        if (cursor.IsAtEnd || !TryFindType(cursor.Rest[0], out type))
        {
            return false;
        }

        cursor.Position++;
        return true;
    }

    private static bool TryReadAuthority(ref TextCursor cursor, out ShortLinkScheme scheme, out TransportHost? host)
    {
        host = null;
        scheme = ShortLinkScheme.Simplex;
        if (cursor.TryRead("simplex:"u8))
        {
            return true;
        }

        scheme = ShortLinkScheme.Server;
        return cursor.TryRead("https://"u8) && TransportHost.TryRead(ref cursor, out host);
    }

    private static bool TryReadServer(ref TextCursor cursor, TransportHost? host, [NotNullWhen(true)] out ServerAddress? server)
    {
        server = null;
        var hosts = new List<TransportHost>();
        if (host is not null)
        {
            hosts.Add(host);
        }

        var port = "";
        byte[]? keyHash = null;
        if (cursor.TryRead("?"u8))
        {
            var query = cursor.ReadTail();
            if (query.IndexOfAny((byte)' ', (byte)'\n') >= 0
                || !TryReadHosts(query, hosts)
                || !TryReadPort(query, out port)
                || (QueryText.TryFind(query, "c"u8, out var hashText) && !TryParseBase64Url(hashText, out keyHash)))
            {
                return false;
            }
        }

        if (!cursor.IsAtEnd || hosts.Count is 0 or > byte.MaxValue)
        {
            return false;
        }

        server = new ServerAddress(ServerProtocol.Smp, [.. hosts], port, keyHash is null ? Bytes.Empty : Bytes.Wrap(keyHash));
        return true;
    }

    private static bool TryReadHosts(ReadOnlySpan<byte> query, List<TransportHost> hosts)
    {
        if (!QueryText.TryFind(query, "h"u8, out var text) || text.IsEmpty)
        {
            return true;
        }

        var cursor = new TextCursor(text);
        if (!ServerAddress.TryReadHosts(ref cursor, out var more) || !cursor.IsAtEnd)
        {
            return false;
        }

        hosts.AddRange(more);
        return true;
    }

    // Here, unlike in addresses, a port wraps at 16 bits.
    private static bool TryReadPort(ReadOnlySpan<byte> query, out string port)
    {
        port = "";
        if (!QueryText.TryFind(query, "p"u8, out var text))
        {
            return true;
        }

        if (!TextEncoding.TryParseUInt16(text, out var number))
        {
            return false;
        }

        port = number.ToString(CultureInfo.InvariantCulture);
        return true;
    }

    private static bool TryParseBase64Url(ReadOnlySpan<byte> text, [NotNullWhen(true)] out byte[]? bytes)
    {
        var cursor = new TextCursor(text);
        return cursor.TryReadBase64Url(out bytes) && cursor.IsAtEnd && bytes.Length <= byte.MaxValue;
    }
}

/// <summary>What follows from the key of a short link.</summary>
public static class ShortLinkKeys
{
    private const int KeyLength = 32;

    // HKDF-SHA512, no salt, info "SimpleXContactLink": 24 bytes of link id, 32 bytes of key
    /// <summary>The link id of an address and the key of its data.</summary>
    public static (LinkId Link, byte[] EncryptionKey) DeriveContact(ReadOnlySpan<byte> linkKey)
    {
        var derived = HkdfSha512.Derive([], linkKey, "SimpleXContactLink"u8, SmpLimits.IdLength + KeyLength);
        return (new LinkId(derived.AsSpan(0, SmpLimits.IdLength)), derived[SmpLimits.IdLength..]);
    }

    // HKDF-SHA512, no salt, info "SimpleXInvLink": 32 bytes of key
    /// <summary>The key of a one-time link's data; its id is the relay's.</summary>
    public static byte[] DeriveInvitation(ReadOnlySpan<byte> linkKey) => HkdfSha512.Derive([], linkKey, "SimpleXInvLink"u8, KeyLength);
}
