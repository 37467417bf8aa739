using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Pairwise.Crypto.Edwards;

namespace Pairwise.Crypto;

/// <summary>
/// Multiples of one Ed25519 public key, computed ahead: signatures of a key that is used again are verified with them in
/// a quarter of the time. It says of every signature what <see cref="Ed25519PublicKey.Verify"/> says (libsodium 1.0.18).
/// Variable time, as everything that it sees is public. Immutable and thread-safe.
/// </summary>
/// <remarks>
/// R' = sB - hA is computed and compared with the signature's R byte for byte, where h = SHA-512(R, A, message) modulo L
/// (RFC 8032, 5.1.7, without the factor 8). Refused before or after that: an s not below L, a key or R of small order.
/// </remarks>
[SkipLocalsInit]
public sealed class Ed25519KeyTable
{
    /// <summary>What a table takes, in bytes, rounded up: 64 multiples of 120 bytes, and the objects around them.</summary>
    public const int Size = 8_000;

    // Longer messages are not copied to the stack.
    private const int MaxCopied = 1024;
    private const int KeyWidth = 4;
    private const int BaseWidth = 7;

    private readonly PointMultiples _minusKey;
    private readonly byte[] _raw;

    private Ed25519KeyTable(in EdwardsPoint point, ReadOnlySpan<byte> raw)
    {
        _raw = raw.ToArray();
        _minusKey = new PointMultiples(point.Negate(), KeyWidth);
    }

    /// <summary>Whether this processor can work with tables (AVX2).</summary>
    public static bool IsSupported => FieldLanes.IsSupported;

    /// <summary>Computes the table; it takes about as long as one and a half verifications without it.</summary>
    /// <returns>Null when the processor cannot work with it, or no signature of this key would be right.</returns>
    public static Ed25519KeyTable? TryCreate(Ed25519PublicKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return IsSupported && EdwardsPoint.TryRead(key.Raw, out var point) && !point.IsOfSmallOrder ? new Ed25519KeyTable(point, key.Raw) : null;
    }

    /// <summary>Whether the key made the signature of the message.</summary>
    public bool Verify(ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        if (signature.Length != Ed25519PrivateKey.SignatureLength || !Scalar.TryRead(signature[FieldElement.Length..], out var s))
            return false;
        var point = Combine(s, Hash(signature[..FieldElement.Length], message));
        Span<byte> encoded = stackalloc byte[FieldElement.Length];
        point.Write(encoded);
        return encoded.SequenceEqual(signature[..FieldElement.Length]) && !point.IsOfSmallOrder;
    }

    // sB - hA
    private EdwardsPoint Combine(in Scalar s, in Scalar h)
    {
        Span<sbyte> ofBase = stackalloc sbyte[Scalar.Digits];
        Span<sbyte> ofKey = stackalloc sbyte[Scalar.Digits];
        BaseTable.Instance.WriteDigits(s, ofBase);
        _minusKey.WriteDigits(h, ofKey);
        var sum = EdwardsPoint.Neutral;
        for (var level = PointMultiples.Levels - 1; ; level--)
        {
            BaseTable.Instance.AddLevel(ref sum, ofBase, level);
            _minusKey.AddLevel(ref sum, ofKey, level);
            if (level == 0)
                return sum;
            sum.Double();
        }
    }

    private Scalar Hash(ReadOnlySpan<byte> r, ReadOnlySpan<byte> message)
    {
        Span<byte> digest = stackalloc byte[Digests.Sha512Length];
        if (message.Length <= MaxCopied)
        {
            Span<byte> all = stackalloc byte[(2 * FieldElement.Length) + MaxCopied];
            r.CopyTo(all);
            _raw.CopyTo(all[FieldElement.Length..]);
            message.CopyTo(all[(2 * FieldElement.Length)..]);
            Digests.Sha512(all[..((2 * FieldElement.Length) + message.Length)], digest);
        }
        else
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA512);
            hash.AppendData(r);
            hash.AppendData(_raw);
            hash.AppendData(message);
            hash.GetHashAndReset(digest);
        }

        return Scalar.Reduce(digest);
    }

    // Made with the first table, 60 KB.
    private static class BaseTable
    {
        internal static readonly PointMultiples Instance = new(EdwardsPoint.Base, BaseWidth);
    }
}
