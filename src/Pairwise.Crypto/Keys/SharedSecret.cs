using System.Security.Cryptography;

namespace Pairwise.Crypto;

/// <summary>
/// The outcome of a Diffie-Hellman agreement: 32 bytes (X25519) or 56 bytes (X448), wiped when disposed.
/// </summary>
/// <remarks>It is meant for a key derivation or a <see cref="BoxKey"/>; <see cref="Bytes"/> exists because queue
/// records keep secrets. Use is thread-safe, disposal is the owner's.</remarks>
public sealed class SharedSecret : IDisposable
{
    private readonly SecretBytes _bytes;

    internal SharedSecret(SecretBytes bytes) => _bytes = bytes;

    /// <summary>The secret itself, for a key derivation or for the owner's encrypted store.</summary>
    /// <exception cref="ObjectDisposedException">The secret was disposed.</exception>
    public ReadOnlySpan<byte> Bytes => _bytes.Span;

    /// <summary>Restores a secret that was kept in a store.</summary>
    public static SharedSecret FromBytes(ReadOnlySpan<byte> bytes) => new(SecretBytes.CopyOf(bytes));

    /// <summary>Compares in constant time.</summary>
    public bool FixedTimeEquals(SharedSecret other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return CryptographicOperations.FixedTimeEquals(Bytes, other.Bytes);
    }

    public void Dispose() => _bytes.Dispose();

    public override string ToString() => "[secret]";
}
