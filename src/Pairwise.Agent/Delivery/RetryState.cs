namespace Pairwise.Agent.Delivery;

/// <summary>Which of the two growing delays comes next.</summary>
internal enum RetryPace
{
    /// <summary>After network failures.</summary>
    Fast,

    /// <summary>While the queue is full.</summary>
    Slow,
}

/// <summary>
/// The two delays of one pending message and how long each was waited in all. A value; stored with the message as its
/// two delays, so that a restart does not begin again with the shortest ones.
/// </summary>
internal readonly record struct RetryState
{
    private readonly TimeSpan _slowElapsed;
    private readonly TimeSpan _fastElapsed;

    private RetryState(TimeSpan slowDelay, TimeSpan slowElapsed, TimeSpan fastDelay, TimeSpan fastElapsed)
    {
        SlowDelay = slowDelay;
        FastDelay = fastDelay;
        _slowElapsed = slowElapsed;
        _fastElapsed = fastElapsed;
    }

    public TimeSpan SlowDelay { get; }

    public TimeSpan FastDelay { get; }

    /// <summary>State of a message that was not tried yet.</summary>
    public static RetryState Start(AgentOptions options) => new(options.SlowRetry.Initial, TimeSpan.Zero, options.FastRetry.Initial, TimeSpan.Zero);

    /// <summary>State read back from the store: the delays go on growing at once.</summary>
    public static RetryState Resume(AgentOptions options, TimeSpan slowDelay, TimeSpan fastDelay) =>
        new(slowDelay, options.SlowRetry.IncreaseAfter, fastDelay, options.FastRetry.IncreaseAfter);

    /// <summary>The delay to wait now.</summary>
    public TimeSpan Delay(RetryPace pace) => pace == RetryPace.Slow ? SlowDelay : FastDelay;

    /// <summary>The state after that delay was waited to its end.</summary>
    public RetryState Next(RetryPace pace, AgentOptions options)
    {
        if (pace == RetryPace.Slow)
        {
            var elapsed = _slowElapsed + SlowDelay;
            return new RetryState(options.SlowRetry.Next(elapsed, SlowDelay), elapsed, FastDelay, _fastElapsed);
        }
        else
        {
            var elapsed = _fastElapsed + FastDelay;
            return new RetryState(SlowDelay, _slowElapsed, options.FastRetry.Next(elapsed, FastDelay), elapsed);
        }
    }
}
