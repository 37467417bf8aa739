using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Pairwise.Crypto;
using Pairwise.Wire;

namespace Pairwise.Protocol.Smp;

/// <summary>
/// The wire form of <see cref="SmpCommand"/> at each version: a tag, and its parameters after a space. Stateless;
/// decoding never throws, and borrows bodies from the input. Source: simplex-messaging.md, "SMP commands".
/// </summary>
public static class SmpCommandCodec
{
    /// <summary>The command's tag.</summary>
    public static string TagOf(SmpCommand command) => command switch
    {
        SmpCommand.New => "NEW",
        SmpCommand.Sub => "SUB",
        SmpCommand.Subs => "SUBS",
        SmpCommand.Key => "KEY",
        SmpCommand.RKey => "RKEY",
        SmpCommand.LSet => "LSET",
        SmpCommand.LDel => "LDEL",
        SmpCommand.NKey => "NKEY",
        SmpCommand.NDel => "NDEL",
        SmpCommand.Get => "GET",
        SmpCommand.Ack => "ACK",
        SmpCommand.Off => "OFF",
        SmpCommand.Del => "DEL",
        SmpCommand.Que => "QUE",
        SmpCommand.SKey => "SKEY",
        SmpCommand.Send => "SEND",
        SmpCommand.Ping => "PING",
        SmpCommand.LKey => "LKEY",
        SmpCommand.LGet => "LGET",
        SmpCommand.NSub => "NSUB",
        SmpCommand.NSubs => "NSUBS",
        SmpCommand.Prxy => "PRXY",
        SmpCommand.PFwd => "PFWD",
        SmpCommand.RFwd => "RFWD",
        _ => throw new UnreachableException(),
    };

    /// <summary>Encodes a command into a new array.</summary>
    public static byte[] Encode(SmpVersion version, SmpCommand command)
    {
        var bytes = new byte[GetMaxEncodedLength(command)];
        var writer = new WireWriter(bytes);
        Write(version, command, ref writer);
        return writer.WrittenSpan.ToArray();
    }

    /// <summary>An upper bound of the encoded length at any version.</summary>
    public static int GetMaxEncodedLength(SmpCommand command)
    {
        const int fixedParts = 1024; // the tag, up to four keys, three ids, a password
        return fixedParts + command switch
        {
            SmpCommand.New { Queue: QueueRequest.Messaging { Link: { } link } } => LengthOf(link.Content),
            SmpCommand.New { Queue: QueueRequest.Contact { Link: { } link } } => LengthOf(link.Content),
            SmpCommand.RKey keys => keys.RecipientAuthKeys.Count * (1 + SmpKeys.MaxSpkiLength),
            SmpCommand.LSet set => LengthOf(set.Content),
            SmpCommand.Send send => send.Body.Length,
            SmpCommand.Prxy prxy => prxy.Relay.GetEncodedLength(),
            SmpCommand.PFwd forward => forward.Transmission.Length,
            SmpCommand.RFwd forward => forward.Transmission.Length,
            _ => 0,
        };

        static int LengthOf(QueueLinkData content) => content.Fixed.Length + content.User.Length;
    }

