using Pairwise.Client.Xftp;
using Pairwise.Protocol.Smp;
using Pairwise.Protocol.Xftp;
using Pairwise.Server.Smp.Postgres;
using Pairwise.Server.Tests.Smp;
using Pairwise.Server.Xftp;
using Pairwise.Server.Xftp.Postgres;
using Pairwise.TestKit;

namespace Pairwise.Server.Tests.Xftp;

/// <summary>A file server that remembers in PostgreSQL.</summary>
public sealed class XftpPostgresTests(PostgresFixture fixture) : IClassFixture<PostgresFixture>
{
    private const string NotInstalled = "PostgreSQL is not installed (Debian: postgresql).";

    public static bool IsInstalled => PostgresCluster.IsInstalled;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Skip = NotInstalled, SkipUnless = nameof(IsInstalled))]
    public async Task What_was_answered_is_in_the_database_and_there_after_a_restart()
    {
        var database = fixture.NewSchema();
        await using var server = await StartAsync(database);
        TestChunk kept, blocked;
        var spam = new XftpError.Blocked(BlockingReason.Spam);
        await using (var client = await server.ConnectAsync())
        {
            kept = await server.CreateUploadedAsync(client, recipients: 2);
            Assert.Equal(1L, await ScalarAsync(database, "SELECT COUNT(*) FROM files WHERE file_path IS NOT NULL AND file_size = 65536 AND status = 'active'"));
            Assert.Equal(2L, await ScalarAsync(database, "SELECT COUNT(*) FROM recipients"));
            var added = await client.AddRecipientsAsync(kept.Ids.Sender, kept.SenderKey, [kept.RecipientKeys[0].PublicKey], Token);
            Assert.Equal(3L, await ScalarAsync(database, "SELECT COUNT(*) FROM recipients"));
            Assert.True((await client.AcknowledgeAsync(kept.Ids.Recipients[0], kept.RecipientKeys[0], Token)).IsOk);
            Assert.Equal(2L, await ScalarAsync(database, "SELECT COUNT(*) FROM recipients"));
            kept.Ids = kept.Ids with { Recipients = [added.Value.Recipients[0], kept.Ids.Recipients[1]] };
            blocked = await server.CreateUploadedAsync(client);
            Assert.Null(await server.Server.BlockAsync(blocked.Ids.Recipients[0], spam));
            Assert.Equal("blocked,reason=spam", await ScalarAsync(database, "SELECT status FROM files WHERE file_path IS NULL"));
            var deleted = await server.CreateUploadedAsync(client);
            Assert.True((await client.DeleteAsync(deleted.Ids.Sender, deleted.SenderKey, Token)).IsOk);
            Assert.Equal(2L, await ScalarAsync(database, "SELECT COUNT(*) FROM files"));
        }

        Assert.False(File.Exists(server.StoreLog));
        await server.StartAgainAsync();
        Assert.Equal(65_536, server.Server.UsedBytes);
        await using var again = await server.ConnectAsync();
        Assert.Equal(kept.Content, (await kept.DownloadAsync(again)).Content);
        Assert.Equal(kept.Content, (await kept.DownloadAsync(again, 1)).Content);
        Assert.Equal(new XftpClientError.Server(spam), (await blocked.DownloadAsync(again)).Error);
    }

    [Fact(Skip = NotInstalled, SkipUnless = nameof(IsInstalled))]
    public async Task Content_that_is_gone_or_moved_is_so_in_the_database_too()
    {
        var database = fixture.NewSchema();
        await using var server = await StartAsync(database);
        TestChunk lost;
        await using (var client = await server.ConnectAsync())
        {
            lost = await server.CreateUploadedAsync(client);
        }

        await server.Server.StopAsync(Token);
        File.Delete(Directory.EnumerateFiles(server.FilesFolder).Single());
        await server.StartAgainAsync();
        Assert.Equal(1, server.Server.Report.MissingFiles);
        await using var again = await server.ConnectAsync();
        Assert.Equal(new XftpClientError.Server(XftpError.NoFile.Instance), (await lost.DownloadAsync(again)).Error);
        Assert.True((await lost.UploadAsync(again)).IsOk);
        Assert.Equal(1L, await ScalarAsync(database, "SELECT COUNT(*) FROM files WHERE file_path IS NOT NULL"));
    }

    [Fact(Skip = NotInstalled, SkipUnless = nameof(IsInstalled))]
    public async Task A_store_log_moves_into_the_database_and_back()
    {
        var database = fixture.NewSchema();
        await using var server = await TestFileServer.StartAsync();
        TestChunk kept, blocked;
        await using (var client = await server.ConnectAsync())
        {
            kept = await server.CreateUploadedAsync(client, recipients: 2);
            blocked = await server.CreateUploadedAsync(client);
            await server.CreateAsync(client);
            Assert.Null(await server.Server.BlockAsync(blocked.Ids.Recipients[0], new XftpError.Blocked(BlockingReason.Content)));
        }

        await server.Server.StopAsync(Token);
        Assert.Equal(new XftpMoveReport(3, 4, 0), await XftpDatabaseMoves.ImportAsync(database, server.StoreLog, TimeProvider.System, Token));
        Assert.False(File.Exists(server.StoreLog));
        Assert.True(File.Exists(server.StoreLog + ".bak"));
        await Assert.ThrowsAsync<XftpServerException>(() => XftpDatabaseMoves.ImportAsync(database, server.StoreLog + ".bak", TimeProvider.System, Token));
        Assert.Equal(new XftpMoveReport(3, 4, 0), await XftpDatabaseMoves.ExportAsync(database, server.StoreLog, TimeProvider.System, Token));
        await Assert.ThrowsAsync<XftpServerException>(() => XftpDatabaseMoves.ExportAsync(database, server.StoreLog, TimeProvider.System, Token));

        await server.StartAgainAsync();
        await using var again = await server.ConnectAsync();
        Assert.Equal(kept.Content, (await kept.DownloadAsync(again, 1)).Content);
        Assert.Equal(new XftpClientError.Server(new XftpError.Blocked(BlockingReason.Content)), (await blocked.DownloadAsync(again)).Error);
    }

    [Fact(Skip = NotInstalled, SkipUnless = nameof(IsInstalled))]
    public async Task A_log_that_was_not_imported_is_not_ignored_and_a_log_beside_the_database_holds_the_same()
    {
        var database = fixture.NewSchema();
        await using var server = await StartAsync(database, isMirrored: true);
        TestChunk kept;
        await using (var client = await server.ConnectAsync())
        {
            kept = await server.CreateUploadedAsync(client);
        }

        await server.StartAgainAsync();
        await server.Server.StopAsync(Token);
        var options = new XftpServerOptions
        {
            ConfigurationFolder = Path.Combine(server.Folder, "etc"),
            StateFolder = Path.Combine(server.Folder, "log"),
            FilesFolder = server.FilesFolder,
        };
        var refused = await Assert.ThrowsAsync<XftpServerException>(() => XftpServer.StartAsync(options with { Database = database }, Token));
        Assert.Contains("database import", refused.Message, StringComparison.Ordinal);

        await using var fromLog = await XftpServer.StartAsync(options, Token);
        Assert.True(Protocol.ServerAddress.TryParse(fromLog.Address, out var address));
        await using var again = await XftpClient.ConnectAsync(address, new XftpClientOptions(), Token);
        Assert.Equal(kept.Content, (await kept.DownloadAsync(again)).Content);
    }

    [Fact(Skip = NotInstalled, SkipUnless = nameof(IsInstalled))]
    public async Task Nothing_is_answered_OK_while_the_database_is_away()
    {
        await using var cluster = await PostgresCluster.StartAsync(Token);
        var database = new PostgresOptions(cluster.Connection, "away");
        await using var server = await StartAsync(database);
        await using var client = await server.ConnectAsync();
        var chunk = await server.CreateAsync(client);
        await cluster.CrashAsync(Token);
        var uploading = chunk.UploadAsync(client);
        await Task.Delay(TimeSpan.FromMilliseconds(300), TimeProvider.System, Token);
        Assert.False(uploading.IsCompleted);
        await cluster.RestartAsync(Token);
        Assert.True((await uploading).IsOk);
        Assert.Equal(1L, await ScalarAsync(database, "SELECT COUNT(*) FROM files WHERE file_path IS NOT NULL"));
    }

    private static Task<TestFileServer> StartAsync(PostgresOptions database, bool isMirrored = false) =>
        TestFileServer.StartAsync(options => options with { Database = database, MirrorDatabaseToLog = isMirrored });

    private static async Task<object?> ScalarAsync(PostgresOptions database, string sql)
    {
        await using var pool = database.OpenPool();
        await using var command = pool.CreateCommand(sql);
        return await command.ExecuteScalarAsync(Token);
    }
}
