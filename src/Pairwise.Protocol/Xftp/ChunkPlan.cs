namespace Pairwise.Protocol.Xftp;

/// <summary>Into which chunks an encrypted file is cut, so that their sizes tell little about its own.</summary>
public static class ChunkPlan
{
    private const int Kilobyte = 1024;

    /// <summary>The sizes that servers take, ascending: 64 KB, 256 KB, 1 MB and 4 MB.</summary>
    public static ReadOnlySpan<int> Sizes => [64 * Kilobyte, 256 * Kilobyte, 1024 * Kilobyte, 4096 * Kilobyte];

    /// <summary>Whether servers take chunks of this size.</summary>
    public static bool IsAllowed(long size) => size is > 0 and <= int.MaxValue && Sizes.Contains((int)size);

    /// <summary>The bytes that are encrypted and cut: length, header, content and tag.</summary>
    public static long PayloadSize(long headerLength, long contentLength) =>
        checked(XftpLimits.FileLengthSize + headerLength + contentLength + XftpLimits.TagLength);

    /// <summary>
    /// The chunks of a payload, in order: large ones as long as they fill, and the rest in small ones, or in one more large
    /// one when it would be more than three quarters full. Source: the reference's behaviour.
    /// </summary>
    /// <param name="payloadSize">Bytes, 0 to <see cref="XftpLimits.HardMaxFileSize"/>.</param>
    public static IReadOnlyList<int> Split(long payloadSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(payloadSize);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(payloadSize, XftpLimits.HardMaxFileSize);
        var sizes = Sizes;
        var (small, large) = payloadSize > ThreeQuarters(sizes[3]) ? (sizes[2], sizes[3])
            : payloadSize > ThreeQuarters(sizes[2]) ? (sizes[1], sizes[2])
            : (sizes[0], sizes[1]);
        var chunks = new List<int>();
        var left = payloadSize;
        for (; left >= large; left -= large)
        {
            chunks.Add(large);
        }

        if (left > ThreeQuarters(large))
        {
            chunks.Add(large);
            return chunks;
        }

        for (; left > 0; left -= small)
        {
            chunks.Add(small);
        }

        return chunks;
    }

    /// <summary>The smallest single chunk that holds a payload; false if none does.</summary>
    public static bool TryGetSingle(long payloadSize, out int size)
    {
        foreach (var candidate in Sizes)
        {
            if (payloadSize <= candidate)
            {
                size = candidate;
                return true;
            }
        }

        size = 0;
        return false;
    }

    private static int ThreeQuarters(int size) => size * 3 / 4;
}
