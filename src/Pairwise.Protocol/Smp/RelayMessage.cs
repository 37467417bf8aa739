using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using Pairwise.Crypto;
using Pairwise.Wire;

namespace Pairwise.Protocol.Smp;

/// <summary>
/// A message as a relay keeps it and tells the recipient of it: a body, or the marker that the queue was full when
/// somebody sent more. Source: simplex-messaging.md, "Deliver queue message".
/// </summary>
/// <param name="Time">When the relay got it.</param>
public abstract record RelayMessage(WireTime Time)
{
    /// <summary>The length of the box in MSG, whatever the message: tag and padded content.</summary>
    public const int SealedLength = BoxKey.TagLength + SmpLimits.PaddedReceivedMessageLength;

    /// <summary>What a sender sent.</summary>
    public sealed record Content(WireTime Time, MessageFlags Flags, BlockSlice Body) : RelayMessage(Time);

    /// <summary>The marker: the recipient tells the sender to go on.</summary>
    public sealed record QuotaMarker(WireTime Time) : RelayMessage(Time);

    /// <summary>
    /// Seals the message for the recipient into <paramref name="destination"/>, which has <see cref="SealedLength"/> bytes,
    /// without an allocation.
    /// </summary>
    /// <param name="secret">Of the queue's two DH keys, 32 bytes.</param>
    /// <param name="id">The message id is the nonce.</param>
    /// <param name="destination">Where MSG has its body.</param>
    /// <exception cref="ArgumentException">The body is longer than any version allows, or the destination has another length.</exception>
    public void Seal(ReadOnlySpan<byte> secret, MessageId id, Span<byte> destination)
    {
        Span<byte> nonce = stackalloc byte[BoxNonce.Length];
        BoxKey.SealOnce(secret, nonce, WritePadded(id, nonce, destination), destination);
    }

    /// <summary>As the other, with a key that is there.</summary>
    /// <exception cref="ArgumentException">The body is longer than any version allows, or the destination has another length.</exception>
    public void Seal(BoxKey key, MessageId id, Span<byte> destination)
    {
        Span<byte> nonce = stackalloc byte[BoxNonce.Length];
        key.Seal(nonce, WritePadded(id, nonce, destination), destination);
    }

    /// <summary>Opens what MSG has, with the recipient's side of the secret.</summary>
    public static bool TryOpen(BoxKey key, MessageId id, ReadOnlySpan<byte> sealedMessage, [NotNullWhen(true)] out RelayMessage? message)
    {
        message = null;
        Span<byte> nonce = stackalloc byte[BoxNonce.Length];
        BoxNonce.Write(id.Value.Span, nonce);
        return key.TryOpenPadded(nonce, sealedMessage, out var encoded) && TryDecode(encoded, out message);
    }

    /// <summary>Bytes of <see cref="Encode"/>.</summary>
    public int EncodedLength => this switch
    {
        Content content => sizeof(long) + 2 + content.Body.Length,
        QuotaMarker => "QUOTA ".Length + sizeof(long),
        _ => throw new UnreachableException(),
    };

    // receivedMessage = time flags SP body / "QUOTA" SP time ; time = int64 in seconds
    // flags = notification:bool *<unknown flags, not a space>
    public byte[] Encode()
    {
        var bytes = new byte[EncodedLength];
        var writer = new WireWriter(bytes);
        Write(ref writer);
        return bytes;
    }

    public static bool TryDecode(ReadOnlyMemory<byte> encoded, [NotNullWhen(true)] out RelayMessage? message)
    {
        message = null;
        var reader = new WireReader(encoded.Span);

        // A time that begins with these letters lies in the far future; the reference tries the marker first as well.
        if (reader.TryReadTag("QUOTA "u8))
        {
            if (reader.TryReadInt64(out var quotaTime) && reader.IsAtEnd)
            {
                message = new QuotaMarker(new WireTime(quotaTime));
                return true;
            }

            reader = new WireReader(encoded.Span);
        }

        if (!reader.TryReadInt64(out var time)
            || !reader.TryReadBool(out var notification)
            || !reader.TryReadWord(out _)
            || !reader.TryReadSpace())
        {
            return false;
        }

        message = new Content(new WireTime(time), new MessageFlags(notification), encoded[reader.Position..]);
        return true;
    }

