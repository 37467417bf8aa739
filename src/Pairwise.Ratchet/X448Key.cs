using System.Diagnostics.CodeAnalysis;
using Pairwise.Crypto;
using Pairwise.Wire;

namespace Pairwise.Ratchet;

/// <summary>The wire form of the X448 public keys of X3DH and of message headers.</summary>
internal static class X448Key
{
    /// <summary>A length byte and 68 bytes of SubjectPublicKeyInfo.</summary>
    public const int EncodedLength = 1 + 12 + RatchetLimits.X448Length;

    // key = shortString ; SubjectPublicKeyInfo of an X448 key, any other algorithm is refused
    public static void Write(ref WireWriter writer, X448PublicKey key) => writer.WriteShort(key.ToSpki());

    public static bool TryRead(ref WireReader reader, [NotNullWhen(true)] out X448PublicKey? key)
    {
        key = null;
        var attempt = reader;
        if (!attempt.TryReadShort(out var spki) || !X448PublicKey.TryFromSpki(spki, out key))
            return false;
        reader = attempt;
        return true;
    }
}
