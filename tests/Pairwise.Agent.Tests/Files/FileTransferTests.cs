using Pairwise.Agent.Files;
using Pairwise.Crypto;
using Pairwise.Protocol.Xftp;

namespace Pairwise.Agent.Tests.Files;

/// <summary>Files from one agent to others, over file servers of this process.</summary>
public sealed class FileTransferTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(65_000)]
    [InlineData(700_000)]
    [InlineData(9_500_000)]
    public async Task A_file_arrives_as_it_was(int length)
    {
        using var folder = new TemporaryFolder();
        await using var one = await TestFileServer.StartAsync(folder, "one");
        await using var two = await TestFileServer.StartAsync(folder, "two");
        await using var alice = await FileAgent.StartAsync(folder, "alice", one.Address, two.Address);
        await using var bob = await FileAgent.StartAsync(folder, "bob");
        var path = FileAgent.MakeFile(folder, "photo.jpg", length);

        var sent = await alice.SendAsync(new LocalFile(path));
        var received = await bob.ReceiveAsync(Assert.Single(sent.Recipients), new LocalFile(folder.File("received.jpg")));

        Assert.Equal(await File.ReadAllBytesAsync(path, Token), received);
        await FileAgent.UntilEmptyAsync(alice.WorkFolder);
        await FileAgent.UntilEmptyAsync(bob.WorkFolder);
        Assert.Equal(0, await bob.CountRowsAsync());
        if (length > 1_000_000) Assert.True(one.ChunkCount > 0 && two.ChunkCount > 0, "the chunks are not spread");
        Assert.Equal(FileAgent.Parse(sent.Sender).Chunks.Count, one.ChunkCount + two.ChunkCount);
    }

    [Fact]
    public async Task Progress_grows_to_all_of_the_file_on_both_sides()
    {
        using var folder = new TemporaryFolder();
        await using var server = await TestFileServer.StartAsync(folder, "server");
        await using var alice = await FileAgent.StartAsync(folder, "alice", server.Address);
        await using var bob = await FileAgent.StartAsync(folder, "bob");
        var sent = await alice.SendAsync(new LocalFile(FileAgent.MakeFile(folder, "file", 6_000_000)));
        await bob.ReceiveAsync(sent.Recipients[0], new LocalFile(folder.File("received")));

        var size = FileAgent.Parse(sent.Sender).Size;
        var up = alice.Untaken().OfType<AgentEvent.FileSendProgress>().ToList();
        var down = bob.Untaken().OfType<AgentEvent.FileReceiveProgress>().ToList();
        Assert.All(up, e => Assert.Equal(size, e.Total));
        Assert.All(down, e => Assert.Equal(size, e.Total));
        Assert.Contains(up, e => e.Done == size);
        Assert.Contains(down, e => e.Done == size);
        Assert.True(up.Count > 10 && down.Count > 10, $"only {up.Count} and {down.Count} events");
    }

    [Fact]
    public async Task Every_recipient_has_keys_of_their_own_also_beyond_one_command()
    {
        using var folder = new TemporaryFolder();
        await using var server = await TestFileServer.StartAsync(folder, "server");
        await using var alice = await FileAgent.StartAsync(folder, "alice", new FileTransferOptions { RecipientsInCommand = 3 }, TimeProvider.System, server.Address);
        await using var bob = await FileAgent.StartAsync(folder, "bob");
        var path = FileAgent.MakeFile(folder, "file", 400_000);
        var sent = await alice.SendAsync(new LocalFile(path), recipients: 8);

        Assert.Equal(8, sent.Recipients.Count);
        var replicas = sent.Recipients.SelectMany(text => FileAgent.Parse(text).Chunks.Select(chunk => chunk.Replicas[0])).ToList();
        Assert.Equal(replicas.Count, replicas.Select(replica => replica.Id).Distinct().Count());
        Assert.Equal(replicas.Count, replicas.Select(replica => Convert.ToHexString(replica.Key.Raw)).Distinct().Count());
        for (var i = 0; i < 8; i++) Assert.Equal(await File.ReadAllBytesAsync(path, Token), await bob.ReceiveAsync(sent.Recipients[i], new LocalFile(folder.File($"received{i}"))));
    }

    [Fact]
    public async Task Files_encrypted_at_rest_are_sent_and_received()
    {
        using var folder = new TemporaryFolder();
        await using var server = await TestFileServer.StartAsync(folder, "server");
        await using var alice = await FileAgent.StartAsync(folder, "alice", server.Address);
        await using var bob = await FileAgent.StartAsync(folder, "bob");
        var content = SystemRandom.Instance.Bytes(300_000);
        var source = LocalFile.Encrypted(folder.File("source"), SystemRandom.Instance);
        await source.WriteAllAsync(content, FileMode.CreateNew, Token);

        var sent = await alice.SendAsync(source);
        var target = LocalFile.Encrypted(folder.File("target"), SystemRandom.Instance);
        Assert.Equal(content, await bob.ReceiveAsync(sent.Recipients[0], target));
        Assert.Equal(content.Length + XftpLimits.TagLength, new FileInfo(target.Path).Length);
        Assert.NotEqual(content, (await File.ReadAllBytesAsync(target.Path, Token))[..content.Length]);
    }

    [Fact]
    public async Task A_description_that_is_a_file_itself_leads_to_the_file()
    {
        using var folder = new TemporaryFolder();
        await using var server = await TestFileServer.StartAsync(folder, "server");
        await using var alice = await FileAgent.StartAsync(folder, "alice", server.Address);
        await using var bob = await FileAgent.StartAsync(folder, "bob");
        var path = FileAgent.MakeFile(folder, "file.bin", 5_000_000);
        var sent = await alice.SendAsync(new LocalFile(path));

        var id = FileAgent.NewId();
        await alice.Files.SendDescriptionAsync(alice.User, id, FileAgent.Parse(sent.Recipients[0]), recipients: 2, Token);
        var redirect = await alice.SentAsync(id);
        Assert.All(redirect.Recipients, text => Assert.Single(FileAgent.Parse(text).Chunks));
        Assert.Null(FileAgent.Parse(redirect.Sender).Redirect);
        Assert.True(FileLink.TryParse(new FileLink(FileAgent.Parse(redirect.Recipients[0])).ToString(), out var link));

        var receiving = FileAgent.NewId();
        await bob.Files.ReceiveFileAsync(bob.User, receiving, link.Description, new LocalFile(folder.File("received")), areServersApproved: true, Token);
        var received = await bob.ReceivedAsync(receiving);
        Assert.Equal("file.bin", received.FileName);
        Assert.Equal(await File.ReadAllBytesAsync(path, Token), await File.ReadAllBytesAsync(received.Target.Path, Token));
        var total = FileAgent.Parse(sent.Sender).Size;
        Assert.All(bob.Untaken().OfType<AgentEvent.FileReceiveProgress>(), e => Assert.Equal(total, e.Total));
        await FileAgent.UntilEmptyAsync(bob.WorkFolder);
    }

    [Fact]
    public async Task A_taken_name_gets_a_number()
    {
        using var folder = new TemporaryFolder();
        await using var server = await TestFileServer.StartAsync(folder, "server");
        await using var alice = await FileAgent.StartAsync(folder, "alice", server.Address);
        await using var bob = await FileAgent.StartAsync(folder, "bob");
        var sent = await alice.SendAsync(new LocalFile(FileAgent.MakeFile(folder, "photo.jpg", 1000)), recipients: 2);
        await File.WriteAllTextAsync(folder.File("received.jpg"), "mine", Token);
        for (var i = 1; i <= 2; i++)
        {
            var id = FileAgent.NewId();
            await bob.Files.ReceiveFileAsync(bob.User, id, FileAgent.Parse(sent.Recipients[i - 1]), new LocalFile(folder.File("received.jpg")), areServersApproved: true, Token);
            Assert.Equal(folder.File($"received_{i}.jpg"), (await bob.ReceivedAsync(id)).Target.Path);
        }

        Assert.Equal("mine", await File.ReadAllTextAsync(folder.File("received.jpg"), Token));
    }

    [Fact]
    public async Task Asking_twice_with_one_id_is_asking_once()
    {
        using var folder = new TemporaryFolder();
        await using var server = await TestFileServer.StartAsync(folder, "server");
        await using var proxy = new BreakingProxy(server.Address, () => null);
        await using var alice = await FileAgent.StartAsync(folder, "alice", proxy.Address);
        var file = new LocalFile(FileAgent.MakeFile(folder, "file", 200_000));
        var id = FileAgent.NewId();
        proxy.Hold(); // it is not done before it is asked for again
        for (var i = 0; i < 3; i++) await alice.Files.SendFileAsync(alice.User, id, file, 1, Token);
        proxy.Release();
        var sent = await alice.SentAsync(id);
        await FileAgent.UntilAsync(async () => !await alice.Files.HasUnfinishedAsync(Token));
        Assert.Equal(FileAgent.Parse(sent.Sender).Chunks.Count, server.ChunkCount);
        Assert.Empty(alice.Untaken().OfType<AgentEvent.FileSent>());
        Assert.Null(await alice.Files.GetProgressAsync(id, Token));
    }

    [Fact]
    public async Task A_sent_file_is_deleted_for_everybody()
    {
        using var folder = new TemporaryFolder();
        await using var server = await TestFileServer.StartAsync(folder, "server");
        await using var alice = await FileAgent.StartAsync(folder, "alice", server.Address);
        await using var bob = await FileAgent.StartAsync(folder, "bob");
        var sent = await alice.SendAsync(new LocalFile(FileAgent.MakeFile(folder, "file", 1_000_000)));
        Assert.True(server.ChunkCount > 0);
        await alice.Files.DeleteSentFileAsync(alice.User, FileAgent.Parse(sent.Sender), Token);
        await FileAgent.UntilAsync(async () => !await alice.Files.HasUnfinishedAsync(Token));
        Assert.Equal(0, server.ChunkCount);

        var id = FileAgent.NewId();
        await bob.Files.ReceiveFileAsync(bob.User, id, FileAgent.Parse(sent.Recipients[0]), new LocalFile(folder.File("received")), areServersApproved: true, Token);
        var failed = await bob.NextAsync<AgentEvent.FileReceiveFailed>();
        Assert.IsType<XftpError.Auth>(Assert.IsType<AgentError.FileServer>(failed.Error).Error);
        Assert.Contains("deleted or has expired", FileErrors.Sentence(failed.Error), StringComparison.Ordinal);
        Assert.False(File.Exists(folder.File("received")));
        Assert.Equal(0, await bob.CountRowsAsync());
    }

    [Fact]
    public async Task A_file_server_is_tested_step_by_step()
    {
        using var folder = new TemporaryFolder();
        await using var server = await TestFileServer.StartAsync(folder, "server", options => options with { AllowNewChunks = true });
        await using var closed = await TestFileServer.StartAsync(folder, "closed", options => options with { AllowNewChunks = false });
        await using var alice = await FileAgent.StartAsync(folder, "alice");
        Assert.Null(await alice.Files.TestServerAsync(server.Address, Token));
        Assert.Equal(0, server.ChunkCount);
        Assert.Equal(FileServerTestStep.CreateFile, (await alice.Files.TestServerAsync(closed.Address, Token))?.Step);
        await server.StopAsync();
        Assert.Equal(FileServerTestStep.Connect, (await alice.Files.TestServerAsync(server.Address, Token))?.Step);
    }
}
