using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Pairwise.Crypto;
using Pairwise.Wire;

namespace Pairwise.Ratchet;

/// <summary>
/// Reads the JSON in which the reference stores a ratchet, so that a connection can be taken over from its database.
/// </summary>
/// <remarks>Byte strings are base64url; the private key is base64url of the base64url of its PKCS#8 form. Fields about
/// the KEM are absent in states from before version 3 and default to off.</remarks>
public static class ReferenceRatchetJson
{
    /// <summary>Parses a stored ratchet; false when the text is not one. Never throws.</summary>
    public static bool TryParse(ReadOnlyMemory<byte> json, [NotNullWhen(true)] out RatchetState? state)
    {
        state = null;
        try
        {
            using var document = JsonDocument.Parse(json);
            state = ReadState(document.RootElement);
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            // Not JSON, or a text with a broken escape, which the reader reports only when it is asked for the text.
            return false;
        }

        return state is not null;
    }

    private static RatchetState? ReadState(JsonElement json)
    {
        if (!TryVersions(json, out var versions)
            || !TryBytes(json, "rcAD", null, out var associatedData) || associatedData.Length > byte.MaxValue
            || !TryPrivateKey(json, "rcDHRs", out var ownKey)
            || !TryBytes(json, "rcRK", RatchetLimits.KeyLength, out var rootKey)
            || !TryBytes(json, "rcNHKs", RatchetLimits.KeyLength, out var nextSendHeaderKey)
            || !TryBytes(json, "rcNHKr", RatchetLimits.KeyLength, out var nextReceiveHeaderKey)
            || !TryNumber(json, "rcNs", out var sendNumber)
            || !TryNumber(json, "rcNr", out var receiveNumber)
            || !TryNumber(json, "rcPN", out var previousCount)
            || !TrySending(json, out var sending)
            || !TryReceiving(json, out var receiving)
            || !TryKem(json, out var kem))
        {
            return null;
        }

        return new RatchetState
        {
            Versions = versions,
            AssociatedData = Bytes.Wrap(associatedData),
            SupportsPostQuantum = Flag(json, "rcSupportKEM"),
            EnablesPostQuantum = Flag(json, "rcEnableKEM"),
            SendsPostQuantum = Flag(json, "rcSndKEM"),
            ReceivesPostQuantum = Flag(json, "rcRcvKEM"),
            SendNumber = sendNumber,
            ReceiveNumber = receiveNumber,
            PreviousSendCount = previousCount,
            OwnKey = ownKey,
            Kem = kem,
            RootKey = SecretBytes.CopyOf(rootKey),
            Sending = sending,
            Receiving = receiving,
            NextSendHeaderKey = SecretBytes.CopyOf(nextSendHeaderKey),
            NextReceiveHeaderKey = SecretBytes.CopyOf(nextReceiveHeaderKey),
        };
    }

    // rcVersion = [current, maxSupported], or an object with these names
    private static bool TryVersions(JsonElement json, out RatchetVersions versions)
    {
        versions = default;
        if (!TryProperty(json, "rcVersion", out var value))
            return false;
        ushort current, maxSupported;
        if (value.ValueKind == JsonValueKind.Array)
        {
            if (value.GetArrayLength() != 2 || !TryUInt16(value[0], out current) || !TryUInt16(value[1], out maxSupported))
                return false;
        }
        else if (!TryProperty(value, "current", out var first) || !TryUInt16(first, out current)
            || !TryProperty(value, "maxSupported", out var second) || !TryUInt16(second, out maxSupported))
        {
            return false;
        }

        versions = new RatchetVersions(new E2EVersion(current), new E2EVersion(maxSupported));
        return true;
    }

