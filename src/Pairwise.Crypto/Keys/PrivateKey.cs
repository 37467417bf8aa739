using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Pairwise.Crypto;

/// <summary>
/// A private key of one of the network's four curves. It owns its bytes and wipes them when disposed.
/// </summary>
/// <remarks>The hierarchy is closed, as <see cref="PublicKey"/>'s. Use is thread-safe, disposal is the owner's. It
/// prints nothing of itself and is compared in constant time.</remarks>
public abstract class PrivateKey : IDisposable, IEquatable<PrivateKey>
{
    private readonly SecretBytes _raw;

    private protected PrivateKey(KeyAlgorithm algorithm, ReadOnlySpan<byte> raw)
    {
        if (raw.Length != KeyDer.RawLength(algorithm))
            throw new ArgumentException($"A raw {algorithm} private key has {KeyDer.RawLength(algorithm)} bytes, not {raw.Length}.", nameof(raw));
        Algorithm = algorithm;
        _raw = SecretBytes.CopyOf(raw);
    }

    public KeyAlgorithm Algorithm { get; }

    /// <summary>The key as its curve's RFC writes it: 32, 56 or 57 bytes (for signatures, the seed).</summary>
    /// <exception cref="ObjectDisposedException">The key was disposed.</exception>
    public ReadOnlySpan<byte> Raw => _raw.Span;

    /// <summary>The public half.</summary>
    public PublicKey PublicKey => GetPublicKey();

    /// <summary>The key as DER PKCS#8 (RFC 8410). The caller owns the copy and wipes it.</summary>
    public byte[] ToPkcs8() => KeyDer.Join(KeyDer.Pkcs8Prefix(Algorithm), Raw);

    // pkcs8 = SEQUENCE { INTEGER 0, SEQUENCE { OID }, OCTET STRING { OCTET STRING } } ; exact DER, no attributes
    /// <summary>Parses DER PKCS#8 of any of the four curves; anything else is refused.</summary>
    public static bool TryFromPkcs8(ReadOnlySpan<byte> pkcs8, [NotNullWhen(true)] out PrivateKey? key)
    {
        key = X25519PrivateKey.TryFromPkcs8(pkcs8, out var x25519) ? x25519
            : Ed25519PrivateKey.TryFromPkcs8(pkcs8, out var ed25519) ? ed25519
            : X448PrivateKey.TryFromPkcs8(pkcs8, out var x448) ? x448
            : Ed448PrivateKey.TryFromPkcs8(pkcs8, out var ed448) ? ed448
            : null;
        return key is not null;
    }

    public bool Equals(PrivateKey? other) =>
        other is not null && other.Algorithm == Algorithm && CryptographicOperations.FixedTimeEquals(other.Raw, Raw);

    public override bool Equals(object? obj) => Equals(obj as PrivateKey);

    public override int GetHashCode() => GetPublicKey().GetHashCode();

    public override string ToString() => "[secret]";

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    private protected virtual void Dispose(bool disposing)
    {
        if (disposing)
            _raw.Dispose();
    }

    private protected abstract PublicKey GetPublicKey();

    private protected static bool TryStripPkcs8(KeyAlgorithm algorithm, ReadOnlySpan<byte> pkcs8, out ReadOnlySpan<byte> raw) =>
        KeyDer.TryStrip(KeyDer.Pkcs8Prefix(algorithm), KeyDer.RawLength(algorithm), pkcs8, out raw);
}

/// <summary>A private key that signs: Ed25519 or Ed448.</summary>
public abstract class SigningKey : PrivateKey
{
    private protected SigningKey(KeyAlgorithm algorithm, ReadOnlySpan<byte> raw)
        : base(algorithm, raw)
    {
    }

    /// <summary>The public half.</summary>
    public new abstract VerificationKey PublicKey { get; }

    /// <summary>Signs <paramref name="message"/>; the signature is deterministic, 64 (Ed25519) or 114 (Ed448) bytes.</summary>
    public byte[] Sign(ReadOnlySpan<byte> message)
    {
        var signature = new byte[PublicKey.SignatureLength];
        Sign(message, signature);
        return signature;
    }

    /// <summary>As <see cref="Sign(ReadOnlySpan{byte})"/>, into a destination of exactly the signature's length.</summary>
    public abstract void Sign(ReadOnlySpan<byte> message, Span<byte> signature);

    private protected sealed override PublicKey GetPublicKey() => PublicKey;

    private protected void CheckSignatureLength(Span<byte> signature)
    {
        if (signature.Length != PublicKey.SignatureLength)
            throw new ArgumentException($"A signature of {Algorithm} has {PublicKey.SignatureLength} bytes, not {signature.Length}.", nameof(signature));
    }
}
