using System.Diagnostics;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp.Store;
using Pairwise.Wire;

namespace Pairwise.Server.Smp.Logs;

/// <summary>
/// The lines of the store log, as the reference writes and reads them (release 6.5.5). Every byte string is base64url
/// with padding, times are seconds since 1970 at the start of a day.
/// </summary>
internal static class StoreLogCodec
{
    private const int SecondsPerDay = 86400;

    /// <summary>Writes the line without its line feed.</summary>
    public static void Write(LogLineWriter line, StoreLogRecord record)
    {
        switch (record)
        {
            case StoreLogRecord.CreateQueue create:
                WriteQueue(line, create.Queue);
                break;
            case StoreLogRecord.CreateLink link:
                // "LINK" SP rid SP linkId SP fixed SP user
                line.Text("LINK "u8).Id(link.RecipientId).Text(" "u8).Base64(link.Link.Id.Value.Span);
                line.Text(" "u8).Base64(link.Link.FixedPart.Span).Text(" "u8).Base64(link.Link.UserPart.Span);
                break;
            case StoreLogRecord.DeleteLink link:
                line.Text("LDELETE "u8).Id(link.RecipientId);
                break;
            case StoreLogRecord.SecureQueue secure:
                line.Text("SECURE "u8).Id(secure.RecipientId).Text(" "u8).Key(secure.SenderKey);
                break;
            case StoreLogRecord.UpdateKeys update:
                line.Text("KEYS "u8).Id(update.RecipientId);
                for (int i = 0; i < update.Keys.Count; i++)
                {
                    line.Text(i == 0 ? " "u8 : ","u8).Key(update.Keys[i]);
                }

                break;
            case StoreLogRecord.AddNotifier add:
                WriteNotifier(line.Text("NOTIFIER "u8).Id(add.RecipientId).Text(" "u8), add.Notifier);
                break;
            case StoreLogRecord.SuspendQueue suspend:
                line.Text("SUSPEND "u8).Id(suspend.RecipientId);
                break;
            case StoreLogRecord.BlockQueue block:
                WriteBlock(line.Text("BLOCK "u8).Id(block.RecipientId).Text(" "u8), block.Block);
                break;
            case StoreLogRecord.UnblockQueue unblock:
                line.Text("UNBLOCK "u8).Id(unblock.RecipientId);
                break;
            case StoreLogRecord.DeleteQueue delete:
                line.Text("DELETE "u8).Id(delete.RecipientId);
                break;
            case StoreLogRecord.DeleteNotifier delete:
                line.Text("NDELETE "u8).Id(delete.RecipientId);
                break;
            case StoreLogRecord.UpdateTime update:
                line.Text("TIME "u8).Id(update.RecipientId).Text(" "u8).Number((long)update.Day * SecondsPerDay);
                break;
            case StoreLogRecord.NewService added:
                WriteService(line, added.Service);
                break;
            case StoreLogRecord.QueueService service:
                // "QUEUE_SERVICE" SP rid SP ("R" / "N") SP [serviceId]
                line.Text("QUEUE_SERVICE "u8).Id(service.RecipientId).Text(service.Side == ServiceSide.Recipient ? " R "u8 : " N "u8);
                if (service.ServiceId is { } serviceId)
                {
                    line.Id(serviceId);
                }

                break;
            default:
                throw new UnreachableException();
        }
    }

    /// <summary>Reads a line without its line feed; false when it is not exactly one known record.</summary>
    public static bool TryRead(ReadOnlySpan<byte> text, out StoreLogRecord? record)
    {
        LogLineReader line = new(text);
        ReadOnlySpan<byte> tag = line.Word();
        record = null;
        if (!line.TryTake(" "u8))
        {
            return false;
        }

        record = tag switch
        {
            _ when tag.SequenceEqual("CREATE"u8) => TryReadQueue(ref line, out SmpQueue? queue) ? new StoreLogRecord.CreateQueue(queue!) : null,
            _ when tag.SequenceEqual("NEW_SERVICE"u8) => ReadService(ref line),
            _ => ReadChange(tag, ref line),
        };
        return record is not null && line.IsAtEnd;
    }

