using System.Globalization;
using Microsoft.Extensions.Logging;
using Pairwise.Server.Web;
using Pairwise.Server.Xftp.Operation;

namespace Pairwise.Server.Xftp;

// What runs beside the requests: expiry, statistics, metrics.
public sealed partial class XftpServer
{
    private static readonly XftpCounter[] Snapshots = [XftpCounter.FilesCount, XftpCounter.FilesSize];

    private async Task RepeatAsync(TimeSpan interval, Func<Task> action)
    {
        using var timer = new PeriodicTimer(interval.ForTimer(), _options.Time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stopping.Token))
            {
                await action();
            }
        }
        catch (OperationCanceledException)
        {
            // The server stops.
        }
    }

    private async Task ExpireChunksAsync()
    {
        if (_options.ChunkExpiration is not { } expiration)
        {
            return;
        }

        try
        {
            var before = (_options.Time.GetUtcNow() - expiration.Lifetime).ToUnixTimeSeconds();
            await _dispatcher.ExpireAsync(_store.FindOlderThan(before));
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            Log.RemovingFailed(_logger, fault);
        }
    }

    private string WriteMetrics() => XftpPrometheus.Write(Statistics, _downloaded.Counts, ServerWeb.Version, _options.Time.GetUtcNow());

    private Task SaveMetrics()
    {
        var path = Path.Combine(_options.StateFolder!, XftpServerFiles.Metrics);
        try
        {
            File.WriteAllText(path + ".new", WriteMetrics());
            File.Move(path + ".new", path, overwrite: true);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            Log.WritingFailed(_logger, fault);
        }

        return Task.CompletedTask;
    }

    // Once a day at midnight UTC, one line, in the reference's order of columns.
    private async Task LogStatisticsAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                var now = _options.Time.GetUtcNow();
                await Task.Delay(now.Date.AddDays(1) - now.DateTime, _options.Time, cancellationToken);
                await WriteStatisticsLineAsync(cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            // The server stops.
        }
    }

    private async Task WriteStatisticsLineAsync(CancellationToken cancellationToken)
    {
        var now = _options.Time.GetUtcNow();
        var line = TakeStatisticsLine(Statistics.From, now);
        Statistics.From = now;
        try
        {
            await File.AppendAllTextAsync(Path.Combine(_options.StateFolder!, XftpServerFiles.StatisticsLog), line + "\n", cancellationToken);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            Log.WritingFailed(_logger, fault);
        }
    }

    private string TakeStatisticsLine(DateTimeOffset from, DateTimeOffset now)
    {
        var (day, week, month) = _downloaded.Take(now);
        FormattableString line = $"{from:yyyy-MM-dd},{Take(XftpCounter.FilesCreated)},{Take(XftpCounter.FileRecipients)},{Take(XftpCounter.FilesUploaded)},{Take(XftpCounter.FilesDeleted)},{day},{week},{month},{Take(XftpCounter.FileDownloads)},{Take(XftpCounter.FileDownloadAcks)},{Take(XftpCounter.FilesCount)},{Take(XftpCounter.FilesSize)},{Take(XftpCounter.FilesExpired)}";
        return line.ToString(CultureInfo.InvariantCulture);

        long Take(XftpCounter counter) => Snapshots.Contains(counter) ? Statistics[counter] : Statistics.Take(counter);
    }

    private void RestoreStatistics()
    {
        Statistics.From = _options.Time.GetUtcNow();
        Statistics[XftpCounter.FilesCount] = _store.AllPaths().Count;
        Statistics[XftpCounter.FilesSize] = _store.UsedBytes;
        if (_options is not { LogStatistics: true, StateFolder: { } folder })
        {
            return;
        }

        var path = Path.Combine(folder, XftpServerFiles.StatisticsBackup);
        if (File.Exists(path))
        {
            XftpStatisticsFile.Restore(File.ReadAllLines(path), Statistics, _downloaded);
            File.Move(path, path + ".bak", overwrite: true);
        }
    }

    private void SaveStatistics()
    {
        if (_options is not { LogStatistics: true, StateFolder: { } folder })
        {
            return;
        }

        try
        {
            File.WriteAllText(Path.Combine(folder, XftpServerFiles.StatisticsBackup), XftpStatisticsFile.Write(Statistics, _downloaded));
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            Log.WritingFailed(_logger, fault);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(2102, LogLevel.Warning, "The content of an expired chunk could not be removed.")]
        public static partial void RemovingFailed(ILogger logger, Exception fault);

        [LoggerMessage(2103, LogLevel.Error, "Statistics or metrics could not be written.")]
        public static partial void WritingFailed(ILogger logger, Exception fault);
    }
}
