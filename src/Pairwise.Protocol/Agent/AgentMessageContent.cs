using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.Wire;

namespace Pairwise.Protocol.Agent;

/// <summary>What a sequenced agent message tells. The hierarchy is closed; lists have 1 to 255 items.</summary>
public abstract record AgentMessageContent
{
    private protected AgentMessageContent()
    {
    }

    /// <summary>HELLO: the queue is secured (only where the sender could not secure it).</summary>
    public sealed record Hello : AgentMessageContent
    {
        public static readonly Hello Instance = new();
    }

    /// <summary>A_MSG: the application's message.</summary>
    public sealed record Message(BlockSlice Body) : AgentMessageContent;

    /// <summary>A_RCVD: delivery receipts.</summary>
    public sealed record Receipts(ValueList<MessageReceipt> Items) : AgentMessageContent;

    /// <summary>A_QCONT: the queue that was full has room again.</summary>
    public sealed record QueueContinue(SendQueueAddress Queue) : AgentMessageContent;

    /// <summary>QADD: the recipient offers new queues.</summary>
    public sealed record QueueAdd(ValueList<AddedQueue> Queues) : AgentMessageContent;

    /// <summary>QKEY: the sender's keys for the new queues.</summary>
    public sealed record QueueKey(ValueList<KeyedQueue> Queues) : AgentMessageContent;

    /// <summary>QUSE: the new queues are secured and may be used.</summary>
    public sealed record QueueUse(ValueList<UsedQueue> Queues) : AgentMessageContent;

    /// <summary>QTEST: the first message of a new queue; its arrival completes the rotation.</summary>
    public sealed record QueueTest(ValueList<SendQueueAddress> Queues) : AgentMessageContent;

    /// <summary>EREADY: the ratchet was agreed on anew.</summary>
    /// <param name="LastDecryptedMessageId">The other side's last message that the old ratchet decrypted.</param>
    public sealed record RatchetReady(long LastDecryptedMessageId) : AgentMessageContent;

    internal static string TagOf(AgentMessageContent content) => content switch
    {
        Hello => "H",
        Message => "M",
        Receipts => "V",
        QueueContinue => "QC",
        QueueAdd => "QA",
        QueueKey => "QK",
        QueueUse => "QU",
        QueueTest => "QT",
        RatchetReady => "E",
        _ => throw new UnreachableException(),
    };

    internal int MaxEncodedLength
    {
        get
        {
            const int tagAndCount = 3;
            return tagAndCount + this switch
            {
                Message message => message.Body.Length,
                Receipts receipts => receipts.Items.Sum(receipt => receipt.EncodedLength),
                QueueContinue queue => queue.Queue.MaxEncodedLength,
                QueueAdd queues => queues.Queues.Sum(queue => queue.Queue.MaxEncodedLength + 1 + (queue.Replaced?.MaxEncodedLength ?? 0)),
                QueueKey queues => queues.Queues.Sum(queue => queue.Queue.MaxEncodedLength + 1 + SmpKeys.MaxSpkiLength),
                QueueUse queues => queues.Queues.Sum(queue => queue.Queue.MaxEncodedLength + 1),
                QueueTest queues => queues.Queues.Sum(queue => queue.MaxEncodedLength),
                _ => sizeof(long),
            };
        }
    }

    // content = "H" / "M" *OCTET / "V" nonEmptyList(receipt) / "QC" sndQueueAddress
    //         / "QA" nonEmptyList(queueUri maybe(sndQueueAddress)) / "QK" nonEmptyList(queueInfo senderAuthKey)
    //         / "QU" nonEmptyList(sndQueueAddress primary:bool) / "QT" nonEmptyList(sndQueueAddress) / "E" msgId
    internal void Write(ref WireWriter writer)
    {
        switch (this)
        {
            case Hello:
                writer.WriteTag("H"u8);
                break;
            case Message message:
                writer.WriteTag("M"u8);
                writer.WriteBytes(message.Body.Span);
                break;
            case Receipts receipts:
                writer.WriteTag("V"u8);
                writer.WriteListCount(receipts.Items.Count);
                foreach (var receipt in receipts.Items)
                {
                    receipt.Write(ref writer);
                }

                break;
            case QueueContinue queue:
                writer.WriteTag("QC"u8);
                queue.Queue.Write(ref writer);
                break;
            case QueueAdd queues:
                writer.WriteTag("QA"u8);
                writer.WriteListCount(queues.Queues.Count);
                foreach (var queue in queues.Queues)
                {
                    queue.Queue.Write(ref writer);
                    writer.WriteMaybe(queue.Replaced is not null);
                    queue.Replaced?.Write(ref writer);
                }

                break;
            case QueueKey queues:
                writer.WriteTag("QK"u8);
                writer.WriteListCount(queues.Queues.Count);
                foreach (var queue in queues.Queues)
                {
                    queue.Queue.Write(ref writer);
                    SmpKeys.Write(queue.SenderAuthKey, ref writer);
                }

                break;
            case QueueUse queues:
                writer.WriteTag("QU"u8);
                writer.WriteListCount(queues.Queues.Count);
                foreach (var queue in queues.Queues)
                {
                    queue.Queue.Write(ref writer);
                    writer.WriteBool(queue.IsPrimary);
                }

                break;
            case QueueTest queues:
                writer.WriteTag("QT"u8);
                writer.WriteListCount(queues.Queues.Count);
                foreach (var queue in queues.Queues)
                {
                    queue.Write(ref writer);
                }

                break;
            case RatchetReady ready:
                writer.WriteTag("E"u8);
                writer.WriteInt64(ready.LastDecryptedMessageId);
                break;
            default:
                throw new UnreachableException();
        }
    }

