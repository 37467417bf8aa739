using System.Diagnostics.CodeAnalysis;
using Pairwise.Crypto.Interop;

namespace Pairwise.Crypto;

/// <summary>An X25519 public key (RFC 7748), 32 bytes raw, 44 bytes SPKI.</summary>
public sealed class X25519PublicKey : PublicKey
{
    public const int RawLength = 32;

    private X25519PublicKey(ReadOnlySpan<byte> raw)
        : base(KeyAlgorithm.X25519, raw)
    {
    }

    /// <summary>Takes the 32 raw bytes; every string of that length is a key.</summary>
    /// <exception cref="ArgumentException">The length is wrong.</exception>
    public static X25519PublicKey FromRaw(ReadOnlySpan<byte> raw) => new(raw);

    /// <summary>Parses exact DER SPKI.</summary>
    public static bool TryFromSpki(ReadOnlySpan<byte> spki, [NotNullWhen(true)] out X25519PublicKey? key)
    {
        key = TryStripSpki(KeyAlgorithm.X25519, spki, out var raw) ? new X25519PublicKey(raw) : null;
        return key is not null;
    }
}

/// <summary>An X25519 private key (RFC 7748), 32 bytes raw, 48 bytes PKCS#8.</summary>
public sealed unsafe class X25519PrivateKey : PrivateKey
{
    public const int RawLength = 32;

    private X25519PublicKey? _publicKey;

    private X25519PrivateKey(ReadOnlySpan<byte> raw)
        : base(KeyAlgorithm.X25519, raw)
    {
    }

    /// <summary>The public half, computed at its first use.</summary>
    public new X25519PublicKey PublicKey => _publicKey ??= DerivePublicKey();

    /// <summary>Takes the 32 raw bytes as they are; they are clamped in use, as RFC 7748 says.</summary>
    /// <exception cref="ArgumentException">The length is wrong.</exception>
    public static X25519PrivateKey FromRaw(ReadOnlySpan<byte> raw) => new(raw);

    /// <summary>Draws 32 bytes and clamps them.</summary>
    public static X25519PrivateKey Generate(IRandomSource random)
    {
        ArgumentNullException.ThrowIfNull(random);
        using var raw = new SecretBytes(RawLength);
        random.Fill(raw.Span);
        raw.Span[0] &= 0xf8;
        raw.Span[31] = (byte)((raw.Span[31] & 0x7f) | 0x40);
        return new X25519PrivateKey(raw.Span);
    }

    /// <summary>Parses exact DER PKCS#8.</summary>
    public static bool TryFromPkcs8(ReadOnlySpan<byte> pkcs8, [NotNullWhen(true)] out X25519PrivateKey? key)
    {
        key = TryStripPkcs8(KeyAlgorithm.X25519, pkcs8, out var raw) ? new X25519PrivateKey(raw) : null;
        return key is not null;
    }

    /// <summary>The Diffie-Hellman secret with <paramref name="peer"/>, 32 bytes.</summary>
    /// <remarks>As in the reference a point of small order is not refused: its secret is 32 zero bytes.</remarks>
    public SharedSecret DeriveSharedSecret(X25519PublicKey peer)
    {
        ArgumentNullException.ThrowIfNull(peer);
        var secret = new SecretBytes(RawLength);
        fixed (byte* q = secret.Span, n = Raw, p = peer.Raw)
        {
            // libsodium refuses points of small order and then leaves the output as it was: zero.
            if (LibSodium.crypto_scalarmult_curve25519(q, n, p) != 0)
                secret.Span.Clear();
        }

        return new SharedSecret(secret);
    }

    private protected override PublicKey GetPublicKey() => PublicKey;

    private X25519PublicKey DerivePublicKey()
    {
        Span<byte> raw = stackalloc byte[RawLength];
        fixed (byte* q = raw, n = Raw)
        {
            if (LibSodium.crypto_scalarmult_curve25519_base(q, n) != 0)
                throw new InvalidOperationException("The X25519 public key could not be computed.");
        }

        return X25519PublicKey.FromRaw(raw);
    }
}
