using Pairwise.Server.Smp.Store;

namespace Pairwise.Server.Smp.Connections;

/// <summary>A key of 32 bytes, compared by content: what a session remembers of keys, it finds by this.</summary>
internal readonly struct WireKey : IEquatable<WireKey>
{
    private readonly Bytes32 _raw;

    /// <summary>Copies a key of 32 bytes.</summary>
    public WireKey(in StoredKey key)
    {
        Span<byte> raw = _raw;
        key.CopyRawTo(raw);
    }

    /// <summary>Copies the bytes of the key.</summary>
    public void CopyTo(Span<byte> raw) => ((ReadOnlySpan<byte>)_raw).CopyTo(raw);

    public bool Equals(WireKey other) => ((ReadOnlySpan<byte>)_raw).SequenceEqual(other._raw);

    public override bool Equals(object? obj) => obj is WireKey other && Equals(other);

    public override int GetHashCode()
    {
        HashCode hash = default;
        hash.AddBytes(_raw);
        return hash.ToHashCode();
    }
}