    /// <summary>Writes a command as the given version has it; what the version does not know is left out.</summary>
    public static void Write(SmpVersion version, SmpCommand command, ref WireWriter writer)
    {
        switch (command)
        {
            case SmpCommand.New create:
                WriteNew(version, create, ref writer);
                break;
            case SmpCommand.Sub:
                writer.WriteTag("SUB"u8);
                break;
            case SmpCommand.Subs:
                writer.WriteTag("SUBS"u8);
                break;
            case SmpCommand.Key key:
                writer.WriteTag("KEY "u8);
                SmpKeys.Write(key.SenderAuthKey, ref writer);
                break;
            case SmpCommand.RKey keys:
                writer.WriteTag("RKEY "u8);
                writer.WriteListCount(keys.RecipientAuthKeys.Count);
                foreach (var key in keys.RecipientAuthKeys)
                {
                    SmpKeys.Write(key, ref writer);
                }

                break;
            case SmpCommand.LSet set:
                writer.WriteTag("LSET "u8);
                writer.WriteShort(set.Link.Value.Span);
                WriteLinkData(set.Content, ref writer);
                break;
            case SmpCommand.LDel:
                writer.WriteTag("LDEL"u8);
                break;
            case SmpCommand.NKey notifier:
                writer.WriteTag("NKEY "u8);
                WriteNotifier(notifier.Notifier, ref writer);
                break;
            case SmpCommand.NDel:
                writer.WriteTag("NDEL"u8);
                break;
            case SmpCommand.Get:
                writer.WriteTag("GET"u8);
                break;
            case SmpCommand.Ack ack:
                writer.WriteTag("ACK "u8);
                writer.WriteShort(ack.Message.Value.Span);
                break;
            case SmpCommand.Off:
                writer.WriteTag("OFF"u8);
                break;
            case SmpCommand.Del:
                writer.WriteTag("DEL"u8);
                break;
            case SmpCommand.Que:
                writer.WriteTag("QUE"u8);
                break;
            case SmpCommand.SKey key:
                writer.WriteTag("SKEY "u8);
                SmpKeys.Write(key.SenderAuthKey, ref writer);
                break;
            case SmpCommand.Send send:
                writer.WriteTag("SEND "u8);
                writer.WriteBool(send.Flags.Notification);
                writer.WriteSpace();
                writer.WriteBytes(send.Body.Span);
                break;
            case SmpCommand.Ping:
                writer.WriteTag("PING"u8);
                break;
            case SmpCommand.LKey key:
                writer.WriteTag("LKEY "u8);
                SmpKeys.Write(key.SenderAuthKey, ref writer);
                break;
            case SmpCommand.LGet:
                writer.WriteTag("LGET"u8);
                break;
            case SmpCommand.NSub:
                writer.WriteTag("NSUB"u8);
                break;
            case SmpCommand.NSubs:
                writer.WriteTag("NSUBS"u8);
                break;
            case SmpCommand.Prxy prxy:
                writer.WriteTag("PRXY "u8);
                prxy.Relay.Write(ref writer);
                WritePassword(prxy.Password, ref writer);
                break;
            case SmpCommand.PFwd forward:
                writer.WriteTag("PFWD "u8);
                writer.WriteUInt16(forward.Version.Number);
                SmpKeys.Write(forward.CommandKey, ref writer);
                writer.WriteBytes(forward.Transmission.Span);
                break;
            case SmpCommand.RFwd forward:
                writer.WriteTag("RFWD "u8);
                writer.WriteBytes(forward.Transmission.Span);
                break;
            default:
                throw new UnreachableException();
        }
    }

    /// <summary>
    /// Decodes one command that fills all of <paramref name="encoded"/>. The error is <c>CMD UNKNOWN</c> or <c>CMD SYNTAX</c>.
    /// </summary>
    public static bool TryDecode(
        SmpVersion version,
        ReadOnlyMemory<byte> encoded,
        [NotNullWhen(true)] out SmpCommand? command,
        [NotNullWhen(false)] out SmpError? error)
    {
        var reader = new WireReader(encoded.Span);
        reader.TryReadWord(out var tag);
        if (FindTag(tag) is not { } known)
        {
            command = null;
            error = SmpError.Command.Unknown;
            return false;
        }

        var isDecoded = known switch
        {
            Tag.New => TryReadNew(version, ref reader, encoded, out command),
            Tag.Key => TryReadKeyCommand(ref reader, static key => new SmpCommand.Key(key), out command),
            Tag.SKey => TryReadKeyCommand(ref reader, static key => new SmpCommand.SKey(key), out command),
            Tag.LKey => TryReadKeyCommand(ref reader, static key => new SmpCommand.LKey(key), out command),
            Tag.RKey => TryReadRKey(ref reader, out command),
            Tag.LSet => TryReadLSet(ref reader, encoded, out command),
            Tag.NKey => TryReadNKey(ref reader, out command),
            Tag.Ack => TryReadAck(ref reader, out command),
            Tag.Send => TryReadSend(ref reader, encoded, out command),
            Tag.Prxy => TryReadPrxy(ref reader, out command),
            Tag.PFwd => TryReadPFwd(ref reader, encoded, out command),
            Tag.RFwd => TryReadRFwd(ref reader, encoded, out command),
            _ => TryFindPlain(known, out command),
        };

        if (!isDecoded || !reader.IsAtEnd)
        {
            command = null;
            error = SmpError.Command.Syntax;
            return false;
        }

        error = null;
        return command is not null;
    }

