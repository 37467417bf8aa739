using Pairwise.Crypto;

namespace Pairwise.Ratchet;

/// <summary>The ratchet's key derivations: HKDF-SHA512 with 96 bytes of output in three parts.</summary>
internal static class RatchetKdf
{
    // first || second || third = HKDF-SHA512(salt, input, info, 3 * 32)
    public static void Derive(ReadOnlySpan<byte> salt, ReadOnlySpan<byte> input, ReadOnlySpan<byte> info, out SecretBytes first, out SecretBytes second, out SecretBytes third)
    {
        using var output = new SecretBytes(3 * RatchetLimits.KeyLength);
        HkdfSha512.Derive(salt, input, info, output.Span);
        first = SecretBytes.CopyOf(output.Span[..RatchetLimits.KeyLength]);
        second = SecretBytes.CopyOf(output.Span.Slice(RatchetLimits.KeyLength, RatchetLimits.KeyLength));
        third = SecretBytes.CopyOf(output.Span[(2 * RatchetLimits.KeyLength)..]);
    }

    // rootKey' || chainKey || nextHeaderKey = HKDF-SHA512(rootKey, dh || [kemSecret], "SimpleXRootRatchet", 96)
    public static void DeriveRoot(
        SecretBytes rootKey,
        X448PublicKey peerKey,
        X448PrivateKey ownKey,
        SecretBytes? kemSecret,
        out SecretBytes nextRootKey,
        out SecretBytes chainKey,
        out SecretBytes nextHeaderKey)
    {
        using var dh = ownKey.DeriveSharedSecret(peerKey);
        using var input = new SecretBytes(RatchetLimits.X448Length + (kemSecret?.Length ?? 0));
        dh.Bytes.CopyTo(input.Span);
        kemSecret?.Span.CopyTo(input.Span[RatchetLimits.X448Length..]);
        Derive(rootKey.Span, input.Span, "SimpleXRootRatchet"u8, out nextRootKey, out chainKey, out nextHeaderKey);
    }

    // chainKey' || messageKey || messageIv(16) || headerIv(16) = HKDF-SHA512("", chainKey, "SimpleXChainRatchet", 96)
    /// <summary>One step of a chain.</summary>
    public static ChainStep Advance(SecretBytes chainKey)
    {
        Derive([], chainKey.Span, "SimpleXChainRatchet"u8, out var next, out var messageKey, out var vectors);
        return new ChainStep(next, messageKey, vectors);
    }
}

/// <summary>The next chain key, and the key and vectors of one message. Owns them.</summary>
internal sealed class ChainStep(SecretBytes nextChainKey, SecretBytes messageKey, SecretBytes vectors) : IDisposable
{
    public SecretBytes NextChainKey { get; } = nextChainKey;

    public SecretBytes MessageKey { get; } = messageKey;

    public ReadOnlySpan<byte> MessageIv => vectors.Span[..RatchetLimits.IvLength];

    public ReadOnlySpan<byte> HeaderIv => vectors.Span[RatchetLimits.IvLength..];

    /// <summary>Message key and vector in one piece, as stored for a skipped message.</summary>
    public void CopyMessageKeyTo(Span<byte> destination)
    {
        MessageKey.Span.CopyTo(destination);
        MessageIv.CopyTo(destination[RatchetLimits.KeyLength..]);
    }

    public void Dispose()
    {
        NextChainKey.Dispose();
        MessageKey.Dispose();
        vectors.Dispose();
    }
}