    private static StoreLogRecord? ReadChange(ReadOnlySpan<byte> tag, ref LogLineReader line)
    {
        if (!line.TryReadId(out StoredId id))
        {
            return null;
        }

        if (line.IsAtEnd)
        {
            return tag switch
            {
                _ when tag.SequenceEqual("DELETE"u8) => new StoreLogRecord.DeleteQueue(id),
                _ when tag.SequenceEqual("LDELETE"u8) => new StoreLogRecord.DeleteLink(id),
                _ when tag.SequenceEqual("NDELETE"u8) => new StoreLogRecord.DeleteNotifier(id),
                _ when tag.SequenceEqual("SUSPEND"u8) => new StoreLogRecord.SuspendQueue(id),
                _ when tag.SequenceEqual("UNBLOCK"u8) => new StoreLogRecord.UnblockQueue(id),
                _ => null,
            };
        }

        return line.TryTake(" "u8)
            ? tag switch
            {
                _ when tag.SequenceEqual("TIME"u8) => TryReadDay(ref line, out int day) ? new StoreLogRecord.UpdateTime(id, day) : null,
                _ when tag.SequenceEqual("SECURE"u8) => line.TryReadKey(out StoredKey key) ? new StoreLogRecord.SecureQueue(id, key) : null,
                _ when tag.SequenceEqual("KEYS"u8) => line.TryReadKeys(out StoredKey first, out StoredKey[] others) ? new StoreLogRecord.UpdateKeys(id, [first, .. others]) : null,
                _ when tag.SequenceEqual("LINK"u8) => ReadLink(id, ref line),
                _ when tag.SequenceEqual("NOTIFIER"u8) => ReadNotifier(ref line) is { } notifier ? new StoreLogRecord.AddNotifier(id, notifier) : null,
                _ when tag.SequenceEqual("BLOCK"u8) => TryReadBlock(line.Rest(), out SmpError.Blocked? block) ? new StoreLogRecord.BlockQueue(id, block!) : null,
                _ when tag.SequenceEqual("QUEUE_SERVICE"u8) => ReadQueueService(id, ref line),
                _ => null,
            }
            : null;
    }

    /// <summary>
    /// Whether a block is told by a BLOCK line behind the queue's own: the reference takes a notice to reach to the end of the
    /// line, and would refuse a line in which the service follows.
    /// </summary>
    internal static bool NeedsBlockLine(SmpQueue queue) =>
        queue is { Status: QueueStatus.Blocked, Block.Notice: not null, ServiceId: not null };

    // "CREATE rid=" rid " rk=" keys " rdh=" secret " sid=" sid " sk=" [key] [" queue_mode=" ("M" / "C")]
    // [" link_id=" id " queue_data=" fixed SP user] [" notifier=" notifier] [" updated_at=" seconds] [" status=" status] [" rsrv=" id]
    private static void WriteQueue(LogLineWriter line, SmpQueue queue)
    {
        line.Text("CREATE rid="u8).Id(queue.RecipientId).Text(" rk="u8).Key(queue.RecipientKey);
        foreach (ref readonly StoredKey key in queue.MoreRecipientKeys)
        {
            line.Text(","u8).Key(key);
        }

        line.Text(" rdh="u8).Secret(queue.DhSecret).Text(" sid="u8).Id(queue.SenderId).Text(" sk="u8);
        if (queue.IsSecured)
        {
            line.Key(queue.SenderKey);
        }

        if (queue.Use != QueueUse.Unknown)
        {
            line.Text(queue.Use == QueueUse.Messaging ? " queue_mode=M"u8 : " queue_mode=C"u8);
        }

        if (queue.Link is { } link)
        {
            line.Text(" link_id="u8).Base64(link.Id.Value.Span);
            line.Text(" queue_data="u8).Base64(link.FixedPart.Span).Text(" "u8).Base64(link.UserPart.Span);
        }

        if (queue.Notifier is { } notifier)
        {
            WriteNotifier(line.Text(" notifier="u8), notifier);
        }

        if (queue.UsedDay >= 0)
        {
            line.Text(" updated_at="u8).Number((long)queue.UsedDay * SecondsPerDay);
        }

        if (queue.Status == QueueStatus.Off)
        {
            line.Text(" status=off"u8);
        }
        else if (queue.Status == QueueStatus.Blocked && !NeedsBlockLine(queue))
        {
            WriteBlock(line.Text(" status=blocked,"u8), queue.Block!);
        }

        if (queue.ServiceId is { } serviceId)
        {
            line.Text(" rsrv="u8).Id(serviceId);
        }
    }

