using Pairwise.Crypto;

namespace Pairwise.Client;

/// <summary>
/// How long to wait before the next attempt: <see cref="Initial"/> at first, growing by half with each attempt once
/// <see cref="GrowAfter"/> has been waited in all, up to <see cref="Max"/>. The defaults are the reference's.
/// </summary>
public sealed record BackOff
{
    public TimeSpan Initial { get; init; } = TimeSpan.FromSeconds(2);

    public TimeSpan GrowAfter { get; init; } = TimeSpan.FromSeconds(10);

    public TimeSpan Max { get; init; } = TimeSpan.FromSeconds(180);

    /// <summary>The wait that follows a wait of <paramref name="last"/>, after <paramref name="waited"/> in all.</summary>
    public TimeSpan Next(TimeSpan last, TimeSpan waited)
    {
        if (last <= TimeSpan.Zero)
            return Initial;
        if (waited < GrowAfter || last >= Max)
            return last;
        var grown = last * 1.5;
        return grown > Max ? Max : grown;
    }

    /// <summary>Up to a fifth longer at random, so that the clients of a relay that was away do not all come back at once.</summary>
    public static TimeSpan WithJitter(TimeSpan delay, IRandomSource random)
    {
        Span<byte> drawn = stackalloc byte[1];
        random.Fill(drawn);
        return delay + (delay * (drawn[0] / (5.0 * byte.MaxValue)));
    }
}
