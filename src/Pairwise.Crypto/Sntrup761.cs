namespace Pairwise.Crypto;

/// <summary>
/// Streamlined NTRU Prime 761, the key encapsulation mechanism of the ratchet and of device linking.
/// </summary>
/// <remarks>
/// Source: NTRU Prime, third-round submission to NIST PQC, 2020 (<c>ntruprime.cr.yp.to</c>). Stateless and thread-safe.
/// Lengths in bytes.
/// </remarks>
public static class Sntrup761
{
    public const int PublicKeyLength = 1158;
    public const int SecretKeyLength = 1763;
    public const int CiphertextLength = 1039;
    public const int SharedSecretLength = 32;

    /// <summary>Makes a key pair.</summary>
    public static void GenerateKeyPair(IRandomSource random, Span<byte> publicKey, Span<byte> secretKey) =>
        throw new NotSupportedException();

    /// <summary>Draws a secret and encapsulates it to a public key.</summary>
    public static void Encapsulate(IRandomSource random, ReadOnlySpan<byte> publicKey, Span<byte> ciphertext, Span<byte> sharedSecret) =>
        throw new NotSupportedException();

    /// <summary>Recovers the secret of a ciphertext.</summary>
    public static void Decapsulate(ReadOnlySpan<byte> secretKey, ReadOnlySpan<byte> ciphertext, Span<byte> sharedSecret) =>
        throw new NotSupportedException();

    /// <summary>The public key inside a secret key.</summary>
    internal static ReadOnlySpan<byte> PublicKeyOf(ReadOnlySpan<byte> secretKey) => secretKey.Slice(382, PublicKeyLength);
}
