using Microsoft.Extensions.Logging;
using Pairwise.Client.Xftp;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Protocol.Xftp;
using Pairwise.Server.Smp;
using Pairwise.Server.Xftp;
using Pairwise.Server.Xftp.Operation;
using Pairwise.TestKit;
using Pairwise.Wire;

namespace Pairwise.Server.Tests.Xftp;

/// <summary>Our server and our client over TLS and HTTP/2 on the loopback.</summary>
public sealed class XftpServerTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(64 * 1024)]
    [InlineData(256 * 1024)]
    [InlineData(1024 * 1024)]
    [InlineData(4096 * 1024)]
    public async Task A_chunk_goes_up_and_comes_down_for_every_recipient(int size)
    {
        await using var server = await TestFileServer.StartAsync();
        await using var client = await server.ConnectAsync();
        Assert.Equal(XftpVersions.BlockedFiles, client.Version);
        var chunk = await server.CreateUploadedAsync(client, size, recipients: 3);
        for (var recipient = 0; recipient < 3; recipient++)
        {
            var (content, error) = await chunk.DownloadAsync(client, recipient);
            Assert.Null(error);
            Assert.Equal(chunk.Content, content);
        }

        Assert.Equal(size, server.Server.UsedBytes);
        Assert.Equal(1, server.Server.Statistics[XftpCounter.FilesUploaded]);
        Assert.Equal(3, server.Server.Statistics[XftpCounter.FileDownloads]);
    }

    [Fact]
    public async Task A_connection_without_alpn_is_of_version_1_and_works()
    {
        await using var server = await TestFileServer.StartAsync();
        await using var client = await server.ConnectAsync(options => options with { IsHandshakeUsed = false });
        Assert.Equal(XftpVersions.Initial, client.Version);
        var chunk = await server.CreateUploadedAsync(client);
        Assert.Equal(chunk.Content, (await chunk.DownloadAsync(client)).Content);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task The_highest_version_that_both_know_is_agreed_on(ushort version)
    {
        await using var server = await TestFileServer.StartAsync();
        await using var client = await server.ConnectAsync(options => options with { Versions = new VersionRange(1, version) });
        Assert.Equal(version, client.Version.Number);
        Assert.True((await client.PingAsync(Token)).IsOk);
    }

    [Fact]
    public async Task Recipients_with_keys_of_every_kind_may_download()
    {
        await using var server = await TestFileServer.StartAsync();
        await using var client = await server.ConnectAsync();
        var chunk = await server.CreateUploadedAsync(client);
        PrivateKey[] keys = [Ed25519PrivateKey.Generate(server.Random), Ed448PrivateKey.Generate(server.Random), X25519PrivateKey.Generate(server.Random)];
        var added = await client.AddRecipientsAsync(chunk.Ids.Sender, chunk.SenderKey, [.. keys.Select(key => key.PublicKey)], Token);
        for (var i = 0; i < keys.Length; i++)
        {
            chunk.RecipientKeys[0] = keys[i];
            Assert.Equal(chunk.Content, (await chunk.DownloadAsync(client, id: added.Value.Recipients[i])).Content);
        }
    }

    [Fact]
    public async Task Wrong_keys_and_unknown_ids_get_AUTH()
    {
        await using var server = await TestFileServer.StartAsync();
        await using var client = await server.ConnectAsync();
        var chunk = await server.CreateUploadedAsync(client);
        var stranger = Ed25519PrivateKey.Generate(server.Random);
        AssertRefused(XftpError.Auth.Instance, await client.DeleteAsync(chunk.Ids.Sender, stranger, Token));
        AssertRefused(XftpError.Auth.Instance, await client.DeleteAsync(chunk.Ids.Recipients[0], chunk.SenderKey, Token));
        AssertRefused(XftpError.Auth.Instance, await client.AcknowledgeAsync(chunk.Ids.Sender, chunk.SenderKey, Token));
        AssertRefused(XftpError.Auth.Instance, await client.AcknowledgeAsync(new ChunkId(new byte[16]), stranger, Token));
        AssertRefused(XftpError.Auth.Instance, await client.CreateAsync(chunk.Info, stranger, [stranger.PublicKey], null, Token));
        chunk.RecipientKeys[0] = stranger;
        Assert.Equal(new XftpClientError.Server(XftpError.Auth.Instance), (await chunk.DownloadAsync(client)).Error);
        AssertRefused(XftpError.Command.NoAuth, await client.DeleteAsync(default, chunk.SenderKey, Token));
    }

    [Fact]
    public async Task Acknowledged_and_deleted_chunks_are_gone()
    {
        await using var server = await TestFileServer.StartAsync();
        await using var client = await server.ConnectAsync();
        var chunk = await server.CreateUploadedAsync(client, recipients: 2);
        Assert.True((await client.AcknowledgeAsync(chunk.Ids.Recipients[0], chunk.RecipientKeys[0], Token)).IsOk);
        Assert.Equal(new XftpClientError.Server(XftpError.Auth.Instance), (await chunk.DownloadAsync(client)).Error);
        Assert.Equal(chunk.Content, (await chunk.DownloadAsync(client, 1)).Content);
        Assert.True((await client.DeleteAsync(chunk.Ids.Sender, chunk.SenderKey, Token)).IsOk);
        Assert.Equal(new XftpClientError.Server(XftpError.Auth.Instance), (await chunk.DownloadAsync(client, 1)).Error);
        AssertRefused(XftpError.Auth.Instance, await client.DeleteAsync(chunk.Ids.Sender, chunk.SenderKey, Token));
        Assert.Empty(Directory.EnumerateFiles(server.FilesFolder));
        Assert.Equal(0, server.Server.UsedBytes);
    }

    [Fact]
    public async Task A_chunk_that_was_not_uploaded_is_NO_FILE()
    {
        await using var server = await TestFileServer.StartAsync();
        await using var client = await server.ConnectAsync();
        var chunk = await server.CreateAsync(client);
        Assert.Equal(new XftpClientError.Server(XftpError.NoFile.Instance), (await chunk.DownloadAsync(client)).Error);
    }

    [Fact]
    public async Task Only_the_announced_content_is_taken()
    {
        await using var server = await TestFileServer.StartAsync();
        await using var client = await server.ConnectAsync();
        var chunk = await server.CreateAsync(client);
        var other = chunk.Content.ToArray();
        other[^1] ^= 1;
        AssertRefused(XftpError.Digest.Instance, await chunk.UploadAsync(client, other));
        AssertRefused(XftpError.Size.Instance, await chunk.UploadAsync(client, other[..^1]));
        AssertRefused(XftpError.Size.Instance, await chunk.UploadAsync(client, [.. other, 0]));
        AssertRefused(XftpError.Size.Instance, await chunk.UploadAsync(client, []));
        Assert.Equal(0, server.Server.UsedBytes);
        Assert.Empty(Directory.EnumerateFiles(server.FilesFolder));
        Assert.True((await chunk.UploadAsync(client)).IsOk);
        Assert.True((await chunk.UploadAsync(client)).IsOk);
        Assert.True((await chunk.UploadAsync(client, [.. other, 0])).IsOk);
        AssertRefused(XftpError.Size.Instance, await chunk.UploadAsync(client, other[..^1]));
        Assert.Equal(chunk.Content.Length, server.Server.UsedBytes);
    }

    [Fact]
    public async Task Sizes_that_are_not_allowed_are_refused()
    {
        await using var server = await TestFileServer.StartAsync();
        await using var client = await server.ConnectAsync();
        var chunk = new TestChunk(server.Random, 65_537, 1);
        AssertRefused(XftpError.Size.Instance, await client.CreateAsync(chunk.Info, chunk.SenderKey, [chunk.RecipientKeys[0].PublicKey], null, Token));
    }

    [Fact]
    public async Task The_password_is_asked_for()
    {
        Assert.True(BasicAuth.TryParse("open", out var password) & BasicAuth.TryParse("sesame", out var wrong));
        await using var server = await TestFileServer.StartAsync(options => options with { CreatePassword = password });
        await using var client = await server.ConnectAsync();
        var chunk = new TestChunk(server.Random, 65_536, 1);
        foreach (var given in new[] { null, wrong })
        {
            AssertRefused(XftpError.Auth.Instance, await client.CreateAsync(chunk.Info, chunk.SenderKey, [chunk.RecipientKeys[0].PublicKey], given, Token));
        }

        await server.CreateAsync(client, password: password);
    }

    [Fact]
    public async Task Winding_down_takes_no_new_chunks()
    {
        await using var server = await TestFileServer.StartAsync(options => options with { AllowNewChunks = false });
        await using var client = await server.ConnectAsync();
        var chunk = new TestChunk(server.Random, 65_536, 1);
        AssertRefused(XftpError.Auth.Instance, await client.CreateAsync(chunk.Info, chunk.SenderKey, [chunk.RecipientKeys[0].PublicKey], null, Token));
    }

    [Fact]
    public async Task The_quota_holds_under_concurrent_uploads_and_a_deletion_makes_room()
    {
        const int size = 256 * 1024;
        await using var server = await TestFileServer.StartAsync(options => options with { Quota = 5 * size });
        await using var client = await server.ConnectAsync();
        var chunks = new List<TestChunk>();
        for (var i = 0; i < 12; i++)
        {
            chunks.Add(await server.CreateAsync(client, size));
        }

        var results = await Task.WhenAll(chunks.Select(chunk => chunk.UploadAsync(client)));
        Assert.Equal(5, results.Count(result => result.IsOk));
        Assert.All(results.Where(result => !result.IsOk), result => AssertRefused(XftpError.Quota.Instance, result));
        Assert.Equal(5 * size, server.Server.UsedBytes);
        Assert.Equal(5, Directory.EnumerateFiles(server.FilesFolder).Count());

        var kept = chunks[results.ToList().FindIndex(result => result.IsOk)];
        var refused = chunks[results.ToList().FindIndex(result => !result.IsOk)];
        Assert.True((await client.DeleteAsync(kept.Ids.Sender, kept.SenderKey, Token)).IsOk);
        Assert.True((await refused.UploadAsync(client)).IsOk);
        Assert.Equal(5 * size, server.Server.UsedBytes);
    }

    [Fact]
    public async Task Two_uploads_of_one_chunk_at_once_both_succeed_and_count_once()
    {
        await using var server = await TestFileServer.StartAsync();
        await using var client = await server.ConnectAsync();
        await using var second = await server.ConnectAsync();
        var chunk = await server.CreateAsync(client, 4096 * 1024);
        var results = await Task.WhenAll(chunk.UploadAsync(client), chunk.UploadAsync(second));
        Assert.All(results, result => Assert.True(result.IsOk, result.Error?.ToString()));
        Assert.Equal(chunk.Content.Length, server.Server.UsedBytes);
        Assert.Single(Directory.EnumerateFiles(server.FilesFolder));
    }

    [Fact]
    public async Task Blocked_chunks_say_why_to_those_who_can_understand()
    {
        await using var server = await TestFileServer.StartAsync();
        await using var client = await server.ConnectAsync();
        await using var old = await server.ConnectAsync(options => options with { Versions = new VersionRange(1, 2) });
        var chunk = await server.CreateUploadedAsync(client);
        var reason = new XftpError.Blocked(BlockingReason.Content);
        Assert.Null(await server.Server.BlockAsync(chunk.Ids.Recipients[0], reason));
        Assert.Equal(new XftpClientError.Server(reason), (await chunk.DownloadAsync(client)).Error);
        Assert.Equal(new XftpClientError.Server(XftpError.Auth.Instance), (await chunk.DownloadAsync(old)).Error);
        Assert.Empty(Directory.EnumerateFiles(server.FilesFolder));
        await server.StartAgainAsync();
        await using var again = await server.ConnectAsync();
        Assert.Equal(new XftpClientError.Server(reason), (await chunk.DownloadAsync(again)).Error);
    }

    [Fact]
    public async Task A_restart_keeps_what_was_uploaded_and_clears_what_nobody_owns()
    {
        await using var server = await TestFileServer.StartAsync();
        TestChunk kept, deleted, registered, lost;
        await using (var client = await server.ConnectAsync())
        {
            kept = await server.CreateUploadedAsync(client, recipients: 2);
            deleted = await server.CreateUploadedAsync(client);
            registered = await server.CreateAsync(client);
            lost = await server.CreateUploadedAsync(client);
            Assert.True((await client.DeleteAsync(deleted.Ids.Sender, deleted.SenderKey, Token)).IsOk);
            Assert.True((await client.AcknowledgeAsync(kept.Ids.Recipients[0], kept.RecipientKeys[0], Token)).IsOk);
        }

        await server.Server.StopAsync(Token);
        var lostId = lost.Ids.Sender.Value;
        await File.WriteAllBytesAsync(Path.Combine(server.FilesFolder, TextEncoding.ToBase64Url(lostId.Span)), lost.Content[..1000], Token);
        await File.WriteAllTextAsync(Path.Combine(server.FilesFolder, TextEncoding.ToBase64Url(new byte[16]) + ".7.part"), "half", Token);
        await File.WriteAllTextAsync(Path.Combine(server.FilesFolder, TextEncoding.ToBase64Url(new byte[16])), "orphan", Token);
        await File.WriteAllTextAsync(Path.Combine(server.FilesFolder, "README"), "not ours", Token);
        await File.WriteAllTextAsync(Path.Combine(server.FilesFolder, "film.part"), "not ours", Token);
        await server.StartAgainAsync();

        Assert.Equal(1, server.Server.Report.MissingFiles);
        Assert.Equal(3, server.Server.Report.OrphanedFiles);
        Assert.Equal(65_536, server.Server.UsedBytes);
        Assert.True(File.Exists(Path.Combine(server.FilesFolder, "README")));
        await using var again = await server.ConnectAsync();
        Assert.Equal(kept.Content, (await kept.DownloadAsync(again, 1)).Content);
        Assert.Equal(new XftpClientError.Server(XftpError.Auth.Instance), (await kept.DownloadAsync(again)).Error);
        Assert.Equal(new XftpClientError.Server(XftpError.Auth.Instance), (await deleted.DownloadAsync(again)).Error);
        Assert.Equal(new XftpClientError.Server(XftpError.NoFile.Instance), (await lost.DownloadAsync(again)).Error);
        Assert.True((await registered.UploadAsync(again)).IsOk);
    }

    [Fact]
    public async Task Old_chunks_expire_with_their_content()
    {
        var time = new SettableTime(new DateTimeOffset(2026, 11, 21, 10, 30, 0, TimeSpan.Zero));
        await using var server = await TestFileServer.StartAsync(options => options with { Time = time, ChunkExpiration = new Expiration(TimeSpan.FromHours(48), TimeSpan.FromDays(10)) });
        await using (var client = await server.ConnectAsync(options => options with { Time = time }))
        {
            await server.CreateUploadedAsync(client);
        }

        time.Now += TimeSpan.FromHours(48);
        await server.StartAgainAsync();
        Assert.Equal(65_536, server.Server.UsedBytes);
        time.Now += TimeSpan.FromHours(1);
        await server.StartAgainAsync();
        Assert.Equal(0, server.Server.UsedBytes);
        Assert.Equal(1, server.Server.Statistics[XftpCounter.FilesExpired]);
        Assert.Empty(Directory.EnumerateFiles(server.FilesFolder));
    }

    [Fact]
    public async Task Aborted_uploads_leave_neither_disk_nor_quota_taken()
    {
        await using var server = await TestFileServer.StartAsync();
        await using var client = await server.ConnectAsync();
        var chunk = await server.CreateAsync(client, 4096 * 1024);
        for (var round = 0; round < 5; round++)
        {
            await using var aborting = await server.ConnectAsync();
            using var abort = new CancellationTokenSource();
            var progress = new AbortAfter(256 * 1024 * (round + 1), abort);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => aborting.UploadAsync(chunk.Ids.Sender, chunk.SenderKey, chunk.Content, progress, abort.Token));
        }

        Assert.True((await chunk.UploadAsync(client)).IsOk);
        await server.Server.StopAsync(Token);
        Assert.Equal(4096 * 1024, server.Server.UsedBytes);
        Assert.Single(Directory.EnumerateFiles(server.FilesFolder));
    }

    [Fact]
    public async Task Every_download_has_another_ciphertext_and_what_was_changed_on_the_disk_is_noticed()
    {
        await using var server = await TestFileServer.StartAsync();
        await using var client = await server.ConnectAsync();
        var chunk = await server.CreateUploadedAsync(client);
        var path = Directory.EnumerateFiles(server.FilesFolder).Single();
        Assert.Equal(chunk.Content, await File.ReadAllBytesAsync(path, Token));
        var tampered = chunk.Content.ToArray();
        tampered[1234] ^= 1;
        await File.WriteAllBytesAsync(path, tampered, Token);
        Assert.Equal(new XftpClientError.BadContent(XftpError.Digest.Instance), (await chunk.DownloadAsync(client)).Error);
        File.Delete(path);
        Assert.Equal(new XftpClientError.Server(XftpError.Auth.Instance), (await chunk.DownloadAsync(client)).Error);
    }

    [Fact]
    public async Task An_upload_that_does_not_end_in_time_is_answered_with_TIMEOUT_and_leaves_nothing()
    {
        var time = new ManualTime(TimeProvider.System.GetUtcNow());
        await using var server = await TestFileServer.StartAsync(options => options with { Time = time, ChunkExpiration = null });
        await using var client = await server.ConnectAsync();
        var chunk = await server.CreateAsync(client, 4096 * 1024);
        var result = await client.UploadAsync(chunk.Ids.Sender, chunk.SenderKey, chunk.Content, new TimePasses(server.FilesFolder, time), Token);
        AssertRefused(XftpError.Timeout.Instance, result);
        Assert.Empty(Directory.EnumerateFiles(server.FilesFolder));
        Assert.Equal(0, server.Server.UsedBytes);
        await using var again = await server.ConnectAsync();
        Assert.True((await chunk.UploadAsync(again)).IsOk);
    }

    [Fact]
    public async Task A_disk_that_refuses_is_answered_with_FILE_IO_and_the_server_goes_on()
    {
        using var log = new CollectedLog();
        await using var server = await TestFileServer.StartAsync(options => options with { Logging = log });
        await using var client = await server.ConnectAsync();
        var chunk = await server.CreateAsync(client);
        Directory.Delete(server.FilesFolder);
        AssertRefused(XftpError.FileIO.Instance, await chunk.UploadAsync(client));
        AssertRefused(XftpError.FileIO.Instance, await chunk.UploadAsync(client));
        var told = Assert.Single(log.Warnings, warning => warning.StartsWith("The disk refuses uploads", StringComparison.Ordinal));
        Assert.EndsWith("until it takes one again: Could not find a part of the path.", told, StringComparison.Ordinal); // its name has the chunk's id in it
        Assert.Equal(0, server.Server.UsedBytes);
        Directory.CreateDirectory(server.FilesFolder);
        Assert.True((await chunk.UploadAsync(client)).IsOk);

        // A folder where the content was cannot be removed as a file.
        var path = Directory.EnumerateFiles(server.FilesFolder).Single();
        File.Delete(path);
        Directory.CreateDirectory(path);
        AssertRefused(XftpError.FileIO.Instance, await client.DeleteAsync(chunk.Ids.Sender, chunk.SenderKey, Token));
        await server.CreateUploadedAsync(client);
    }

    private sealed class TimePasses(string folder, ManualTime time) : IProgress<int>
    {
        private bool _hasPassed;

        public void Report(int value)
        {
            if (!_hasPassed)
            {
                // Not before the server has begun to receive.
                SpinWait.SpinUntil(() => Directory.EnumerateFiles(folder).Any());
                _hasPassed = true;
                time.Advance(new XftpServerLimits().UploadTime);
            }
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Failed_handshakes_are_told_when_the_operator_asks_for_it(bool isAsked)
    {
        using var logging = new CollectedLog();
        await using var server = await TestFileServer.StartAsync(options => options with { LogTlsErrors = isAsked, Logging = logging });
        using (var client = new System.Net.Sockets.TcpClient())
        {
            await client.ConnectAsync(server.Server.Endpoints[0], Token);
            await client.GetStream().WriteAsync("GET / HTTP/1.1\r\n\r\n"u8.ToArray(), Token);
            var rest = new byte[64];
            while (await client.GetStream().ReadAsync(rest, Token) > 0)
            {
            }
        }

        await using var other = await server.ConnectAsync();
        Assert.True((await other.PingAsync(Token)).IsOk);
        await server.Server.StopAsync(Token);
        Assert.Equal(isAsked ? 1 : 0, logging.Warnings.Count(line => line.StartsWith("A TLS handshake failed: ", StringComparison.Ordinal)));
    }

    private sealed class CollectedLog : ILoggerFactory, ILogger
    {
        public System.Collections.Concurrent.ConcurrentQueue<string> Warnings { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                Warnings.Enqueue(formatter(state, exception));
            }
        }

        public void Dispose()
        {
        }
    }

    private static void AssertRefused<T>(XftpError expected, XftpResult<T> result) =>
        Assert.Equal(new XftpClientError.Server(expected), result.Error);

    private sealed class AbortAfter(int bytes, CancellationTokenSource abort) : IProgress<int>
    {
        private int _sent;

        public void Report(int value)
        {
            _sent += value;
            if (_sent >= bytes)
            {
                abort.Cancel();
            }
        }
    }

    private sealed class SettableTime(DateTimeOffset start) : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = start;

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
