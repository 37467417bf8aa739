using System.Diagnostics.CodeAnalysis;
using Pairwise.Crypto;
using Pairwise.Wire;

namespace Pairwise.Protocol.Smp;

/// <summary>Public keys inside commands and messages: the DER of a SubjectPublicKeyInfo as a short string.</summary>
internal static class SmpKeys
{
    /// <summary>Bytes of the longest encoded key, Ed448.</summary>
    public const int MaxSpkiLength = 69;

    // key = shortString of the SubjectPublicKeyInfo
    public static void Write(PublicKey key, ref WireWriter writer) => key.WriteSpki(ref writer);

    /// <summary>Reads a key that can authorize commands: Ed25519, Ed448 or X25519.</summary>
    public static bool TryReadAuthKey(ref WireReader reader, [NotNullWhen(true)] out PublicKey? key)
    {
        key = null;
        return reader.TryReadShort(out var spki) && PublicKey.TryFromSpki(spki, out key) && key is not X448PublicKey;
    }

    /// <summary>Reads a key for a Diffie-Hellman agreement.</summary>
    public static bool TryReadX25519(ref WireReader reader, [NotNullWhen(true)] out X25519PublicKey? key)
    {
        key = null;
        return reader.TryReadShort(out var spki) && X25519PublicKey.TryFromSpki(spki, out key);
    }
}
