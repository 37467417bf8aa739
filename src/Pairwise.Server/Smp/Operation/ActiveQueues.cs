using Pairwise.Server.Smp.Store;

namespace Pairwise.Server.Smp.Operation;

/// <summary>
/// How many queues had messages this day, this week (from Monday) and this month, in UTC. Their ids are not kept.
/// Thread-safe.
/// </summary>
public sealed class ActiveQueues
{
    /// <summary>This day.</summary>
    public DistinctCount Day { get; } = new();

    /// <summary>This week.</summary>
    public DistinctCount Week { get; } = new();

    /// <summary>This month.</summary>
    public DistinctCount Month { get; } = new();

    /// <summary>A queue has taken or given a message.</summary>
    /// <param name="recipientId">The relay chose it at random, so its bits need no hash.</param>
    internal void Add(StoredId recipientId)
    {
        ulong bits = recipientId.RandomBits;
        Day.Add(bits);
        Week.Add(bits);
        Month.Add(bits);
    }

    /// <summary>Starts the periods anew that begin at a midnight.</summary>
    internal void Begin(DateOnly day)
    {
        Day.Clear();
        if (day.DayOfWeek == DayOfWeek.Monday)
        {
            Week.Clear();
        }

        if (day.Day == 1)
        {
            Month.Clear();
        }
    }
}