    private enum Tag
    {
        New,
        Sub,
        Subs,
        Key,
        RKey,
        LSet,
        LDel,
        NKey,
        NDel,
        Get,
        Ack,
        Off,
        Del,
        Que,
        SKey,
        Send,
        Ping,
        LKey,
        LGet,
        NSub,
        NSubs,
        Prxy,
        PFwd,
        RFwd,
    }

    private static Tag? FindTag(ReadOnlySpan<byte> tag) => tag switch
    {
        _ when tag.SequenceEqual("SEND"u8) => Tag.Send,
        _ when tag.SequenceEqual("ACK"u8) => Tag.Ack,
        _ when tag.SequenceEqual("SUB"u8) => Tag.Sub,
        _ when tag.SequenceEqual("NEW"u8) => Tag.New,
        _ when tag.SequenceEqual("KEY"u8) => Tag.Key,
        _ when tag.SequenceEqual("SKEY"u8) => Tag.SKey,
        _ when tag.SequenceEqual("PING"u8) => Tag.Ping,
        _ when tag.SequenceEqual("RFWD"u8) => Tag.RFwd,
        _ when tag.SequenceEqual("PFWD"u8) => Tag.PFwd,
        _ when tag.SequenceEqual("PRXY"u8) => Tag.Prxy,
        _ when tag.SequenceEqual("NSUB"u8) => Tag.NSub,
        _ when tag.SequenceEqual("GET"u8) => Tag.Get,
        _ when tag.SequenceEqual("DEL"u8) => Tag.Del,
        _ when tag.SequenceEqual("OFF"u8) => Tag.Off,
        _ when tag.SequenceEqual("QUE"u8) => Tag.Que,
        _ when tag.SequenceEqual("LSET"u8) => Tag.LSet,
        _ when tag.SequenceEqual("LDEL"u8) => Tag.LDel,
        _ when tag.SequenceEqual("LKEY"u8) => Tag.LKey,
        _ when tag.SequenceEqual("LGET"u8) => Tag.LGet,
        _ when tag.SequenceEqual("NKEY"u8) => Tag.NKey,
        _ when tag.SequenceEqual("NDEL"u8) => Tag.NDel,
        _ when tag.SequenceEqual("RKEY"u8) => Tag.RKey,
        _ when tag.SequenceEqual("SUBS"u8) => Tag.Subs,
        _ when tag.SequenceEqual("NSUBS"u8) => Tag.NSubs,
        _ => null,
    };

    private static bool TryFindPlain(Tag tag, out SmpCommand? command)
    {
        command = tag switch
        {
            Tag.Sub => SmpCommand.Sub.Instance,
            Tag.Subs => SmpCommand.Subs.Instance,
            Tag.LDel => SmpCommand.LDel.Instance,
            Tag.NDel => SmpCommand.NDel.Instance,
            Tag.Get => SmpCommand.Get.Instance,
            Tag.Off => SmpCommand.Off.Instance,
            Tag.Del => SmpCommand.Del.Instance,
            Tag.Que => SmpCommand.Que.Instance,
            Tag.Ping => SmpCommand.Ping.Instance,
            Tag.LGet => SmpCommand.LGet.Instance,
            Tag.NSub => SmpCommand.NSub.Instance,
            Tag.NSubs => SmpCommand.NSubs.Instance,
            _ => throw new UnreachableException(),
        };
        return true;
    }