    private static bool TrySending(JsonElement json, out SendingChain? sending)
    {
        sending = null;
        if (!TryProperty(json, "rcSnd", out var value))
            return true;
        if (!TryBytes(value, "rcDHRr", null, out var spki) || !X448PublicKey.TryFromSpki(spki, out var peerKey)
            || !TryBytes(value, "rcCKs", RatchetLimits.KeyLength, out var chainKey)
            || !TryBytes(value, "rcHKs", RatchetLimits.KeyLength, out var headerKey))
        {
            return false;
        }

        sending = new SendingChain(peerKey, SecretBytes.CopyOf(chainKey), SecretBytes.CopyOf(headerKey));
        return true;
    }

    private static bool TryReceiving(JsonElement json, out ReceivingChain? receiving)
    {
        receiving = null;
        if (!TryProperty(json, "rcRcv", out var value))
            return true;
        if (!TryBytes(value, "rcCKr", RatchetLimits.KeyLength, out var chainKey)
            || !TryBytes(value, "rcHKr", RatchetLimits.KeyLength, out var headerKey))
        {
            return false;
        }

        receiving = new ReceivingChain(SecretBytes.CopyOf(chainKey), SecretBytes.CopyOf(headerKey));
        return true;
    }

    private static bool TryKem(JsonElement json, out KemState? kem)
    {
        kem = null;
        if (!TryProperty(json, "rcKEM", out var value))
            return true;
        if (!TryProperty(value, "rcPQRs", out var pair) || pair.ValueKind != JsonValueKind.Array || pair.GetArrayLength() != 2
            || !TryBytes(pair[0], null, out var publicKey) || !TryBytes(pair[1], null, out var secretKey)
            || !Sntrup761KeyPair.TryFromRaw(publicKey, secretKey, out var ownKeys))
        {
            return false;
        }

        if (!TryProperty(value, "rcKEMs", out var accepted))
        {
            kem = new KemState(ownKeys, null);
            return true;
        }

        if (!TryBytes(accepted, "rcPQRr", null, out var peerRaw) || !Sntrup761PublicKey.TryFromRaw(peerRaw, out var peerKey)
            || !TryBytes(accepted, "rcPQRss", RatchetLimits.KemSecretLength, out var secret)
            || !TryBytes(accepted, "rcPQRct", null, out var raw) || !Sntrup761Ciphertext.TryFromRaw(raw, out var ciphertext))
        {
            return false;
        }

        kem = new KemState(ownKeys, new AcceptedKem(peerKey, SecretBytes.CopyOf(secret), ciphertext));
        return true;
    }

    private static bool TryPrivateKey(JsonElement json, string name, [NotNullWhen(true)] out X448PrivateKey? key)
    {
        key = null;
        return TryBytes(json, name, null, out var text)
            && TextEncoding.TryFromBase64Url(text, out var pkcs8)
            && X448PrivateKey.TryFromPkcs8(pkcs8, out key);
    }

    private static bool Flag(JsonElement json, string name) => TryProperty(json, name, out var value) && value.ValueKind == JsonValueKind.True;

    private static bool TryNumber(JsonElement json, string name, out uint number)
    {
        number = 0;
        return TryProperty(json, name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetUInt32(out number);
    }

    private static bool TryUInt16(JsonElement value, out ushort number)
    {
        number = 0;
        return value.ValueKind == JsonValueKind.Number && value.TryGetUInt16(out number);
    }

    private static bool TryBytes(JsonElement json, string name, int? length, [NotNullWhen(true)] out byte[]? bytes)
    {
        bytes = null;
        return TryProperty(json, name, out var value) && TryBytes(value, length, out bytes);
    }

    private static bool TryBytes(JsonElement value, int? length, [NotNullWhen(true)] out byte[]? bytes)
    {
        bytes = null;
        return value.ValueKind == JsonValueKind.String
            && TextEncoding.TryFromBase64Url(value.GetString(), out bytes)
            && (length is null || bytes.Length == length);
    }

    /// <summary>A property that is there and not null.</summary>
    private static bool TryProperty(JsonElement json, string name, out JsonElement value)
    {
        value = default;
        return json.ValueKind == JsonValueKind.Object
            && json.TryGetProperty(name, out value)
            && value.ValueKind != JsonValueKind.Null;
    }
}
