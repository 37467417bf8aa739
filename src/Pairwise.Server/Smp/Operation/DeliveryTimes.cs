namespace Pairwise.Server.Smp.Operation;

/// <summary>
/// How long messages waited for their acknowledgement, in whole seconds and rounded up to buckets: each second up to 5,
/// then steps of 5 up to 30, of 10 up to 60, of 30 up to 180, and of 60. Thread-safe.
/// </summary>
public sealed class DeliveryTimes
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<long, long> _buckets = [];

    /// <summary>Seconds in all.</summary>
    public long Sum { get; private set; }

    /// <summary>The longest time, in seconds.</summary>
    public long Longest { get; private set; }

    /// <summary>Counts per bucket, the shortest time first.</summary>
    public IReadOnlyList<(long Seconds, long Count)> Buckets()
    {
        lock (_gate)
        {
            return [.. _buckets.Select(bucket => (bucket.Key, bucket.Value))];
        }
    }

    /// <summary>Counts one.</summary>
    internal void Add(long seconds)
    {
        seconds = Math.Max(0, seconds);
        long step = seconds switch
        {
            <= 5 => 1,
            <= 30 => 5,
            <= 60 => 10,
            <= 180 => 30,
            _ => 60,
        };
        long bucket = (seconds + step - 1) / step * step;
        lock (_gate)
        {
            Sum += seconds;
            Longest = Math.Max(Longest, seconds);
            _buckets[bucket] = _buckets.GetValueOrDefault(bucket) + 1;
        }
    }
}