    // storedMessage = msgId SP seconds SP ("quota" / "flags=" flags SP body) ; msgId and body base64url
    // Lines from before the flags have none.
    /// <summary>The line in which relays keep the message in their message logs.</summary>
    public string ToStoredText(MessageId id)
    {
        var prefix = string.Create(CultureInfo.InvariantCulture, $"{TextEncoding.ToBase64Url(id.Value.Span)} {Time.UnixSeconds} ");
        return this switch
        {
            Content content => $"{prefix}flags={(content.Flags.Notification ? 'T' : 'F')} {TextEncoding.ToBase64Url(content.Body.Span)}",
            QuotaMarker => prefix + "quota",
            _ => throw new UnreachableException(),
        };
    }

    /// <summary>Reads a line of a message log. An empty body, which the reference writes and cannot read, is read.</summary>
    public static bool TryParseStoredText(ReadOnlySpan<byte> text, out MessageId id, [NotNullWhen(true)] out RelayMessage? message)
    {
        id = default;
        message = null;
        var cursor = new TextCursor(text);
        if (!cursor.TryReadBase64Url(out var idBytes)
            || idBytes.Length > WireId.MaxLength
            || !cursor.TryRead(" "u8)
            || !TextEncoding.TryParseInt64(cursor.ReadUntilAny(" "u8), out var seconds)
            || !cursor.TryRead(" "u8))
        {
            return false;
        }

        id = new MessageId(idBytes);
        if (cursor.TryRead("quota"u8))
        {
            message = new QuotaMarker(new WireTime(seconds));
            return cursor.IsAtEnd;
        }

        var flags = MessageFlags.None;
        if (cursor.TryRead("flags="u8))
        {
            var flagText = cursor.ReadUntilAny(" "u8);
            if (flagText.IsEmpty || flagText[0] is not ((byte)'T' or (byte)'F') || !cursor.TryRead(" "u8))
            {
                return false;
            }

            flags = new MessageFlags(flagText[0] == (byte)'T');
        }

        var body = Array.Empty<byte>();
        if (!cursor.IsAtEnd && (!cursor.TryReadBase64Url(out body) || !cursor.IsAtEnd))
        {
            return false;
        }

        message = new Content(new WireTime(seconds), flags, body);
        return true;
    }

    // Writes the nonce, and the padded content to where it is sealed in place.
    private Span<byte> WritePadded(MessageId id, Span<byte> nonce, Span<byte> destination)
    {
        if (destination.Length != SealedLength)
        {
            throw new ArgumentException($"The sealed message has {SealedLength} bytes.", nameof(destination));
        }

        BoxNonce.Write(id.Value.Span, nonce);
        var padded = destination[BoxKey.TagLength..];
        var writer = new WireWriter(padded);
        writer.WriteUInt16((ushort)EncodedLength);
        Write(ref writer);
        padded[writer.Written..].Fill((byte)'#');
        return padded;
    }

    private void Write(ref WireWriter writer)
    {
        switch (this)
        {
            case Content content:
                writer.WriteInt64(Time.UnixSeconds);
                writer.WriteBool(content.Flags.Notification);
                writer.WriteSpace();
                writer.WriteBytes(content.Body.Span);
                break;
            case QuotaMarker:
                writer.WriteTag("QUOTA "u8);
                writer.WriteInt64(Time.UnixSeconds);
                break;
            default:
                throw new UnreachableException();
        }
    }
}

/// <summary>What a notification tells the recipient, and nobody else, about a message.</summary>
public sealed record NotificationMeta(MessageId Message, WireTime Time)
{
    // nmsgMeta = msgId time *<ignored>
    public byte[] Encode()
    {
        var id = Message.Value;
        var bytes = new byte[1 + id.Length + sizeof(long)];
        var writer = new WireWriter(bytes);
        writer.WriteShort(id.Span);
        writer.WriteInt64(Time.UnixSeconds);
        return bytes;
    }

    public static bool TryDecode(ReadOnlySpan<byte> encoded, [NotNullWhen(true)] out NotificationMeta? meta)
    {
        meta = null;
        var reader = new WireReader(encoded);
        if (!reader.TryReadShort(out var id) || !reader.TryReadInt64(out var time))
        {
            return false;
        }

        meta = new NotificationMeta(new MessageId(id), new WireTime(time));
        return true;
    }

    /// <summary>Seals for the recipient's notification key; the nonce goes beside it in NMSG.</summary>
    public byte[] Seal(BoxKey key, ReadOnlySpan<byte> nonce) => key.SealPadded(nonce, Encode(), SmpLimits.PaddedNotificationMetaLength);

    public static bool TryOpen(BoxKey key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> sealedMeta, [NotNullWhen(true)] out NotificationMeta? meta)
    {
        meta = null;
        return key.TryOpenPadded(nonce, sealedMeta, out var encoded) && TryDecode(encoded, out meta);
    }
}
