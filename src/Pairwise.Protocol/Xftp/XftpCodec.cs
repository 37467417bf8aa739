using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.Wire;

namespace Pairwise.Protocol.Xftp;

/// <summary>
/// The wire form of commands and responses. Stateless; decoding never throws. All versions write alike, but for errors
/// (<see cref="XftpErrorCodec.Downgrade"/>). Source: xftp.md, "XFTP commands".
/// </summary>
public static class XftpCodec
{
    // command = "FNEW" SP chunk recipientKeys maybe(password) / "FADD" SP recipientKeys / "FPUT" / "FDEL"
    //         / "FGET" SP key / "FACK" / "PING"
    // chunk = key size digest ; size = word32, digest = shortString ; password = shortString
    // recipientKeys = nonEmptyList(key) ; key = shortString of the SubjectPublicKeyInfo
    public static void Write(XftpCommand command, ref WireWriter writer)
    {
        switch (command)
        {
            case XftpCommand.New create:
                writer.WriteTag("FNEW "u8);
                create.Chunk.SenderKey.WriteSpki(ref writer);
                writer.WriteUInt32(create.Chunk.Size);
                writer.WriteShort(create.Chunk.Digest.Span);
                WriteKeys(create.RecipientKeys, ref writer);
                writer.WriteMaybe(create.Password is not null);
                create.Password?.Write(ref writer);
                break;
            case XftpCommand.Add add:
                writer.WriteTag("FADD "u8);
                WriteKeys(add.RecipientKeys, ref writer);
                break;
            case XftpCommand.Put:
                writer.WriteTag("FPUT"u8);
                break;
            case XftpCommand.Delete:
                writer.WriteTag("FDEL"u8);
                break;
            case XftpCommand.Get get:
                writer.WriteTag("FGET "u8);
                get.Key.WriteSpki(ref writer);
                break;
            case XftpCommand.Ack:
                writer.WriteTag("FACK"u8);
                break;
            case XftpCommand.Ping:
                writer.WriteTag("PING"u8);
                break;
            default:
                throw new UnreachableException();
        }
    }

    /// <summary>Encodes a command into a new array.</summary>
    /// <exception cref="ArgumentException">It does not fit in a block: too many recipients.</exception>
    public static byte[] Encode(XftpCommand command)
    {
        var writer = new WireWriter(new byte[XftpLimits.BlockSize]);
        Write(command, ref writer);
        return writer.WrittenSpan.ToArray();
    }

    /// <summary>Decodes a command; false with <c>CMD UNKNOWN</c> or <c>CMD SYNTAX</c> if it is none.</summary>
    public static bool TryDecode(
        ReadOnlySpan<byte> bytes,
        [NotNullWhen(true)] out XftpCommand? command,
        [NotNullWhen(false)] out XftpError? error)
    {
        var reader = new WireReader(bytes);
        reader.TryReadWord(out var tag);
        command = null;
        error = XftpError.Command.Syntax;
        switch (tag)
        {
            case var _ when tag.SequenceEqual("FNEW"u8):
                TryReadNew(ref reader, out command);
                break;
            case var _ when tag.SequenceEqual("FADD"u8):
                if (reader.TryReadSpace() && TryReadKeys(ref reader, out var keys))
                {
                    command = new XftpCommand.Add(keys);
                }

                break;
            case var _ when tag.SequenceEqual("FPUT"u8):
                command = XftpCommand.Put.Instance;
                break;
            case var _ when tag.SequenceEqual("FDEL"u8):
                command = XftpCommand.Delete.Instance;
                break;
            case var _ when tag.SequenceEqual("FGET"u8):
                if (reader.TryReadSpace() && SmpKeys.TryReadX25519(ref reader, out var key))
                {
                    command = new XftpCommand.Get(key);
                }

                break;
            case var _ when tag.SequenceEqual("FACK"u8):
                command = XftpCommand.Ack.Instance;
                break;
            case var _ when tag.SequenceEqual("PING"u8):
                command = XftpCommand.Ping.Instance;
                break;
            default:
                error = XftpError.Command.Unknown;
                break;
        }

        if (command is null || !reader.IsAtEnd)
        {
            command = null;
            return false;
        }

        error = null;
        return true;
    }

    // response = "SIDS" SP senderId recipientIds / "RIDS" SP recipientIds / "FILE" SP key nonce / "OK" / "ERR" SP error / "PONG"
    // recipientIds = nonEmptyList(shortString) ; nonce = 24*24(byte)
    public static void Write(XftpVersion version, XftpResponse response, ref WireWriter writer)
    {
        switch (response)
        {
            case XftpResponse.SenderIds ids:
                writer.WriteTag("SIDS "u8);
                writer.WriteShort(ids.Sender.Value.Span);
                WriteIds(ids.Recipients, ref writer);
                break;
            case XftpResponse.RecipientIds ids:
                writer.WriteTag("RIDS "u8);
                WriteIds(ids.Recipients, ref writer);
                break;
            case XftpResponse.File file:
                writer.WriteTag("FILE "u8);
                file.Key.WriteSpki(ref writer);
                writer.WriteBytes(file.Nonce.Span);
                break;
            case XftpResponse.Ok:
                writer.WriteTag("OK"u8);
                break;
            case XftpResponse.Err error:
                writer.WriteTag("ERR "u8);
                writer.WriteBytes(XftpErrorCodec.Encode(XftpErrorCodec.Downgrade(version, error.Error)));
                break;
            case XftpResponse.Pong:
                writer.WriteTag("PONG"u8);
                break;
            default:
                throw new UnreachableException();
        }
    }