    // v6..8:   "NEW" SP rcvAuthKey rcvDhKey ["A" password] subMode
    // v9..14:  "NEW" SP rcvAuthKey rcvDhKey maybe(password) subMode sndSecure:bool
    // v15..16: "NEW" SP rcvAuthKey rcvDhKey maybe(password) subMode maybe(queueReqData)
    // v17..:   "NEW" SP rcvAuthKey rcvDhKey maybe(password) subMode maybe(queueReqData) maybe(ntfCreds)
    // subMode = "S" / "C"
    private static void WriteNew(SmpVersion version, SmpCommand.New create, ref WireWriter writer)
    {
        writer.WriteTag("NEW "u8);
        SmpKeys.Write(create.RecipientAuthKey, ref writer);
        SmpKeys.Write(create.RecipientDhKey, ref writer);
        if (version >= SmpVersions.SenderAuthKey)
        {
            WritePassword(create.Password, ref writer);
        }
        else if (create.Password is not null)
        {
            writer.WriteTag("A"u8);
            create.Password.Write(ref writer);
        }

        writer.WriteByte(create.Mode == SubscriptionMode.Subscribe ? (byte)'S' : (byte)'C');
        if (version >= SmpVersions.ShortLinks)
        {
            WriteQueueRequest(create.Queue, ref writer);
        }
        else if (version >= SmpVersions.SenderAuthKey)
        {
            writer.WriteBool(create.Queue is QueueRequest.Messaging);
        }

        if (version >= SmpVersions.NewNotifierCredentials)
        {
            writer.WriteMaybe(create.Notifier is not null);
            if (create.Notifier is not null)
            {
                WriteNotifier(create.Notifier, ref writer);
            }
        }
    }

    private static bool TryReadNew(SmpVersion version, ref WireReader reader, ReadOnlyMemory<byte> encoded, out SmpCommand? command)
    {
        command = null;
        if (!reader.TryReadSpace() || !SmpKeys.TryReadAuthKey(ref reader, out var authKey) || !SmpKeys.TryReadX25519(ref reader, out var dhKey))
        {
            return false;
        }

        BasicAuth? password = null;
        if (version >= SmpVersions.SenderAuthKey)
        {
            if (!TryReadPassword(ref reader, out password))
            {
                return false;
            }
        }
        else if (reader.TryReadTag("A"u8) && !BasicAuth.TryRead(ref reader, out password))
        {
            return false;
        }

        if (!TryReadSubscriptionMode(ref reader, out var mode))
        {
            return false;
        }

        QueueRequest? queue = null;
        if (version >= SmpVersions.ShortLinks)
        {
            if (!TryReadQueueRequest(ref reader, encoded, out queue))
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

            queue = canSenderSecure ? new QueueRequest.Messaging(null) : new QueueRequest.Contact(null);
        }

        NotifierRequest? notifier = null;
        if (version >= SmpVersions.NewNotifierCredentials
            && (!reader.TryReadMaybe(out var hasNotifier) || (hasNotifier && !TryReadNotifier(ref reader, out notifier))))
        {
            return false;
        }

        command = new SmpCommand.New(authKey, dhKey, password, mode, queue, notifier);
        return true;
    }

    private static bool TryReadSubscriptionMode(ref WireReader reader, out SubscriptionMode mode)
    {
        mode = SubscriptionMode.Subscribe;
        if (!reader.TryReadByte(out var tag))
        {
            return false;
        }

        mode = tag == (byte)'S' ? SubscriptionMode.Subscribe : SubscriptionMode.OnlyCreate;
        return tag is (byte)'S' or (byte)'C';
    }

    // queueReqData = "M" maybe(senderId linkData) / "C" maybe(linkId senderId linkData)
    private static void WriteQueueRequest(QueueRequest? queue, ref WireWriter writer)
    {
        writer.WriteMaybe(queue is not null);
        switch (queue)
        {
            case null:
                break;
            case QueueRequest.Messaging messaging:
                writer.WriteTag("M"u8);
                writer.WriteMaybe(messaging.Link is not null);
                if (messaging.Link is not null)
                {
                    writer.WriteShort(messaging.Link.Sender.Value.Span);
                    WriteLinkData(messaging.Link.Content, ref writer);
                }

                break;
            case QueueRequest.Contact contact:
                writer.WriteTag("C"u8);
                writer.WriteMaybe(contact.Link is not null);
                if (contact.Link is not null)
                {
                    writer.WriteShort(contact.Link.Link.Value.Span);
                    writer.WriteShort(contact.Link.Sender.Value.Span);
                    WriteLinkData(contact.Link.Content, ref writer);
                }

                break;
            default:
                throw new UnreachableException();
        }
    }

