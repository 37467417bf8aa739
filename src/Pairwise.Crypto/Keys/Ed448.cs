using System.Diagnostics.CodeAnalysis;
using Pairwise.Crypto.Interop;

namespace Pairwise.Crypto;

/// <summary>An Ed448 public key (RFC 8032), 57 bytes raw, 69 bytes SPKI.</summary>
public sealed class Ed448PublicKey : VerificationKey
{
    public const int RawLength = 57;

    private Ed448PublicKey(ReadOnlySpan<byte> raw)
        : base(KeyAlgorithm.Ed448, raw)
    {
    }

    public override int SignatureLength => Ed448PrivateKey.SignatureLength;

    /// <summary>Takes the 57 raw bytes. Whether they are a point on the curve shows when a signature is verified.</summary>
    /// <exception cref="ArgumentException">The length is wrong.</exception>
    public static Ed448PublicKey FromRaw(ReadOnlySpan<byte> raw) => new(raw);

    /// <summary>Parses exact DER SPKI.</summary>
    public static bool TryFromSpki(ReadOnlySpan<byte> spki, [NotNullWhen(true)] out Ed448PublicKey? key)
    {
        key = TryStripSpki(KeyAlgorithm.Ed448, spki, out var raw) ? new Ed448PublicKey(raw) : null;
        return key is not null;
    }

    public override bool Verify(ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature) =>
        signature.Length == SignatureLength && Evp.Verify(LibCrypto.EvpPkeyEd448, Raw, message, signature);
}

/// <summary>An Ed448 private key (RFC 8032): its 57-byte seed, 73 bytes PKCS#8.</summary>
public sealed class Ed448PrivateKey : SigningKey
{
    public const int RawLength = 57;

    /// <summary>Size of a signature in bytes.</summary>
    public const int SignatureLength = 114;

    private readonly Ed448PublicKey _publicKey;

    private Ed448PrivateKey(ReadOnlySpan<byte> raw)
        : base(KeyAlgorithm.Ed448, raw)
    {
        Span<byte> publicRaw = stackalloc byte[Ed448PublicKey.RawLength];
        Evp.GetPublicKey(LibCrypto.EvpPkeyEd448, raw, publicRaw);
        _publicKey = Ed448PublicKey.FromRaw(publicRaw);
    }

    public override Ed448PublicKey PublicKey => _publicKey;

    /// <summary>Takes the 57 bytes of the seed.</summary>
    /// <exception cref="ArgumentException">The length is wrong.</exception>
    public static Ed448PrivateKey FromRaw(ReadOnlySpan<byte> raw) => new(raw);

    /// <summary>Draws the 57 bytes of the seed.</summary>
    public static Ed448PrivateKey Generate(IRandomSource random)
    {
        ArgumentNullException.ThrowIfNull(random);
        using var raw = new SecretBytes(RawLength);
        random.Fill(raw.Span);
        return new Ed448PrivateKey(raw.Span);
    }

    /// <summary>Parses exact DER PKCS#8.</summary>
    public static bool TryFromPkcs8(ReadOnlySpan<byte> pkcs8, [NotNullWhen(true)] out Ed448PrivateKey? key)
    {
        key = TryStripPkcs8(KeyAlgorithm.Ed448, pkcs8, out var raw) ? new Ed448PrivateKey(raw) : null;
        return key is not null;
    }

    public override void Sign(ReadOnlySpan<byte> message, Span<byte> signature)
    {
        CheckSignatureLength(signature);
        Evp.Sign(LibCrypto.EvpPkeyEd448, Raw, message, signature);
    }
}
