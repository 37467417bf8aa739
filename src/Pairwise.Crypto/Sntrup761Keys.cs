using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Pairwise.Wire;

namespace Pairwise.Crypto;

/// <summary>A public key of Streamlined NTRU Prime 761: 1,158 bytes, compared by content.</summary>
/// <remarks>Any bytes of that length are a key as far as the format goes; a wrong one only yields wrong secrets.</remarks>
public sealed record Sntrup761PublicKey
{
    private readonly Bytes _value;

    private Sntrup761PublicKey(Bytes value) => _value = value;

    /// <summary>The key as it is sent, 1,158 bytes.</summary>
    public ReadOnlySpan<byte> Raw => _value.Span;

    /// <summary>Copies the key; false when the length is not 1,158.</summary>
    public static bool TryFromRaw(ReadOnlySpan<byte> raw, [NotNullWhen(true)] out Sntrup761PublicKey? key)
    {
        key = raw.Length == Sntrup761.PublicKeyLength ? new Sntrup761PublicKey(Bytes.CopyOf(raw)) : null;
        return key is not null;
    }
}

/// <summary>An encapsulated secret of Streamlined NTRU Prime 761: 1,039 bytes, compared by content.</summary>
public sealed record Sntrup761Ciphertext
{
    private readonly Bytes _value;

    private Sntrup761Ciphertext(Bytes value) => _value = value;

    /// <summary>The ciphertext as it is sent, 1,039 bytes.</summary>
    public ReadOnlySpan<byte> Raw => _value.Span;

    /// <summary>Copies the ciphertext; false when the length is not 1,039.</summary>
    public static bool TryFromRaw(ReadOnlySpan<byte> raw, [NotNullWhen(true)] out Sntrup761Ciphertext? ciphertext)
    {
        ciphertext = raw.Length == Sntrup761.CiphertextLength ? new Sntrup761Ciphertext(Bytes.CopyOf(raw)) : null;
        return ciphertext is not null;
    }
}

/// <summary>
/// A key pair of Streamlined NTRU Prime 761. It owns its secret key of 1,763 bytes, which is zeroed on disposal.
/// </summary>
/// <remarks>Thread-safe for use; disposal must not race with use.</remarks>
public sealed class Sntrup761KeyPair : IDisposable
{
    private readonly byte[] _secretKey;
    private bool _isDisposed;

    private Sntrup761KeyPair(Sntrup761PublicKey publicKey, byte[] secretKey)
    {
        PublicKey = publicKey;
        _secretKey = secretKey;
    }

    public Sntrup761PublicKey PublicKey { get; }

    /// <summary>The secret key, 1,763 bytes, for storing it; the span dies with the key pair.</summary>
    public ReadOnlySpan<byte> SecretKey
    {
        get
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            return _secretKey;
        }
    }

    /// <summary>Makes a new key pair from 6,279 random bytes, and 3,044 more for each rejected draw.</summary>
    public static Sntrup761KeyPair Generate(IRandomSource random)
    {
        Span<byte> publicKey = new byte[Sntrup761.PublicKeyLength];
        var secretKey = GC.AllocateUninitializedArray<byte>(Sntrup761.SecretKeyLength, pinned: true);
        Sntrup761.GenerateKeyPair(random, publicKey, secretKey);
        return Sntrup761PublicKey.TryFromRaw(publicKey, out var key)
            ? new Sntrup761KeyPair(key, secretKey)
            : throw new System.Diagnostics.UnreachableException();
    }

    /// <summary>Copies a stored key pair; false when a length is wrong or the secret key holds another public key.</summary>
    public static bool TryFromRaw(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> secretKey, [NotNullWhen(true)] out Sntrup761KeyPair? keyPair)
    {
        keyPair = null;
        if (secretKey.Length != Sntrup761.SecretKeyLength || !Sntrup761PublicKey.TryFromRaw(publicKey, out var key))
            return false;
        if (!Sntrup761.PublicKeyOf(secretKey).SequenceEqual(publicKey))
            return false;
        keyPair = new Sntrup761KeyPair(key, PinnedCopy(secretKey));
        return true;
    }

    /// <summary>Another owner of the same keys.</summary>
    public Sntrup761KeyPair Copy() => new(PublicKey, PinnedCopy(SecretKey));

    /// <summary>
    /// Writes the 32-byte secret of <paramref name="ciphertext"/>. A ciphertext not made for this key gives a secret
    /// nobody else knows (implicit rejection), in the same time.
    /// </summary>
    public void Decapsulate(Sntrup761Ciphertext ciphertext, Span<byte> sharedSecret)
    {
        ArgumentNullException.ThrowIfNull(ciphertext);
        Sntrup761.Decapsulate(SecretKey, ciphertext.Raw, sharedSecret);
    }

    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_secretKey);
        _isDisposed = true;
    }

    private static byte[] PinnedCopy(ReadOnlySpan<byte> secretKey)
    {
        // Pinned, so that the collector leaves no second copy behind when it compacts.
        var copy = GC.AllocateUninitializedArray<byte>(secretKey.Length, pinned: true);
        secretKey.CopyTo(copy);
        return copy;
    }
}
