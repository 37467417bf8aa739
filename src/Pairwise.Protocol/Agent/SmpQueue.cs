using System.Diagnostics.CodeAnalysis;
using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.Ratchet;
using Pairwise.Wire;

namespace Pairwise.Protocol.Agent;

/// <summary>Which queue, as its sender knows it.</summary>
public sealed record SendQueueAddress(ServerAddress Server, SenderId Sender)
{
    /// <summary>Whether both are the same queue: same hosts, port and sender id.</summary>
    public bool IsSameQueue(SendQueueAddress other) => Sender == other.Sender && Server.HasSameLocation(other.Server);

    internal int MaxEncodedLength => Server.GetEncodedLength() + 1 + Sender.Value.Length;

    // sndQueueAddress = server senderId
    internal void Write(ref WireWriter writer)
    {
        Server.Write(ref writer);
        writer.WriteShort(Sender.Value.Span);
    }

    internal static bool TryRead(ref WireReader reader, [NotNullWhen(true)] out SendQueueAddress? address)
    {
        address = null;
        if (!ServerAddress.TryRead(ref reader, ServerProtocol.Smp, out var server) || !reader.TryReadShort(out var sender))
        {
            return false;
        }

        address = new SendQueueAddress(server, new SenderId(sender));
        return true;
    }
}

/// <summary>What a sender must know about a queue to send to it.</summary>
/// <param name="Server">The relay.</param>
/// <param name="Sender">The sender id.</param>
/// <param name="DhKey">The recipient's key for the encryption between the clients.</param>
/// <param name="Mode">Null if the recipient's client is too old to say.</param>
public sealed record SmpQueueAddress(ServerAddress Server, SenderId Sender, X25519PublicKey DhKey, QueueMode? Mode)
{
    public bool CanSenderSecure => Mode == QueueMode.Messaging;

    public SendQueueAddress SendAddress => new(Server, Sender);

    internal int MaxEncodedLength => Server.GetEncodedLength() + 1 + Sender.Value.Length + 1 + DhKey.SpkiLength + 2;

    internal void WriteIdAndKey(ref WireWriter writer)
    {
        writer.WriteShort(Sender.Value.Span);
        SmpKeys.Write(DhKey, ref writer);
    }

    // queueMode = ["M" / "C" / "T" / "F"] ; nothing if the next byte is none of them
    internal static QueueMode? ReadMode(ref WireReader reader)
    {
        if (!reader.TryPeekByte(out var tag) || tag is not ((byte)'M' or (byte)'C' or (byte)'T' or (byte)'F'))
        {
            return null;
        }

        reader.TryReadByte(out _);
        return tag is (byte)'M' or (byte)'T' ? QueueMode.Messaging : QueueMode.Contact;
    }

    internal static void WriteMode(QueueMode? mode, ref WireWriter writer)
    {
        if (mode is { } known)
        {
            writer.WriteByte(known == QueueMode.Messaging ? (byte)'M' : (byte)'C');
        }
    }
}

/// <summary>A queue at an agreed version of the format between SMP clients; <see cref="SmpClientVersions"/> names them.</summary>
public sealed record SmpQueueInfo(ushort ClientVersion, SmpQueueAddress Address)
{
    internal int MaxEncodedLength => sizeof(ushort) + Address.MaxEncodedLength;

    // v1: version host port keyHash senderId dhKey ; one host
    // v2: version server senderId dhKey
    // v3: the same, and "T" if the sender may secure the queue
    // v4: the same as v2, and ["M" / "C"]
    public void Write(ref WireWriter writer)
    {
        writer.WriteUInt16(ClientVersion);
        if (ClientVersion <= SmpClientVersions.Initial)
        {
            Address.Server.WriteLegacy(ref writer);
            Address.WriteIdAndKey(ref writer);
            return;
        }

        Address.Server.Write(ref writer);
        Address.WriteIdAndKey(ref writer);
        if (ClientVersion >= SmpClientVersions.ShortLinks)
        {
            SmpQueueAddress.WriteMode(Address.Mode, ref writer);
        }
        else if (ClientVersion >= SmpClientVersions.SenderAuthKey && Address.CanSenderSecure)
        {
            writer.WriteBool(true);
        }
    }

    public byte[] Encode()
    {
        var bytes = new byte[MaxEncodedLength];
        var writer = new WireWriter(bytes);
        Write(ref writer);
        return writer.WrittenSpan.ToArray();
    }

