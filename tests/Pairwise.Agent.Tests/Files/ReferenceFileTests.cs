using Pairwise.Agent.Files;
using Pairwise.Protocol;
using Pairwise.TestKit;

namespace Pairwise.Agent.Tests.Files;

/// <summary>Our agent and the original file programs: what one sends the other receives, over either's server.</summary>
[Trait("Needs", "originals")]
public sealed class ReferenceFileTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<int, bool> Cases => new()
    {
        { 10, false }, { 700_000, false }, { 9_500_000, false }, { 10, true }, { 700_000, true }, { 9_500_000, true },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task The_original_receives_what_our_agent_sends(int length, bool isOriginalServer)
    {
        Assert.SkipWhen(ReferenceXftpClient.Program is null, "PAIRWISE_REFERENCE_XFTP is not set");
        using var folder = new TemporaryFolder();
        await using var server = await StartServerAsync(folder, isOriginalServer);
        await using var alice = await FileAgent.StartAsync(folder, "alice", server.Address);
        var path = FileAgent.MakeFile(folder, "photo.jpg", length);
        var sent = await alice.SendAsync(new LocalFile(path), recipients: 2);
        for (var i = 0; i < 2; i++)
        {
            await File.WriteAllTextAsync(folder.File($"{i}.xftp"), sent.Recipients[i], Token);
            Directory.CreateDirectory(folder.File($"{i}"));
            await ReferenceXftpClient.ReceiveAsync(folder.File($"{i}.xftp"), folder.File($"{i}"));
            Assert.Equal(await File.ReadAllBytesAsync(path, Token), await File.ReadAllBytesAsync(Path.Combine(folder.File($"{i}"), "photo.jpg"), Token));
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Our_agent_receives_what_the_original_sends(int length, bool isOriginalServer)
    {
        Assert.SkipWhen(ReferenceXftpClient.Program is null, "PAIRWISE_REFERENCE_XFTP is not set");
        using var folder = new TemporaryFolder();
        await using var server = await StartServerAsync(folder, isOriginalServer);
        await using var bob = await FileAgent.StartAsync(folder, "bob");
        var path = FileAgent.MakeFile(folder, "photo.jpg", length);
        var (recipients, _) = await ReferenceXftpClient.SendAsync(path, folder.File("sent"), server.Address.ToConfigurationText(), 2);
        for (var i = 0; i < 2; i++)
        {
            var received = await bob.ReceiveAsync(await File.ReadAllTextAsync(recipients[i], Token), new LocalFile(folder.File($"{i}")));
            Assert.Equal(await File.ReadAllBytesAsync(path, Token), received);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_original_deletes_what_our_agent_sent_and_the_reverse(bool isOriginalServer)
    {
        Assert.SkipWhen(ReferenceXftpClient.Program is null, "PAIRWISE_REFERENCE_XFTP is not set");
        using var folder = new TemporaryFolder();
        await using var server = await StartServerAsync(folder, isOriginalServer);
        await using var alice = await FileAgent.StartAsync(folder, "alice", server.Address);
        var path = FileAgent.MakeFile(folder, "file", 700_000);
        var ours = await alice.SendAsync(new LocalFile(path));
        await File.WriteAllTextAsync(folder.File("ours.private"), ours.Sender, Token);
        var (_, sender) = await ReferenceXftpClient.SendAsync(path, folder.File("sent"), server.Address.ToConfigurationText(), 1);
        Assert.True(Directory.GetFiles(server.FilesFolder).Length > 1);

        await ReferenceXftpClient.RunAsync("del", folder.File("ours.private"), "-y");
        await alice.Files.DeleteSentFileAsync(alice.User, FileAgent.Parse(await File.ReadAllTextAsync(sender, Token)), Token);
        await FileAgent.UntilAsync(async () => !await alice.Files.HasUnfinishedAsync(Token));
        Assert.Empty(Directory.GetFiles(server.FilesFolder));
    }

    [Fact]
    public async Task The_original_follows_our_redirect()
    {
        Assert.SkipWhen(ReferenceXftpClient.Program is null, "PAIRWISE_REFERENCE_XFTP is not set");
        using var folder = new TemporaryFolder();
        await using var server = await StartServerAsync(folder, isOriginal: false);
        await using var alice = await FileAgent.StartAsync(folder, "alice", server.Address);
        var path = FileAgent.MakeFile(folder, "file", 5_000_000);
        var sent = await alice.SendAsync(new LocalFile(path));
        var id = FileAgent.NewId();
        await alice.Files.SendDescriptionAsync(alice.User, id, FileAgent.Parse(sent.Recipients[0]), 1, Token);
        var redirect = await alice.SentAsync(id);
        Directory.CreateDirectory(folder.File("received"));

        await File.WriteAllTextAsync(folder.File("redirect.xftp"), redirect.Recipients[0], Token);
        await ReferenceXftpClient.ReceiveAsync(folder.File("redirect.xftp"), folder.File("received"));
        Assert.Equal(await File.ReadAllBytesAsync(path, Token), await File.ReadAllBytesAsync(folder.File("received/file"), Token));
    }

    private static async Task<AnyServer> StartServerAsync(TemporaryFolder folder, bool isOriginal)
    {
        if (!isOriginal)
        {
            var ours = await TestFileServer.StartAsync(folder, "server");
            return new AnyServer(ours, ours.Address, ours.FilesFolder);
        }

        Assert.SkipWhen(ReferenceXftp.Program is null, "PAIRWISE_REFERENCE_XFTP_SERVER is not set");
        var original = await ReferenceXftp.StartAsync(folder.File("original"));
        Assert.True(ServerAddressWithPassword.TryParse(original.Address, out var address));
        return new AnyServer(original, address, folder.File("original/files"));
    }

    private sealed record AnyServer(IAsyncDisposable Server, ServerAddressWithPassword Address, string FilesFolder) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => Server.DisposeAsync();
    }
}
