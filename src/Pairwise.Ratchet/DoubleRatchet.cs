using System.Diagnostics.CodeAnalysis;
using Pairwise.Crypto;
using Pairwise.Wire;

namespace Pairwise.Ratchet;

/// <summary>
/// The double ratchet with encrypted headers and an optional KEM (sntrup761) in every ratchet step: a state goes in, a
/// new state comes out, and the caller stores it before anyone can see the message.
/// </summary>
/// <remarks>
/// Source: the double ratchet specification with header encryption, and the reference's <c>pqdr</c> document for the
/// KEM. Pure: no clock, no store; randomness is handed in. The given state is never changed and stays the caller's.
/// </remarks>
public static class DoubleRatchet
{
    /// <summary>
    /// Takes the next message key out of the sending chain. The message itself is encrypted by
    /// <see cref="MessageEncryptKey.TryEncrypt"/>, now or later.
    /// </summary>
    /// <param name="state">The current state.</param>
    /// <param name="postQuantum">
    /// True enables the KEM from the next ratchet step on, false disables it, null leaves it. Padded sizes never shrink
    /// again once it was enabled.
    /// </param>
    /// <param name="supported">The newest version our software supports, announced to the peer.</param>
    /// <returns>False with <see cref="RatchetErrorKind.State"/> when there is no sending chain yet.</returns>
    public static bool TryPrepare(
        RatchetState state,
        bool? postQuantum,
        E2EVersion supported,
        [NotNullWhen(true)] out MessageEncryptKey? key,
        [NotNullWhen(true)] out RatchetState? next,
        out RatchetError error)
    {
        ArgumentNullException.ThrowIfNull(state);
        key = null;
        next = null;
        error = default;
        if (state.Sending is not { } chain)
        {
            error = new RatchetError(RatchetErrorKind.State);
            return false;
        }

        var current = state.Versions.Current;
        var enables = postQuantum ?? state.EnablesPostQuantum;
        var supports = state.SupportsPostQuantum || (enables && current.HasPostQuantum);
        var announced = E2EVersion.Max(supported, postQuantum == true ? E2EVersions.PostQuantum : current);

        using var step = RatchetKdf.Advance(chain.ChainKey);
        var header = EncryptHeader(state, chain, step, announced, RatchetLimits.HeaderLength(current, supports));
        Span<byte> messageKey = stackalloc byte[RatchetLimits.MessageKeyLength];
        step.CopyMessageKeyTo(messageKey);
        key = new MessageEncryptKey(current, state.AssociatedData, messageKey, header);
        messageKey.Clear();

        next = state.Copy();
        next.Sending!.Dispose();
        next.Sending = new SendingChain(chain.PeerKey, step.NextChainKey.Copy(), chain.HeaderKey.Copy());
        next.SendNumber = unchecked(state.SendNumber + 1);
        next.SupportsPostQuantum = supports;
        next.EnablesPostQuantum = enables;
        next.Versions = state.Versions with { MaxSupported = announced };
        if (postQuantum == false && next.Kem is { } kem)
        {
            // As in the reference, later headers of this chain lose the secret on which its keys depend: they are
            // readable only to a peer that has read an earlier one.
            next.Kem = new KemState(kem.OwnKeys.Copy(), null);
            kem.Dispose();
        }

        return true;
    }

    /// <summary>Prepares a key and encrypts with it at once.</summary>
    /// <param name="message">The plaintext; <see cref="RatchetErrorKind.MessageTooLarge"/> when it does not fit.</param>
    /// <param name="paddedLength">Length in bytes of the padded plaintext.</param>
    public static bool TryEncrypt(
        RatchetState state,
        ReadOnlySpan<byte> message,
        int paddedLength,
        bool? postQuantum,
        E2EVersion supported,
        [NotNullWhen(true)] out byte[]? encrypted,
        [NotNullWhen(true)] out RatchetState? next,
        out RatchetError error)
    {
        encrypted = null;
        next = null;
        if (!Padding.Fits(message.Length, paddedLength))
        {
            error = new RatchetError(RatchetErrorKind.MessageTooLarge);
            return false;
        }

        if (!TryPrepare(state, postQuantum, supported, out var key, out next, out error))
            return false;
        using (key)
        {
            if (key.TryEncrypt(message, paddedLength, out encrypted))
                return true;
        }

        throw new System.Diagnostics.UnreachableException();
    }

    /// <summary>Decrypts a message. Never throws, whatever the bytes are.</summary>
    /// <param name="random">Used when the peer made a ratchet step: our new keys and KEM secret.</param>
    /// <param name="state">The current state; not changed.</param>
    /// <param name="skipped">The stored keys of skipped messages; not changed.</param>
    /// <param name="encrypted">The message as received.</param>
    /// <returns>Plaintext or error, and what has to be stored in both cases; the caller disposes it.</returns>
    public static RatchetDecryption Decrypt(IRandomSource random, RatchetState state, SkippedKeys skipped, ReadOnlySpan<byte> encrypted)
    {
        ArgumentNullException.ThrowIfNull(random);
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(skipped);
        return new RatchetReceiver(random, state, skipped).Decrypt(encrypted);
    }

    // encHeader = version iv tag large(body) ; body = AES-256-GCM(headerKey, iv, associatedData, padded header)
    private static Bytes EncryptHeader(RatchetState state, SendingChain chain, ChainStep step, E2EVersion announced, int paddedLength)
    {
        var current = state.Versions.Current;
        var header = new MessageHeader(announced, state.OwnKey.PublicKey, state.Kem?.ToHeader(), state.PreviousSendCount, state.SendNumber);
        var padded = Padding.Pad(header.Encode(current), paddedLength);
        var encoded = new byte[2 + RatchetLimits.IvLength + RatchetLimits.TagLength + (current.HasPostQuantum ? 2 : 1) + paddedLength];
        var writer = new WireWriter(encoded);
        writer.WriteUInt16(current.Value);
        writer.WriteBytes(step.HeaderIv);
        var tag = writer.Reserve(RatchetLimits.TagLength);
        AesGcm16.Encrypt(chain.HeaderKey.Span, step.HeaderIv, state.AssociatedData.Span, padded, padded, tag);
        EncryptedMessage.WriteLarge(ref writer, current, padded);
        return Bytes.Wrap(encoded);
    }
}
