using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Pairwise.Wire;

namespace Pairwise.Protocol.Smp;

/// <summary>
/// The wire form of <see cref="BrokerMessage"/> at each version. Stateless; decoding never throws, and borrows bodies
/// from the input. Source: simplex-messaging.md, "SMP commands", the router's answers.
/// </summary>
public static class BrokerMessageCodec
{
    /// <summary>The message's tag.</summary>
    public static string TagOf(BrokerMessage message) => message switch
    {
        BrokerMessage.Ids => "IDS",
        BrokerMessage.Lnk => "LNK",
        BrokerMessage.Sok => "SOK",
        BrokerMessage.Soks => "SOKS",
        BrokerMessage.Msg => "MSG",
        BrokerMessage.Nid => "NID",
        BrokerMessage.NMsg => "NMSG",
        BrokerMessage.PKey => "PKEY",
        BrokerMessage.RRes => "RRES",
        BrokerMessage.PRes => "PRES",
        BrokerMessage.End => "END",
        BrokerMessage.Ends => "ENDS",
        BrokerMessage.Deld => "DELD",
        BrokerMessage.Info => "INFO",
        BrokerMessage.Ok => "OK",
        BrokerMessage.Err => "ERR",
        BrokerMessage.Pong => "PONG",
        _ => throw new UnreachableException(),
    };

    /// <summary>Encodes a message into a new array.</summary>
    public static byte[] Encode(SmpVersion version, BrokerMessage message)
    {
        var bytes = new byte[GetMaxEncodedLength(message)];
        var writer = new WireWriter(bytes);
        Write(version, message, ref writer);
        return writer.WrittenSpan.ToArray();
    }

    /// <summary>An upper bound of the encoded length at any version; exact for MSG, RRES and PRES but for a constant.</summary>
    public static int GetMaxEncodedLength(BrokerMessage message)
    {
        const int idsAndKeys = 1024; // the tag, up to five ids, three keys
        return idsAndKeys + message switch
        {
            BrokerMessage.Lnk link => link.Content.Fixed.Length + link.Content.User.Length,
            BrokerMessage.Msg msg => msg.EncryptedBody.Length,
            BrokerMessage.PKey key => LengthOf(key.RelayKey),
            BrokerMessage.RRes response => response.Response.Length,
            BrokerMessage.PRes response => response.Response.Length,
            BrokerMessage.Info info => QueueInfoJson.Encode(info.Queue).Length,
            BrokerMessage.Err error => SmpErrorCodec.Encode(error.Error).Length,
            _ => 0,
        };

        static int LengthOf(CertificateSignedKey key)
        {
            var length = sizeof(ushort) + key.SignedKey.Length;
            foreach (var certificate in key.Certificates)
            {
                length += sizeof(ushort) + certificate.Length;
            }

            return length;
        }
    }

    /// <summary>Bytes of what stands before the box in MSG.</summary>
    internal static int GetMessageHeadLength(MessageId id) => "MSG ".Length + 1 + id.Value.Length;

    // message = "MSG " msgId box
    /// <summary>Writes what stands before the box in MSG.</summary>
    internal static void WriteMessageHead(MessageId id, ref WireWriter writer)
    {
        writer.WriteTag("MSG "u8);
        writer.WriteShort(id.Value.Span);
    }

