using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp.Store;

namespace Pairwise.Server.Smp.Logs;

/// <summary>The lines of the file in which undelivered messages are saved, and of the journal.</summary>
internal static class MessageLogCodec
{
    // "v3" SP rid SP message
    public static void Write(LogLineWriter line, StoredId recipientId, StoredMessage message) =>
        WriteMessage(line.Text("v3 "u8).Id(recipientId).Text(" "u8), message);

    public static bool TryRead(ReadOnlySpan<byte> text, out StoredId recipientId, out StoredMessage? message)
    {
        LogLineReader line = new(text);
        message = null;
        recipientId = default;
        return line.TryTake("v3 "u8) && line.TryReadId(out recipientId) && line.TryTake(" "u8) && TryReadMessage(line.Rest(), out message);
    }

    // message = id SP seconds SP ("quota" / ["flags=" ("T" / "F") SP] body)
    public static void WriteMessage(LogLineWriter line, StoredMessage message)
    {
        line.Id(message.Id).Text(" "u8).Number(message.Seconds);
        if (message.IsQuota)
        {
            line.Text(" quota"u8);
        }
        else
        {
            line.Text(message.Notify ? " flags=T "u8 : " flags=F "u8).Base64(message.Body.Span);
        }
    }

    public static bool TryReadMessage(ReadOnlySpan<byte> text, out StoredMessage? message)
    {
        LogLineReader line = new(text);
        message = null;
        if (!line.TryReadId(out StoredId id) || !line.TryTake(" "u8)
            || !line.TryReadInt64(out long seconds) || !line.TryTake(" "u8))
        {
            return false;
        }

        if (line.TryTake("quota"u8))
        {
            message = StoredMessage.Quota(id, seconds);
            return line.IsAtEnd;
        }

        bool notify = line.TryTake("flags=T"u8);
        if (notify || line.TryTake("flags=F"u8))
        {
            _ = line.Word(); // flags that later versions may add
            if (!line.TryTake(" "u8))
            {
                return false;
            }
        }

        // An empty body is written as nothing.
        if (line.IsAtEnd)
        {
            message = StoredMessage.Message(id, seconds, notify, []);
            return true;
        }

        if (!line.TryReadBytes(out byte[] body) || !line.IsAtEnd || body.Length > SmpLimits.MaxMessageLengthOfAllVersions)
        {
            return false;
        }

        message = StoredMessage.Message(id, seconds, notify, body);
        return true;
    }
}
