using System.Numerics;

namespace Pairwise.Server.Smp.Operation;

/// <summary>
/// How many different ids were seen, without keeping any of them: a HyperLogLog sketch (Flajolet and others, 2007) of 16,384
/// registers with a standard error below 1 %; small counts are nearly exact. No id can be
/// made from it; whoever has ids can tell, for few of them rather surely, whether they were seen.
/// Thread-safe.
/// </summary>
public sealed class DistinctCount
{
    private const int IndexBits = 14;

    /// <summary>Registers, a byte each.</summary>
    public const int Size = 1 << IndexBits;

    private readonly byte[] _registers = new byte[Size];

    /// <summary>Counts an id in, unless it is in already.</summary>
    /// <param name="hash">64 evenly distributed bits of the id.</param>
    public void Add(ulong hash)
    {
        ref byte register = ref _registers[(int)(hash >> (64 - IndexBits))];

        // The length of the run of zeros at the head of the other bits, and one.
        byte rank = (byte)(BitOperations.LeadingZeroCount((hash << IndexBits) | (1UL << (IndexBits - 1))) + 1);
        byte seen = Volatile.Read(ref register);
        while (seen < rank)
        {
            byte found = Interlocked.CompareExchange(ref register, rank, seen);
            if (found == seen)
            {
                return;
            }

            seen = found;
        }
    }

    /// <summary>How many there are, about.</summary>
    public long Estimate()
    {
        double sum = 0;
        int empty = 0;
        foreach (byte register in _registers)
        {
            sum += Math.ScaleB(1, -register);
            empty += register == 0 ? 1 : 0;
        }

        const double alpha = 0.7213 / (1 + (1.079 / Size));
        double estimate = alpha * Size * Size / sum;
        const double smallest = 2.5 * Size;
        return (long)Math.Round(estimate <= smallest && empty > 0 ? Size * Math.Log((double)Size / empty) : estimate);
    }

    /// <summary>Starts anew.</summary>
    public void Clear() => Array.Clear(_registers);

    /// <summary>The registers, to be saved.</summary>
    internal ReadOnlySpan<byte> Registers => _registers;

    /// <summary>Adds what another sketch has seen, as after a restart.</summary>
    /// <returns>False when these are not the registers of a sketch; then nothing has changed.</returns>
    internal bool TryMerge(ReadOnlySpan<byte> registers)
    {
        const byte highest = 64 - IndexBits + 1;
        if (registers.Length != Size || registers.ContainsAnyExceptInRange((byte)0, highest))
        {
            return false;
        }

        for (int i = 0; i < Size; i++)
        {
            _registers[i] = Math.Max(_registers[i], registers[i]);
        }

        return true;
    }
}