    private static bool TryReadQueue(ref LogLineReader line, out SmpQueue? queue)
    {
        queue = null;
        if (!line.TryTake("rid="u8) || !line.TryReadId(out StoredId recipientId)
            || !line.TryTake(" rk="u8) || !line.TryReadKeys(out StoredKey key, out StoredKey[] moreKeys)
            || !line.TryTake(" rdh="u8) || !line.TryReadSecret(out Bytes32 secret)
            || !line.TryTake(" sid="u8) || !line.TryReadId(out StoredId senderId)
            || !line.TryTake(" sk="u8))
        {
            return false;
        }

        ReadOnlySpan<byte> senderKeyText = line.Word();
        StoredKey senderKey = default;
        if (!senderKeyText.IsEmpty)
        {
            LogLineReader senderKeyReader = new(senderKeyText);
            if (!senderKeyReader.TryReadKey(out senderKey))
            {
                return false;
            }
        }

        // " sndSecure=" ("T" / "F") is what versions before queue modes wrote.
        QueueUse use = line.TryTake(" queue_mode=M"u8) || line.TryTake(" sndSecure=T"u8) ? QueueUse.Messaging
            : line.TryTake(" queue_mode=C"u8) || line.TryTake(" sndSecure=F"u8) ? QueueUse.Contact
            : QueueUse.Unknown;
        queue = new SmpQueue(recipientId, senderId, key, secret, use);
        if (moreKeys.Length > 0)
        {
            queue.SetRecipientKeys([key, .. moreKeys]);
        }

        queue.SetSenderKey(senderKey);
        return TryReadRarities(ref line, queue);
    }

    private static bool TryReadRarities(ref LogLineReader line, SmpQueue queue)
    {
        if (line.TryTake(" link_id="u8))
        {
            if (!line.TryReadLinkId(out LinkId id) || !line.TryTake(" queue_data="u8)
                || !line.TryReadBytes(out byte[] fixedPart) || !line.TryTake(" "u8) || !line.TryReadBytes(out byte[] userPart))
            {
                return false;
            }

            queue.SetLink(new QueueLink(id, fixedPart, userPart));
        }

        if (line.TryTake(" notifier="u8))
        {
            if (ReadNotifier(ref line) is not { } notifier)
            {
                return false;
            }

            queue.SetNotifier(notifier);
        }

        if (line.TryTake(" updated_at="u8))
        {
            if (!TryReadDay(ref line, out int day))
            {
                return false;
            }

            queue.UsedDay = day;
        }

        if (line.TryTake(" status=off"u8))
        {
            queue.Status = QueueStatus.Off;
        }
        else if (line.TryTake(" status=blocked,"u8))
        {
            if (!TryReadBlock(line.Word(), out SmpError.Blocked? block))
            {
                return false;
            }

            queue.Status = QueueStatus.Blocked;
            queue.SetBlock(block);
        }
        else
        {
            _ = line.TryTake(" status=active"u8);
        }

        if (line.TryTake(" rsrv="u8))
        {
            if (!line.TryReadId(out StoredId serviceId))
            {
                return false;
            }

            queue.SetService(serviceId);
        }

        return true;
    }

    private static StoreLogRecord.CreateLink? ReadLink(StoredId id, ref LogLineReader line) =>
        line.TryReadLinkId(out LinkId linkId) && line.TryTake(" "u8)
        && line.TryReadBytes(out byte[] fixedPart) && line.TryTake(" "u8)
        && line.TryReadBytes(out byte[] userPart)
            ? new StoreLogRecord.CreateLink(id, new QueueLink(linkId, fixedPart, userPart))
            : null;

    // notifier = nid SP key SP secret [SP "nsrv=" serviceId]
    private static void WriteNotifier(LogLineWriter line, QueueNotifier notifier)
    {
        line.Id(notifier.Id).Text(" "u8).Key(notifier.Key).Text(" "u8).Secret(notifier.DhSecret);
        if (notifier.ServiceId is { } serviceId)
        {
            line.Text(" nsrv="u8).Id(serviceId);
        }
    }

    private static QueueNotifier? ReadNotifier(ref LogLineReader line)
    {
        if (!line.TryReadId(out StoredId id) || !line.TryTake(" "u8)
            || !line.TryReadKey(out StoredKey key) || !line.TryTake(" "u8)
            || !line.TryReadSecret(out Bytes32 secret))
        {
            return null;
        }

        if (!line.TryTake(" nsrv="u8))
        {
            return new QueueNotifier(id, key, secret, null);
        }

        return line.TryReadId(out StoredId serviceId) ? new QueueNotifier(id, key, secret, serviceId) : null;
    }

