using Microsoft.Extensions.Logging;
using Pairwise.Server.Interop;
using Pairwise.Server.Smp.Connections;
using Pairwise.Server.Smp.Operation;

namespace Pairwise.Server.Smp;

/// <summary>
/// How a relay keeps within its limits: connections that stand still are closed, and load is shed before the machine
/// swaps. Stored messages are never dropped for it.
/// </summary>
public sealed partial class SmpServer
{
    private static readonly TimeSpan MemoryCheck = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan StalledCheck = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan BurstRest = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan CollectionPause = TimeSpan.FromSeconds(10);

    // changed by the loops, read by the metrics
    private long _cutStalled;
    private long _cutInactive;
    private long _cutForMemory;

    // owned by the loop of memory
    private long _collected;
    private TimeSpan _collectionPause = CollectionPause;
    private long _mostConnections;
    private long _fewerSince;

    /// <summary>Connections that may be open: the limit that was set, or fewer where the system allows fewer descriptors.</summary>
    public int ConnectionLimit { get; private set; }

    /// <summary>What the relay does about its memory at this moment.</summary>
    public MemoryState MemoryState => _memory.State;

    /// <summary>Tables for often used keys in all connections together.</summary>
    internal long KeyTableCount => _relay.KeyTables.Taken;

    // Files, listeners, pages and sessions with other relays need descriptors too.
    private static (int Connections, int RelaySessions) LimitConnections(SmpServerLimits limits, ILogger logger)
    {
        const long others = 1024; // files, pages, sessions that are being made
        const long share = 4;
        int wanted = limits.Connections;
        if (SystemLimits.Descriptors() is not { } descriptors)
        {
            return (wanted, limits.RelaySessions);
        }

        long reserve = Math.Min(others + limits.RelaySessions, descriptors / share);
        int sessions = (int)Math.Min(limits.RelaySessions, Math.Max(1, reserve / 2));
        long possible = descriptors - reserve;
        if (possible >= wanted)
        {
            return (wanted, sessions);
        }

        Log.FewDescriptors(logger, possible, descriptors, wanted);
        return ((int)possible, sessions);
    }

    // Closes connections whose client does not read or does not finish what it writes, and those that hold nothing and say nothing.
    private async Task SweepConnectionsAsync(CancellationToken cancellationToken)
    {
        SmpServerOptions options = _relay.Options;
        TimeSpan interval = new[] { StalledCheck, options.Limits.BlockTime / 2, options.InactiveClients?.CheckInterval ?? StalledCheck }.Min();
        using PeriodicTimer timer = new(interval, options.Time);
        while (await TickAsync(timer, cancellationToken))
        {
            foreach (SmpConnection client in _connections.Values)
            {
                client.ForgetUnusedTables();
                if (client.Stalled > options.Limits.WriteTime || client.CheckUnfinished() > options.Limits.BlockTime)
                {
                    Interlocked.Increment(ref _cutStalled);
                    client.Break("The client does not read, or does not finish a block.");
                }
                else if (options.InactiveClients is { } expiration && !client.IsSubscribed && client.Idle > expiration.Lifetime)
                {
                    Interlocked.Increment(ref _cutInactive);
                    client.Break("The client is inactive.");
                }
            }
        }
    }

    private async Task WatchMemoryAsync(CancellationToken cancellationToken)
    {
        using PeriodicTimer timer = new(MemoryCheck, _relay.Options.Time);
        while (await TickAsync(timer, cancellationToken))
        {
            MemoryReading reading;
            try
            {
                reading = _relay.Options.ReadMemory();
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                continue; // the system tells it the next time, or never: then nothing is shed
            }

            const long mega = 1 << 20;
            if (_memory.Update(reading))
            {
                Log.MemoryChanged(_logger, _memory.State, reading.Used / mega, reading.Limit / mega);
            }

            if ((_memory.State != MemoryState.Enough || HasBurstPassed()) && Collect())
            {
                _mostConnections = _listener?.Counts.Active ?? 0;
                _fewerSince = 0;
            }

            if (_memory.State == MemoryState.Cutting)
            {
                CutSome();
            }
        }
    }

    // Most of many connections are gone, and not for a moment only: what they needed goes back to the system.
    private bool HasBurstPassed()
    {
        const long many = 200;
        TimeProvider time = _relay.Options.Time;
        long active = _listener?.Counts.Active ?? 0;
        _mostConnections = Math.Max(_mostConnections, active);
        if (_mostConnections - active < many || active > _mostConnections / 2)
        {
            _fewerSince = 0;
            return false;
        }

        if (_fewerSince == 0)
        {
            _fewerSince = time.GetTimestamp();
        }

        return time.GetElapsedTime(_fewerSince) >= BurstRest;
    }

    // What was closed, and what only waits to be collected, shall not count for long.
    private bool Collect()
    {
        const int pauseFactor = 30; // collecting stops everybody: it may take a thirtieth of the time
        TimeProvider time = _relay.Options.Time;
        if (_collected != 0 && time.GetElapsedTime(_collected) < _collectionPause)
        {
            return false;
        }

        long started = time.GetTimestamp();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        LibC.GiveMemoryBack();
        _collected = time.GetTimestamp();
        TimeSpan least = time.GetElapsedTime(started) * pauseFactor;
        _collectionPause = least > CollectionPause ? least : CollectionPause;
        return true;
    }

    // A tenth of the connections at each look: first those that hold nothing, the silent ones before the others; when
    // there are no more of them, those with the most that waits for them or that they are subscribed to.
    private void CutSome()
    {
        const int share = 10;
        SmpConnection[] all = [.. _connections.Values];
        int count = (all.Length + share - 1) / share;
        SmpConnection[] holdNothing = [.. all.Where(client => !client.IsSubscribed).OrderByDescending(client => client.Idle).Take(count)];
        SmpConnection[] chosen = holdNothing.Length > 0 ? holdNothing : [.. all.OrderByDescending(client => client.Weight).Take(count)];
        foreach (SmpConnection client in chosen)
        {
            Interlocked.Increment(ref _cutForMemory);
            client.Break("The relay is short of memory.");
        }
    }
}