    public static bool TryRead(ref WireReader reader, [NotNullWhen(true)] out SmpQueueInfo? queue)
    {
        queue = null;
        if (!reader.TryReadUInt16(out var version))
        {
            return false;
        }

        ServerAddress? server;
        if (version <= SmpClientVersions.Initial)
        {
            if (!ServerAddress.TryReadLegacy(ref reader, ServerProtocol.Smp, out server))
            {
                return false;
            }

            server = KnownOnionHosts.Complete(server);
        }
        else if (!ServerAddress.TryRead(ref reader, ServerProtocol.Smp, out server))
        {
            return false;
        }

        if (!reader.TryReadShort(out var sender) || !SmpKeys.TryReadX25519(ref reader, out var dhKey))
        {
            return false;
        }

        queue = new SmpQueueInfo(version, new SmpQueueAddress(server, new SenderId(sender), dhKey, SmpQueueAddress.ReadMode(ref reader)));
        return true;
    }

    public static bool TryDecode(ReadOnlySpan<byte> encoded, [NotNullWhen(true)] out SmpQueueInfo? queue)
    {
        var reader = new WireReader(encoded);
        return TryRead(ref reader, out queue) && reader.IsAtEnd;
    }
}

/// <summary>A queue as links and rotation messages offer it, for any version that its recipient's client speaks.</summary>
public sealed record SmpQueueUri(VersionRange ClientVersions, SmpQueueAddress Address)
{
    internal int MaxEncodedLength => VersionRange.WireLength + Address.MaxEncodedLength;

    /// <summary>The queue at the highest version that both clients speak; false if there is none.</summary>
    public bool TryAgree(VersionRange supported, [NotNullWhen(true)] out SmpQueueInfo? queue)
    {
        queue = ClientVersions.TryIntersect(supported, out var common) ? new SmpQueueInfo(common.Max, Address) : null;
        return queue is not null;
    }

    // min < 3:  versionRange server senderId dhKey ; and "T" if max >= 3 and the sender may secure the queue
    // min = 3:  the same, and "T" / "F"
    // min >= 4: the same, and ["M" / "C"]
    public void Write(ref WireWriter writer)
    {
        ClientVersions.Write(ref writer);
        Address.Server.Write(ref writer);
        Address.WriteIdAndKey(ref writer);
        if (ClientVersions.Min >= SmpClientVersions.ShortLinks)
        {
            SmpQueueAddress.WriteMode(Address.Mode, ref writer);
        }
        else if (ClientVersions.Min >= SmpClientVersions.SenderAuthKey
            || (ClientVersions.Max >= SmpClientVersions.SenderAuthKey && Address.CanSenderSecure))
        {
            writer.WriteBool(Address.CanSenderSecure);
        }
    }

    public byte[] Encode()
    {
        var bytes = new byte[MaxEncodedLength];
        var writer = new WireWriter(bytes);
        Write(ref writer);
        return writer.WrittenSpan.ToArray();
    }

    public static bool TryRead(ref WireReader reader, [NotNullWhen(true)] out SmpQueueUri? queue)
    {
        queue = null;
        if (!VersionRange.TryRead(ref reader, out var versions)
            || !ServerAddress.TryRead(ref reader, ServerProtocol.Smp, out var server)
            || !reader.TryReadShort(out var sender)
            || !SmpKeys.TryReadX25519(ref reader, out var dhKey))
        {
            return false;
        }

        queue = new SmpQueueUri(versions, new SmpQueueAddress(server, new SenderId(sender), dhKey, SmpQueueAddress.ReadMode(ref reader)));
        return true;
    }

    public static bool TryDecode(ReadOnlySpan<byte> encoded, [NotNullWhen(true)] out SmpQueueUri? queue)
    {
        var reader = new WireReader(encoded);
        return TryRead(ref reader, out queue) && reader.IsAtEnd;
    }

    // queueUri = server "/" senderId ["/"] "#" (dhKey / [dhKey] ["/"] "?" query) ; senderId and dhKey base64url
    // query: v = versions, dh = key, q = "m" / "c", k = "s" if the sender may secure the queue (for min < 4),
    //        srv = the other hosts, if min < 2: then the address itself has one host only
    /// <summary>The text form, as links have it percent-encoded.</summary>
    public string ToText()
    {
        var query = new QueryBuilder()
            .Add("v", ClientVersions.ToString())
            .Add("dh", TextEncoding.ToBase64Url(Address.DhKey.ToSpki()));
        if (Address.Mode is { } mode)
        {
            query.Add("q", mode == QueueMode.Messaging ? "m" : "c");
        }

        if (Address.CanSenderSecure && ClientVersions.Min < SmpClientVersions.ShortLinks)
        {
            query.Add("k", "s");
        }

        var hasAllHosts = ClientVersions.Min >= SmpClientVersions.ServerHostNames;
        if (!hasAllHosts && Address.Server.Hosts.Count > 1)
        {
            query.Add("srv", string.Join(',', Address.Server.Hosts.Skip(1)));
        }

        var server = hasAllHosts ? Address.Server.ToString() : Address.Server.ToLegacyText();
        return $"{server}/{TextEncoding.ToBase64Url(Address.Sender.Value.Span)}#/?{query}";
    }