    // block = "reason=" ("spam" / "content") [",notice=" ("{}" / "{" DQUOTE "ttl" DQUOTE ":" seconds "}")]
    internal static void WriteBlock(LogLineWriter line, SmpError.Blocked block)
    {
        line.Text(block.Reason == BlockingReason.Spam ? "reason=spam"u8 : "reason=content"u8);
        if (block.Notice is { } notice)
        {
            line.Text(",notice={"u8);
            if (notice.TimeToLive is { } seconds)
            {
                line.Text("\"ttl\":"u8).Number(seconds);
            }

            line.Text("}"u8);
        }
    }

    internal static bool TryReadBlock(ReadOnlySpan<byte> text, out SmpError.Blocked? block)
    {
        block = null;
        LogLineReader line = new(text);
        if (!line.TryTake("reason="u8))
        {
            return false;
        }

        BlockingReason reason;
        if (line.TryTake("spam"u8))
        {
            reason = BlockingReason.Spam;
        }
        else if (line.TryTake("content"u8))
        {
            reason = BlockingReason.Content;
        }
        else
        {
            return false;
        }

        if (line.IsAtEnd)
        {
            block = new SmpError.Blocked(reason);
            return true;
        }

        if (!line.TryTake(",notice="u8) || !BlockNotice.TryRead(line.Rest(), out long? ttl))
        {
            return false;
        }

        block = new SmpError.Blocked(reason, new ClientNotice(ttl));
        return true;
    }

    // "NEW_SERVICE service_id=" id " role=" ("M" / "N" / "P") " cert=" der *("," der) " cert_hash=" hash " created_at=" seconds
    private static void WriteService(LogLineWriter line, ServiceRecord service)
    {
        line.Text("NEW_SERVICE service_id="u8).Id(service.Id);
        line.Text(service.Role switch { SmpServiceRole.Messaging => " role=M"u8, SmpServiceRole.Notifier => " role=N"u8, _ => " role=P"u8 });
        line.Text(" cert="u8);
        for (int i = 0; i < service.Certificates.Count; i++)
        {
            line.Text(i == 0 ? ""u8 : ","u8).Base64(service.Certificates[i].Span);
        }

        line.Text(" cert_hash="u8).Base64(service.CertificateHash.Span).Text(" created_at="u8).Number(service.CreatedSeconds);
    }

    private static StoreLogRecord.NewService? ReadService(ref LogLineReader line)
    {
        if (!line.TryTake("service_id="u8) || !line.TryReadId(out StoredId id) || !line.TryTake(" role="u8))
        {
            return null;
        }

        SmpServiceRole role;
        switch (line.Word())
        {
            case [(byte)'M']:
                role = SmpServiceRole.Messaging;
                break;
            case [(byte)'N']:
                role = SmpServiceRole.Notifier;
                break;
            case [(byte)'P']:
                role = SmpServiceRole.Proxy;
                break;
            default:
                return null;
        }

        if (!line.TryTake(" cert="u8))
        {
            return null;
        }

        List<Bytes> certificates = [];
        ReadOnlySpan<byte> chain = line.Word();
        foreach (Range part in chain.Split((byte)','))
        {
            if (!LogLineReader.TryDecode(chain[part], out byte[] der))
            {
                return null;
            }

            certificates.Add(Bytes.Wrap(der));
        }

        return line.TryTake(" cert_hash="u8) && line.TryReadBytes(out byte[] hash)
            && line.TryTake(" created_at="u8) && line.TryReadInt64(out long created)
                ? new StoreLogRecord.NewService(new ServiceRecord(id, role, certificates, Bytes.Wrap(hash), created))
                : null;
    }

    private static StoreLogRecord.QueueService? ReadQueueService(StoredId id, ref LogLineReader line)
    {
        ServiceSide side;
        if (line.TryTake("R "u8))
        {
            side = ServiceSide.Recipient;
        }
        else if (line.TryTake("N "u8))
        {
            side = ServiceSide.Notifier;
        }
        else
        {
            return null;
        }

        if (line.IsAtEnd)
        {
            return new StoreLogRecord.QueueService(id, side, null);
        }

        return line.TryReadId(out StoredId serviceId) ? new StoreLogRecord.QueueService(id, side, serviceId) : null;
    }

    private static bool TryReadDay(ref LogLineReader line, out int day)
    {
        day = -1;
        if (!line.TryReadInt64(out long seconds) || seconds < 0 || seconds / SecondsPerDay > int.MaxValue)
        {
            return false;
        }

        day = (int)(seconds / SecondsPerDay);
        return true;
    }
}
