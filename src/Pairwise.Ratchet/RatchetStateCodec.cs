using System.Diagnostics.CodeAnalysis;
using Pairwise.Crypto;
using Pairwise.Wire;

namespace Pairwise.Ratchet;

/// <summary>
/// The binary form in which we store a ratchet. It is ours alone (nobody sends it) and begins with its own version.
/// </summary>
internal static class RatchetStateCodec
{
    private const byte Format = 1;

    [Flags]
    private enum Parts : ushort
    {
        SupportsPostQuantum = 1,
        EnablesPostQuantum = 2,
        SendsPostQuantum = 4,
        ReceivesPostQuantum = 8,
        Kem = 16,
        AcceptedKem = 32,
        Sending = 64,
        Receiving = 128,
        All = 255,
    }

    // state = %x01 parts current maxSupported associatedData sendNumber receiveNumber previousCount
    //         ownKey(56) ownPublicKey(56) rootKey(32) nextSendHeaderKey(32) nextReceiveHeaderKey(32)
    //         [kemPublic(1158) kemSecret(1763) [peerKem(1158) secret(32) ciphertext(1039)]]
    //         [peerKey(56) chainKey(32) headerKey(32)] [chainKey(32) headerKey(32)]
    // parts, current, maxSupported = word16 ; associatedData = shortString ; the three numbers = word32
    public static byte[] Encode(RatchetState state)
    {
        var stored = new byte[Length(state)];
        var writer = new WireWriter(stored);
        writer.WriteByte(Format);
        writer.WriteUInt16((ushort)PartsOf(state));
        writer.WriteUInt16(state.Versions.Current.Value);
        writer.WriteUInt16(state.Versions.MaxSupported.Value);
        writer.WriteShort(state.AssociatedData.Span);
        writer.WriteUInt32(state.SendNumber);
        writer.WriteUInt32(state.ReceiveNumber);
        writer.WriteUInt32(state.PreviousSendCount);
        writer.WriteBytes(state.OwnKey.Raw);
        writer.WriteBytes(state.OwnKey.PublicKey.Raw);
        writer.WriteBytes(state.RootKey.Span);
        writer.WriteBytes(state.NextSendHeaderKey.Span);
        writer.WriteBytes(state.NextReceiveHeaderKey.Span);
        if (state.Kem is { } kem)
        {
            X3dhKeys.WriteKeyPair(ref writer, kem.OwnKeys);
            if (kem.Accepted is { } accepted)
            {
                writer.WriteBytes(accepted.PeerKey.Raw);
                writer.WriteBytes(accepted.SharedSecret.Span);
                writer.WriteBytes(accepted.Ciphertext.Raw);
            }
        }

        if (state.Sending is { } sending)
        {
            writer.WriteBytes(sending.PeerKey.Raw);
            writer.WriteBytes(sending.ChainKey.Span);
            writer.WriteBytes(sending.HeaderKey.Span);
        }

        if (state.Receiving is { } receiving)
        {
            writer.WriteBytes(receiving.ChainKey.Span);
            writer.WriteBytes(receiving.HeaderKey.Span);
        }

        return stored;
    }

    public static bool TryDecode(ReadOnlySpan<byte> stored, [NotNullWhen(true)] out RatchetState? state)
    {
        state = null;
        var reader = new WireReader(stored);
        if (!reader.TryReadByte(out var format) || format != Format
            || !reader.TryReadUInt16(out var partBits) || partBits > (ushort)Parts.All
            || !reader.TryReadUInt16(out var current)
            || !reader.TryReadUInt16(out var maxSupported)
            || !reader.TryReadShort(out var associatedData)
            || !reader.TryReadUInt32(out var sendNumber)
            || !reader.TryReadUInt32(out var receiveNumber)
            || !reader.TryReadUInt32(out var previousCount)
            || !reader.TryReadBytes(RatchetLimits.X448Length, out var ownKey)
            || !reader.TryReadBytes(RatchetLimits.X448Length, out var ownPublicKey)
            || !reader.TryReadBytes(RatchetLimits.KeyLength, out var rootKey)
            || !reader.TryReadBytes(RatchetLimits.KeyLength, out var nextSendHeaderKey)
            || !reader.TryReadBytes(RatchetLimits.KeyLength, out var nextReceiveHeaderKey))
        {
            return false;
        }

        var parts = (Parts)partBits;
        if (!TryReadKem(ref reader, parts, out var kem))
            return false;
        if (!TryReadSending(ref reader, parts, out var sending)
            || !TryReadReceiving(ref reader, parts, out var receiving)
            || !reader.IsAtEnd)
        {
            kem?.Dispose();
            return false;
        }

        state = new RatchetState
        {
            Versions = new RatchetVersions(new E2EVersion(current), new E2EVersion(maxSupported)),
            AssociatedData = Bytes.CopyOf(associatedData),
            SupportsPostQuantum = parts.HasFlag(Parts.SupportsPostQuantum),
            EnablesPostQuantum = parts.HasFlag(Parts.EnablesPostQuantum),
            SendsPostQuantum = parts.HasFlag(Parts.SendsPostQuantum),
            ReceivesPostQuantum = parts.HasFlag(Parts.ReceivesPostQuantum),
            SendNumber = sendNumber,
            ReceiveNumber = receiveNumber,
            PreviousSendCount = previousCount,
            OwnKey = X448PrivateKey.FromRaw(ownKey, X448PublicKey.FromRaw(ownPublicKey)),
            Kem = kem,
            RootKey = SecretBytes.CopyOf(rootKey),
            Sending = sending,
            Receiving = receiving,
            NextSendHeaderKey = SecretBytes.CopyOf(nextSendHeaderKey),
            NextReceiveHeaderKey = SecretBytes.CopyOf(nextReceiveHeaderKey),
        };
        return true;
    }

