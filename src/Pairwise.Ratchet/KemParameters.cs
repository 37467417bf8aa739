using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Pairwise.Crypto;
using Pairwise.Wire;

namespace Pairwise.Ratchet;

/// <summary>What a party says about the KEM, in its X3DH parameters or in a message header.</summary>
public abstract record KemParameters
{
    private protected KemParameters()
    {
    }

    /// <summary>The key to which the peer may encapsulate its next secret.</summary>
    public abstract Sntrup761PublicKey PublicKey { get; }

    /// <summary>Only a key: the party would use the KEM.</summary>
    public sealed record Proposed(Sntrup761PublicKey Key) : KemParameters
    {
        public override Sntrup761PublicKey PublicKey => Key;
    }

    /// <summary>A secret for the key the peer proposed, and the party's own next key.</summary>
    public sealed record Accepted(Sntrup761Ciphertext Ciphertext, Sntrup761PublicKey Key) : KemParameters
    {
        public override Sntrup761PublicKey PublicKey => Key;
    }

    internal int EncodedLength => this switch
    {
        Proposed => 1 + 2 + Sntrup761.PublicKeyLength,
        Accepted => 1 + 2 + Sntrup761.CiphertextLength + 2 + Sntrup761.PublicKeyLength,
        _ => throw new UnreachableException(),
    };

    internal static int MaybeEncodedLength(KemParameters? kem) => 1 + (kem?.EncodedLength ?? 0);

    // kem = %s"P" publicKey / %s"A" ciphertext publicKey ; each a largeString
    internal void Write(ref WireWriter writer)
    {
        switch (this)
        {
            case Proposed proposed:
                writer.WriteTag("P"u8);
                writer.WriteLarge(proposed.Key.Raw);
                break;
            case Accepted accepted:
                writer.WriteTag("A"u8);
                writer.WriteLarge(accepted.Ciphertext.Raw);
                writer.WriteLarge(accepted.Key.Raw);
                break;
            default:
                throw new UnreachableException();
        }
    }

    internal static bool TryRead(ref WireReader reader, [NotNullWhen(true)] out KemParameters? kem)
    {
        kem = null;
        var attempt = reader;
        if (!attempt.TryReadByte(out var tag))
            return false;
        Sntrup761Ciphertext? ciphertext = null;
        if (tag == (byte)'A')
        {
            if (!attempt.TryReadLarge(out var raw) || !Sntrup761Ciphertext.TryFromRaw(raw, out ciphertext))
                return false;
        }
        else if (tag != (byte)'P')
        {
            return false;
        }

        if (!attempt.TryReadLarge(out var key) || !Sntrup761PublicKey.TryFromRaw(key, out var publicKey))
            return false;
        kem = ciphertext is null ? new Proposed(publicKey) : new Accepted(ciphertext, publicKey);
        reader = attempt;
        return true;
    }

    // maybeKem = %s"0" / (%s"1" kem)
    internal static void WriteMaybe(ref WireWriter writer, KemParameters? kem)
    {
        writer.WriteMaybe(kem is not null);
        kem?.Write(ref writer);
    }

    internal static bool TryReadMaybe(ref WireReader reader, out KemParameters? kem)
    {
        kem = null;
        var attempt = reader;
        if (!attempt.TryReadMaybe(out var isPresent))
            return false;
        if (isPresent && !TryRead(ref attempt, out kem))
            return false;
        reader = attempt;
        return true;
    }
}
