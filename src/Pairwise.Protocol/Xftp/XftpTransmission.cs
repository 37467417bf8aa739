using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.Wire;

namespace Pairwise.Protocol.Xftp;

/// <summary>
/// The block that a request or an answer begins with: a padded batch of exactly one transmission, in the form that SMP had
/// before it implied session ids. Stateless; decoding never throws.
/// </summary>
public static class XftpTransmission
{
    // block = padded(batch) ; batch = %x01 length transmission
    // transmission = authorization sessionId corrId entityId command ; each but the command a shortString
    /// <summary>Encodes and authorizes a command. False only if an X25519 key has to authorize it and the server sent no session key.</summary>
    /// <param name="sessionId">The TLS session's id.</param>
    /// <param name="serverKey">The server's session key, which authenticators need; null without handshake.</param>
    /// <param name="corrId">Empty, or 24 bytes; also the nonce of an authenticator.</param>
    /// <param name="entity">The chunk, by the id that the one who asks knows.</param>
    /// <param name="key">Ed25519, Ed448 or X25519; null for PING.</param>
    /// <param name="block">16,384 bytes.</param>
    /// <exception cref="ArgumentException">A key of a kind that authorizes nothing, or more recipients than fit.</exception>
    public static bool TryEncode(
        ReadOnlySpan<byte> sessionId,
        X25519PublicKey? serverKey,
        CorrId corrId,
        EntityId entity,
        XftpCommand command,
        PrivateKey? key,
        [NotNullWhen(true)] out byte[]? block)
    {
        var signed = new WireWriter(new byte[XftpLimits.BlockSize]);
        WriteHead(sessionId, corrId, entity, ref signed);
        XftpCodec.Write(command, ref signed);
        block = null;
        if (!TryAuthorize(key, serverKey, corrId, signed.WrittenSpan, out var authorization))
        {
            return false;
        }

        block = WriteBlock(authorization, signed.WrittenSpan);
        return true;
    }

    /// <summary>Encodes an answer.</summary>
    public static byte[] Encode(XftpVersion version, ReadOnlySpan<byte> sessionId, CorrId corrId, EntityId entity, XftpResponse response)
    {
        var signed = new WireWriter(new byte[XftpLimits.BlockSize]);
        WriteHead(sessionId, corrId, entity, ref signed);
        XftpCodec.Write(version, response, ref signed);
        return WriteBlock([], signed.WrittenSpan);
    }

    /// <summary>
    /// Opens a block; false if it is not a batch of one transmission: the answer is then <c>ERR BLOCK</c> without ids. What
    /// is wrong inside the transmission is its own <see cref="Transmission.Error"/>.
    /// </summary>
    public static bool TryOpen(ReadOnlyMemory<byte> block, TransmissionFormat format, out Transmission transmission)
    {
        transmission = default;
        return block.Length == XftpLimits.BlockSize
            && Padding.TryUnpad(block.Span, out var content)
            && BatchReader.TryOpen(block.Slice(Padding.PrefixLength, content.Length), format, out var batch)
            && batch.Remaining == 1
            && batch.TryReadNext(out transmission);
    }

    /// <summary>Decodes the command on the server's side and checks that it has the credentials it needs and no others.</summary>
    public static bool TryDecodeCommand(
        this in Transmission transmission,
        [NotNullWhen(true)] out XftpCommand? command,
        [NotNullWhen(false)] out XftpError? error)
    {
        command = null;
        error = ErrorOf(transmission);
        if (error is not null || !XftpCodec.TryDecode(transmission.Command.Span, out command, out error))
        {
            return false;
        }

        var hasAuthorization = transmission.Authorization.IsPresent;
        var hasEntity = !transmission.Entity.IsEmpty;
        error = command switch
        {
            XftpCommand.New => !hasAuthorization ? XftpError.Command.NoAuth : hasEntity ? XftpError.Command.HasAuth : null,
            XftpCommand.Ping => hasAuthorization || hasEntity ? XftpError.Command.HasAuth : null,
            _ => hasAuthorization && hasEntity ? null : XftpError.Command.NoAuth,
        };
        return error is null;
    }

    /// <summary>Decodes the answer on the client's side and checks that it has an entity id exactly if it should.</summary>
    public static bool TryDecodeResponse(
        this in Transmission transmission,
        [NotNullWhen(true)] out XftpResponse? response,
        [NotNullWhen(false)] out XftpError? error)
    {
        response = null;
        error = ErrorOf(transmission);
        if (error is not null || !XftpCodec.TryDecode(transmission.Command.Span, out response, out error))
        {
            return false;
        }

        var hasEntity = !transmission.Entity.IsEmpty;
        error = response switch
        {
            XftpResponse.Err => null,
            XftpResponse.SenderIds or XftpResponse.Pong => hasEntity ? XftpError.Command.HasAuth : null,
            _ => hasEntity ? null : XftpError.Command.NoEntity,
        };
        return error is null;
    }

    private static XftpError? ErrorOf(in Transmission transmission) => transmission.Error switch
    {
        null => null,
        SmpError.Block => XftpError.Block.Instance,
        SmpError.Session => XftpError.Session.Instance,
        _ => throw new UnreachableException(),
    };

    private static void WriteHead(ReadOnlySpan<byte> sessionId, CorrId corrId, EntityId entity, ref WireWriter writer)
    {
        writer.WriteShort(sessionId);
        writer.WriteShort(corrId.Value.Span);
        writer.WriteShort(entity.Value.Span);
    }

    private static byte[] WriteBlock(ReadOnlySpan<byte> authorization, ReadOnlySpan<byte> signed)
    {
        var content = new WireWriter(new byte[XftpLimits.MaxBlockContent]);
        content.WriteByte(1);
        content.WriteUInt16((ushort)(1 + authorization.Length + signed.Length));
        content.WriteShort(authorization);
        content.WriteBytes(signed);
        return Padding.Pad(content.WrittenSpan, XftpLimits.BlockSize);
    }

    private static bool TryAuthorize(PrivateKey? key, X25519PublicKey? serverKey, CorrId corrId, ReadOnlySpan<byte> signed, out byte[] authorization)
    {
        authorization = [];
        switch (key)
        {
            case null:
                return true;
            case SigningKey signing:
                authorization = signing.Sign(signed);
                return true;
            case X25519PrivateKey when serverKey is null:
                return false;
            case X25519PrivateKey agreement:
                using (var secret = agreement.DeriveSharedSecret(serverKey))
                using (var box = BoxKey.From(secret))
                {
                    authorization = Authenticator.Create(box, BoxNonce.From(corrId.Value.Span), signed);
                }

                return true;
            default:
                throw new ArgumentException("This key authorizes no command.", nameof(key));
        }
    }
}
