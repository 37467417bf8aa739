using System.Globalization;
using Pairwise.Wire;

namespace Pairwise.Ratchet;

/// <summary>A version of the end-to-end encryption between two agents; see <see cref="E2EVersions"/> for the known ones.</summary>
public readonly record struct E2EVersion(ushort Value) : IComparable<E2EVersion>
{
    /// <summary>Whether this version can carry KEM keys in the X3DH parameters and in message headers.</summary>
    public bool HasPostQuantum => this >= E2EVersions.PostQuantum;

    public int CompareTo(E2EVersion other) => Value.CompareTo(other.Value);

    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);

    public static E2EVersion Max(E2EVersion left, E2EVersion right) => left >= right ? left : right;

    public static E2EVersion Min(E2EVersion left, E2EVersion right) => left <= right ? left : right;

    public static bool operator <(E2EVersion left, E2EVersion right) => left.Value < right.Value;

    public static bool operator >(E2EVersion left, E2EVersion right) => left.Value > right.Value;

    public static bool operator <=(E2EVersion left, E2EVersion right) => left.Value <= right.Value;

    public static bool operator >=(E2EVersion left, E2EVersion right) => left.Value >= right.Value;
}

/// <summary>The versions of end-to-end encryption by what they brought.</summary>
public static class E2EVersions
{
    /// <summary>X3DH with a key derivation function: the oldest one spoken.</summary>
    public static readonly E2EVersion KdfX3dh = new(2);

    /// <summary>The ratchet with sntrup761 beside X448.</summary>
    public static readonly E2EVersion PostQuantum = new(3);

    public static readonly E2EVersion Current = PostQuantum;

    /// <summary>What we offer to a peer.</summary>
    public static readonly VersionRange Supported = new(KdfX3dh.Value, Current.Value);
}

/// <summary>The version a ratchet speaks now and the newest one its owner's software could speak.</summary>
/// <param name="Current">Used for what is sent; it rises when a peer shows that it knows a newer one.</param>
/// <param name="MaxSupported">Announced in every message header.</param>
public readonly record struct RatchetVersions(E2EVersion Current, E2EVersion MaxSupported);
