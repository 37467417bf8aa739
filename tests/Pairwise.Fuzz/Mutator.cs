using System.Buffers.Binary;
using Pairwise.TestKit;

namespace Pairwise.Fuzz;

/// <summary>Makes hostile inputs of good ones: flips, cuts, extends, splices, repeats, and lies about lengths.</summary>
internal sealed class Mutator(SeededRandom random, byte[][] seeds)
{
    private const int MaxLength = 2 * Corpus.MaxSeedLength;
    private static readonly byte[] Boundaries = [0, 1, 0x7F, 0x80, 0xFE, 0xFF, (byte)' ', (byte)'0', (byte)'1', (byte)'%', (byte)'=', (byte)'"'];

    /// <summary>A seed after one to six changes; now and then the seed itself or noise.</summary>
    public byte[] Next()
    {
        if (random.Next(50) == 0)
        {
            return random.NextBytes(random.Next(300));
        }

        var input = Seed();
        for (var changes = random.Next(7); changes > 0; changes--)
        {
            input = Change(input);
        }

        return input.Length > MaxLength ? input[..MaxLength] : input;
    }

    private byte[] Seed() => seeds.Length == 0 ? [] : seeds[random.Next(seeds.Length)];

    private byte[] Change(byte[] input)
    {
        var at = random.Next(input.Length + 1);
        switch (random.Next(10))
        {
            case 0:
                return Replace(input, at, current => (byte)(current ^ (1 << random.Next(8))));
            case 1:
                return Replace(input, at, _ => (byte)random.Next(256));
            case 2:
                return Replace(input, at, _ => Boundaries[random.Next(Boundaries.Length)]);
            case 3:
                return input[..at];
            case 4:
                return input[at..];
            case 5:
                return [.. input, .. random.NextBytes(1 + random.Next(20))];
            case 6:
                var other = Seed();
                return [.. input[..at], .. other[random.Next(other.Length + 1)..]];
            case 7:
                var end = Math.Min(input.Length, at + 1 + random.Next(64));
                return [.. input[..end], .. Repeat(input[at..end], 1 + random.Next(40)), .. input[end..]];
            case 8:
                return WriteLength(input, at);
            default:
                return [.. input[..at], .. random.NextBytes(1 + random.Next(8)), .. input[at..]];
        }
    }

    private static byte[] Replace(byte[] input, int at, Func<byte, byte> change)
    {
        if (at == input.Length)
        {
            return input;
        }

        var changed = (byte[])input.Clone();
        changed[at] = change(changed[at]);
        return changed;
    }

    private static byte[] Repeat(byte[] part, int times)
    {
        var repeated = new byte[Math.Min(MaxLength, part.Length * times)];
        for (var i = 0; i < repeated.Length; i++)
        {
            repeated[i] = part[i % part.Length];
        }

        return repeated;
    }

    private byte[] WriteLength(byte[] input, int at)
    {
        if (input.Length - at < sizeof(uint))
        {
            return input;
        }

        var changed = (byte[])input.Clone();
        switch (random.Next(3))
        {
            case 0:
                changed[at] = (byte)random.Next(256);
                break;
            case 1:
                BinaryPrimitives.WriteUInt16BigEndian(changed.AsSpan(at), (ushort)(random.Next(2) == 0 ? ushort.MaxValue - random.Next(4) : input.Length - at + random.Next(5) - 2));
                break;
            default:
                BinaryPrimitives.WriteUInt32BigEndian(changed.AsSpan(at), unchecked(uint.MaxValue - (uint)random.Next(4)));
                break;
        }

        return changed;
    }
}
