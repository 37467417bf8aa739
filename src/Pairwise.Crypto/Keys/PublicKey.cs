using System.Diagnostics.CodeAnalysis;
using Pairwise.Wire;

namespace Pairwise.Crypto;

/// <summary>
/// A public key of one of the network's four curves; immutable, compared by algorithm and content.
/// </summary>
/// <remarks>The hierarchy is closed: <see cref="X25519PublicKey"/>, <see cref="X448PublicKey"/> and the two
/// <see cref="VerificationKey"/>s. Thread-safe.</remarks>
public abstract class PublicKey : IEquatable<PublicKey>
{
    private readonly byte[] _raw;

    private protected PublicKey(KeyAlgorithm algorithm, ReadOnlySpan<byte> raw)
    {
        if (raw.Length != KeyDer.RawLength(algorithm))
            throw new ArgumentException($"A raw {algorithm} key has {KeyDer.RawLength(algorithm)} bytes, not {raw.Length}.", nameof(raw));
        Algorithm = algorithm;
        _raw = raw.ToArray();
    }

    public KeyAlgorithm Algorithm { get; }

    /// <summary>The key as its curve's RFC writes it: 32, 56 or 57 bytes.</summary>
    public ReadOnlySpan<byte> Raw => _raw;

    /// <summary>The key as DER SubjectPublicKeyInfo (RFC 8410), its form on the wire: 44, 68 or 69 bytes.</summary>
    public byte[] ToSpki() => KeyDer.Join(KeyDer.SpkiPrefix(Algorithm), _raw);

    /// <summary>Size of <see cref="ToSpki"/> in bytes.</summary>
    public int SpkiLength => KeyDer.SpkiPrefix(Algorithm).Length + _raw.Length;

    // publicKey = length spki ; length = 1*1(byte)
    /// <summary>Writes the SPKI form as a short string, the way keys travel in commands, without allocating.</summary>
    public void WriteSpki(ref WireWriter writer)
    {
        var prefix = KeyDer.SpkiPrefix(Algorithm);
        writer.WriteByte((byte)(prefix.Length + _raw.Length));
        writer.WriteBytes(prefix);
        writer.WriteBytes(_raw);
    }

    // spki = SEQUENCE { SEQUENCE { OID }, BIT STRING } ; RFC 8410, exact DER, no trailing bytes
    /// <summary>Parses DER SubjectPublicKeyInfo of any of the four curves; anything else is refused.</summary>
    public static bool TryFromSpki(ReadOnlySpan<byte> spki, [NotNullWhen(true)] out PublicKey? key)
    {
        key = X25519PublicKey.TryFromSpki(spki, out var x25519) ? x25519
            : Ed25519PublicKey.TryFromSpki(spki, out var ed25519) ? ed25519
            : X448PublicKey.TryFromSpki(spki, out var x448) ? x448
            : Ed448PublicKey.TryFromSpki(spki, out var ed448) ? ed448
            : null;
        return key is not null;
    }

    public bool Equals(PublicKey? other) => other is not null && other.Algorithm == Algorithm && other.Raw.SequenceEqual(_raw);

    public override bool Equals(object? obj) => Equals(obj as PublicKey);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.Add((int)Algorithm);
        hash.AddBytes(_raw);
        return hash.ToHashCode();
    }

    /// <summary>The algorithm's name only: a queue's key identifies its queue and must not reach a log.</summary>
    public override string ToString() => $"{Algorithm} public key";

    private protected static bool TryStripSpki(KeyAlgorithm algorithm, ReadOnlySpan<byte> spki, out ReadOnlySpan<byte> raw) =>
        KeyDer.TryStrip(KeyDer.SpkiPrefix(algorithm), KeyDer.RawLength(algorithm), spki, out raw);
}

/// <summary>A public key that verifies signatures: Ed25519 or Ed448.</summary>
public abstract class VerificationKey : PublicKey
{
    private protected VerificationKey(KeyAlgorithm algorithm, ReadOnlySpan<byte> raw)
        : base(algorithm, raw)
    {
    }

    /// <summary>Size of a signature in bytes: 64 (Ed25519) or 114 (Ed448).</summary>
    public abstract int SignatureLength { get; }

    /// <summary>Whether <paramref name="signature"/> is this key's signature of <paramref name="message"/>; false for
    /// a signature of a wrong length too.</summary>
    public abstract bool Verify(ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature);

    /// <summary>Parses a signature key of either curve from SPKI.</summary>
    public static bool TryFromSpki(ReadOnlySpan<byte> spki, [NotNullWhen(true)] out VerificationKey? key)
    {
        key = PublicKey.TryFromSpki(spki, out var any) ? any as VerificationKey : null;
        return key is not null;
    }
}
