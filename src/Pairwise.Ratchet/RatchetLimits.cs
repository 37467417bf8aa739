using Pairwise.Crypto;

namespace Pairwise.Ratchet;

/// <summary>Sizes and limits of the ratchet, all in bytes unless said otherwise. Source: the reference, release 6.5.5.</summary>
public static class RatchetLimits
{
    /// <summary>The most messages that one received message may skip in one chain (the reference's maxSkip).</summary>
    public const int MaxSkippedPerStep = 512;

    /// <summary>Padded message header when no KEM key has to fit: 69 bytes and a reserve.</summary>
    public const int PaddedHeaderLength = 88;

    /// <summary>Padded message header when KEM key and ciphertext may be in it: 2,288 bytes and a reserve.</summary>
    public const int PaddedPostQuantumHeaderLength = 2310;

    /// <summary>Root, chain, header and message keys.</summary>
    public const int KeyLength = 32;

    /// <summary>Initialisation vectors of the ratchet's AES-256-GCM.</summary>
    public const int IvLength = 16;

    /// <summary>Authentication tags of AES-256-GCM.</summary>
    public const int TagLength = 16;

    /// <summary>A message key with its initialisation vector, as stored for a skipped message.</summary>
    public const int MessageKeyLength = KeyLength + IvLength;

    /// <summary>X448 keys and their shared secrets.</summary>
    public const int X448Length = 56;

    /// <summary>Shared secret of the KEM.</summary>
    public const int KemSecretLength = Sntrup761.SharedSecretLength;

    /// <summary>The associated data: the two first X448 keys of sender and receiver.</summary>
    public const int AssociatedDataLength = 2 * X448Length;

    /// <summary>Padded header length for a ratchet that speaks <paramref name="version"/>.</summary>
    public static int HeaderLength(E2EVersion version, bool supportsPostQuantum) =>
        supportsPostQuantum && version.HasPostQuantum ? PaddedPostQuantumHeaderLength : PaddedHeaderLength;

    /// <summary>
    /// Bytes that encryption adds to a padded message: the encrypted header with version, IV, tag and length, its own
    /// length prefix, and the body's tag.
    /// </summary>
    public static int Overhead(E2EVersion version, bool supportsPostQuantum)
    {
        var lengthPrefix = version.HasPostQuantum ? 2 : 1;
        return lengthPrefix + EncryptedHeaderLength(version, supportsPostQuantum) + TagLength;
    }

    internal static int EncryptedHeaderLength(E2EVersion version, bool supportsPostQuantum)
    {
        var lengthPrefix = version.HasPostQuantum ? 2 : 1;
        return 2 + IvLength + TagLength + lengthPrefix + HeaderLength(version, supportsPostQuantum);
    }
}
