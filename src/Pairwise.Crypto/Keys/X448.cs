using System.Diagnostics.CodeAnalysis;
using Pairwise.Crypto.Interop;

namespace Pairwise.Crypto;

/// <summary>An X448 public key (RFC 7748), 56 bytes raw, 68 bytes SPKI.</summary>
public sealed class X448PublicKey : PublicKey
{
    public const int RawLength = 56;

    private X448PublicKey(ReadOnlySpan<byte> raw)
        : base(KeyAlgorithm.X448, raw)
    {
    }

    /// <summary>Takes the 56 raw bytes; every string of that length is a key.</summary>
    /// <exception cref="ArgumentException">The length is wrong.</exception>
    public static X448PublicKey FromRaw(ReadOnlySpan<byte> raw) => new(raw);

    /// <summary>Parses exact DER SPKI.</summary>
    public static bool TryFromSpki(ReadOnlySpan<byte> spki, [NotNullWhen(true)] out X448PublicKey? key)
    {
        key = TryStripSpki(KeyAlgorithm.X448, spki, out var raw) ? new X448PublicKey(raw) : null;
        return key is not null;
    }
}

/// <summary>An X448 private key (RFC 7748), 56 bytes raw, 72 bytes PKCS#8.</summary>
public sealed class X448PrivateKey : PrivateKey
{
    public const int RawLength = 56;

    private X448PublicKey? _publicKey;

    private X448PrivateKey(ReadOnlySpan<byte> raw)
        : base(KeyAlgorithm.X448, raw)
    {
    }

    /// <summary>The public half, computed at its first use.</summary>
    public new X448PublicKey PublicKey => _publicKey ??= DerivePublicKey();

    /// <summary>Takes the 56 raw bytes as they are; they are clamped in use, as RFC 7748 says.</summary>
    /// <exception cref="ArgumentException">The length is wrong.</exception>
    public static X448PrivateKey FromRaw(ReadOnlySpan<byte> raw) => new(raw);

    /// <summary>As the other overload, for an owner that kept the public half, which costs a third of an agreement.</summary>
    internal static X448PrivateKey FromRaw(ReadOnlySpan<byte> raw, X448PublicKey publicKey) => new(raw) { _publicKey = publicKey };

    /// <summary>Draws 56 bytes and keeps them as they are, as the reference does; they are clamped in use.</summary>
    public static X448PrivateKey Generate(IRandomSource random)
    {
        ArgumentNullException.ThrowIfNull(random);
        using var raw = new SecretBytes(RawLength);
        random.Fill(raw.Span);
        return new X448PrivateKey(raw.Span);
    }

    /// <summary>Parses exact DER PKCS#8.</summary>
    public static bool TryFromPkcs8(ReadOnlySpan<byte> pkcs8, [NotNullWhen(true)] out X448PrivateKey? key)
    {
        key = TryStripPkcs8(KeyAlgorithm.X448, pkcs8, out var raw) ? new X448PrivateKey(raw) : null;
        return key is not null;
    }

    /// <summary>The Diffie-Hellman secret with <paramref name="peer"/>, 56 bytes.</summary>
    /// <remarks>As in the reference a point of small order is not refused: its secret is 56 zero bytes.</remarks>
    public SharedSecret DeriveSharedSecret(X448PublicKey peer)
    {
        ArgumentNullException.ThrowIfNull(peer);
        var secret = new SecretBytes(RawLength);
        if (!Evp.TryDerive(Raw, PublicKey.Raw, peer.Raw, secret.Span))
            secret.Span.Clear();
        return new SharedSecret(secret);
    }

    private protected override PublicKey GetPublicKey() => PublicKey;

    private X448PublicKey DerivePublicKey()
    {
        Span<byte> raw = stackalloc byte[RawLength];
        Evp.GetPublicKey(LibCrypto.EvpPkeyX448, Raw, raw);
        return X448PublicKey.FromRaw(raw);
    }
}
