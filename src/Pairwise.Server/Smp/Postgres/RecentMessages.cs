using Pairwise.Server.Smp.Store;

namespace Pairwise.Server.Smp.Postgres;

/// <summary>
/// The messages stored last, with their bodies: a subscriber that acknowledges soon gets the next one without a look into
/// the database. At most 1,024 of 16 KB each; the oldest goes first. Thread-safe.
/// </summary>
internal sealed class RecentMessages
{
    /// <summary>Messages kept: 16 MB of them.</summary>
    public const int Capacity = 1024;

    private readonly Lock _gate = new();
    private readonly Dictionary<StoredId, int> _places = [];
    private readonly StoredMessage?[] _ring = new StoredMessage?[Capacity];
    private int _next;

    /// <summary>Keeps a message, and forgets the oldest when there are too many.</summary>
    public void Add(StoredMessage message)
    {
        lock (_gate)
        {
            if (_ring[_next] is { } oldest)
            {
                _places.Remove(oldest.Id);
            }

            _ring[_next] = message;
            _places[message.Id] = _next;
            _next = (_next + 1) % Capacity;
        }
    }

    /// <summary>A message that is kept, or null.</summary>
    public StoredMessage? Find(StoredId id)
    {
        lock (_gate)
        {
            return _places.TryGetValue(id, out int place) ? _ring[place] : null;
        }
    }

    /// <summary>Forgets a message that was removed.</summary>
    public void Remove(StoredId id)
    {
        lock (_gate)
        {
            if (_places.Remove(id, out int place))
            {
                _ring[place] = null;
            }
        }
    }
}
