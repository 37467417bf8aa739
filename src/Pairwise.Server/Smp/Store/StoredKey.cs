using System.Runtime.CompilerServices;
using Pairwise.Crypto;

namespace Pairwise.Server.Smp.Store;

/// <summary>Which algorithm a stored key authorizes commands with.</summary>
public enum StoredKeyKind : byte
{
    /// <summary>There is no key.</summary>
    None = 0,

    /// <summary>Ed25519 signatures, 32 bytes.</summary>
    Ed25519 = 1,

    /// <summary>X25519 authenticators, 32 bytes.</summary>
    X25519 = 2,

    /// <summary>Ed448 signatures, 57 bytes.</summary>
    Ed448 = 3,
}

/// <summary>32 bytes held inline.</summary>
[InlineArray(Length)]
public struct Bytes32
{
    /// <summary>The number of bytes.</summary>
    public const int Length = 32;

    private byte _first;

    /// <summary>Copies 32 bytes.</summary>
    public static Bytes32 From(ReadOnlySpan<byte> bytes)
    {
        Bytes32 value = default;
        bytes[..Length].CopyTo(value);
        return value;
    }
}

/// <summary>
/// A public key of a queue's party as the store holds it: 32 bytes inline for the two algorithms in use, an array
/// only for Ed448.
/// </summary>
public readonly struct StoredKey
{
    private const int SpkiPrefixLength = 12;
    private const int Ed448Length = 57;
    private readonly Bytes32 _short;
    private readonly byte[]? _long;

    private StoredKey(StoredKeyKind kind, ReadOnlySpan<byte> raw)
    {
        Kind = kind;
        if (raw.Length == Bytes32.Length)
        {
            _short = Bytes32.From(raw);
        }
        else
        {
            _long = raw.ToArray();
        }
    }

    // SubjectPublicKeyInfo of RFC 8410: SEQUENCE { SEQUENCE { OID 1.3.101.n }, BIT STRING with no unused bits }.
    private static ReadOnlySpan<byte> Ed25519Prefix => [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

    private static ReadOnlySpan<byte> X25519Prefix => [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x03, 0x21, 0x00];

    private static ReadOnlySpan<byte> Ed448Prefix => [0x30, 0x43, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x71, 0x03, 0x3a, 0x00];

    /// <summary>The algorithm; <see cref="StoredKeyKind.None"/> of a default value.</summary>
    public StoredKeyKind Kind { get; }

    /// <summary>The length of the DER form.</summary>
    public int SpkiLength => SpkiPrefixLength + RawLength;

    private int RawLength => Kind switch
    {
        StoredKeyKind.None => 0,
        StoredKeyKind.Ed448 => Ed448Length,
        _ => Bytes32.Length,
    };

    /// <summary>Takes a key; false when its algorithm cannot authorize commands.</summary>
    public static bool TryFrom(PublicKey key, out StoredKey stored)
    {
        StoredKeyKind kind = key.Algorithm switch
        {
            KeyAlgorithm.Ed25519 => StoredKeyKind.Ed25519,
            KeyAlgorithm.X25519 => StoredKeyKind.X25519,
            KeyAlgorithm.Ed448 => StoredKeyKind.Ed448,
            _ => StoredKeyKind.None,
        };
        stored = kind == StoredKeyKind.None ? default : new StoredKey(kind, key.Raw);
        return kind != StoredKeyKind.None;
    }

    /// <summary>Reads the DER form; false when it is no key that may authorize commands.</summary>
    public static bool TryFromSpki(ReadOnlySpan<byte> spki, out StoredKey key)
    {
        if (spki.Length == SpkiPrefixLength + Bytes32.Length)
        {
            if (spki.StartsWith(Ed25519Prefix))
            {
                key = new StoredKey(StoredKeyKind.Ed25519, spki[SpkiPrefixLength..]);
                return true;
            }

            if (spki.StartsWith(X25519Prefix))
            {
                key = new StoredKey(StoredKeyKind.X25519, spki[SpkiPrefixLength..]);
                return true;
            }
        }
        else if (spki.Length == SpkiPrefixLength + Ed448Length && spki.StartsWith(Ed448Prefix))
        {
            key = new StoredKey(StoredKeyKind.Ed448, spki[SpkiPrefixLength..]);
            return true;
        }

        key = default;
        return false;
    }

    /// <summary>Writes the raw key (32 or 57 bytes) and returns its length.</summary>
    public int CopyRawTo(Span<byte> destination)
    {
        if (_long is not null)
        {
            _long.CopyTo(destination);
            return _long.Length;
        }

        ((ReadOnlySpan<byte>)_short).CopyTo(destination);
        return RawLength;
    }

    /// <summary>Writes the DER form and returns its length.</summary>
    public int CopySpkiTo(Span<byte> destination)
    {
        (Kind switch
        {
            StoredKeyKind.Ed25519 => Ed25519Prefix,
            StoredKeyKind.X25519 => X25519Prefix,
            StoredKeyKind.Ed448 => Ed448Prefix,
            _ => throw new InvalidOperationException("There is no key to write."),
        }).CopyTo(destination);
        return SpkiPrefixLength + CopyRawTo(destination[SpkiPrefixLength..]);
    }

    /// <summary>True when both are the same key of the same algorithm. Public keys: no secret is compared.</summary>
    public bool SameAs(in StoredKey other)
    {
        if (Kind != other.Kind)
        {
            return false;
        }

        return _long is null
            ? ((ReadOnlySpan<byte>)_short).SequenceEqual(other._short)
            : _long.AsSpan().SequenceEqual(other._long);
    }
}
