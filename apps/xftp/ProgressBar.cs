using System.Globalization;
using Pairwise.Protocol.Xftp;

namespace Pairwise.XftpCommand;

/// <summary>
/// A line with a bar, the rate and the time left, drawn on a terminal a few times a second; without a terminal nothing is
/// drawn. Thread-safe.
/// </summary>
internal sealed class ProgressBar(string label, long total, TextWriter output, TimeProvider time, bool isTerminal) : IProgress<int>
{
    private const int Width = 24;
    private static readonly TimeSpan DrawInterval = TimeSpan.FromMilliseconds(120);

    private readonly Lock _gate = new();
    private readonly long _start = time.GetTimestamp();
    private long _done;
    private long _drawn = long.MinValue;

    public void Report(int value)
    {
        lock (_gate)
        {
            _done += value;
            if (_drawn == long.MinValue || time.GetElapsedTime(_drawn) >= DrawInterval)
            {
                Draw();
            }
        }
    }

    /// <summary>Draws the end and goes to the next line.</summary>
    public void Finish()
    {
        lock (_gate)
        {
            Draw();
            if (isTerminal)
            {
                output.WriteLine();
            }
        }
    }

    private void Draw()
    {
        _drawn = time.GetTimestamp();
        if (!isTerminal)
        {
            return;
        }

        var part = total == 0 ? 1 : Math.Clamp((double)_done / total, 0, 1);
        var filled = (int)(part * Width);
        var seconds = time.GetElapsedTime(_start).TotalSeconds;
        var rate = seconds > 0 ? _done / seconds : 0;
        var left = rate > 0 ? TimeSpan.FromSeconds(Math.Min((total - _done) / rate, 359_999)) : TimeSpan.Zero;
        output.Write(string.Create(
            CultureInfo.InvariantCulture,
            $"\r{label} [{new string('#', filled)}{new string('.', Width - filled)}] {part * 100,3:0}% of {FileSize.ToText(total)}, {rate / 1_000_000:0.0} MB/s, {(int)left.TotalMinutes}:{left.Seconds:00} left "));
        output.Flush();
    }
}