    /// <summary>Reads the text form; parameters in any order, unknown ones are ignored.</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, [NotNullWhen(true)] out SmpQueueUri? queue)
    {
        queue = null;
        var cursor = new TextCursor(text);
        if (!ServerAddress.TryRead(ref cursor, out var server, out var password)
            || password is not null
            || server.Protocol != ServerProtocol.Smp
            || !cursor.TryRead("/"u8)
            || !cursor.TryReadBase64Url(out var sender)
            || sender.Length > WireId.MaxLength)
        {
            return false;
        }

        cursor.TryRead("/"u8);
        if (!cursor.TryRead("#"u8))
        {
            return false;
        }

        var senderId = new SenderId(sender);
        if (TryReadKey(ref cursor, out var dhKey) && cursor.IsAtEnd)
        {
            var address = new SmpQueueAddress(KnownOnionHosts.Complete(server), senderId, dhKey, null);
            queue = new SmpQueueUri(new VersionRange(SmpClientVersions.Initial, SmpClientVersions.Initial), address);
            return true;
        }

        return TryReadQuery(ref cursor, server, senderId, dhKey, out queue);
    }

    public override string ToString() => $"queue of versions {ClientVersions}";

    private static bool TryReadQuery(
        ref TextCursor cursor, ServerAddress server, SenderId sender, X25519PublicKey? dhKey, [NotNullWhen(true)] out SmpQueueUri? queue)
    {
        queue = null;
        cursor.TryRead("/"u8);
        if (!cursor.TryRead("?"u8))
        {
            return false;
        }

        var query = cursor.ReadTail();
        if (query.IndexOfAny((byte)' ', (byte)'\n') >= 0
            || !QueryText.TryFind(query, "v"u8, out var versionText)
            || !VersionRange.TryParse(versionText, out var versions))
        {
            return false;
        }

        if (dhKey is null && !(QueryText.TryFind(query, "dh"u8, out var keyText) && TryParseKey(keyText, out dhKey)))
        {
            return false;
        }

        if (QueryText.TryFind(query, "srv"u8, out var hostText) && !hostText.IsEmpty)
        {
            var hostCursor = new TextCursor(hostText);
            if (!ServerAddress.TryReadHosts(ref hostCursor, out var hosts) || !hostCursor.IsAtEnd)
            {
                return false;
            }

            server = server with { Hosts = [.. server.Hosts, .. hosts] };
        }

        if (server.Hosts.Count > AgentLimits.MaxListCount)
        {
            return false;
        }

        if (versions.Max < SmpClientVersions.ServerHostNames)
        {
            server = KnownOnionHosts.Complete(server);
        }

        queue = new SmpQueueUri(versions, new SmpQueueAddress(server, sender, dhKey, ReadMode(query)));
        return true;
    }

    private static QueueMode? ReadMode(ReadOnlySpan<byte> query)
    {
        if (QueryText.TryFind(query, "q"u8, out var mode))
        {
            if (mode.SequenceEqual("m"u8))
            {
                return QueueMode.Messaging;
            }

            if (mode.SequenceEqual("c"u8))
            {
                return QueueMode.Contact;
            }
        }

        return QueryText.TryFind(query, "k"u8, out var key) && key.SequenceEqual("s"u8) ? QueueMode.Messaging : null;
    }

    private static bool TryParseKey(ReadOnlySpan<byte> text, [NotNullWhen(true)] out X25519PublicKey? key)
    {
        key = null;
        var cursor = new TextCursor(text);
        return TryReadKey(ref cursor, out key) && cursor.IsAtEnd;
    }

    private static bool TryReadKey(ref TextCursor cursor, [NotNullWhen(true)] out X25519PublicKey? key)
    {
        key = null;
        var start = cursor.Position;
        if (cursor.TryReadBase64Url(out var spki) && X25519PublicKey.TryFromSpki(spki, out key))
        {
            return true;
        }

        cursor.Position = start;
        return false;
    }
}
