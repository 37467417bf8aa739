using System.Collections.Concurrent;
using Pairwise.Protocol;

namespace Pairwise.Agent.Files;

/// <summary>
/// How long servers that could not be reached are left alone: longer after every failure, until an attempt succeeds. Chunks
/// on their way at the same time fail together, which counts once. A server that nobody has asked for a long time after its
/// pause is forgotten. Thread-safe.
/// </summary>
internal sealed class ServerPauses(RetryInterval interval, TimeProvider time)
{
    private static readonly TimeSpan Memory = TimeSpan.FromHours(1);

    private readonly ConcurrentDictionary<(UserId User, ServerAddress Server), Pause> _pauses = new();

    public int Count => _pauses.Count;

    /// <summary>How long to wait before the next attempt; zero for none.</summary>
    public TimeSpan Remaining(UserId user, ServerAddress server) =>
        _pauses.TryGetValue((user, server), out var pause) && pause.Until - time.GetUtcNow() is var left && left > TimeSpan.Zero ? left : TimeSpan.Zero;

    public void Fail(UserId user, ServerAddress server)
    {
        var now = time.GetUtcNow();
        foreach (var (known, pause) in _pauses)
        {
            if (now - pause.Until > Memory) _pauses.TryRemove(new(known, pause));
        }

        _pauses.AddOrUpdate(
            (user, server),
            _ => new Pause(now + interval.Initial, interval.Initial, interval.Initial),
            (_, pause) =>
            {
                if (pause.Until > now) return pause;
                var delay = interval.Next(pause.Elapsed, pause.Delay);
                return new Pause(now + delay, delay, pause.Elapsed + delay);
            });
    }

    public void Succeed(UserId user, ServerAddress server) => _pauses.TryRemove((user, server), out _);

    private sealed record Pause(DateTimeOffset Until, TimeSpan Delay, TimeSpan Elapsed);
}
