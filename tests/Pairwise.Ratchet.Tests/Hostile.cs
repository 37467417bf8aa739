using Pairwise.TestKit;

namespace Pairwise.Ratchet.Tests;

/// <summary>Input that a peer or a broken disk might give us: near misses of good input, and noise.</summary>
internal static class Hostile
{
    /// <summary>One of the good inputs cut, lengthened, with bytes changed or joined to another; or random bytes.</summary>
    public static byte[] Mutate(SeededRandom random, IReadOnlyList<byte[]> good)
    {
        var bytes = good[random.Next(good.Count)].ToArray();
        switch (random.Next(6))
        {
            case 0:
                return bytes[..random.Next(bytes.Length + 1)];
            case 1:
                return [.. bytes, .. random.NextBytes(random.Next(20))];
            case 2:
                return random.NextBytes(random.Next(4000));
            case 3:
                var other = good[random.Next(good.Count)];
                return [.. bytes[..random.Next(bytes.Length + 1)], .. other[random.Next(other.Length + 1)..]];
            case 4:
                // The first bytes hold versions, tags and lengths.
                bytes[random.Next(Math.Min(bytes.Length, 80))] = (byte)random.Next(256);
                return bytes;
            default:
                for (var i = random.Next(8); i >= 0; i--)
                    bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
                return bytes;
        }
    }
}