    private static Parts PartsOf(RatchetState state)
    {
        Parts parts = default;
        Set(state.SupportsPostQuantum, Parts.SupportsPostQuantum);
        Set(state.EnablesPostQuantum, Parts.EnablesPostQuantum);
        Set(state.SendsPostQuantum, Parts.SendsPostQuantum);
        Set(state.ReceivesPostQuantum, Parts.ReceivesPostQuantum);
        Set(state.Kem is not null, Parts.Kem);
        Set(state.Kem?.Accepted is not null, Parts.AcceptedKem);
        Set(state.Sending is not null, Parts.Sending);
        Set(state.Receiving is not null, Parts.Receiving);
        return parts;

        void Set(bool isPresent, Parts part)
        {
            if (isPresent)
                parts |= part;
        }
    }

    private static int Length(RatchetState state)
    {
        var length = 1 + (3 * 2) + 1 + state.AssociatedData.Length + (3 * 4) + (2 * RatchetLimits.X448Length) + (3 * RatchetLimits.KeyLength);
        if (state.Kem is not null)
            length += X3dhKeys.KeyPairLength;
        if (state.Kem?.Accepted is not null)
            length += Sntrup761.PublicKeyLength + RatchetLimits.KemSecretLength + Sntrup761.CiphertextLength;
        if (state.Sending is not null)
            length += RatchetLimits.X448Length + (2 * RatchetLimits.KeyLength);
        if (state.Receiving is not null)
            length += 2 * RatchetLimits.KeyLength;
        return length;
    }

    private static bool TryReadKem(ref WireReader reader, Parts parts, out KemState? kem)
    {
        kem = null;
        if (!parts.HasFlag(Parts.Kem))
            return !parts.HasFlag(Parts.AcceptedKem);
        if (!X3dhKeys.TryReadKeyPair(ref reader, out var ownKeys))
            return false;
        if (!parts.HasFlag(Parts.AcceptedKem))
        {
            kem = new KemState(ownKeys, null);
            return true;
        }

        if (reader.TryReadBytes(Sntrup761.PublicKeyLength, out var peerRaw)
            && reader.TryReadBytes(RatchetLimits.KemSecretLength, out var secret)
            && reader.TryReadBytes(Sntrup761.CiphertextLength, out var ciphertextRaw)
            && Sntrup761PublicKey.TryFromRaw(peerRaw, out var peerKey)
            && Sntrup761Ciphertext.TryFromRaw(ciphertextRaw, out var ciphertext))
        {
            kem = new KemState(ownKeys, new AcceptedKem(peerKey, SecretBytes.CopyOf(secret), ciphertext));
            return true;
        }

        ownKeys.Dispose();
        return false;
    }

    private static bool TryReadSending(ref WireReader reader, Parts parts, out SendingChain? sending)
    {
        sending = null;
        if (!parts.HasFlag(Parts.Sending))
            return true;
        if (!reader.TryReadBytes(RatchetLimits.X448Length, out var peerKey)
            || !reader.TryReadBytes(RatchetLimits.KeyLength, out var chainKey)
            || !reader.TryReadBytes(RatchetLimits.KeyLength, out var headerKey))
        {
            return false;
        }

        sending = new SendingChain(X448PublicKey.FromRaw(peerKey), SecretBytes.CopyOf(chainKey), SecretBytes.CopyOf(headerKey));
        return true;
    }

    private static bool TryReadReceiving(ref WireReader reader, Parts parts, out ReceivingChain? receiving)
    {
        receiving = null;
        if (!parts.HasFlag(Parts.Receiving))
            return true;
        if (!reader.TryReadBytes(RatchetLimits.KeyLength, out var chainKey)
            || !reader.TryReadBytes(RatchetLimits.KeyLength, out var headerKey))
        {
            return false;
        }

        receiving = new ReceivingChain(SecretBytes.CopyOf(chainKey), SecretBytes.CopyOf(headerKey));
        return true;
    }
}