    /// <summary>Writes a message as the given version has it: what the version does not know is left out or replaced.</summary>
    public static void Write(SmpVersion version, BrokerMessage message, ref WireWriter writer)
    {
        switch (message)
        {
            case BrokerMessage.Msg msg:
                WriteMessageHead(msg.Message, ref writer);
                writer.WriteBytes(msg.EncryptedBody.Span);
                break;
            case BrokerMessage.Ok:
                writer.WriteTag("OK"u8);
                break;
            case BrokerMessage.Ids ids:
                WriteIds(version, ids, ref writer);
                break;
            case BrokerMessage.Lnk link:
                writer.WriteTag("LNK "u8);
                writer.WriteShort(link.Sender.Value.Span);
                SmpCommandCodec.WriteLinkData(link.Content, ref writer);
                break;
            case BrokerMessage.Sok when version < SmpVersions.ServiceCertificates:
                writer.WriteTag("OK"u8);
                break;
            case BrokerMessage.Sok sok:
                writer.WriteTag("SOK "u8);
                WriteOptionalId(sok.Service?.Value, ref writer);
                break;
            case BrokerMessage.Soks soks:
                writer.WriteTag("SOKS "u8);
                writer.WriteInt64(soks.Count);
                break;
            case BrokerMessage.Nid nid:
                writer.WriteTag("NID "u8);
                WriteNotifier(nid.Notifier, ref writer);
                break;
            case BrokerMessage.NMsg notification:
                writer.WriteTag("NMSG "u8);
                writer.WriteBytes(notification.Nonce.Span);
                writer.WriteShort(notification.EncryptedMeta.Span);
                break;
            case BrokerMessage.PKey key:
                writer.WriteTag("PKEY "u8);
                writer.WriteShort(key.Session.Span);
                writer.WriteUInt16(key.Versions.Min);
                writer.WriteUInt16(key.Versions.Max);
                WriteSignedKey(key.RelayKey, ref writer);
                break;
            case BrokerMessage.RRes response:
                writer.WriteTag("RRES "u8);
                writer.WriteBytes(response.Response.Span);
                break;
            case BrokerMessage.PRes response:
                writer.WriteTag("PRES "u8);
                writer.WriteBytes(response.Response.Span);
                break;
            case BrokerMessage.End:
            case BrokerMessage.Deld when version < SmpVersions.DeletedEvent:
                writer.WriteTag("END"u8);
                break;
            case BrokerMessage.Ends ends:
                writer.WriteTag("ENDS "u8);
                writer.WriteInt64(ends.Count);
                break;
            case BrokerMessage.Deld:
                writer.WriteTag("DELD"u8);
                break;
            case BrokerMessage.Info info:
                writer.WriteTag("INFO "u8);
                writer.WriteBytes(QueueInfoJson.Encode(info.Queue));
                break;
            case BrokerMessage.Err error:
                writer.WriteTag("ERR "u8);
                writer.WriteBytes(SmpErrorCodec.Encode(SmpErrorCodec.Downgrade(version, error.Error)));
                break;
            case BrokerMessage.Pong:
                writer.WriteTag("PONG"u8);
                break;
            default:
                throw new UnreachableException();
        }
    }

    /// <summary>
    /// Decodes one message that fills all of <paramref name="encoded"/>. The error is <c>CMD UNKNOWN</c> or <c>CMD SYNTAX</c>.
    /// </summary>
    public static bool TryDecode(
        SmpVersion version,
        ReadOnlyMemory<byte> encoded,
        [NotNullWhen(true)] out BrokerMessage? message,
        [NotNullWhen(false)] out SmpError? error)
    {
        var reader = new WireReader(encoded.Span);
        reader.TryReadWord(out var tag);
        error = SmpError.Command.Syntax;
        var isDecoded = tag switch
        {
            _ when tag.SequenceEqual("MSG"u8) => TryReadMsg(ref reader, encoded, out message),
            _ when tag.SequenceEqual("OK"u8) => Found(BrokerMessage.Ok.Instance, out message),
            _ when tag.SequenceEqual("IDS"u8) => TryReadIds(version, ref reader, out message),
            _ when tag.SequenceEqual("LNK"u8) => TryReadLnk(ref reader, encoded, out message),
            _ when tag.SequenceEqual("SOK"u8) => TryReadSok(ref reader, out message),
            _ when tag.SequenceEqual("SOKS"u8) => TryReadCount(ref reader, static count => new BrokerMessage.Soks(count), out message),
            _ when tag.SequenceEqual("NID"u8) => TryReadNid(ref reader, out message),
            _ when tag.SequenceEqual("NMSG"u8) => TryReadNMsg(ref reader, encoded, out message),
            _ when tag.SequenceEqual("PKEY"u8) => TryReadPKey(ref reader, out message),
            _ when tag.SequenceEqual("RRES"u8) => TryReadResponse(ref reader, encoded, static body => new BrokerMessage.RRes(body), out message),
            _ when tag.SequenceEqual("PRES"u8) => TryReadResponse(ref reader, encoded, static body => new BrokerMessage.PRes(body), out message),
            _ when tag.SequenceEqual("END"u8) => Found(BrokerMessage.End.Instance, out message),
            _ when tag.SequenceEqual("ENDS"u8) => TryReadCount(ref reader, static count => new BrokerMessage.Ends(count), out message),
            _ when tag.SequenceEqual("DELD"u8) => Found(BrokerMessage.Deld.Instance, out message),
            _ when tag.SequenceEqual("INFO"u8) => TryReadInfo(ref reader, out message),
            _ when tag.SequenceEqual("ERR"u8) => TryReadErr(ref reader, out message),
            _ when tag.SequenceEqual("PONG"u8) => Found(BrokerMessage.Pong.Instance, out message),
            _ => Unknown(out message, out error),
        };

        if (!isDecoded || !reader.IsAtEnd || message is null)
        {
            message = null;
            return false;
        }

        error = null;
        return true;
    }

