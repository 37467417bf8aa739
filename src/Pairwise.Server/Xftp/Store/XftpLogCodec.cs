using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Xftp;
using Pairwise.Server.Smp.Logs;
using Pairwise.Wire;

namespace Pairwise.Server.Xftp.Store;

/// <summary>The lines of a file server's store log, in the reference's form. Reading never throws.</summary>
internal static class XftpLogCodec
{
    private const int MaxDigestLength = byte.MaxValue;

    // line = "FNEW" SP id SP key SP size SP digest SP createdAt [SP status] / "FADD" SP id SP recipient *("," recipient)
    //      / "FPUT" SP id SP path / "FDEL" SP id / "FBLK" SP id SP blockingInfo / "FACK" SP id
    // recipient = id ":" key ; id, key, digest, path = base64url ; status = "active" / "blocked," blockingInfo / "off"
    public static void Write(LogLineWriter line, XftpLogRecord record)
    {
        switch (record)
        {
            case XftpLogRecord.Add add:
                Id(line.Text("FNEW "u8), add.Sender).Text(" "u8)
                    .Base64(add.Chunk.SenderKey.ToSpki()).Text(" "u8)
                    .Number(add.Chunk.Size).Text(" "u8)
                    .Base64(add.Chunk.Digest.Span).Text(" "u8)
                    .Number(add.CreatedAt);
                line.Text(" "u8).Text(Encoding.ASCII.GetBytes(StatusOf(add.Blocked, add.IsOff)));
                break;
            case XftpLogRecord.AddRecipients add:
                Id(line.Text("FADD "u8), add.Sender);
                var separator = " "u8;
                foreach (var recipient in add.Recipients)
                {
                    Id(line.Text(separator), recipient.Id).Text(":"u8).Base64(recipient.Key.ToSpki());
                    separator = ","u8;
                }

                break;
            case XftpLogRecord.Put put:
                Id(line.Text("FPUT "u8), put.Sender).Text(" "u8).Base64(Encoding.UTF8.GetBytes(put.Path));
                break;
            case XftpLogRecord.Delete delete:
                Id(line.Text("FDEL "u8), delete.Sender);
                break;
            case XftpLogRecord.Block blocked:
                Id(line.Text("FBLK "u8), blocked.Sender).Text(" "u8).Text(BlockingInfo(blocked.Reason));
                break;
            case XftpLogRecord.Acknowledge acknowledge:
                Id(line.Text("FACK "u8), acknowledge.Recipient);
                break;
            default:
                throw new UnreachableException();
        }
    }

    public static bool TryRead(ReadOnlySpan<byte> line, [NotNullWhen(true)] out XftpLogRecord? record)
    {
        record = null;
        var reader = new LogLineReader(line);
        var tag = reader.Word();
        if (!reader.TryTake(" "u8) || !TryReadId(ref reader, out var id))
        {
            return false;
        }

        switch (tag)
        {
            case var _ when tag.SequenceEqual("FNEW"u8):
                record = ReadAdd(ref reader, id);
                break;
            case var _ when tag.SequenceEqual("FADD"u8):
                record = ReadAddRecipients(ref reader, id);
                break;
            case var _ when tag.SequenceEqual("FPUT"u8):
                if (reader.TryTake(" "u8) && reader.TryReadBytes(out var path) && TextEncoding.TryDecodeUtf8(path, out var text) && !text.Contains('\0', StringComparison.Ordinal))
                {
                    record = new XftpLogRecord.Put(id, text);
                }

                break;
            case var _ when tag.SequenceEqual("FDEL"u8):
                record = new XftpLogRecord.Delete(id);
                break;
            case var _ when tag.SequenceEqual("FBLK"u8):
                if (reader.TryTake(" "u8) && TryReadBlockingInfo(reader.Rest(), out var reason))
                {
                    record = new XftpLogRecord.Block(id, reason);
                }

                break;
            case var _ when tag.SequenceEqual("FACK"u8):
                record = new XftpLogRecord.Acknowledge(id);
                break;
        }

        if (!reader.IsAtEnd)
        {
            record = null;
        }

        return record is not null;
    }

