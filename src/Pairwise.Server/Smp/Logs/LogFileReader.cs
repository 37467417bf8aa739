using System.Buffers;

namespace Pairwise.Server.Smp.Logs;

/// <summary>Reads a log line by line in large pieces; lines live only as long as the call that gets them.</summary>
internal static class LogFileReader
{
    /// <summary>What to do with a line.</summary>
    /// <param name="line">Without its line feed.</param>
    /// <param name="isTorn">True for the last line of a file that does not end with a line feed.</param>
    public delegate void LineHandler(ReadOnlySpan<byte> line, bool isTorn);

    /// <summary>No record of any log is nearly as long: such a line is handed over as an empty one.</summary>
    public const int MaxLine = 1 << 20;

    public static long ReadLines(string path, LineHandler handle)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0, FileOptions.SequentialScan);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(MaxLine);
        long lines = 0;
        try
        {
            int filled = 0;
            bool isTooLong = false;
            while (true)
            {
                if (filled == buffer.Length)
                {
                    isTooLong = true; // zeros, as after a failure of the power, or no log at all: the rest is not kept
                    filled = 0;
                }

                int read = file.Read(buffer, filled, buffer.Length - filled);
                filled += read;
                ReadOnlySpan<byte> rest = buffer.AsSpan(0, filled);
                while (rest.IndexOf((byte)'\n') is >= 0 and int end)
                {
                    lines++;
                    handle(isTooLong ? default : rest[..end], isTorn: false);
                    isTooLong = false;
                    rest = rest[(end + 1)..];
                }

                if (read == 0)
                {
                    if (!rest.IsEmpty || isTooLong)
                    {
                        lines++;
                        handle(isTooLong ? default : rest, isTorn: true);
                    }

                    return lines;
                }

                rest.CopyTo(buffer);
                filled = rest.Length;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer, clearArray: true);
        }
    }
}
