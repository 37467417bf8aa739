using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Pairwise.Crypto;
using Pairwise.Wire;

namespace Pairwise.Ratchet;

/// <summary>
/// One party's private X3DH keys, kept from the moment its parameters are made until the ratchet is set up. Owns them.
/// </summary>
/// <remarks>Thread-safe for use; disposal must not race with use.</remarks>
public sealed class X3dhKeys : IDisposable
{
    internal X3dhKeys(X448PrivateKey key1, X448PrivateKey key2, PrivateKem? kem)
    {
        Key1 = key1;
        Key2 = key2;
        Kem = kem;
    }

    internal X448PrivateKey Key1 { get; }

    internal X448PrivateKey Key2 { get; }

    internal PrivateKem? Kem { get; }

    /// <summary>The public parameters that belong to these keys, at a version.</summary>
    public E2ERatchetParams ToParams(E2EVersion version) => new(version, Key1.PublicKey, Key2.PublicKey, Kem?.ToParams());

    /// <summary>The public parameters that belong to these keys, for a link.</summary>
    public E2ERatchetParamsUri ToParams(VersionRange versions) => new(versions, Key1.PublicKey, Key2.PublicKey, Kem?.ToParams());

    private const byte Format = 1;

    // x3dhKeys = %x01 key1 key2 (%s"N" / %s"P" keyPair / %s"A" ciphertext secret keyPair) ; our own form, fixed lengths
    /// <summary>Our own binary form for the encrypted store. The caller zeroes it.</summary>
    public byte[] Serialize()
    {
        var length = 1 + (2 * RatchetLimits.X448Length) + 1 + Kem switch
        {
            null => 0,
            PrivateKem.Proposed => KeyPairLength,
            PrivateKem.Accepted => Sntrup761.CiphertextLength + RatchetLimits.KemSecretLength + KeyPairLength,
            _ => throw new UnreachableException(),
        };
        var stored = new byte[length];
        var writer = new WireWriter(stored);
        writer.WriteByte(Format);
        writer.WriteBytes(Key1.Raw);
        writer.WriteBytes(Key2.Raw);
        switch (Kem)
        {
            case null:
                writer.WriteTag("N"u8);
                break;
            case PrivateKem.Proposed proposed:
                writer.WriteTag("P"u8);
                WriteKeyPair(ref writer, proposed.Keys);
                break;
            case PrivateKem.Accepted accepted:
                writer.WriteTag("A"u8);
                writer.WriteBytes(accepted.Ciphertext.Raw);
                writer.WriteBytes(accepted.SharedSecret.Span);
                WriteKeyPair(ref writer, accepted.Keys);
                break;
            default:
                throw new UnreachableException();
        }

        return stored;
    }

    /// <summary>Restores keys from <see cref="Serialize"/>; false when the bytes are not such keys.</summary>
    public static bool TryDeserialize(ReadOnlySpan<byte> stored, [NotNullWhen(true)] out X3dhKeys? keys)
    {
        keys = null;
        var reader = new WireReader(stored);
        if (!reader.TryReadByte(out var format) || format != Format
            || !reader.TryReadBytes(RatchetLimits.X448Length, out var key1)
            || !reader.TryReadBytes(RatchetLimits.X448Length, out var key2)
            || !reader.TryReadByte(out var tag)
            || !TryReadKem(ref reader, tag, out var kem))
        {
            return false;
        }

        if (!reader.IsAtEnd)
        {
            kem?.Dispose();
            return false;
        }

        keys = new X3dhKeys(X448PrivateKey.FromRaw(key1), X448PrivateKey.FromRaw(key2), kem);
        return true;
    }

    public void Dispose()
    {
        Key1.Dispose();
        Key2.Dispose();
        Kem?.Dispose();
    }

    public override string ToString() => "[secret]";

    internal const int KeyPairLength = Sntrup761.PublicKeyLength + Sntrup761.SecretKeyLength;

    internal static void WriteKeyPair(ref WireWriter writer, Sntrup761KeyPair keys)
    {
        writer.WriteBytes(keys.PublicKey.Raw);
        writer.WriteBytes(keys.SecretKey);
    }

    internal static bool TryReadKeyPair(ref WireReader reader, [NotNullWhen(true)] out Sntrup761KeyPair? keys)
    {
        keys = null;
        return reader.TryReadBytes(Sntrup761.PublicKeyLength, out var publicKey)
            && reader.TryReadBytes(Sntrup761.SecretKeyLength, out var secretKey)
            && Sntrup761KeyPair.TryFromRaw(publicKey, secretKey, out keys);
    }

    private static bool TryReadKem(ref WireReader reader, byte tag, out PrivateKem? kem)
    {
        kem = null;
        switch (tag)
        {
            case (byte)'N':
                return true;
            case (byte)'P':
                if (!TryReadKeyPair(ref reader, out var proposed))
                    return false;
                kem = new PrivateKem.Proposed(proposed);
                return true;
            case (byte)'A':
                if (!reader.TryReadBytes(Sntrup761.CiphertextLength, out var raw)
                    || !Sntrup761Ciphertext.TryFromRaw(raw, out var ciphertext)
                    || !reader.TryReadBytes(RatchetLimits.KemSecretLength, out var secret)
                    || !TryReadKeyPair(ref reader, out var accepting))
                {
                    return false;
                }

                kem = new PrivateKem.Accepted(ciphertext, SecretBytes.CopyOf(secret), accepting);
                return true;
            default:
                return false;
        }
    }
}

/// <summary>The private side of <see cref="KemParameters"/>. Owns its secrets.</summary>
internal abstract class PrivateKem(Sntrup761KeyPair keys) : IDisposable
{
    /// <summary>The pair whose public key is offered to the peer.</summary>
    public Sntrup761KeyPair Keys { get; } = keys;

    public abstract KemParameters ToParams();

    public virtual void Dispose() => Keys.Dispose();

    public sealed class Proposed(Sntrup761KeyPair keys) : PrivateKem(keys)
    {
        public override KemParameters ToParams() => new KemParameters.Proposed(Keys.PublicKey);
    }

    public sealed class Accepted(Sntrup761Ciphertext ciphertext, SecretBytes sharedSecret, Sntrup761KeyPair keys) : PrivateKem(keys)
    {
        public Sntrup761Ciphertext Ciphertext { get; } = ciphertext;

        public SecretBytes SharedSecret { get; } = sharedSecret;

        public override KemParameters ToParams() => new KemParameters.Accepted(Ciphertext, Keys.PublicKey);

        public override void Dispose()
        {
            base.Dispose();
            SharedSecret.Dispose();
        }
    }
}
