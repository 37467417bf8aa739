using System.Buffers.Binary;
using System.Security.Cryptography;
using Pairwise.Protocol.Xftp;

namespace Pairwise.Server.Xftp.Operation;

/// <summary>
/// Counts how many different chunks were downloaded this day, week and month, as the reference's statistics have it. Kept
/// as hashes of ids, so that nothing that is written down names a chunk. Thread-safe.
/// </summary>
internal sealed class DownloadedChunks
{
    private readonly Lock _gate = new();
    private readonly HashSet<long> _day = [];
    private readonly HashSet<long> _week = [];
    private readonly HashSet<long> _month = [];

    public (int Day, int Week, int Month) Counts
    {
        get
        {
            lock (_gate)
            {
                return (_day.Count, _week.Count, _month.Count);
            }
        }
    }

    /// <summary>What a restart keeps.</summary>
    public (long[] Day, long[] Week, long[] Month) Hashes
    {
        get
        {
            lock (_gate)
            {
                return ([.. _day], [.. _week], [.. _month]);
            }
        }
    }

    public void Restore(IEnumerable<long> day, IEnumerable<long> week, IEnumerable<long> month)
    {
        lock (_gate)
        {
            _day.UnionWith(day);
            _week.UnionWith(week);
            _month.UnionWith(month);
        }
    }

    public void Add(ChunkId id)
    {
        var value = id.Value;
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(value.Span, digest);
        var hash = BinaryPrimitives.ReadInt64BigEndian(digest);
        lock (_gate)
        {
            _day.Add(hash);
            _week.Add(hash);
            _month.Add(hash);
        }
    }

    /// <summary>Takes the day's count, and the week's on Mondays and the month's on its first day; they begin anew then.</summary>
    public (int Day, int? Week, int? Month) Take(DateTimeOffset now)
    {
        lock (_gate)
        {
            var counts = (_day.Count, now.DayOfWeek == DayOfWeek.Monday ? _week.Count : (int?)null, now.Day == 1 ? _month.Count : (int?)null);
            _day.Clear();
            if (counts.Item2 is not null)
            {
                _week.Clear();
            }

            if (counts.Item3 is not null)
            {
                _month.Clear();
            }

            return counts;
        }
    }
}
