using Pairwise.Agent.Files;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Protocol.Xftp;
using Pairwise.Server.Xftp.Operation;
using Pairwise.TestKit;

namespace Pairwise.Agent.Tests.Files;

/// <summary>Transfers meet servers that are away, full or hostile, connections that break, a store that fails, and the end of the program.</summary>
public sealed class FileFaultTests
{
    private static readonly FastTime Fast = new(50);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_transfer_waits_for_a_server_that_is_away_and_says_so_once()
    {
        using var folder = new TemporaryFolder();
        await using var server = await TestFileServer.StartAsync(folder, "server");
        await using var alice = await FileAgent.StartAsync(folder, "alice", new FileTransferOptions(), Fast, server.Address);
        await using var bob = await FileAgent.StartAsync(folder, "bob", new FileTransferOptions(), Fast);
        var path = FileAgent.MakeFile(folder, "file", 500_000);
        await server.StopAsync();
        var id = FileAgent.NewId();
        await alice.Files.SendFileAsync(alice.User, id, new LocalFile(path), 1, Token);
        Assert.True((await alice.NextAsync<AgentEvent.FileSendDelayed>()).Error.IsTransient);
        await server.RestartAsync();
        var sent = await alice.SentAsync(id);
        Assert.Empty(alice.Untaken().OfType<AgentEvent.FileSendDelayed>());

        await server.StopAsync();
        var receiving = FileAgent.NewId();
        await bob.Files.ReceiveFileAsync(bob.User, receiving, FileAgent.Parse(sent.Recipients[0]), new LocalFile(folder.File("received")), areServersApproved: true, Token);
        await bob.NextAsync<AgentEvent.FileReceiveDelayed>();
        await server.RestartAsync();
        var received = await bob.ReceivedAsync(receiving);
        Assert.Equal(await File.ReadAllBytesAsync(path, Token), await File.ReadAllBytesAsync(received.Target.Path, Token));
    }

    [Fact]
    public async Task Chunks_leave_a_server_that_is_away_or_full_for_another()
    {
        using var folder = new TemporaryFolder();
        await using var away = await TestFileServer.StartAsync(folder, "away");
        await using var full = await TestFileServer.StartAsync(folder, "full", options => options with { Quota = 100_000 });
        await using var good = await TestFileServer.StartAsync(folder, "good");
        await away.StopAsync();
        await using var alice = await FileAgent.StartAsync(folder, "alice", new FileTransferOptions(), Fast, away.Address, full.Address, good.Address);
        await using var bob = await FileAgent.StartAsync(folder, "bob");
        var path = FileAgent.MakeFile(folder, "file", 2_500_000);
        var sent = await alice.SendAsync(new LocalFile(path));
        Assert.All(FileAgent.Parse(sent.Sender).Chunks, chunk => Assert.NotEqual(away.Address.Server, chunk.Replicas[0].Server));
        Assert.Equal(await File.ReadAllBytesAsync(path, Token), await bob.ReceiveAsync(sent.Recipients[0], new LocalFile(folder.File("received"))));
    }

    [Fact]
    public async Task A_full_server_alone_ends_the_transfer_with_its_reason()
    {
        using var folder = new TemporaryFolder();
        await using var full = await TestFileServer.StartAsync(folder, "full", options => options with { Quota = 400_000 });
        await using var alice = await FileAgent.StartAsync(folder, "alice", new FileTransferOptions(), Fast, full.Address);
        var id = FileAgent.NewId();
        await alice.Files.SendFileAsync(alice.User, id, new LocalFile(FileAgent.MakeFile(folder, "file", 2_000_000)), 1, Token);
        var failed = await alice.NextAsync<AgentEvent.FileSendFailed>(e => e.File == id);
        Assert.IsType<XftpError.Quota>(Assert.IsType<AgentError.FileServer>(failed.Error).Error);
        Assert.Contains("is full", FileErrors.Sentence(failed.Error), StringComparison.Ordinal);
        // What did fit is deleted there.
        await FileAgent.UntilAsync(async () => !await alice.Files.HasUnfinishedAsync(Token));
        Assert.Equal(0, full.ChunkCount);
        Assert.Equal(0, await alice.CountRowsAsync());
        await FileAgent.UntilEmptyAsync(alice.WorkFolder);
    }

