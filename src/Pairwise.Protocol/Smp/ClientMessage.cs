using System.Diagnostics.CodeAnalysis;
using Pairwise.Crypto;
using Pairwise.Wire;

namespace Pairwise.Protocol.Smp;

/// <summary>
/// The body of a SEND: what one SMP client sends to another, encrypted between them. Borrowed from its input.
/// Source: simplex-messaging.md, "Format and encryption of message bodies".
/// </summary>
/// <param name="Version">The SMP client version; see <see cref="SmpClientVersions"/>.</param>
/// <param name="SenderDhKey">The sender's key of the queue's encryption, until the recipient has it.</param>
/// <param name="Nonce">24 bytes.</param>
/// <param name="EncryptedBody">The box of a padded <see cref="ClientMessage"/>.</param>
public sealed record ClientMessageEnvelope(ushort Version, X25519PublicKey? SenderDhKey, BlockSlice Nonce, BlockSlice EncryptedBody)
{
    /// <summary>The padded length of the message inside: an envelope with a key has less room.</summary>
    public int PaddedLength => PaddedLengthOf(SenderDhKey is not null);

    /// <summary>
    /// Seals a message. Null if it is too long for the envelope.
    /// </summary>
    /// <param name="version">The SMP client version that both know.</param>
    /// <param name="senderDhKey">Given in confirmations and invitations: the recipient does not know it yet.</param>
    /// <param name="key">Of the secret of both DH keys.</param>
    /// <param name="nonce">24 random bytes.</param>
    /// <param name="message">What to say.</param>
    public static ClientMessageEnvelope? Seal(
        ushort version, X25519PublicKey? senderDhKey, BoxKey key, byte[] nonce, ClientMessage message)
    {
        var encoded = message.Encode();
        var paddedLength = PaddedLengthOf(senderDhKey is not null);
        return Padding.Fits(encoded.Length, paddedLength)
            ? new ClientMessageEnvelope(version, senderDhKey, nonce, key.SealPadded(nonce, encoded, paddedLength))
            : null;
    }

    /// <summary>Opens the message inside; false if the key is another or the content is malformed.</summary>
    public bool TryOpen(BoxKey key, [NotNullWhen(true)] out ClientMessage? message)
    {
        message = null;
        return key.TryOpenPadded(Nonce.Span, EncryptedBody.Span, out var encoded) && ClientMessage.TryDecode(encoded, out message);
    }

    // clientMsgEnvelope = version maybe(senderDhKey) nonce *OCTET
    public byte[] Encode()
    {
        const int longestHeader = 128;
        var bytes = new byte[longestHeader + EncryptedBody.Length];
        var writer = new WireWriter(bytes);
        writer.WriteUInt16(Version);
        writer.WriteMaybe(SenderDhKey is not null);
        if (SenderDhKey is not null)
        {
            SmpKeys.Write(SenderDhKey, ref writer);
        }

        writer.WriteBytes(Nonce.Span);
        writer.WriteBytes(EncryptedBody.Span);
        return writer.WrittenSpan.ToArray();
    }

    public static bool TryDecode(ReadOnlyMemory<byte> encoded, [NotNullWhen(true)] out ClientMessageEnvelope? envelope)
    {
        envelope = null;
        var reader = new WireReader(encoded.Span);
        X25519PublicKey? senderDhKey = null;
        if (!reader.TryReadUInt16(out var version)
            || !reader.TryReadMaybe(out var hasKey)
            || (hasKey && !SmpKeys.TryReadX25519(ref reader, out senderDhKey))
            || !reader.TryReadBytes(BoxNonce.Length, out var nonce))
        {
            return false;
        }

        var body = encoded[reader.Position..];
        envelope = new ClientMessageEnvelope(version, senderDhKey, encoded.Slice(reader.Position - nonce.Length, nonce.Length), body);
        return true;
    }

    private static int PaddedLengthOf(bool hasKey) =>
        hasKey ? SmpLimits.EndToEndConfirmationLength : SmpLimits.EndToEndMessageLength;
}

/// <summary>What is inside a <see cref="ClientMessageEnvelope"/>.</summary>
/// <param name="SenderAuthKey">In a confirmation whose sender could not secure the queue: the key to secure it with (KEY).</param>
/// <param name="Body">An agent envelope.</param>
public sealed record ClientMessage(PublicKey? SenderAuthKey, BlockSlice Body)
{
    // clientMessage = ("K" senderAuthKey / "_") *OCTET
    public byte[] Encode()
    {
        var bytes = new byte[2 + SmpKeys.MaxSpkiLength + Body.Length];
        var writer = new WireWriter(bytes);
        if (SenderAuthKey is null)
        {
            writer.WriteTag("_"u8);
        }
        else
        {
            writer.WriteTag("K"u8);
            SmpKeys.Write(SenderAuthKey, ref writer);
        }

        writer.WriteBytes(Body.Span);
        return writer.WrittenSpan.ToArray();
    }

    public static bool TryDecode(ReadOnlyMemory<byte> encoded, [NotNullWhen(true)] out ClientMessage? message)
    {
        message = null;
        var reader = new WireReader(encoded.Span);
        PublicKey? key = null;
        if (reader.TryReadTag("K"u8))
        {
            if (!SmpKeys.TryReadAuthKey(ref reader, out key))
            {
                return false;
            }
        }
        else if (!reader.TryReadTag("_"u8))
        {
            return false;
        }

        message = new ClientMessage(key, encoded[reader.Position..]);
        return true;
    }
}