    private static bool Found(BrokerMessage instance, out BrokerMessage? message)
    {
        message = instance;
        return true;
    }

    private static bool Unknown(out BrokerMessage? message, out SmpError error)
    {
        message = null;
        error = SmpError.Command.Unknown;
        return false;
    }

    // v6..8:  "IDS" SP rcvId sndId srvDhKey
    // v9..14: the same, sndSecure:bool
    // v15:    the same without it, maybe(queueMode) maybe(linkId)
    // v16:    the same, maybe(serviceId)
    // v17..:  the same, maybe(ntfId srvNtfDhKey)
    // queueMode = "M" / "C"
    private static void WriteIds(SmpVersion version, BrokerMessage.Ids ids, ref WireWriter writer)
    {
        writer.WriteTag("IDS "u8);
        writer.WriteShort(ids.Recipient.Value.Span);
        writer.WriteShort(ids.Sender.Value.Span);
        SmpKeys.Write(ids.ServerDhKey, ref writer);
        if (version >= SmpVersions.ShortLinks)
        {
            writer.WriteMaybe(ids.Mode is not null);
            if (ids.Mode is { } mode)
            {
                writer.WriteByte(mode == QueueMode.Messaging ? (byte)'M' : (byte)'C');
            }

            WriteOptionalId(ids.Link?.Value, ref writer);
        }
        else if (version >= SmpVersions.SenderAuthKey)
        {
            writer.WriteBool(ids.Mode == QueueMode.Messaging);
        }

        if (version >= SmpVersions.ServiceCertificates)
        {
            WriteOptionalId(ids.Service?.Value, ref writer);
        }

        if (version >= SmpVersions.NewNotifierCredentials)
        {
            writer.WriteMaybe(ids.Notifier is not null);
            if (ids.Notifier is not null)
            {
                WriteNotifier(ids.Notifier, ref writer);
            }
        }
    }

    private static bool TryReadIds(SmpVersion version, ref WireReader reader, out BrokerMessage? message)
    {
        message = null;
        if (!reader.TryReadSpace()
            || !reader.TryReadShort(out var recipient)
            || !reader.TryReadShort(out var sender)
            || !SmpKeys.TryReadX25519(ref reader, out var serverDhKey))
        {
            return false;
        }

        QueueMode? mode = null;
        WireId? link = null;
        if (version >= SmpVersions.ShortLinks)
        {
            if (!TryReadOptionalMode(ref reader, out mode) || !TryReadOptionalId(ref reader, out link))
            {
                return false;
            }
        }
        else if (version >= SmpVersions.SenderAuthKey)
        {
            if (!reader.TryReadBool(out var canSenderSecure))
            {
                return false;
            }

            mode = canSenderSecure ? QueueMode.Messaging : QueueMode.Contact;
        }

        WireId? service = null;
        if (version >= SmpVersions.ServiceCertificates && !TryReadOptionalId(ref reader, out service))
        {
            return false;
        }

        ServerNotifierCredentials? notifier = null;
        if (version >= SmpVersions.NewNotifierCredentials
            && (!reader.TryReadMaybe(out var hasNotifier) || (hasNotifier && !TryReadNotifier(ref reader, out notifier))))
        {
            return false;
        }

        message = new BrokerMessage.Ids(
            new RecipientId(recipient),
            new SenderId(sender),
            serverDhKey,
            mode,
            link is { } linkId ? new LinkId(linkId) : null,
            service is { } serviceId ? new ServiceId(serviceId) : null,
            notifier);
        return true;
    }

