namespace Pairwise.Server.Smp.Operation;

/// <summary>What a relay does about its memory.</summary>
public enum MemoryState
{
    /// <summary>There is enough.</summary>
    Enough,

    /// <summary>It gets short: no new connections are taken.</summary>
    Refusing,

    /// <summary>It runs out: connections are closed too, those first that are missed least.</summary>
    Cutting,
}

/// <summary>
/// Says what to do about memory: two watermarks up, and lower ones down, so that it does not change its mind at each
/// message. Owned by one loop; the state can be read by anybody.
/// </summary>
internal sealed class MemoryWatch(SmpServerLimits limits)
{
    private volatile MemoryState _state;

    /// <summary>What to do now.</summary>
    public MemoryState State => _state;

    /// <summary>Takes a new reading.</summary>
    /// <returns>Whether the state has changed.</returns>
    public bool Update(MemoryReading reading)
    {
        const double percent = 100;
        long limit = limits.MemoryLimit is { } set ? Math.Min(set, reading.Limit) : reading.Limit;
        double used = limit > 0 ? reading.Used * percent / limit : 0;
        MemoryState before = _state;
        _state = before switch
        {
            _ when used >= limits.MemoryCutPercent => MemoryState.Cutting,
            MemoryState.Cutting when used >= limits.MemoryRefusePercent => MemoryState.Cutting,
            MemoryState.Enough when used < limits.MemoryRefusePercent => MemoryState.Enough,
            _ when used < limits.MemoryRefusePercent - SmpServerLimits.MemoryRestPercent => MemoryState.Enough,
            _ => MemoryState.Refusing,
        };
        return _state != before;
    }
}
