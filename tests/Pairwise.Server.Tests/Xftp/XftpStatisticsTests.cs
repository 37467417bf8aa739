using Pairwise.Server.Xftp;
using Pairwise.Server.Xftp.Operation;
using Pairwise.TestKit;

namespace Pairwise.Server.Tests.Xftp;

/// <summary>What a file server counts and writes down.</summary>
public sealed class XftpStatisticsTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Statistics_survive_a_restart_and_the_metrics_have_the_names_of_the_reference()
    {
        await using var server = await TestFileServer.StartAsync(options => options with { LogStatistics = true });
        await using (var client = await server.ConnectAsync())
        {
            var chunk = await server.CreateUploadedAsync(client, recipients: 2);
            Assert.Null((await chunk.DownloadAsync(client)).Error);
            Assert.Null((await chunk.DownloadAsync(client, 1)).Error);
            Assert.True((await client.AcknowledgeAsync(chunk.Ids.Recipients[1], chunk.RecipientKeys[1], Token)).IsOk);
        }

        var from = server.Server.Statistics.From;
        await server.StartAgainAsync();
        Assert.Equal(from, server.Server.Statistics.From);
        Assert.Equal(1, server.Server.Statistics[XftpCounter.FilesUploaded]);
        Assert.Equal(2, server.Server.Statistics[XftpCounter.FileDownloads]);
        Assert.Equal(1, server.Server.Statistics[XftpCounter.FilesCount]);
        Assert.Equal(65_536, server.Server.Statistics[XftpCounter.FilesSize]);
        var saved = await File.ReadAllLinesAsync(Path.Combine(server.Folder, "log", XftpServerFiles.StatisticsBackup + ".bak"), Token);
        Assert.Equal(
            ["fromTime", "filesCreated", "fileRecipients", "filesUploaded", "filesExpired", "filesDeleted", "filesBlocked", "filesCount", "filesSize", "filesDownloaded:", "dayHashes", "weekHashes", "monthHashes", "fileDownloads", "fileDownloadAcks"],
            saved.Select(line => line.Split('=')[0]));

        var metrics = XftpPrometheus.Write(server.Server.Statistics, (1, 2, 3), "6.5", new DateTimeOffset(2026, 11, 21, 0, 0, 0, TimeSpan.Zero));
        string[] names =
        [
            "files_created", "files_recipients", "files_uploaded", "files_expired", "files_deleted", "files_blocked", "file_downloads", "file_download_acks",
            "files_count_total", "files_size", "files_count_daily", "files_count_weekly", "files_count_monthly", "info",
        ];
        Assert.Equal(
            names.Select(name => "simplex_xftp_" + name),
            metrics.Split('\n').Where(line => line.Length > 0 && line[0] != '#').Select(line => line.Split(' ', '{')[0]));
        Assert.Contains("simplex_xftp_files_count_weekly 2\n", metrics, StringComparison.Ordinal);
        Assert.Contains("simplex_xftp_info{version=\"6.5\",rts_options=\"\"} 1\n", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_line_a_day_says_what_happened_and_begins_anew()
    {
        var time = new ManualTime(new DateTimeOffset(2026, 11, 30, 23, 59, 0, TimeSpan.Zero));
        await using var server = await TestFileServer.StartAsync(options => options with { LogStatistics = true, Time = time, ChunkExpiration = null });
        await using (var client = await server.ConnectAsync(options => options with { Time = time }))
        {
            var chunk = await server.CreateUploadedAsync(client, recipients: 3);
            Assert.Null((await chunk.DownloadAsync(client)).Error);
        }

        var log = Path.Combine(server.Folder, "log", XftpServerFiles.StatisticsLog);
        time.Advance(TimeSpan.FromMinutes(1));
        await Eventually.UntilAsync(() => File.Exists(log) && new FileInfo(log).Length > 0, Token);

        // A Tuesday and the first of a month: no week ends.
        Assert.Equal("2026-11-30,1,3,1,0,1,,1,1,0,1,65536,0\n", await File.ReadAllTextAsync(log, Token));
        Assert.Equal(0, server.Server.Statistics[XftpCounter.FileDownloads]);
        Assert.Equal(1, server.Server.Statistics[XftpCounter.FilesCount]);
    }
}