    private static XftpLogRecord.Add? ReadAdd(ref LogLineReader reader, ChunkId id)
    {
        if (!reader.TryTake(" "u8) || !reader.TryReadBytes(out var spki) || !TryReadKey(spki, out var key)
            || !reader.TryTake(" "u8) || !reader.TryReadInt64(out var size) || size is <= 0 or > uint.MaxValue
            || !reader.TryTake(" "u8) || !reader.TryReadBytes(out var digest) || digest.Length > MaxDigestLength
            || !reader.TryTake(" "u8) || !reader.TryReadInt64(out var createdAt) || createdAt is < 0 or > uint.MaxValue)
        {
            return null;
        }

        XftpError.Blocked? block = null;
        var isOff = false;
        if (!reader.IsAtEnd && !(reader.TryTake(" "u8) && TryReadStatus(reader.Rest(), out block, out isOff)))
        {
            return null;
        }

        return new XftpLogRecord.Add(id, new ChunkInfo(key, (uint)size, Bytes.Wrap(digest)), createdAt, block, isOff);
    }

    private static XftpLogRecord.AddRecipients? ReadAddRecipients(ref LogLineReader reader, ChunkId id)
    {
        if (!reader.TryTake(" "u8))
        {
            return null;
        }

        var recipients = new List<ChunkRecipient>();
        var rest = reader.Rest();
        while (true)
        {
            var comma = rest.IndexOf((byte)',');
            var item = comma < 0 ? rest : rest[..comma];
            var colon = item.IndexOf((byte)':');
            if (colon <= 0
                || !LogLineReader.TryDecode(item[..colon], out var recipient) || recipient.Length > WireId.MaxLength
                || !LogLineReader.TryDecode(item[(colon + 1)..], out var spki) || !TryReadKey(spki, out var key))
            {
                return null;
            }

            recipients.Add(new ChunkRecipient(new ChunkId(recipient), key));
            if (comma < 0)
            {
                return new XftpLogRecord.AddRecipients(id, recipients);
            }

            rest = rest[(comma + 1)..];
        }
    }

    private static bool TryReadKey(byte[] spki, [NotNullWhen(true)] out PublicKey? key) =>
        PublicKey.TryFromSpki(spki, out key) && key is not X448PublicKey;

    private static bool TryReadId(ref LogLineReader reader, out ChunkId id)
    {
        var isRead = reader.TryReadBytes(out var bytes) && bytes.Length <= WireId.MaxLength;
        id = isRead ? new ChunkId(bytes) : default;
        return isRead;
    }

    private static LogLineWriter Id(LogLineWriter line, ChunkId id)
    {
        var value = id.Value;
        return line.Base64(value.Span);
    }

    // The wire's error is the tag and what the log calls the blocking info.
    private static ReadOnlySpan<byte> BlockingInfo(XftpError.Blocked blocked) => XftpErrorCodec.Encode(blocked).AsSpan("BLOCKED ".Length);

    // status = "active" / "blocked," blockingInfo / "off"
    internal static string StatusOf(XftpError.Blocked? block, bool isOff) =>
        block is not null ? $"blocked,{Encoding.ASCII.GetString(BlockingInfo(block))}" : isOff ? "off" : "active";

    internal static bool TryReadStatus(ReadOnlySpan<byte> status, out XftpError.Blocked? block, out bool isOff)
    {
        var blocked = "blocked,"u8;
        block = null;
        isOff = status.SequenceEqual("off"u8);
        return isOff || status.SequenceEqual("active"u8) || (status.StartsWith(blocked) && TryReadBlockingInfo(status[blocked.Length..], out block));
    }

    internal static bool TryReadBlockingInfo(ReadOnlySpan<byte> info, [NotNullWhen(true)] out XftpError.Blocked? blocked)
    {
        blocked = XftpErrorCodec.TryDecode([.. "BLOCKED "u8, .. info], out var error) ? error as XftpError.Blocked : null;
        return blocked is not null;
    }
}
