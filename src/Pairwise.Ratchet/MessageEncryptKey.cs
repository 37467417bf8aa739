using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Pairwise.Crypto;
using Pairwise.Wire;

namespace Pairwise.Ratchet;

/// <summary>
/// All it takes to encrypt one message later: its key and its finished header. The ratchet has moved on already, so
/// messages can be encrypted at the moment of delivery. Owns its key.
/// </summary>
/// <remarks>It is made for one message: encrypting two different ones with it breaks both. Thread-safe for use.</remarks>
public sealed class MessageEncryptKey : IDisposable
{
    private readonly E2EVersion _version;
    private readonly Bytes _associatedData;
    private readonly SecretBytes _key;
    private readonly Bytes _header;

    internal MessageEncryptKey(E2EVersion version, Bytes associatedData, ReadOnlySpan<byte> messageKey, Bytes header)
    {
        _version = version;
        _associatedData = associatedData;
        _key = SecretBytes.CopyOf(messageKey);
        _header = header;
    }

    /// <summary>Length of the encrypted message for a padded length.</summary>
    public int EncryptedLength(int paddedLength) => LengthPrefix + _header.Length + RatchetLimits.TagLength + paddedLength;

    private int LengthPrefix => _version.HasPostQuantum ? 2 : 1;

    /// <summary>
    /// Pads <paramref name="message"/> to <paramref name="paddedLength"/> bytes and encrypts it; the result has
    /// <see cref="EncryptedLength"/> bytes.
    /// </summary>
    /// <returns>False (<see cref="RatchetErrorKind.MessageTooLarge"/>) when the message does not fit.</returns>
    // message = large(encHeader) tag body ; body = AES-256-GCM(key, iv, associatedData || encHeader, padded message)
    public bool TryEncrypt(ReadOnlySpan<byte> message, int paddedLength, [NotNullWhen(true)] out byte[]? encrypted)
    {
        encrypted = null;
        if (!Padding.Fits(message.Length, paddedLength))
            return false;
        encrypted = new byte[EncryptedLength(paddedLength)];
        var writer = new WireWriter(encrypted);
        EncryptedMessage.WriteLarge(ref writer, _version, _header.Span);
        var tag = writer.Reserve(RatchetLimits.TagLength);
        var body = writer.Reserve(paddedLength);
        Padding.TryPad(message, body);
        var key = _key.Span;
        AesGcm16.Encrypt(
            key[..RatchetLimits.KeyLength],
            key[RatchetLimits.KeyLength..],
            AssociatedData(_associatedData.Span, _header.Span),
            body,
            body,
            tag);
        return true;
    }

    // messageEncryptKey = version associatedData key iv header ; the first three short strings, the header a large one
    /// <summary>The binary form for the encrypted store, equal to the reference's. The caller zeroes it.</summary>
    public byte[] Serialize()
    {
        var stored = new byte[2 + 1 + _associatedData.Length + 1 + RatchetLimits.KeyLength + 1 + RatchetLimits.IvLength + 2 + _header.Length];
        var writer = new WireWriter(stored);
        writer.WriteUInt16(_version.Value);
        writer.WriteShort(_associatedData.Span);
        writer.WriteShort(_key.Span[..RatchetLimits.KeyLength]);
        writer.WriteShort(_key.Span[RatchetLimits.KeyLength..]);
        writer.WriteLarge(_header.Span);
        return stored;
    }

    /// <summary>Restores a key from <see cref="Serialize"/>; false when the bytes are not such a key.</summary>
    public static bool TryDeserialize(ReadOnlySpan<byte> stored, [NotNullWhen(true)] out MessageEncryptKey? key)
    {
        key = null;
        var reader = new WireReader(stored);
        if (!reader.TryReadUInt16(out var version)
            || !reader.TryReadShort(out var associatedData)
            || !reader.TryReadShort(out var messageKey)
            || messageKey.Length != RatchetLimits.KeyLength
            || !reader.TryReadShort(out var iv)
            || iv.Length != RatchetLimits.IvLength
            || !reader.TryReadLarge(out var header)
            || !reader.IsAtEnd)
        {
            return false;
        }

        Span<byte> keyAndIv = stackalloc byte[RatchetLimits.MessageKeyLength];
        messageKey.CopyTo(keyAndIv);
        iv.CopyTo(keyAndIv[RatchetLimits.KeyLength..]);
        key = new MessageEncryptKey(new E2EVersion(version), Bytes.CopyOf(associatedData), keyAndIv, Bytes.CopyOf(header));
        CryptographicOperations.ZeroMemory(keyAndIv);
        return true;
    }

    public void Dispose() => _key.Dispose();

    public override string ToString() => "[secret]";

    internal static byte[] AssociatedData(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        var joined = new byte[first.Length + second.Length];
        first.CopyTo(joined);
        second.CopyTo(joined.AsSpan(first.Length));
        return joined;
    }
}
