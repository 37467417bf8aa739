using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Pairwise.Crypto;
using Pairwise.Wire;

namespace Pairwise.Ratchet;

/// <summary>
/// One decryption: finds the key that opens the header, makes the ratchet step if the peer made one, keeps the keys of
/// skipped messages, opens the body. Works on a copy of the state that is handed out only when it is to be stored.
/// </summary>
internal readonly struct RatchetReceiver(IRandomSource random, RatchetState state, SkippedKeys skipped)
{
    private enum Step
    {
        /// <summary>The message belongs to the receiving chain we have.</summary>
        SameChain,

        /// <summary>The peer made a ratchet step.</summary>
        NextChain,
    }

    public RatchetDecryption Decrypt(ReadOnlySpan<byte> encrypted)
    {
        if (!EncryptedMessage.TryParse(encrypted, out var message))
            return RatchetDecryption.Refused(RatchetErrorKind.HeaderEncoding);

        // Keys of skipped messages come first: their chains may be gone from the state.
        foreach (var chain in skipped.Chains)
        {
            if (!TryOpenHeader(chain.HeaderKey, message, out var header, out var failure))
            {
                if (failure == RatchetErrorKind.Header)
                    continue;
                return RatchetDecryption.Refused(failure);
            }

            if (chain.ByNumber.TryGetValue(header.Number, out var key))
            {
                var plaintext = OpenBody(key.MessageKey, message, out var bodyFailure);
                return RatchetDecryption.Of(plaintext, bodyFailure, null, new SkippedKeyDiff.Removed(key.Copy()));
            }

            if (state.Receiving is { } receiving && AreEqual(chain.HeaderKey, receiving.HeaderKey))
                return Receive(Step.SameChain, header, message);
            return AreEqual(chain.HeaderKey, state.NextReceiveHeaderKey)
                ? Receive(Step.NextChain, header, message)
                : RatchetDecryption.Refused(RatchetErrorKind.Header);
        }

        RatchetErrorKind error;
        if (state.Receiving is { } current)
        {
            if (TryOpenHeader(current.HeaderKey, message, out var header, out error))
                return Receive(Step.SameChain, header, message);
            if (error != RatchetErrorKind.Header)
                return RatchetDecryption.Refused(error);
        }

        return TryOpenHeader(state.NextReceiveHeaderKey, message, out var nextHeader, out error)
            ? Receive(Step.NextChain, nextHeader, message)
            : RatchetDecryption.Refused(error);
    }

    private RatchetDecryption Receive(Step step, MessageHeader header, in EncryptedMessage message)
    {
        var next = state.Copy();
        var added = new List<SkippedKey>();
        next.Versions = Upgrade(next.Versions, header.MaxVersion);

        if (step == Step.NextChain)
        {
            // An error up to the end of the step leaves no trace: the peer's step is either taken whole or not at all.
            if (!TrySkip(next, header.PreviousCount, added, out var skipError))
                return Abandon(next, added, skipError);
            if (!TryStep(next, header, out var stepError))
                return Abandon(next, added, stepError);
        }

        if (!TrySkip(next, header.Number, added, out var error))
            return RatchetDecryption.Failed(error, next, Diff(added));
        if (next.Receiving is not { } chain)
            return RatchetDecryption.Failed(new RatchetError(RatchetErrorKind.State), next, Diff(added));

        using var chainStep = RatchetKdf.Advance(chain.ChainKey);
        Span<byte> messageKey = stackalloc byte[RatchetLimits.MessageKeyLength];
        chainStep.CopyMessageKeyTo(messageKey);
        var plaintext = OpenBody(messageKey, message, out var failure);
        messageKey.Clear();
        next.Receiving = new ReceivingChain(chainStep.NextChainKey.Copy(), chain.HeaderKey.Copy());
        chain.Dispose();
        next.ReceiveNumber = unchecked(next.ReceiveNumber + 1);
        return RatchetDecryption.Of(plaintext, failure, next, Diff(added));
    }

    private static RatchetDecryption Abandon(RatchetState next, List<SkippedKey> added, RatchetError error)
    {
        next.Dispose();
        foreach (var key in added)
            key.Dispose();
        return RatchetDecryption.Failed(error, null, SkippedKeyDiff.None.Instance);
    }

    private static RatchetVersions Upgrade(RatchetVersions versions, E2EVersion peerMax) => peerMax > versions.Current
        ? versions with { Current = E2EVersion.Max(versions.Current, E2EVersion.Min(peerMax, versions.MaxSupported)) }
        : versions;

    /// <summary>Moves the receiving chain forward to <paramref name="until"/> and keeps the keys it passes.</summary>
    private static bool TrySkip(RatchetState next, uint until, List<SkippedKey> added, out RatchetError error)
    {
        error = default;
        if (next.Receiving is not { } chain)
            return true;
        // Numbers are compared as the reference does, in 32 bits that wrap.
        var number = next.ReceiveNumber;
        unchecked
        {
            if (number > until + 1)
                error = new RatchetError(RatchetErrorKind.EarlierMessage, number - until - 1);
            else if (number == until + 1)
                error = new RatchetError(RatchetErrorKind.DuplicateMessage);
            else if (number + RatchetLimits.MaxSkippedPerStep < until)
                error = new RatchetError(RatchetErrorKind.TooManySkipped, until + 1 - number);
            if (error != default)
                return false;
            if (number == until)
                return true;

            var chainKey = chain.ChainKey.Copy();
            Span<byte> messageKey = stackalloc byte[RatchetLimits.MessageKeyLength];
            for (; number != until; number++)
            {
                using var step = RatchetKdf.Advance(chainKey);
                step.CopyMessageKeyTo(messageKey);
                added.Add(new SkippedKey(chain.HeaderKey.Span, number, messageKey));
                chainKey.Dispose();
                chainKey = step.NextChainKey.Copy();
            }

            messageKey.Clear();
            next.Receiving = new ReceivingChain(chainKey, chain.HeaderKey.Copy());
            next.ReceiveNumber = until;
            chain.Dispose();
            return true;
        }
    }

    /// <summary>The Diffie-Hellman and KEM step: a receiving chain for the peer's keys, a sending chain with new ones of ours.</summary>
    private bool TryStep(RatchetState next, MessageHeader header, out RatchetError error)
    {
        if (!TryStepKem(next, header.Kem, out var receivedSecret, out var kem, out error))
            return false;
        using var received = receivedSecret;
        var sentSecret = kem?.Accepted?.SharedSecret;
        var newKey = X448PrivateKey.Generate(random);

        RatchetKdf.DeriveRoot(next.RootKey, header.Key, next.OwnKey, received, out var middleRoot, out var receivingKey, out var nextReceiveHeaderKey);
        RatchetKdf.DeriveRoot(middleRoot, header.Key, newKey, sentSecret, out var newRoot, out var sendingKey, out var nextSendHeaderKey);

        var receiving = new ReceivingChain(receivingKey, next.NextReceiveHeaderKey.Copy());
        var sending = new SendingChain(header.Key, sendingKey, next.NextSendHeaderKey.Copy());
        middleRoot.Dispose();
        next.OwnKey.Dispose();
        next.Kem?.Dispose();
        next.RootKey.Dispose();
        next.Sending?.Dispose();
        next.Receiving?.Dispose();
        next.NextSendHeaderKey.Dispose();
        next.NextReceiveHeaderKey.Dispose();

        next.OwnKey = newKey;
        next.Kem = kem;
        next.SendsPostQuantum = sentSecret is not null;
        next.ReceivesPostQuantum = received is not null;
        next.EnablesPostQuantum = next.SendsPostQuantum || next.ReceivesPostQuantum || kem is not null;
        next.SupportsPostQuantum |= next.Versions.Current.HasPostQuantum && next.EnablesPostQuantum;
        next.RootKey = newRoot;
        next.Sending = sending;
        next.Receiving = receiving;
        next.PreviousSendCount = next.SendNumber;
        next.SendNumber = 0;
        next.ReceiveNumber = 0;
        next.NextSendHeaderKey = nextSendHeaderKey;
        next.NextReceiveHeaderKey = nextReceiveHeaderKey;
        return true;
    }

    /// <summary>The KEM's part of a step: the peer's secret for us, if it sent one, and our next keys and secret, if we take part.</summary>
    private bool TryStepKem(RatchetState next, KemParameters? peer, out SecretBytes? received, out KemState? kem, out RatchetError error)
    {
        received = null;
        kem = null;
        error = default;
        var takesPart = next.EnablesPostQuantum && next.Versions.Current.HasPostQuantum;
        if (peer is null)
        {
            // The peer does not use the KEM; if we enabled it since our last step, we propose it now.
            if (takesPart && next.Kem is null)
                kem = new KemState(Sntrup761KeyPair.Generate(random), null);
            return true;
        }

        if (peer is KemParameters.Accepted accepted)
        {
            if (next.Kem is not { } own)
            {
                error = new RatchetError(RatchetErrorKind.KemState);
                return false;
            }

            received = KemSecrets.Decapsulate(own.OwnKeys, accepted.Ciphertext);
        }

        if (takesPart)
        {
            var sent = KemSecrets.Encapsulate(random, peer.PublicKey);
            kem = new KemState(Sntrup761KeyPair.Generate(random), sent);
        }

        return true;
    }

    private bool TryOpenHeader(SecretBytes headerKey, in EncryptedMessage message, [NotNullWhen(true)] out MessageHeader? header, out RatchetErrorKind failure)
    {
        header = null;
        failure = RatchetErrorKind.Header;
        var padded = new byte[message.HeaderBody.Length];
        if (!AesGcm16.TryDecrypt(headerKey.Span, message.HeaderIv, state.AssociatedData.Span, message.HeaderBody, message.HeaderTag, padded)
            || !Padding.TryUnpad(padded, out var encoded))
        {
            return false;
        }

        failure = RatchetErrorKind.HeaderEncoding;
        return MessageHeader.TryDecode(message.HeaderVersion, encoded, out header);
    }

    private byte[]? OpenBody(ReadOnlySpan<byte> messageKey, in EncryptedMessage message, out RatchetErrorKind failure)
    {
        var padded = ArrayPool<byte>.Shared.Rent(message.Body.Length);
        try
        {
            var plaintext = padded.AsSpan(0, message.Body.Length);
            failure = RatchetErrorKind.Decryption;
            var associatedData = MessageEncryptKey.AssociatedData(state.AssociatedData.Span, message.Header);
            if (!AesGcm16.TryDecrypt(messageKey[..RatchetLimits.KeyLength], messageKey[RatchetLimits.KeyLength..], associatedData, message.Body, message.Tag, plaintext))
                return null;
            failure = RatchetErrorKind.Padding;
            return Padding.TryUnpad(plaintext, out var unpadded) ? unpadded.ToArray() : null;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(padded.AsSpan(0, message.Body.Length));
            ArrayPool<byte>.Shared.Return(padded);
        }
    }

    private static bool AreEqual(SecretBytes left, SecretBytes right) => CryptographicOperations.FixedTimeEquals(left.Span, right.Span);

    private static SkippedKeyDiff Diff(List<SkippedKey> added) =>
        added.Count == 0 ? SkippedKeyDiff.None.Instance : new SkippedKeyDiff.Added(added);
}
