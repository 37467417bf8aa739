namespace Pairwise.Load;

/// <summary>How two samples of times differ.</summary>
/// <param name="Difference">Of the medians, the second's less the first's.</param>
/// <param name="Low">Where the difference begins with 95 % confidence (bootstrap).</param>
/// <param name="High">Where it ends.</param>
/// <param name="Noise">The interquartile range of the first sample: how much equal things differ among themselves.</param>
/// <param name="Chance">The chance that one of the second takes longer than one of the first (Mann-Whitney); 0.5 = alike.</param>
/// <param name="Z">How many standard deviations the rank sum is away from that of equal samples.</param>
/// <param name="T">Welch's t of the samples without their slowest twentieth.</param>
internal sealed record TwoSamples(double Difference, double Low, double High, double Noise, double Chance, double Z, double T)
{
    private const int Resamples = 400;
    private const double Trimmed = 0.05;

    /// <summary>Whether the difference is certain, and single times show it more often than 55 to 45.</summary>
    internal bool IsDistinguishable => (Low > 0 || High < 0) && Math.Abs(Chance - 0.5) > 0.05;

    /// <summary>Whether the difference may be larger than what equal things differ by.</summary>
    internal bool IsBeyondNoise => Math.Max(Math.Abs(Low), Math.Abs(High)) > Noise;

    internal static TwoSamples Compare(IReadOnlyList<double> first, IReadOnlyList<double> second, XorShift random)
    {
        double[] a = [.. first.Order()];
        double[] b = [.. second.Order()];
        double[] differences = new double[Resamples];
        for (int i = 0; i < Resamples; i++)
        {
            differences[i] = ResampledMedian(b, random) - ResampledMedian(a, random);
        }

        Array.Sort(differences);
        (double chance, double z) = MannWhitney(a, b);
        return new TwoSamples(
            At(b, 0.5) - At(a, 0.5), At(differences, 0.025), At(differences, 0.975), At(a, 0.75) - At(a, 0.25), chance, z, Welch(Trim(a), Trim(b)));
    }

    internal static double At(double[] sorted, double share) => sorted[(int)(share * (sorted.Length - 1))];

    private static double ResampledMedian(double[] sorted, XorShift random)
    {
        // The median of a resample is the middle one of as many random ranks.
        int[] ranks = new int[sorted.Length];
        for (int i = 0; i < ranks.Length; i++)
        {
            ranks[i] = random.Below(sorted.Length);
        }

        Array.Sort(ranks);
        return sorted[ranks[ranks.Length / 2]];
    }

    private static (double Chance, double Z) MannWhitney(double[] a, double[] b)
    {
        double wins = 0;
        int below = 0;
        int equal = 0;
        foreach (double each in b)
        {
            while (below < a.Length && a[below] < each)
            {
                below++;
            }

            equal = Math.Max(equal, below);
            while (equal < a.Length && a[equal] == each)
            {
                equal++;
            }

            wins += below + ((equal - below) / 2.0);
        }

        double pairs = (double)a.Length * b.Length;
        return (wins / pairs, (wins - (pairs / 2)) / Math.Sqrt(pairs * (a.Length + b.Length + 1) / 12));
    }

    private static double[] Trim(double[] sorted) => sorted[..(int)(sorted.Length * (1 - Trimmed))];

    private static double Welch(double[] a, double[] b)
    {
        double meanA = a.Average();
        double meanB = b.Average();
        double variance = (a.Sum(each => Math.Pow(each - meanA, 2)) / (a.Length - 1) / a.Length)
            + (b.Sum(each => Math.Pow(each - meanB, 2)) / (b.Length - 1) / b.Length);
        return (meanB - meanA) / Math.Sqrt(variance);
    }
}

/// <summary>Numbers for choosing and resampling, the same in every run. Not for secrets.</summary>
internal sealed class XorShift(ulong seed)
{
    private ulong _state = seed;

    internal int Below(int bound)
    {
        unchecked
        {
            _state ^= _state << 13;
            _state ^= _state >> 7;
            _state ^= _state << 17;
            return (int)((_state >> 11) % (ulong)bound);
        }
    }
}
