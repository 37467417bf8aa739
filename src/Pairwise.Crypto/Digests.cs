using System.Security.Cryptography;

namespace Pairwise.Crypto;

/// <summary>The four digests of the protocols. Each writes into a destination of its size or returns a new array.</summary>
#pragma warning disable CA1707 // The digests keep the names of FIPS 202.
public static class Digests
{
    public const int Sha256Length = 32;
    public const int Sha512Length = 64;
    public const int Sha3_256Length = 32;
    public const int Sha3_384Length = 48;

    public static byte[] Sha256(ReadOnlySpan<byte> message) => SHA256.HashData(message);

    public static void Sha256(ReadOnlySpan<byte> message, Span<byte> destination) => SHA256.HashData(message, destination);

    public static byte[] Sha512(ReadOnlySpan<byte> message) => SHA512.HashData(message);

    public static void Sha512(ReadOnlySpan<byte> message, Span<byte> destination) => SHA512.HashData(message, destination);

    public static byte[] Sha3_256(ReadOnlySpan<byte> message) => SHA3_256.HashData(message);

    public static void Sha3_256(ReadOnlySpan<byte> message, Span<byte> destination) => SHA3_256.HashData(message, destination);

    public static byte[] Sha3_384(ReadOnlySpan<byte> message) => SHA3_384.HashData(message);

    public static void Sha3_384(ReadOnlySpan<byte> message, Span<byte> destination) => SHA3_384.HashData(message, destination);
}