    [Fact]
    public async Task A_password_is_given_and_a_wrong_one_ends_the_transfer()
    {
        using var folder = new TemporaryFolder();
        Assert.True(BasicAuth.TryParse("secret", out var password));
        await using var server = await TestFileServer.StartAsync(folder, "server", options => options with { CreatePassword = password });
        await using var alice = await FileAgent.StartAsync(folder, "alice", new FileTransferOptions(), Fast, server.Address with { Password = password });
        var path = FileAgent.MakeFile(folder, "file", 1000);
        await alice.SendAsync(new LocalFile(path));
        alice.SetServers(server.Address with { Password = null });
        var id = FileAgent.NewId();
        await alice.Files.SendFileAsync(alice.User, id, new LocalFile(path), 1, Token);
        var failed = await alice.NextAsync<AgentEvent.FileSendFailed>(e => e.File == id);
        Assert.IsType<XftpError.Auth>(Assert.IsType<AgentError.FileServer>(failed.Error).Error);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Connections_that_break_anywhere_lose_nothing(int seed)
    {
        var random = new SeededRandom(seed);
        using var folder = new TemporaryFolder();
        await using var server = await TestFileServer.StartAsync(folder, "server");
        await using var proxy = new BreakingProxy(server.Address, () => random.Next(4) == 0 ? null : 2000 + random.Next(400_000));
        await using var alice = await FileAgent.StartAsync(folder, "alice", new FileTransferOptions(), Fast, proxy.Address);
        await using var bob = await FileAgent.StartAsync(folder, "bob", new FileTransferOptions(), Fast);
        var path = FileAgent.MakeFile(folder, "file", 3_000_000);
        var sent = await alice.SendAsync(new LocalFile(path));
        Assert.Equal(await File.ReadAllBytesAsync(path, Token), await bob.ReceiveAsync(sent.Recipients[0], new LocalFile(folder.File("received"))));
        Assert.True(proxy.Broken > 0);
        // Registrations whose answers were lost were never uploaded.
        Assert.Equal(FileAgent.Parse(sent.Sender).Chunks.Count, server.ChunkCount);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public async Task A_store_that_fails_now_and_then_loses_nothing(int seed)
    {
        using var folder = new TemporaryFolder();
        await using var server = await TestFileServer.StartAsync(folder, "server");
        await using var alice = await FileAgent.StartAsync(folder, "alice", new FileTransferOptions(), Fast, server.Address);
        await using var bob = await FileAgent.StartAsync(folder, "bob", new FileTransferOptions(), Fast);
        foreach (var agent in new[] { alice, bob })
        {
            // Every third change of these tables fails, and takes its whole transaction with it.
            foreach (var table in new[] { "agent_sent_files", "agent_sent_chunks", "agent_sent_chunk_recipients", "agent_received_files", "agent_received_chunks", "agent_events" })
            {
                foreach (var change in new[] { "UPDATE", "INSERT", "DELETE" })
                {
                    // Not what the test's own calls store: they may fail to their caller.
                    if ((table, change) is ("agent_sent_files" or "agent_received_files" or "agent_received_chunks", "INSERT") or ("agent_events", "DELETE")) continue;
                    await agent.Database.TransactAsync(
                        session => session.Execute($"CREATE TEMP TRIGGER fault_{table}_{change} BEFORE {change} ON main.{table} WHEN abs(random() / {seed}) % 4 = 0 BEGIN SELECT RAISE(ABORT, 'fault'); END"),
                        Token);
                }
            }
        }

        var path = FileAgent.MakeFile(folder, "file", 1_500_000);
        var sent = await alice.SendAsync(new LocalFile(path), recipients: 3);
        Assert.Equal(await File.ReadAllBytesAsync(path, Token), await bob.ReceiveAsync(sent.Recipients[2], new LocalFile(folder.File("received"))));
        Assert.NotEmpty(alice.Untaken().Concat(bob.Untaken()).OfType<AgentEvent.Failed>());
        await FileAgent.UntilAsync(() => Task.FromResult(server.ChunkCount == FileAgent.Parse(sent.Sender).Chunks.Count));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_program_that_ends_anywhere_goes_on_where_it_was(int seed)
    {
        var random = new SeededRandom(seed);
        using var folder = new TemporaryFolder();
        await using var server = await TestFileServer.StartAsync(folder, "server");
        var alice = await FileAgent.StartAsync(folder, "alice", new FileTransferOptions { ParallelChunks = 2 }, Fast, server.Address);
        var bob = await FileAgent.StartAsync(folder, "bob", new FileTransferOptions { ParallelChunks = 2 }, Fast);
        var path = FileAgent.MakeFile(folder, "file", 3_500_000);
        var id = FileAgent.NewId();
        await alice.Files.SendFileAsync(alice.User, id, new LocalFile(path), 2, Token);
        var stops = await StopUntilAsync<AgentEvent.FileSent>(alice, random);
        var sent = await alice.SentAsync(id);
        Assert.Empty(alice.Untaken().OfType<AgentEvent.FileSent>());
        Assert.Equal(FileAgent.Parse(sent.Sender).Chunks.Count, server.ChunkCount);

        var receiving = FileAgent.NewId();
        await bob.Files.ReceiveFileAsync(bob.User, receiving, FileAgent.Parse(sent.Recipients[1]), new LocalFile(folder.File("received")), areServersApproved: true, Token);
        stops += await StopUntilAsync<AgentEvent.FileReceived>(bob, random);
        var received = await bob.ReceivedAsync(receiving);
        Assert.Empty(bob.Untaken().OfType<AgentEvent.FileReceived>());
        Assert.Equal(await File.ReadAllBytesAsync(path, Token), await File.ReadAllBytesAsync(received.Target.Path, Token));
        Assert.True(stops > 2, "hardly ever stopped");

        // Nothing stays on either side.
        await alice.RestartAsync();
        await bob.RestartAsync();
        Assert.Equal(0, await alice.CountRowsAsync());
        Assert.Equal(0, await bob.CountRowsAsync());
        await FileAgent.UntilEmptyAsync(alice.WorkFolder);
        await FileAgent.UntilEmptyAsync(bob.WorkFolder);
        Assert.Empty(Directory.GetFiles(folder.Path, "*.part"));
        await alice.DisposeAsync();
        await bob.DisposeAsync();
    }

    [Fact]
    public async Task Cancelling_removes_everything_here_and_at_the_server()
    {
        using var folder = new TemporaryFolder();
        await using var server = await TestFileServer.StartAsync(folder, "server");
        await using var proxy = new BreakingProxy(server.Address, () => null);
        var slow = new FileTransferOptions { ParallelChunks = 1 };
        await using var alice = await FileAgent.StartAsync(folder, "alice", slow, Fast, proxy.Address);
        await using var bob = await FileAgent.StartAsync(folder, "bob", slow, Fast);
        var path = FileAgent.MakeFile(folder, "file", 12_000_000);
        var cancelled = FileAgent.NewId();
        proxy.HoldAfter(6_000_000); // the first chunk and half of the second: it cannot be done before it is cancelled
        await alice.Files.SendFileAsync(alice.User, cancelled, new LocalFile(path), 1, Token);
        await alice.NextAsync<AgentEvent.FileSendProgress>(e => e.Done > 0);
        await alice.Files.CancelAsync(cancelled, Token);
        proxy.Release();
        await FileAgent.UntilAsync(async () => !await alice.Files.HasUnfinishedAsync(Token));
        await FileAgent.UntilAsync(() => Task.FromResult(server.ChunkCount == 0));
        await FileAgent.UntilEmptyAsync(alice.WorkFolder);
        Assert.Equal(0, await alice.CountRowsAsync());
        Assert.Null(await alice.Files.GetProgressAsync(cancelled, Token));

        var sent = await alice.SendAsync(new LocalFile(path));
        var receiving = FileAgent.NewId();
        proxy.HoldAfter(6_000_000);
        await bob.Files.ReceiveFileAsync(bob.User, receiving, FileAgent.Parse(sent.Recipients[0]), new LocalFile(folder.File("received")), areServersApproved: true, Token);
        await bob.NextAsync<AgentEvent.FileReceiveProgress>();
        await bob.Files.CancelAsync(receiving, Token);
        await bob.Files.CancelAsync(receiving, Token);
        proxy.Release();
        await FileAgent.UntilEmptyAsync(bob.WorkFolder);
        Assert.Equal(0, await bob.CountRowsAsync());
        Assert.False(File.Exists(folder.File("received")));
        Assert.DoesNotContain(bob.Untaken().Concat(alice.Untaken()), e => e is AgentEvent.FileSendFailed or AgentEvent.FileReceiveFailed or AgentEvent.Failed);

        // The other end may have it again by the same description.
        Assert.Equal(await File.ReadAllBytesAsync(path, Token), await bob.ReceiveAsync(sent.Recipients[0], new LocalFile(folder.File("received"))));
    }

    [Fact]
    public async Task A_chunk_that_is_registered_while_its_transfer_is_cancelled_is_deleted()
    {
        using var folder = new TemporaryFolder();
        await using var server = await TestFileServer.StartAsync(folder, "server");
        await using var proxy = new BreakingProxy(server.Address, () => null);
        await using var alice = await FileAgent.StartAsync(folder, "alice", proxy.Address);
        // So that there is a connection.
        await alice.SendAsync(new LocalFile(FileAgent.MakeFile(folder, "first", 1000)));
        proxy.Hold();
        var id = FileAgent.NewId();
        await alice.Files.SendFileAsync(alice.User, id, new LocalFile(FileAgent.MakeFile(folder, "second", 1000)), 1, Token);
        await FileAgent.UntilAsync(() => Task.FromResult(server.Running.Statistics[XftpCounter.FilesCreated] == 2));
        await alice.Files.CancelAsync(id, Token);
        proxy.Release();
        await FileAgent.UntilAsync(() => Task.FromResult(server.Running.Statistics[XftpCounter.FilesDeleted] == 1));
        await FileAgent.UntilAsync(async () => !await alice.Files.HasUnfinishedAsync(Token));
        var counted = Assert.Single(await alice.Files.GetStatisticsAsync(alice.User, Token));
        Assert.Equal((proxy.Address.Server, 1L, 64L, 1L, 1L), (counted.Server, counted.Uploads, counted.UploadsSize, counted.Deletions, counted.DeleteAttempts));
    }

    [Fact]
    public async Task What_was_done_at_a_server_is_counted_over_restarts_until_it_is_reset()
    {
        using var folder = new TemporaryFolder();
        await using var server = await TestFileServer.StartAsync(folder, "server");
        await using var alice = await FileAgent.StartAsync(folder, "alice", new FileTransferOptions(), Fast, server.Address);
        // A chunk is counted right after the event that tells of it.
        Task UntilCountedAsync(long uploads) => FileAgent.UntilAsync(async () => (await alice.Files.GetStatisticsAsync(alice.User, Token)).Sum(static server => server.Uploads) == uploads);
        await alice.SendAsync(new LocalFile(FileAgent.MakeFile(folder, "first", 1000)));
        await UntilCountedAsync(1);
        await alice.RestartAsync();
        var counted = Assert.Single(await alice.Files.GetStatisticsAsync(alice.User, Token));
        Assert.Equal((server.Address.Server, 1L, 64L, 1L, 0L), (counted.Server, counted.Uploads, counted.UploadsSize, counted.UploadAttempts, counted.UploadErrors));
        await alice.SendAsync(new LocalFile(FileAgent.MakeFile(folder, "second", 1000)));
        await UntilCountedAsync(2);
        Assert.Equal(counted.Plus(counted), Assert.Single(await alice.Files.GetStatisticsAsync(alice.User, Token)));
        await alice.Files.ResetStatisticsAsync(Token);
        Assert.Empty(await alice.Files.GetStatisticsAsync(alice.User, Token));
        await alice.RestartAsync();
        Assert.Empty(await alice.Files.GetStatisticsAsync(alice.User, Token));
    }

    [Fact]
    public async Task A_transfer_that_follows_a_cancelled_one_has_nothing_of_it()
    {
        using var folder = new TemporaryFolder();
        await using var server = await TestFileServer.StartAsync(folder, "server");
        await using var proxy = new BreakingProxy(server.Address, () => null);
        await using var alice = await FileAgent.StartAsync(folder, "alice", new FileTransferOptions(), Fast, proxy.Address);
        await using var bob = await FileAgent.StartAsync(folder, "bob", new FileTransferOptions(), Fast);
        for (var i = 0; i < 8; i++)
        {
            // The rows of one make place for the rows of the next while its chunks are on the network.
            var cancelled = FileAgent.NewId();
            proxy.HoldAfter(900_000); // so that it is not done before it is cancelled
            await alice.Files.SendFileAsync(alice.User, cancelled, new LocalFile(FileAgent.MakeFile(folder, $"cancelled{i}", 1_000_000)), 1, Token);
            await alice.NextAsync<AgentEvent.FileSendProgress>(e => e.File == cancelled && (i % 2 == 0 || e.Done > 0));
            await alice.Files.CancelAsync(cancelled, Token);
            proxy.Release();
            var path = FileAgent.MakeFile(folder, $"wanted{i}", 1_000_000);
            var sent = await alice.SendAsync(new LocalFile(path));
            Assert.Equal(await File.ReadAllBytesAsync(path, Token), await bob.ReceiveAsync(sent.Recipients[0], new LocalFile(folder.File($"received{i}"))));
            await alice.Files.DeleteSentFileAsync(alice.User, FileAgent.Parse(sent.Sender), Token);
        }

        await FileAgent.UntilAsync(async () => !await alice.Files.HasUnfinishedAsync(Token));
        await FileAgent.UntilAsync(() => Task.FromResult(server.ChunkCount == 0));
    }

    [Fact]
    public async Task What_a_server_changed_is_refused()
    {
        using var folder = new TemporaryFolder();
        await using var server = await TestFileServer.StartAsync(folder, "server");
        await using var alice = await FileAgent.StartAsync(folder, "alice", server.Address);
        await using var bob = await FileAgent.StartAsync(folder, "bob", new FileTransferOptions(), Fast);
        var sent = await alice.SendAsync(new LocalFile(FileAgent.MakeFile(folder, "file", 300_000)));
        var chunk = Directory.GetFiles(server.FilesFolder)[0];
        var bytes = await File.ReadAllBytesAsync(chunk, Token);
        bytes[1000] ^= 1;
        await File.WriteAllBytesAsync(chunk, bytes, Token);
        var id = FileAgent.NewId();
        await bob.Files.ReceiveFileAsync(bob.User, id, FileAgent.Parse(sent.Recipients[0]), new LocalFile(folder.File("received")), areServersApproved: true, Token);
        var failed = await bob.NextAsync<AgentEvent.FileReceiveFailed>();
        Assert.IsType<XftpError.Digest>(Assert.IsType<AgentError.FileServer>(failed.Error).Error);
        Assert.False(File.Exists(folder.File("received")));
        Assert.Empty(Directory.GetFiles(folder.Path, ".*.part"));
        await FileAgent.UntilEmptyAsync(bob.WorkFolder);
    }

    [Fact]
    public async Task A_description_that_promises_another_file_is_refused()
    {
        using var folder = new TemporaryFolder();
        await using var server = await TestFileServer.StartAsync(folder, "server");
        await using var alice = await FileAgent.StartAsync(folder, "alice", server.Address);
        await using var bob = await FileAgent.StartAsync(folder, "bob");
        var sent = await alice.SendAsync(new LocalFile(FileAgent.MakeFile(folder, "file", 300_000)), recipients: 4);
        var description = FileAgent.Parse(sent.Recipients[0]);
        FileDescription[] wrong =
        [
            description with { Digest = Wire.Bytes.Wrap(new byte[64]) },
            FileAgent.Parse(sent.Recipients[1]) with { Key = FileKey.Generate(SystemRandom.Instance) },
            FileAgent.Parse(sent.Recipients[2]) with { Redirect = new FileRedirect(5, Wire.Bytes.Wrap(new byte[64])) },
        ];
        FileFault[] faults = [FileFault.Tampered, FileFault.Tampered, FileFault.Redirect];
        foreach (var (bad, fault) in wrong.Zip(faults))
        {
            await bob.Files.ReceiveFileAsync(bob.User, FileAgent.NewId(), bad, new LocalFile(folder.File("received")), areServersApproved: true, Token);
            Assert.Equal(fault, Assert.IsType<AgentError.File>((await bob.NextAsync<AgentEvent.FileReceiveFailed>()).Error).Fault);
        }

        Assert.False(File.Exists(folder.File("received")));
        Assert.Empty(Directory.GetFiles(folder.Path, ".*.part"));
        Assert.Equal(0, await bob.CountRowsAsync());
    }

    [Fact]
    public async Task Another_copy_is_taken_when_one_is_gone()
    {
        using var folder = new TemporaryFolder();
        await using var first = await TestFileServer.StartAsync(folder, "first");
        await using var second = await TestFileServer.StartAsync(folder, "second");
        await using var alice = await FileAgent.StartAsync(folder, "alice", first.Address);
        await using var bob = await FileAgent.StartAsync(folder, "bob", new FileTransferOptions(), Fast);
        var path = FileAgent.MakeFile(folder, "file", 300_000);
        var sent = await alice.SendAsync(new LocalFile(path));
        var good = FileAgent.Parse(sent.Recipients[0]);
        // Copies that are not there, at a server that is and at one that is not, stand before the real ones.
        await second.StopAsync();
        var description = good with
        {
            Chunks = [.. good.Chunks.Select(chunk => chunk with
            {
                Replicas =
                [
                    new ChunkReplica(first.Address.Server, new ChunkId(new byte[16]), chunk.Replicas[0].Key),
                    new ChunkReplica(second.Address.Server, new ChunkId(new byte[16]), chunk.Replicas[0].Key),
                    chunk.Replicas[0],
                ],
            })],
        };
        Assert.Equal(await File.ReadAllBytesAsync(path, Token), await bob.ReceiveAsync(FileDescriptionCodec.Encode(description), new LocalFile(folder.File("received"))));
        var counted = (await bob.Files.GetStatisticsAsync(bob.User, Token)).Single(server => server.Server == first.Address.Server);
        Assert.Equal((good.Chunks.Count, good.Chunks.Count), (counted.Downloads, counted.DownloadAuthErrors));
    }

    [Fact]
    public async Task Chunks_that_were_lost_from_the_disk_are_fetched_once_more()
    {
        using var folder = new TemporaryFolder();
        await using var server = await TestFileServer.StartAsync(folder, "server");
        await using var proxy = new BreakingProxy(server.Address, () => null);
        await using var alice = await FileAgent.StartAsync(folder, "alice", proxy.Address);
        await using var bob = await FileAgent.StartAsync(folder, "bob", new FileTransferOptions { ParallelChunks = 1 }, Fast);
        var path = FileAgent.MakeFile(folder, "file", 12_000_000);
        var sent = await alice.SendAsync(new LocalFile(path));
        var id = FileAgent.NewId();
        proxy.HoldAfter(6_000_000); // one chunk is here, and not all of them
        await bob.Files.ReceiveFileAsync(bob.User, id, FileAgent.Parse(sent.Recipients[0]), new LocalFile(folder.File("received")), areServersApproved: true, Token);
        await bob.NextAsync<AgentEvent.FileReceiveProgress>(e => e.Done >= 4_194_304);
        await bob.StopAsync();
        proxy.Release();
        foreach (var left in Directory.GetDirectories(bob.WorkFolder)) Directory.Delete(left, recursive: true);
        await bob.ContinueAsync();
        var received = await bob.ReceivedAsync(id);
        Assert.Equal(await File.ReadAllBytesAsync(path, Token), await File.ReadAllBytesAsync(received.Target.Path, Token));
    }

    [Fact]
    public async Task Files_that_cannot_be_read_or_written_fail_at_once_with_the_reason()
    {
        using var folder = new TemporaryFolder();
        await using var server = await TestFileServer.StartAsync(folder, "server");
        await using var alice = await FileAgent.StartAsync(folder, "alice", server.Address);
        var missing = await Assert.ThrowsAsync<AgentException>(() => alice.Files.SendFileAsync(alice.User, FileAgent.NewId(), new LocalFile(folder.File("nothing")), 1, Token));
        Assert.Equal(FileFault.LocalFile, Assert.IsType<AgentError.File>(missing.Error).Fault);
        Assert.Contains("nothing", missing.Message, StringComparison.Ordinal);

        await using (var huge = new FileStream(folder.File("huge"), FileMode.CreateNew)) huge.SetLength(XftpLimits.HardMaxFileSize + 1);
        var large = await Assert.ThrowsAsync<AgentException>(() => alice.Files.SendFileAsync(alice.User, FileAgent.NewId(), new LocalFile(folder.File("huge")), 1, Token));
        Assert.Equal(FileFault.TooLarge, Assert.IsType<AgentError.File>(large.Error).Fault);

        var sent = await alice.SendAsync(new LocalFile(FileAgent.MakeFile(folder, "file", 10)));
        var nowhere = await Assert.ThrowsAsync<AgentException>(
            () => alice.Files.ReceiveFileAsync(alice.User, FileAgent.NewId(), FileAgent.Parse(sent.Recipients[0]), new LocalFile(folder.File("no/folder")), areServersApproved: true, Token));
        Assert.Equal(FileFault.LocalFile, Assert.IsType<AgentError.File>(nowhere.Error).Fault);

        await using var bob = await FileAgent.StartAsync(folder, "bob");
        var noServer = await Assert.ThrowsAsync<AgentException>(() => bob.Files.SendFileAsync(bob.User, FileAgent.NewId(), new LocalFile(folder.File("file")), 1, Token));
        Assert.Equal(FileFault.NoServer, Assert.IsType<AgentError.File>(noServer.Error).Fault);
    }

    [Fact]
    public async Task A_transfer_that_took_too_long_is_given_up_and_told()
    {
        var time = new ManualTime();
        using var folder = new TemporaryFolder();
        await using var server = await TestFileServer.StartAsync(folder, "server");
        await using var alice = await FileAgent.StartAsync(folder, "alice", new FileTransferOptions(), time, server.Address);
        await server.StopAsync();
        var id = FileAgent.NewId();
        await alice.Files.SendFileAsync(alice.User, id, new LocalFile(FileAgent.MakeFile(folder, "file", 10)), 1, Token);
        await FileAgent.UntilAsync(async () => await alice.Files.GetProgressAsync(id, Token) is { Total: > 0 });
        await alice.StopAsync();
        time.Advance(TimeSpan.FromHours(25));
        await alice.ContinueAsync();
        var failed = await alice.NextAsync<AgentEvent.FileSendFailed>(e => e.File == id);
        Assert.Equal(FileFault.Expired, Assert.IsType<AgentError.File>(failed.Error).Fault);
        Assert.Equal(0, await alice.CountRowsAsync());
    }

    [Fact]
    public async Task The_end_of_a_transfer_is_told_again_until_it_was_handled()
    {
        using var folder = new TemporaryFolder();
        await using var server = await TestFileServer.StartAsync(folder, "server");
        await using var alice = await FileAgent.StartAsync(folder, "alice", server.Address);
        var path = FileAgent.MakeFile(folder, "file", 10);
        var id = FileAgent.NewId();
        await using (var deaf = new DeafAgent(folder, "deaf"))
        {
            await deaf.OpenAsync(server.Address);
            await deaf.Client.Files.SendFileAsync(deaf.User, id, new LocalFile(path), 2, Token);
            await FileAgent.UntilAsync(async () => !await deaf.Client.Files.HasUnfinishedAsync(Token));
        }

        for (var i = 0; i < 2; i++)
        {
            await using var deaf = new DeafAgent(folder, "deaf");
            await deaf.OpenAsync(server.Address);
            await deaf.Client.Files.ResumeAsync(Token);
            var sent = await deaf.FirstAsync<AgentEvent.FileSent>();
            Assert.Equal(id, sent.File);
            Assert.Equal(2, sent.Recipients.Count);
            Assert.Equal(FileParty.Sender, FileAgent.Parse(sent.Sender).Party);
        }
    }

    /// <summary>Stops and starts the program at random moments until an event comes; how often.</summary>
    private static async Task<int> StopUntilAsync<T>(FileAgent agent, SeededRandom random)
        where T : AgentEvent
    {
        for (var stops = 0; ; stops++)
        {
            // A step that begins again after each stop gets more time with each, so that every machine comes to the end.
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(25 + stops)), TimeProvider.System, Token);
            if (agent.Untaken().OfType<T>().Any()) return stops;
            await agent.StopAsync();
            await agent.ContinueAsync();
        }
    }
}