    private static bool TryReadQueueRequest(ref WireReader reader, ReadOnlyMemory<byte> encoded, out QueueRequest? queue)
    {
        queue = null;
        if (!reader.TryReadMaybe(out var isPresent))
        {
            return false;
        }

        if (!isPresent)
        {
            return true;
        }

        if (!reader.TryReadByte(out var tag) || tag is not ((byte)'M' or (byte)'C') || !reader.TryReadMaybe(out var hasLink))
        {
            return false;
        }

        LinkId link = default;
        SenderId sender = default;
        QueueLinkData? content = null;
        if (hasLink
            && ((tag == (byte)'C' && !TryReadLinkId(ref reader, out link))
                || !TryReadSenderId(ref reader, out sender)
                || !TryReadLinkData(ref reader, encoded, out content)))
        {
            return false;
        }

        queue = tag == (byte)'M'
            ? new QueueRequest.Messaging(content is null ? null : new MessagingLink(sender, content))
            : new QueueRequest.Contact(content is null ? null : new ContactLink(link, sender, content));
        return true;
    }

    // ntfCreds = ntfAuthKey ntfDhKey
    private static void WriteNotifier(NotifierRequest notifier, ref WireWriter writer)
    {
        SmpKeys.Write(notifier.AuthKey, ref writer);
        SmpKeys.Write(notifier.DhKey, ref writer);
    }

    private static bool TryReadNotifier(ref WireReader reader, [NotNullWhen(true)] out NotifierRequest? notifier)
    {
        notifier = null;
        if (!SmpKeys.TryReadAuthKey(ref reader, out var authKey) || !SmpKeys.TryReadX25519(ref reader, out var dhKey))
        {
            return false;
        }

        notifier = new NotifierRequest(authKey, dhKey);
        return true;
    }

    private static void WritePassword(BasicAuth? password, ref WireWriter writer)
    {
        writer.WriteMaybe(password is not null);
        password?.Write(ref writer);
    }

    private static bool TryReadPassword(ref WireReader reader, out BasicAuth? password)
    {
        password = null;
        return reader.TryReadMaybe(out var isPresent) && (!isPresent || BasicAuth.TryRead(ref reader, out password));
    }

    // linkData = largeString largeString ; fixed part, user part
    internal static void WriteLinkData(QueueLinkData content, ref WireWriter writer)
    {
        writer.WriteLarge(content.Fixed.Span);
        writer.WriteLarge(content.User.Span);
    }

    internal static bool TryReadLinkData(ref WireReader reader, ReadOnlyMemory<byte> encoded, [NotNullWhen(true)] out QueueLinkData? content)
    {
        content = null;
        if (!reader.TryReadLarge(out var fixedPart))
        {
            return false;
        }

        var fixedSlice = encoded.Slice(reader.Position - fixedPart.Length, fixedPart.Length);
        if (!reader.TryReadLarge(out var userPart))
        {
            return false;
        }

        content = new QueueLinkData(fixedSlice, encoded.Slice(reader.Position - userPart.Length, userPart.Length));
        return true;
    }

    internal static bool TryReadLinkId(ref WireReader reader, out LinkId id)
    {
        var isRead = reader.TryReadShort(out var bytes);
        id = new LinkId(bytes);
        return isRead;
    }

    internal static bool TryReadSenderId(ref WireReader reader, out SenderId id)
    {
        var isRead = reader.TryReadShort(out var bytes);
        id = new SenderId(bytes);
        return isRead;
    }

