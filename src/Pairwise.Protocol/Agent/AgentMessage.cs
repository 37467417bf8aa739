using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Pairwise.Crypto;
using Pairwise.Wire;

namespace Pairwise.Protocol.Agent;

/// <summary>
/// What agents tell each other inside the ratchet's encryption. The hierarchy is closed; bodies are borrowed.
/// Source: agent-protocol.md, "Messages between SMP agents".
/// </summary>
public abstract record AgentMessage
{
    private protected AgentMessage()
    {
    }

    /// <summary>I: the application's information, in the confirmation by whoever joined last.</summary>
    public sealed record ConnectionInfo(BlockSlice Info) : AgentMessage;

    /// <summary>D: the same with the queues to answer to (1 to 255), in the confirmation by whoever joined first.</summary>
    public sealed record ConnectionInfoReply(ValueList<SmpQueueInfo> Queues, BlockSlice Info) : AgentMessage;

    /// <summary>R: information beside new ratchet keys.</summary>
    public sealed record RatchetInfo(BlockSlice Info) : AgentMessage;

    /// <summary>M: everything after the handshake, in a sequence that shows what is missing.</summary>
    /// <param name="MessageId">The sender's number of the message, from 1.</param>
    /// <param name="PreviousHash">SHA-256 of the sender's previous encoded message; empty in the first.</param>
    /// <param name="Content">What is told.</param>
    public sealed record Sequenced(long MessageId, Bytes PreviousHash, AgentMessageContent Content) : AgentMessage;

    /// <summary>The tag by which stores of the reference name the kind of message.</summary>
    public string StoreTag => this switch
    {
        ConnectionInfo => "C",
        ConnectionInfoReply => "D",
        RatchetInfo => "S",
        Sequenced { Content: var content } => AgentMessageContent.TagOf(content),
        _ => throw new UnreachableException(),
    };

    // agentMessage = "I" *OCTET / "D" nonEmptyList(queueInfo) *OCTET / "R" *OCTET / "M" msgId prevMsgHash content
    // msgId = int64 ; prevMsgHash = shortString
    public byte[] Encode()
    {
        const int header = 1 + sizeof(long) + 1 + byte.MaxValue;
        var bytes = new byte[header + MaxContentLength];
        var writer = new WireWriter(bytes);
        switch (this)
        {
            case ConnectionInfo info:
                writer.WriteTag("I"u8);
                writer.WriteBytes(info.Info.Span);
                break;
            case ConnectionInfoReply reply:
                writer.WriteTag("D"u8);
                writer.WriteListCount(reply.Queues.Count);
                foreach (var queue in reply.Queues)
                {
                    queue.Write(ref writer);
                }

                writer.WriteBytes(reply.Info.Span);
                break;
            case RatchetInfo info:
                writer.WriteTag("R"u8);
                writer.WriteBytes(info.Info.Span);
                break;
            case Sequenced sequenced:
                writer.WriteTag("M"u8);
                writer.WriteInt64(sequenced.MessageId);
                writer.WriteShort(sequenced.PreviousHash.Span);
                sequenced.Content.Write(ref writer);
                break;
            default:
                throw new UnreachableException();
        }

        return writer.WrittenSpan.ToArray();
    }

    public static bool TryDecode(ReadOnlyMemory<byte> encoded, [NotNullWhen(true)] out AgentMessage? message)
    {
        message = null;
        var reader = new WireReader(encoded.Span);
        if (!reader.TryReadByte(out var tag))
        {
            return false;
        }

        switch (tag)
        {
            case (byte)'I':
                message = new ConnectionInfo(encoded[1..]);
                return true;
            case (byte)'R':
                message = new RatchetInfo(encoded[1..]);
                return true;
            case (byte)'D':
                if (!TryReadQueues(ref reader, out var queues))
                {
                    return false;
                }

                message = new ConnectionInfoReply(queues, encoded[reader.Position..]);
                return true;
            case (byte)'M':
                if (!reader.TryReadInt64(out var id)
                    || !reader.TryReadShort(out var hash)
                    || !AgentMessageContent.TryRead(ref reader, encoded, out var content)
                    || !reader.IsAtEnd)
                {
                    return false;
                }

                message = new Sequenced(id, Bytes.CopyOf(hash), content);
                return true;
            default:
                return false;
        }
    }

    /// <summary>The hash by which the next message of the same sender refers to this one: SHA-256 of its encoding.</summary>
    public static Bytes HashOf(ReadOnlySpan<byte> encodedMessage) => Bytes.Wrap(Digests.Sha256(encodedMessage));

    private int MaxContentLength
    {
        get
        {
            switch (this)
            {
                case ConnectionInfo info:
                    return info.Info.Length;
                case RatchetInfo info:
                    return info.Info.Length;
                case ConnectionInfoReply reply:
                    var length = reply.Info.Length;
                    foreach (var queue in reply.Queues)
                    {
                        length += queue.MaxEncodedLength;
                    }

                    return length;
                case Sequenced sequenced:
                    return sequenced.Content.MaxEncodedLength;
                default:
                    throw new UnreachableException();
            }
        }
    }

    private static bool TryReadQueues(ref WireReader reader, out ValueList<SmpQueueInfo> queues)
    {
        queues = default;
        if (!reader.TryReadNonEmptyListCount(out var count))
        {
            return false;
        }

        var list = new List<SmpQueueInfo>();
        for (var i = 0; i < count; i++)
        {
            if (!SmpQueueInfo.TryRead(ref reader, out var queue))
            {
                return false;
            }

            list.Add(queue);
        }

        queues = [.. list];
        return true;
    }
}