    /// <summary>Encodes a response into a new array.</summary>
    public static byte[] Encode(XftpVersion version, XftpResponse response)
    {
        var writer = new WireWriter(new byte[XftpLimits.BlockSize]);
        Write(version, response, ref writer);
        return writer.WrittenSpan.ToArray();
    }

    /// <summary>Decodes a response; false with <c>CMD UNKNOWN</c> or <c>CMD SYNTAX</c> if it is none.</summary>
    public static bool TryDecode(
        ReadOnlySpan<byte> bytes,
        [NotNullWhen(true)] out XftpResponse? response,
        [NotNullWhen(false)] out XftpError? error)
    {
        var reader = new WireReader(bytes);
        reader.TryReadWord(out var tag);
        response = null;
        error = XftpError.Command.Syntax;
        switch (tag)
        {
            case var _ when tag.SequenceEqual("SIDS"u8):
                if (reader.TryReadSpace() && reader.TryReadShort(out var sender) && TryReadIds(ref reader, out var recipients))
                {
                    response = new XftpResponse.SenderIds(new ChunkId(sender), recipients);
                }

                break;
            case var _ when tag.SequenceEqual("RIDS"u8):
                if (reader.TryReadSpace() && TryReadIds(ref reader, out var more))
                {
                    response = new XftpResponse.RecipientIds(more);
                }

                break;
            case var _ when tag.SequenceEqual("FILE"u8):
                if (reader.TryReadSpace() && SmpKeys.TryReadX25519(ref reader, out var key) && reader.TryReadBytes(BoxNonce.Length, out var nonce))
                {
                    response = new XftpResponse.File(key, Bytes.CopyOf(nonce));
                }

                break;
            case var _ when tag.SequenceEqual("OK"u8):
                response = XftpResponse.Ok.Instance;
                break;
            case var _ when tag.SequenceEqual("ERR"u8):
                if (reader.TryReadSpace() && XftpErrorCodec.TryRead(ref reader, out var reason))
                {
                    response = new XftpResponse.Err(reason);
                }

                break;
            case var _ when tag.SequenceEqual("PONG"u8):
                response = XftpResponse.Pong.Instance;
                break;
            default:
                error = XftpError.Command.Unknown;
                break;
        }

        if (response is null || !reader.IsAtEnd)
        {
            response = null;
            return false;
        }

        error = null;
        return true;
    }

    private static bool TryReadNew(ref WireReader reader, out XftpCommand? command)
    {
        command = null;
        if (!reader.TryReadSpace()
            || !SmpKeys.TryReadAuthKey(ref reader, out var senderKey)
            || !reader.TryReadUInt32(out var size)
            || !reader.TryReadShort(out var digest)
            || !TryReadKeys(ref reader, out var recipientKeys)
            || !reader.TryReadMaybe(out var hasPassword))
        {
            return false;
        }

        BasicAuth? password = null;
        if (hasPassword && !BasicAuth.TryRead(ref reader, out password))
        {
            return false;
        }

        command = new XftpCommand.New(new ChunkInfo(senderKey, size, Bytes.CopyOf(digest)), recipientKeys, password);
        return true;
    }

    private static void WriteKeys(ValueList<PublicKey> keys, ref WireWriter writer)
    {
        writer.WriteListCount(keys.Count);
        foreach (var key in keys)
        {
            key.WriteSpki(ref writer);
        }
    }

    private static bool TryReadKeys(ref WireReader reader, out ValueList<PublicKey> keys)
    {
        keys = default;
        if (!reader.TryReadNonEmptyListCount(out var count))
        {
            return false;
        }

        var list = new PublicKey[count];
        for (var i = 0; i < count; i++)
        {
            if (!SmpKeys.TryReadAuthKey(ref reader, out var key))
            {
                return false;
            }

            list[i] = key;
        }

        keys = ValueList.Create<PublicKey>(list);
        return true;
    }

    private static void WriteIds(ValueList<ChunkId> ids, ref WireWriter writer)
    {
        writer.WriteListCount(ids.Count);
        foreach (var id in ids)
        {
            var value = id.Value;
            writer.WriteShort(value.Span);
        }
    }

    private static bool TryReadIds(ref WireReader reader, out ValueList<ChunkId> ids)
    {
        ids = default;
        if (!reader.TryReadNonEmptyListCount(out var count))
        {
            return false;
        }

        var list = new ChunkId[count];
        for (var i = 0; i < count; i++)
        {
            if (!reader.TryReadShort(out var id))
            {
                return false;
            }

            list[i] = new ChunkId(id);
        }

        ids = ValueList.Create<ChunkId>(list);
        return true;
    }
}