    // "KEY" SP sndAuthKey ; "SKEY" SP sndAuthKey ; "LKEY" SP sndAuthKey
    private static bool TryReadKeyCommand(ref WireReader reader, Func<PublicKey, SmpCommand> make, out SmpCommand? command)
    {
        command = null;
        if (!reader.TryReadSpace() || !SmpKeys.TryReadAuthKey(ref reader, out var key))
        {
            return false;
        }

        command = make(key);
        return true;
    }

    // "RKEY" SP nonEmptyList(rcvAuthKey)
    private static bool TryReadRKey(ref WireReader reader, out SmpCommand? command)
    {
        command = null;
        if (!reader.TryReadSpace() || !reader.TryReadNonEmptyListCount(out var count))
        {
            return false;
        }

        var keys = new List<PublicKey>();
        for (var i = 0; i < count; i++)
        {
            if (!SmpKeys.TryReadAuthKey(ref reader, out var key))
            {
                return false;
            }

            keys.Add(key);
        }

        command = new SmpCommand.RKey([.. keys]);
        return true;
    }

    // "LSET" SP linkId linkData
    private static bool TryReadLSet(ref WireReader reader, ReadOnlyMemory<byte> encoded, out SmpCommand? command)
    {
        command = null;
        if (!reader.TryReadSpace() || !TryReadLinkId(ref reader, out var link) || !TryReadLinkData(ref reader, encoded, out var content))
        {
            return false;
        }

        command = new SmpCommand.LSet(link, content);
        return true;
    }

    // "NKEY" SP ntfCreds
    private static bool TryReadNKey(ref WireReader reader, out SmpCommand? command)
    {
        command = null;
        if (!reader.TryReadSpace() || !TryReadNotifier(ref reader, out var notifier))
        {
            return false;
        }

        command = new SmpCommand.NKey(notifier);
        return true;
    }

    // "ACK" SP msgId
    private static bool TryReadAck(ref WireReader reader, out SmpCommand? command)
    {
        command = null;
        if (!reader.TryReadSpace() || !reader.TryReadShort(out var message))
        {
            return false;
        }

        command = new SmpCommand.Ack(new MessageId(message));
        return true;
    }

    // "SEND" SP notification:bool *<unknown flags, not a space> SP body
    private static bool TryReadSend(ref WireReader reader, ReadOnlyMemory<byte> encoded, out SmpCommand? command)
    {
        command = null;
        if (!reader.TryReadSpace()
            || !reader.TryReadBool(out var notification)
            || !reader.TryReadWord(out _)
            || !reader.TryReadSpace())
        {
            return false;
        }

        command = new SmpCommand.Send(new MessageFlags(notification), ReadTail(ref reader, encoded));
        return true;
    }

    // "PRXY" SP server maybe(password)
    private static bool TryReadPrxy(ref WireReader reader, out SmpCommand? command)
    {
        command = null;
        if (!reader.TryReadSpace()
            || !ServerAddress.TryRead(ref reader, ServerProtocol.Smp, out var relay)
            || !TryReadPassword(ref reader, out var password))
        {
            return false;
        }

        command = new SmpCommand.Prxy(relay, password);
        return true;
    }

    // "PFWD" SP version commandKey *OCTET
    private static bool TryReadPFwd(ref WireReader reader, ReadOnlyMemory<byte> encoded, out SmpCommand? command)
    {
        command = null;
        if (!reader.TryReadSpace() || !reader.TryReadUInt16(out var version) || !SmpKeys.TryReadX25519(ref reader, out var key))
        {
            return false;
        }

        command = new SmpCommand.PFwd(new SmpVersion(version), key, ReadTail(ref reader, encoded));
        return true;
    }

    // "RFWD" SP *OCTET
    private static bool TryReadRFwd(ref WireReader reader, ReadOnlyMemory<byte> encoded, out SmpCommand? command)
    {
        command = null;
        if (!reader.TryReadSpace())
        {
            return false;
        }

        command = new SmpCommand.RFwd(ReadTail(ref reader, encoded));
        return true;
    }

    internal static BlockSlice ReadTail(ref WireReader reader, ReadOnlyMemory<byte> encoded)
    {
        var start = reader.Position;
        reader.ReadTail();
        return encoded[start..];
    }
}
