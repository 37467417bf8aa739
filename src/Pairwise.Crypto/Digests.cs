using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Pairwise.Crypto.Interop;

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

    public static byte[] Sha512(ReadOnlySpan<byte> message)
    {
        var digest = new byte[Sha512Length];
        Sha512(message, digest);
        return digest;
    }

    /// <summary>Writes the digest; the destination may lie in the message.</summary>
    /// <remarks>By OpenSSL's own functions for this digest, which need no set-up: half a microsecond less for each message.</remarks>
    [SkipLocalsInit]
    public static unsafe void Sha512(ReadOnlySpan<byte> message, Span<byte> destination)
    {
        SecretBox.CheckLength(destination.Length, Sha512Length, nameof(destination));
        Span<ulong> context = stackalloc ulong[LibCrypto.Sha512ContextLength / sizeof(ulong)];
        fixed (byte* m = message, d = destination)
        fixed (ulong* c = context)
        {
            if (LibCrypto.SHA512_Init(c) != 1 || LibCrypto.SHA512_Update(c, m, (nuint)message.Length) != 1 || LibCrypto.SHA512_Final(d, c) != 1)
                throw Evp.Failure("SHA-512 failed.");
        }

        CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(context));
    }

    public static byte[] Sha3_256(ReadOnlySpan<byte> message) => SHA3_256.HashData(message);

    public static void Sha3_256(ReadOnlySpan<byte> message, Span<byte> destination) => SHA3_256.HashData(message, destination);

    public static byte[] Sha3_384(ReadOnlySpan<byte> message) => SHA3_384.HashData(message);

    public static void Sha3_384(ReadOnlySpan<byte> message, Span<byte> destination) => SHA3_384.HashData(message, destination);
}