    internal static bool TryRead(ref WireReader reader, ReadOnlyMemory<byte> encoded, [NotNullWhen(true)] out AgentMessageContent? content)
    {
        content = null;
        if (!reader.TryReadByte(out var tag))
        {
            return false;
        }

        switch (tag)
        {
            case (byte)'H':
                content = Hello.Instance;
                return true;
            case (byte)'M':
                content = new Message(SmpCommandCodec.ReadTail(ref reader, encoded));
                return true;
            case (byte)'V':
                if (TryReadList<MessageReceipt>(ref reader, MessageReceipt.TryRead, out var receipts))
                {
                    content = new Receipts(receipts);
                }

                break;
            case (byte)'E':
                if (reader.TryReadInt64(out var lastId))
                {
                    content = new RatchetReady(lastId);
                }

                break;
            case (byte)'Q':
                return TryReadQueueContent(ref reader, out content);
            default:
                return false;
        }

        return content is not null;
    }

    private static bool TryReadQueueContent(ref WireReader reader, [NotNullWhen(true)] out AgentMessageContent? content)
    {
        content = null;
        if (!reader.TryReadByte(out var tag))
        {
            return false;
        }

        switch (tag)
        {
            case (byte)'C':
                if (SendQueueAddress.TryRead(ref reader, out var address))
                {
                    content = new QueueContinue(address);
                }

                break;
            case (byte)'A':
                if (TryReadList<AddedQueue>(ref reader, AddedQueue.TryRead, out var added))
                {
                    content = new QueueAdd(added);
                }

                break;
            case (byte)'K':
                if (TryReadList<KeyedQueue>(ref reader, KeyedQueue.TryRead, out var keyed))
                {
                    content = new QueueKey(keyed);
                }

                break;
            case (byte)'U':
                if (TryReadList<UsedQueue>(ref reader, UsedQueue.TryRead, out var used))
                {
                    content = new QueueUse(used);
                }

                break;
            case (byte)'T':
                if (TryReadList<SendQueueAddress>(ref reader, SendQueueAddress.TryRead, out var tested))
                {
                    content = new QueueTest(tested);
                }

                break;
            default:
                return false;
        }

        return content is not null;
    }

    private delegate bool TryReadItem<T>(ref WireReader reader, [NotNullWhen(true)] out T? item)
        where T : class;

    private static bool TryReadList<T>(ref WireReader reader, TryReadItem<T> tryRead, out ValueList<T> items)
        where T : class
    {
        items = default;
        if (!reader.TryReadNonEmptyListCount(out var count))
        {
            return false;
        }

        var list = new List<T>();
        for (var i = 0; i < count; i++)
        {
            if (!tryRead(ref reader, out var item))
            {
                return false;
            }

            list.Add(item);
        }

        items = [.. list];
        return true;
    }
}

/// <summary>A receipt for one message.</summary>
/// <param name="MessageId">The number that its sender gave it.</param>
/// <param name="MessageHash">SHA-256 of the encoded message as received.</param>
/// <param name="Info">Anything the application added.</param>
public sealed record MessageReceipt(long MessageId, Bytes MessageHash, Bytes Info)
{
    internal int EncodedLength => sizeof(long) + 1 + MessageHash.Length + sizeof(ushort) + Info.Length;

    // receipt = msgId msgHash info ; msgHash = shortString, info = largeString
    internal void Write(ref WireWriter writer)
    {
        writer.WriteInt64(MessageId);
        writer.WriteShort(MessageHash.Span);
        writer.WriteLarge(Info.Span);
    }

    internal static bool TryRead(ref WireReader reader, [NotNullWhen(true)] out MessageReceipt? receipt)
    {
        receipt = null;
        if (!reader.TryReadInt64(out var id) || !reader.TryReadShort(out var hash) || !reader.TryReadLarge(out var info))
        {
            return false;
        }

        receipt = new MessageReceipt(id, Bytes.CopyOf(hash), Bytes.CopyOf(info));
        return true;
    }
}

/// <summary>A new queue, and the one that it replaces.</summary>
public sealed record AddedQueue(SmpQueueUri Queue, SendQueueAddress? Replaced)
{
    internal static bool TryRead(ref WireReader reader, [NotNullWhen(true)] out AddedQueue? added)
    {
        added = null;
        SendQueueAddress? replaced = null;
        if (!SmpQueueUri.TryRead(ref reader, out var queue)
            || !reader.TryReadMaybe(out var hasReplaced)
            || (hasReplaced && !SendQueueAddress.TryRead(ref reader, out replaced)))
        {
            return false;
        }

        added = new AddedQueue(queue, replaced);
        return true;
    }
}

/// <summary>A new queue with the sender's DH key in its address, and the key to secure it with.</summary>
public sealed record KeyedQueue(SmpQueueInfo Queue, PublicKey SenderAuthKey)
{
    internal static bool TryRead(ref WireReader reader, [NotNullWhen(true)] out KeyedQueue? keyed)
    {
        keyed = null;
        if (!SmpQueueInfo.TryRead(ref reader, out var queue) || !SmpKeys.TryReadAuthKey(ref reader, out var key))
        {
            return false;
        }

        keyed = new KeyedQueue(queue, key);
        return true;
    }
}

/// <summary>A new queue that is ready, and whether it is the one to send to.</summary>
public sealed record UsedQueue(SendQueueAddress Queue, bool IsPrimary)
{
    internal static bool TryRead(ref WireReader reader, [NotNullWhen(true)] out UsedQueue? used)
    {
        used = null;
        if (!SendQueueAddress.TryRead(ref reader, out var queue) || !reader.TryReadBool(out var isPrimary))
        {
            return false;
        }

        used = new UsedQueue(queue, isPrimary);
        return true;
    }
}
