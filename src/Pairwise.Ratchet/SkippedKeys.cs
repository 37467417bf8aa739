using System.Security.Cryptography;
using Pairwise.Crypto;

namespace Pairwise.Ratchet;

/// <summary>
/// The key of a message that was skipped and may still arrive. It owns its secrets and zeroes them on disposal.
/// </summary>
public sealed class SkippedKey : IDisposable
{
    private readonly SecretBytes _headerKey;
    private readonly SecretBytes _messageKey;

    /// <param name="headerKey">The header key of the message's chain, 32 bytes.</param>
    /// <param name="number">The message's number in that chain.</param>
    /// <param name="messageKey">Its key and initialisation vector, 32 + 16 bytes.</param>
    /// <exception cref="ArgumentException">A length is wrong.</exception>
    public SkippedKey(ReadOnlySpan<byte> headerKey, uint number, ReadOnlySpan<byte> messageKey)
    {
        if (headerKey.Length != RatchetLimits.KeyLength)
            throw new ArgumentException($"A header key has {RatchetLimits.KeyLength} bytes.", nameof(headerKey));
        if (messageKey.Length != RatchetLimits.MessageKeyLength)
            throw new ArgumentException($"A message key with its vector has {RatchetLimits.MessageKeyLength} bytes.", nameof(messageKey));
        _headerKey = SecretBytes.CopyOf(headerKey);
        Number = number;
        _messageKey = SecretBytes.CopyOf(messageKey);
    }

    /// <summary>The header key, 32 bytes, for the encrypted store.</summary>
    public ReadOnlySpan<byte> HeaderKey => _headerKey.Span;

    /// <summary>The message's number in its chain.</summary>
    public uint Number { get; }

    /// <summary>Message key and vector, 48 bytes, for the encrypted store.</summary>
    public ReadOnlySpan<byte> MessageKey => _messageKey.Span;

    public SkippedKey Copy() => new(HeaderKey, Number, MessageKey);

    public void Dispose()
    {
        _headerKey.Dispose();
        _messageKey.Dispose();
    }

    public override string ToString() => "[secret]";

    internal bool IsOf(ReadOnlySpan<byte> headerKey) => CryptographicOperations.FixedTimeEquals(HeaderKey, headerKey);
}

/// <summary>What a decryption changed in the stored skipped message keys; to be stored together with the new state.</summary>
public abstract class SkippedKeyDiff : IDisposable
{
    private protected SkippedKeyDiff()
    {
    }

    /// <summary>Nothing changed.</summary>
    public sealed class None : SkippedKeyDiff
    {
        private None()
        {
        }

        public static None Instance { get; } = new();
    }

    /// <summary>The key of this chain and number was used: delete it.</summary>
    public sealed class Removed : SkippedKeyDiff
    {
        internal Removed(SkippedKey key) => Key = key;

        /// <summary>A copy of the key that goes; it is found by header key and number.</summary>
        public SkippedKey Key { get; }

        private protected override void DisposeKeys() => Key.Dispose();
    }

    /// <summary>These keys are new: store them. At least one.</summary>
    public sealed class Added : SkippedKeyDiff
    {
        internal Added(IReadOnlyList<SkippedKey> keys) => Keys = keys;

        public IReadOnlyList<SkippedKey> Keys { get; }

        private protected override void DisposeKeys()
        {
            foreach (var key in Keys)
                key.Dispose();
        }
    }

    public void Dispose()
    {
        DisposeKeys();
        GC.SuppressFinalize(this);
    }

    private protected virtual void DisposeKeys()
    {
    }
}

/// <summary>
/// The skipped message keys of one connection, as loaded from the store before a decryption. Owns its keys.
/// </summary>
/// <remarks>Not thread-safe: one owner.</remarks>
public sealed class SkippedKeys : IDisposable
{
    // Grouped by chain: each chain's header key is tried once per message.
    private readonly List<Chain> _chains = [];

    /// <summary>How many keys there are.</summary>
    public int Count { get; private set; }

    /// <summary>All keys, in no particular order.</summary>
    public IEnumerable<SkippedKey> Keys => _chains.SelectMany(chain => chain.ByNumber.Values);

    internal IEnumerable<Chain> Chains => _chains;

    /// <summary>Takes the key over; the key of the same chain and number, if any, is replaced.</summary>
    public void Add(SkippedKey key)
    {
        var chain = Find(key.HeaderKey);
        if (chain is null)
            _chains.Add(chain = new Chain(key));
        if (chain.ByNumber.Remove(key.Number, out var former))
        {
            former.Dispose();
            Count--;
        }

        chain.ByNumber.Add(key.Number, key);
        Count++;
    }

    /// <summary>Brings the set up to date with a decryption, as the store does with its rows. Copies what it adds.</summary>
    public void Apply(SkippedKeyDiff diff)
    {
        switch (diff)
        {
            case SkippedKeyDiff.Removed removed:
                Remove(removed.Key.HeaderKey, removed.Key.Number);
                break;
            case SkippedKeyDiff.Added added:
                foreach (var key in added.Keys)
                    Add(key.Copy());
                break;
            case SkippedKeyDiff.None:
                break;
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    public void Dispose()
    {
        foreach (var key in Keys)
            key.Dispose();
        foreach (var chain in _chains)
            chain.HeaderKey.Dispose();
        _chains.Clear();
        Count = 0;
    }

    private void Remove(ReadOnlySpan<byte> headerKey, uint number)
    {
        var chain = Find(headerKey);
        if (chain is null || !chain.ByNumber.Remove(number, out var key))
            return;
        key.Dispose();
        Count--;
        if (chain.ByNumber.Count == 0)
        {
            chain.HeaderKey.Dispose();
            _chains.Remove(chain);
        }
    }

    private Chain? Find(ReadOnlySpan<byte> headerKey)
    {
        foreach (var chain in _chains)
        {
            if (CryptographicOperations.FixedTimeEquals(chain.HeaderKey.Span, headerKey))
                return chain;
        }

        return null;
    }

    internal sealed class Chain(SkippedKey first)
    {
        public SecretBytes HeaderKey { get; } = SecretBytes.CopyOf(first.HeaderKey);

        public Dictionary<uint, SkippedKey> ByNumber { get; } = [];
    }
}