    internal static bool TryReadMode(ref WireReader reader, out QueueMode mode)
    {
        var isRead = reader.TryReadByte(out var tag);
        mode = tag == (byte)'M' ? QueueMode.Messaging : QueueMode.Contact;
        return isRead && tag is (byte)'M' or (byte)'C';
    }

    private static bool TryReadOptionalMode(ref WireReader reader, out QueueMode? mode)
    {
        mode = null;
        if (!reader.TryReadMaybe(out var isPresent))
        {
            return false;
        }

        if (!isPresent)
        {
            return true;
        }

        var isRead = TryReadMode(ref reader, out var value);
        mode = value;
        return isRead;
    }

    private static void WriteOptionalId(WireId? id, ref WireWriter writer)
    {
        writer.WriteMaybe(id is not null);
        if (id is { } value)
        {
            writer.WriteShort(value.Span);
        }
    }

    private static bool TryReadOptionalId(ref WireReader reader, out WireId? id)
    {
        id = null;
        if (!reader.TryReadMaybe(out var isPresent))
        {
            return false;
        }

        if (!isPresent)
        {
            return true;
        }

        if (!reader.TryReadShort(out var bytes))
        {
            return false;
        }

        id = new WireId(bytes);
        return true;
    }

    private static void WriteNotifier(ServerNotifierCredentials notifier, ref WireWriter writer)
    {
        writer.WriteShort(notifier.Notifier.Value.Span);
        SmpKeys.Write(notifier.ServerDhKey, ref writer);
    }

    private static bool TryReadNotifier(ref WireReader reader, [NotNullWhen(true)] out ServerNotifierCredentials? notifier)
    {
        notifier = null;
        if (!reader.TryReadShort(out var id) || !SmpKeys.TryReadX25519(ref reader, out var key))
        {
            return false;
        }

        notifier = new ServerNotifierCredentials(new NotifierId(id), key);
        return true;
    }

    // "MSG" SP msgId *OCTET
    private static bool TryReadMsg(ref WireReader reader, ReadOnlyMemory<byte> encoded, out BrokerMessage? message)
    {
        message = null;
        if (!reader.TryReadSpace() || !reader.TryReadShort(out var id))
        {
            return false;
        }

        message = new BrokerMessage.Msg(new MessageId(id), SmpCommandCodec.ReadTail(ref reader, encoded));
        return true;
    }

    // "LNK" SP senderId linkData
    private static bool TryReadLnk(ref WireReader reader, ReadOnlyMemory<byte> encoded, out BrokerMessage? message)
    {
        message = null;
        if (!reader.TryReadSpace()
            || !SmpCommandCodec.TryReadSenderId(ref reader, out var sender)
            || !SmpCommandCodec.TryReadLinkData(ref reader, encoded, out var content))
        {
            return false;
        }

        message = new BrokerMessage.Lnk(sender, content);
        return true;
    }

    // "SOK" SP maybe(serviceId)
    private static bool TryReadSok(ref WireReader reader, out BrokerMessage? message)
    {
        message = null;
        if (!reader.TryReadSpace() || !TryReadOptionalId(ref reader, out var service))
        {
            return false;
        }

        message = new BrokerMessage.Sok(service is { } id ? new ServiceId(id) : null);
        return true;
    }

    // "SOKS" SP int64 ; "ENDS" SP int64
    private static bool TryReadCount(ref WireReader reader, Func<long, BrokerMessage> make, out BrokerMessage? message)
    {
        message = null;
        if (!reader.TryReadSpace() || !reader.TryReadInt64(out var count))
        {
            return false;
        }

        message = make(count);
        return true;
    }

