using System.Diagnostics.CodeAnalysis;
using Pairwise.Crypto;
using Pairwise.Wire;

namespace Pairwise.Ratchet;

/// <summary>The header of a ratchet message, always sent encrypted and padded.</summary>
/// <param name="MaxVersion">The newest version the sender's software supports; the current one stands in the clear.</param>
/// <param name="Key">The sender's ratchet key.</param>
/// <param name="Kem">The sender's KEM parameters, from version 3.</param>
/// <param name="PreviousCount">How many messages its previous chain had (PN).</param>
/// <param name="Number">The message's number in its chain (Ns).</param>
internal sealed record MessageHeader(E2EVersion MaxVersion, X448PublicKey Key, KemParameters? Kem, uint PreviousCount, uint Number)
{
    private const int LengthWithoutKem = 2 + X448Key.EncodedLength + 4 + 4;

    // header = maxVersion key [maybeKem] previousCount number ; maybeKem from current version 3, numbers are word32
    public byte[] Encode(E2EVersion current)
    {
        var encoded = new byte[LengthWithoutKem + (current.HasPostQuantum ? KemParameters.MaybeEncodedLength(Kem) : 0)];
        var writer = new WireWriter(encoded);
        writer.WriteUInt16(MaxVersion.Value);
        X448Key.Write(ref writer, Key);
        if (current.HasPostQuantum)
            KemParameters.WriteMaybe(ref writer, Kem);
        writer.WriteUInt32(PreviousCount);
        writer.WriteUInt32(Number);
        return encoded;
    }

    /// <summary>Decodes a header of a message at <paramref name="current"/>. What follows it is left for extensions.</summary>
    public static bool TryDecode(E2EVersion current, ReadOnlySpan<byte> encoded, [NotNullWhen(true)] out MessageHeader? header)
    {
        header = null;
        var reader = new WireReader(encoded);
        KemParameters? kem = null;
        if (!reader.TryReadUInt16(out var maxVersion)
            || !X448Key.TryRead(ref reader, out var key)
            || (current.HasPostQuantum && !KemParameters.TryReadMaybe(ref reader, out kem))
            || !reader.TryReadUInt32(out var previousCount)
            || !reader.TryReadUInt32(out var number))
        {
            return false;
        }

        header = new MessageHeader(new E2EVersion(maxVersion), key, kem, previousCount, number);
        return true;
    }
}

/// <summary>A ratchet message taken apart, without copies: nothing of it is authenticated yet.</summary>
internal readonly ref struct EncryptedMessage
{
    /// <summary>The encrypted header in its encoded form, which the body's encryption authenticates.</summary>
    public ReadOnlySpan<byte> Header { get; private init; }

    public ReadOnlySpan<byte> Tag { get; private init; }

    public ReadOnlySpan<byte> Body { get; private init; }

    /// <summary>The version whose header form was used.</summary>
    public E2EVersion HeaderVersion { get; private init; }

    public ReadOnlySpan<byte> HeaderIv { get; private init; }

    public ReadOnlySpan<byte> HeaderTag { get; private init; }

    public ReadOnlySpan<byte> HeaderBody { get; private init; }

    // message = large(encHeader) tag body ; encHeader = version iv tag large(body) ; tag = 16*16(byte), iv likewise
    public static bool TryParse(ReadOnlySpan<byte> encrypted, out EncryptedMessage message)
    {
        message = default;
        var reader = new WireReader(encrypted);
        if (!TryReadLarge(ref reader, out var header) || !reader.TryReadBytes(RatchetLimits.TagLength, out var tag))
            return false;
        var body = reader.ReadTail();
        var headerReader = new WireReader(header);
        if (!headerReader.TryReadUInt16(out var version)
            || !headerReader.TryReadBytes(RatchetLimits.IvLength, out var headerIv)
            || !headerReader.TryReadBytes(RatchetLimits.TagLength, out var headerTag)
            || !TryReadLarge(ref headerReader, out var headerBody)
            || !headerReader.IsAtEnd)
        {
            return false;
        }

        message = new EncryptedMessage
        {
            Header = header,
            Tag = tag,
            Body = body,
            HeaderVersion = new E2EVersion(version),
            HeaderIv = headerIv,
            HeaderTag = headerTag,
            HeaderBody = headerBody,
        };
        return true;
    }

    // large = word16 *byte from version 3 / byte *byte before
    public static void WriteLarge(ref WireWriter writer, E2EVersion version, ReadOnlySpan<byte> value)
    {
        if (version.HasPostQuantum)
            writer.WriteLarge(value);
        else
            writer.WriteShort(value);
    }

    // A header is never shorter than 32 bytes nor longer than 8,191, so the first byte tells which length prefix it is.
    // The two forms differ within one connection while it is upgraded.
    private static bool TryReadLarge(scoped ref WireReader reader, out ReadOnlySpan<byte> value)
    {
        if (reader.TryPeekByte(out var first))
            return first < 32 ? reader.TryReadLarge(out value) : reader.TryReadShort(out value);
        value = default;
        return false;
    }
}
