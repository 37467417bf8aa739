using System.Diagnostics.CodeAnalysis;
using Pairwise.Crypto.Interop;

namespace Pairwise.Crypto;

/// <summary>An Ed25519 public key (RFC 8032), 32 bytes raw, 44 bytes SPKI.</summary>
public sealed unsafe class Ed25519PublicKey : VerificationKey
{
    public const int RawLength = 32;

    private Ed25519PublicKey(ReadOnlySpan<byte> raw)
        : base(KeyAlgorithm.Ed25519, raw)
    {
    }

    public override int SignatureLength => Ed25519PrivateKey.SignatureLength;

    /// <summary>Takes the 32 raw bytes. Whether they are a point on the curve shows when a signature is verified.</summary>
    /// <exception cref="ArgumentException">The length is wrong.</exception>
    public static Ed25519PublicKey FromRaw(ReadOnlySpan<byte> raw) => new(raw);

    /// <summary>Parses exact DER SPKI.</summary>
    public static bool TryFromSpki(ReadOnlySpan<byte> spki, [NotNullWhen(true)] out Ed25519PublicKey? key)
    {
        key = TryStripSpki(KeyAlgorithm.Ed25519, spki, out var raw) ? new Ed25519PublicKey(raw) : null;
        return key is not null;
    }

    public override bool Verify(ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        if (signature.Length != SignatureLength)
            return false;
        fixed (byte* s = signature, m = message, k = Raw)
            return LibSodium.crypto_sign_ed25519_verify_detached(s, m, (ulong)message.Length, k) == 0;
    }
}

/// <summary>An Ed25519 private key (RFC 8032): its 32-byte seed, 48 bytes PKCS#8.</summary>
public sealed unsafe class Ed25519PrivateKey : SigningKey
{
    public const int RawLength = 32;

    /// <summary>Size of a signature in bytes.</summary>
    public const int SignatureLength = 64;

    private readonly SecretBytes _expanded;
    private readonly Ed25519PublicKey _publicKey;

    private Ed25519PrivateKey(ReadOnlySpan<byte> raw)
        : base(KeyAlgorithm.Ed25519, raw)
    {
        _expanded = new SecretBytes(64);
        Span<byte> publicRaw = stackalloc byte[Ed25519PublicKey.RawLength];
        fixed (byte* pk = publicRaw, sk = _expanded.Span, seed = raw)
        {
            if (LibSodium.crypto_sign_ed25519_seed_keypair(pk, sk, seed) != 0)
                throw new InvalidOperationException("The Ed25519 key could not be expanded.");
        }

        _publicKey = Ed25519PublicKey.FromRaw(publicRaw);
    }

    public override Ed25519PublicKey PublicKey => _publicKey;

    /// <summary>Takes the 32 bytes of the seed.</summary>
    /// <exception cref="ArgumentException">The length is wrong.</exception>
    public static Ed25519PrivateKey FromRaw(ReadOnlySpan<byte> raw) => new(raw);

    /// <summary>Draws the 32 bytes of the seed.</summary>
    public static Ed25519PrivateKey Generate(IRandomSource random)
    {
        ArgumentNullException.ThrowIfNull(random);
        using var raw = new SecretBytes(RawLength);
        random.Fill(raw.Span);
        return new Ed25519PrivateKey(raw.Span);
    }

    /// <summary>Parses exact DER PKCS#8.</summary>
    public static bool TryFromPkcs8(ReadOnlySpan<byte> pkcs8, [NotNullWhen(true)] out Ed25519PrivateKey? key)
    {
        key = TryStripPkcs8(KeyAlgorithm.Ed25519, pkcs8, out var raw) ? new Ed25519PrivateKey(raw) : null;
        return key is not null;
    }

    public override void Sign(ReadOnlySpan<byte> message, Span<byte> signature)
    {
        CheckSignatureLength(signature);
        fixed (byte* s = signature, m = message, sk = _expanded.Span)
        {
            if (LibSodium.crypto_sign_ed25519_detached(s, null, m, (ulong)message.Length, sk) != 0)
                throw new InvalidOperationException("The Ed25519 signature could not be made.");
        }
    }

    private protected override void Dispose(bool disposing)
    {
        if (disposing)
            _expanded.Dispose();
        base.Dispose(disposing);
    }
}
