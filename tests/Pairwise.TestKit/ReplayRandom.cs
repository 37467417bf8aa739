using System.Globalization;
using Pairwise.Crypto;

namespace Pairwise.TestKit;

/// <summary>Gives out recorded bytes in order; running out of them is a failure. Not thread-safe.</summary>
public sealed class ReplayRandom(params ReadOnlyMemory<byte>[] recorded) : IRandomSource
{
    private readonly Queue<byte> _bytes = new(recorded.SelectMany(part => part.ToArray()));

    /// <summary>How many recorded bytes were not drawn yet.</summary>
    public int Remaining => _bytes.Count;

    public void Fill(Span<byte> destination)
    {
        if (destination.Length > _bytes.Count)
            throw new InvalidOperationException($"{destination.Length} random bytes are wanted, {_bytes.Count} recorded ones are left.");
        for (var i = 0; i < destination.Length; i++)
            destination[i] = _bytes.Dequeue();
    }
}

/// <summary>Random bytes that a seed determines, so that a failure can be run again. Thread-safe.</summary>
public sealed class SeededRandom(int seed) : IRandomSource
{
    private readonly Random _random = new(seed);
    private readonly Lock _lock = new();

    public int Seed { get; } = seed;

    /// <summary>
    /// What a test without a seed of its own draws: the same in every run, so that none fails by chance, or what the
    /// environment variable <c>PAIRWISE_SEED</c> asks for.
    /// </summary>
    public static SeededRandom Usual() =>
        new(int.TryParse(Environment.GetEnvironmentVariable("PAIRWISE_SEED"), NumberStyles.Integer, CultureInfo.InvariantCulture, out var asked) ? asked : 20_261_121);

    public void Fill(Span<byte> destination)
    {
        lock (_lock)
            _random.NextBytes(destination);
    }

    /// <summary>A number from 0 up to, and without, <paramref name="exclusiveMax"/>.</summary>
    public int Next(int exclusiveMax)
    {
        lock (_lock)
            return _random.Next(exclusiveMax);
    }

    /// <summary>New bytes of the given length.</summary>
    public byte[] NextBytes(int length)
    {
        var bytes = new byte[length];
        Fill(bytes);
        return bytes;
    }
}
