using System.Security.Cryptography;
using Pairwise.Crypto;
using Pairwise.Server.Smp.Store;

namespace Pairwise.Server.Smp;

/// <summary>
/// Unguessable ids, drawn many at a time: a call of the generator costs a relay two microseconds, whatever it is asked for.
/// Thread-safe.
/// </summary>
/// <param name="random">Where they come from.</param>
internal sealed class RandomIds(IRandomSource random)
{
    private const int DrawnAtOnce = 64;

    private readonly Lock _gate = new();

    // guarded by the gate: ids that were drawn, and how many bytes of them are given out and wiped
    private readonly byte[] _drawn = new byte[DrawnAtOnce * StoredId.Length];
    private int _used = DrawnAtOnce * StoredId.Length;

    /// <summary>The next one.</summary>
    public StoredId Next()
    {
        lock (_gate)
        {
            if (_used == _drawn.Length)
            {
                random.Fill(_drawn);
                _used = 0;
            }

            Span<byte> next = _drawn.AsSpan(_used, StoredId.Length);
            StoredId id = StoredId.From(next);
            CryptographicOperations.ZeroMemory(next);
            _used += StoredId.Length;
            return id;
        }
    }
}
