namespace Pairwise.Server;

/// <summary>Times between two rounds of what is done again and again.</summary>
internal static class TimerIntervals
{
    // A timer of the system counts milliseconds in 32 bits: 49.7 days.
    private static readonly TimeSpan Longest = TimeSpan.FromDays(49);

    /// <summary>The interval, or the longest that a timer can have: what was to be done more seldom is done then.</summary>
    public static TimeSpan ForTimer(this TimeSpan interval) => interval < Longest ? interval : Longest;
}
