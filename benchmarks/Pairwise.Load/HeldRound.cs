using System.Diagnostics;

namespace Pairwise.Load;

/// <summary>
/// A round of several <see cref="HeldStream"/>s against a relay: from the first byte for a time, or until one of them has sent
/// all it has: all of them are at work as long as the clock runs.
/// </summary>
internal sealed class HeldRound
{
    private readonly RelayProcess _relay;
    private readonly IReadOnlyList<HeldStream> _streams;
    private readonly long _start = Stopwatch.GetTimestamp();
    private readonly long _end;
    private readonly double _relayCpu;
    private readonly double _ownCpu;
    private int _isOver;

    internal HeldRound(RelayProcess relay, IReadOnlyList<HeldStream> streams, double seconds)
    {
        _end = _start + (long)(seconds * Stopwatch.Frequency);
        _relay = relay;
        _streams = streams;
        _relayCpu = relay.CpuSeconds();
        _ownCpu = OwnCpuSeconds();
    }

    internal bool IsOver => Volatile.Read(ref _isOver) != 0 || Stopwatch.GetTimestamp() >= _end;

    /// <summary>What was measured, once it is over.</summary>
    internal HeldFigures? Figures { get; private set; }

    /// <summary>Stops the clock, the first time.</summary>
    internal void End()
    {
        if (Interlocked.Exchange(ref _isOver, 1) == 0)
        {
            Figures = new HeldFigures(
                Stopwatch.GetElapsedTime(_start).TotalSeconds,
                _streams.Sum(stream => stream.ReceivedRecords),
                _relay.CpuSeconds() - _relayCpu,
                OwnCpuSeconds() - _ownCpu);
        }
    }

    private static double OwnCpuSeconds()
    {
        using Process own = Process.GetCurrentProcess();
        return own.TotalProcessorTime.TotalSeconds;
    }
}

/// <summary>What a round came to; times in seconds.</summary>
internal sealed record HeldFigures(double Seconds, int Blocks, double RelayCpu, double LoadCpu)
{
    internal double PerSecond => Blocks / Seconds;
}
