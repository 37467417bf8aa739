using System.Diagnostics;
using Pairwise.Crypto;

namespace Pairwise.Ratchet;

/// <summary>The KEM's two one-way steps with owned secrets.</summary>
internal static class KemSecrets
{
    /// <summary>Draws a secret for <paramref name="peerKey"/>.</summary>
    public static AcceptedKem Encapsulate(IRandomSource random, Sntrup761PublicKey peerKey)
    {
        Span<byte> raw = new byte[Sntrup761.CiphertextLength];
        var secret = new SecretBytes(RatchetLimits.KemSecretLength);
        Sntrup761.Encapsulate(random, peerKey.Raw, raw, secret.Span);
        return Sntrup761Ciphertext.TryFromRaw(raw, out var ciphertext)
            ? new AcceptedKem(peerKey, secret, ciphertext)
            : throw new UnreachableException();
    }

    public static SecretBytes Decapsulate(Sntrup761KeyPair keys, Sntrup761Ciphertext ciphertext)
    {
        var secret = new SecretBytes(RatchetLimits.KemSecretLength);
        keys.Decapsulate(ciphertext, secret.Span);
        return secret;
    }
}