    // "NID" SP ntfId srvNtfDhKey
    private static bool TryReadNid(ref WireReader reader, out BrokerMessage? message)
    {
        message = null;
        if (!reader.TryReadSpace() || !TryReadNotifier(ref reader, out var notifier))
        {
            return false;
        }

        message = new BrokerMessage.Nid(notifier);
        return true;
    }

    // "NMSG" SP nonce shortString ; nonce = 24*24 OCTET
    private static bool TryReadNMsg(ref WireReader reader, ReadOnlyMemory<byte> encoded, out BrokerMessage? message)
    {
        message = null;
        const int nonceLength = 24;
        if (!reader.TryReadSpace() || !reader.TryReadBytes(nonceLength, out var nonce) || !reader.TryReadShort(out var meta))
        {
            return false;
        }

        message = new BrokerMessage.NMsg(Bytes.CopyOf(nonce), encoded.Slice(reader.Position - meta.Length, meta.Length));
        return true;
    }

    // "PKEY" SP sessionId versionRange certificateSignedKey ; versionRange = version version
    private static bool TryReadPKey(ref WireReader reader, out BrokerMessage? message)
    {
        message = null;
        if (!reader.TryReadSpace()
            || !reader.TryReadShort(out var session)
            || !VersionRange.TryRead(ref reader, out var versions)
            || !TryReadSignedKey(ref reader, out var key))
        {
            return false;
        }

        message = new BrokerMessage.PKey(Bytes.CopyOf(session), versions, key);
        return true;
    }

    // certificateSignedKey = nonEmptyList(largeString of a certificate) largeString of a signed SubjectPublicKeyInfo
    /// <summary>Writes the certificates and the signed key; the hellos have the same form.</summary>
    public static void WriteSignedKey(CertificateSignedKey key, ref WireWriter writer)
    {
        writer.WriteListCount(key.Certificates.Count);
        foreach (var certificate in key.Certificates)
        {
            writer.WriteLarge(certificate.Span);
        }

        writer.WriteLarge(key.SignedKey.Span);
    }

    /// <summary>Reads the certificates and the signed key, without looking into them.</summary>
    public static bool TryReadSignedKey(ref WireReader reader, [NotNullWhen(true)] out CertificateSignedKey? key)
    {
        key = null;
        if (!reader.TryReadNonEmptyListCount(out var count))
        {
            return false;
        }

        var certificates = new List<Bytes>();
        for (var i = 0; i < count; i++)
        {
            if (!reader.TryReadLarge(out var certificate))
            {
                return false;
            }

            certificates.Add(Bytes.CopyOf(certificate));
        }

        if (!reader.TryReadLarge(out var signedKey))
        {
            return false;
        }

        key = new CertificateSignedKey([.. certificates], Bytes.CopyOf(signedKey));
        return true;
    }

    // "RRES" SP *OCTET ; "PRES" SP *OCTET
    private static bool TryReadResponse(
        ref WireReader reader, ReadOnlyMemory<byte> encoded, Func<BlockSlice, BrokerMessage> make, out BrokerMessage? message)
    {
        message = null;
        if (!reader.TryReadSpace())
        {
            return false;
        }

        message = make(SmpCommandCodec.ReadTail(ref reader, encoded));
        return true;
    }

    // "INFO" SP json
    private static bool TryReadInfo(ref WireReader reader, out BrokerMessage? message)
    {
        message = null;
        if (!reader.TryReadSpace() || !QueueInfoJson.TryDecode(reader.ReadTail(), out var info))
        {
            return false;
        }

        message = new BrokerMessage.Info(info);
        return true;
    }

    // "ERR" SP error
    private static bool TryReadErr(ref WireReader reader, out BrokerMessage? message)
    {
        message = null;
        if (!reader.TryReadSpace() || !SmpErrorCodec.TryDecode(reader.ReadTail(), out var error))
        {
            return false;
        }

        message = new BrokerMessage.Err(error);
        return true;
    }
}
