using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Pairwise.Agent.Files;
using Pairwise.Client;
using Pairwise.Protocol;
using Pairwise.Protocol.Xftp;

namespace Pairwise.Agent.Tests.Files;

/// <summary>Which servers see this device's address, and what they and a proxy can link.</summary>
public sealed class FilePrivacyTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Servers_of_strangers_are_contacted_only_with_approval()
    {
        using var folder = new TemporaryFolder();
        await using var hers = await TestFileServer.StartAsync(folder, "hers");
        await using var his = await TestFileServer.StartAsync(folder, "his");
        await using var alice = await FileAgent.StartAsync(folder, "alice", hers.Address);
        await using var bob = await FileAgent.StartAsync(folder, "bob", his.Address);
        var sent = await alice.SendAsync(new LocalFile(FileAgent.MakeFile(folder, "file", 100)), recipients: 3);
        var description = FileAgent.Parse(sent.Recipients[0]);

        Assert.Equal([hers.Address.Server], bob.Files.FindUnapproved(bob.User, description));
        var refused = await Assert.ThrowsAsync<AgentException>(
            () => bob.Files.ReceiveFileAsync(bob.User, FileAgent.NewId(), description, new LocalFile(folder.File("received")), areServersApproved: false, Token));
        var error = Assert.IsType<AgentError.File>(refused.Error);
        Assert.Equal(FileFault.NotApproved, error.Fault);
        Assert.Equal([hers.Address.Server], error.Servers);
        Assert.Contains("IP address", refused.Message, StringComparison.Ordinal);
        Assert.Equal(0, await bob.CountRowsAsync());

        await bob.ReceiveAsync(sent.Recipients[0], new LocalFile(folder.File("approved")), isApproved: true);
        bob.SetServers(his.Address, hers.Address);
        await bob.ReceiveAsync(sent.Recipients[1], new LocalFile(folder.File("own")), isApproved: false);
        bob.Files.SetServers(bob.User, [his.Address], [hers.Address.Server]);
        await bob.ReceiveAsync(sent.Recipients[2], new LocalFile(folder.File("known")), isApproved: false);
    }

    [Fact]
    public async Task What_a_known_server_leads_to_needs_approval_of_its_own()
    {
        using var folder = new TemporaryFolder();
        await using var known = await TestFileServer.StartAsync(folder, "known");
        await using var unknown = await TestFileServer.StartAsync(folder, "unknown");
        await using var alice = await FileAgent.StartAsync(folder, "alice", unknown.Address);
        await using var bob = await FileAgent.StartAsync(folder, "bob", known.Address);
        var sent = await alice.SendAsync(new LocalFile(FileAgent.MakeFile(folder, "file", 100)));
        alice.SetServers(known.Address);
        var id = FileAgent.NewId();
        await alice.Files.SendDescriptionAsync(alice.User, id, FileAgent.Parse(sent.Recipients[0]), 2, Token);
        var redirect = await alice.SentAsync(id);

        await bob.Files.ReceiveFileAsync(bob.User, FileAgent.NewId(), FileAgent.Parse(redirect.Recipients[0]), new LocalFile(folder.File("received")), areServersApproved: false, Token);
        var failed = await bob.NextAsync<AgentEvent.FileReceiveFailed>();
        Assert.Equal([unknown.Address.Server], Assert.IsType<AgentError.File>(failed.Error).Servers);
        await bob.ReceiveAsync(redirect.Recipients[1], new LocalFile(folder.File("received")), isApproved: true);
    }

    [Theory]
    [InlineData(SessionMode.User, 1)]
    [InlineData(SessionMode.Session, 1)]
    [InlineData(SessionMode.Server, 2)]
    [InlineData(SessionMode.Entity, 4)]
    public async Task A_proxy_hides_the_address_and_sees_one_name_for_what_may_be_linked(SessionMode mode, int expectedNames)
    {
        using var folder = new TemporaryFolder();
        await using var one = await TestFileServer.StartAsync(folder, "one");
        await using var two = await TestFileServer.StartAsync(folder, "two");
        await using var proxy = new RecordingProxy();
        var options = new FileTransferOptions { SessionMode = mode, Network = new NetworkOptions { Socks = new SocksOptions { EndPoint = proxy.EndPoint } } };
        await using var alice = await FileAgent.StartAsync(folder, "alice", one.Address, two.Address);
        await using var bob = await FileAgent.StartAsync(folder, "bob", options, TimeProvider.System);
        var path = FileAgent.MakeFile(folder, "file", 445_000);
        var sent = await alice.SendAsync(new LocalFile(path));
        Assert.Equal(4, FileAgent.Parse(sent.Sender).Chunks.Count);

        // Nothing is known and nothing approved, and yet it is allowed: the servers see the proxy.
        Assert.Empty(bob.Files.FindUnapproved(bob.User, FileAgent.Parse(sent.Recipients[0])));
        Assert.Equal(await File.ReadAllBytesAsync(path, Token), await bob.ReceiveAsync(sent.Recipients[0], new LocalFile(folder.File("received")), isApproved: false));
        Assert.Equal(expectedNames, proxy.Names.Distinct().Count());
        Assert.All(proxy.Names, name => Assert.DoesNotContain("@", name, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_proxy_for_onion_hosts_alone_protects_nothing_at_a_public_one()
    {
        using var folder = new TemporaryFolder();
        await using var server = await TestFileServer.StartAsync(folder, "server");
        await using var alice = await FileAgent.StartAsync(folder, "alice", server.Address);
        var sent = await alice.SendAsync(new LocalFile(FileAgent.MakeFile(folder, "file", 100)));
        var network = new NetworkOptions { Socks = new SocksOptions { Mode = SocksMode.OnionOnly } };
        await using var bob = await FileAgent.StartAsync(folder, "bob", new FileTransferOptions { Network = network }, TimeProvider.System);
        Assert.Single(bob.Files.FindUnapproved(bob.User, FileAgent.Parse(sent.Recipients[0])));
        await using var carol = await FileAgent.StartAsync(folder, "carol", new FileTransferOptions { Network = new NetworkOptions { HostMode = HostMode.Onion } }, TimeProvider.System);
        Assert.Single(carol.Files.FindUnapproved(carol.User, FileAgent.Parse(sent.Recipients[0])));
        Assert.True(ServerAddress.TryParse("xftp://LcJUMfVhwD8yxjAiSaDzzGF3-kLG4Uh0Fl_ZIjrRwjI=@host.example,beccx4yfxxbvyhqypaavemqurytl6hozr47wfc7uuecacjqdvwpw2xid.onion", out var onion));
        var hidden = FileAgent.Parse(sent.Recipients[0]);
        hidden = hidden with { Chunks = [.. hidden.Chunks.Select(chunk => chunk with { Replicas = [chunk.Replicas[0] with { Server = onion }] })] };
        Assert.Empty(bob.Files.FindUnapproved(bob.User, hidden));
        Assert.Empty(carol.Files.FindUnapproved(carol.User, hidden));
    }

    [Fact]
    public async Task The_store_of_a_deleted_user_keeps_no_transfers()
    {
        using var folder = new TemporaryFolder();
        await using var server = await TestFileServer.StartAsync(folder, "server");
        await using var alice = await FileAgent.StartAsync(folder, "alice", server.Address);
        await server.StopAsync();
        await alice.Files.SendFileAsync(alice.User, FileAgent.NewId(), new LocalFile(FileAgent.MakeFile(folder, "file", 100)), 1, Token);
        await alice.Client.DeleteUserAsync(alice.User, Token);
        Assert.Equal(0, await alice.CountRowsAsync());
        await FileAgent.UntilEmptyAsync(alice.WorkFolder);
        await Assert.ThrowsAsync<AgentException>(() => alice.Files.SendFileAsync(alice.User, FileAgent.NewId(), new LocalFile(folder.File("file")), 1, Token));
    }

    [Fact]
    public async Task The_servers_keep_nothing_of_a_deleted_user()
    {
        using var folder = new TemporaryFolder();
        await using var server = await TestFileServer.StartAsync(folder, "server");
        await using var proxy = new BreakingProxy(server.Address, () => null);
        await using var alice = await FileAgent.StartAsync(folder, "alice", new FileTransferOptions { ParallelChunks = 1 }, TimeProvider.System, proxy.Address);
        proxy.HoldAfter(6_000_000); // the first chunk and half of the second
        await alice.Files.SendFileAsync(alice.User, FileAgent.NewId(), new LocalFile(FileAgent.MakeFile(folder, "file", 12_000_000)), 1, Token);
        await alice.NextAsync<AgentEvent.FileSendProgress>(e => e.Done > 0);
        await alice.Client.DeleteUserAsync(alice.User, Token);
        proxy.Release();
        await FileAgent.UntilAsync(() => Task.FromResult(server.ChunkCount == 0));
        await FileAgent.UntilAsync(async () => !await alice.Files.HasUnfinishedAsync(Token));
        Assert.Equal(0, await alice.CountRowsAsync());
    }

    /// <summary>A SOCKS5 proxy that notes under which names it is used.</summary>
    private sealed class RecordingProxy : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly CancellationTokenSource _stop = new();
        private readonly List<Task> _connections = [];
        private readonly Task _accepting;

        public RecordingProxy()
        {
            _listener.Start();
            _accepting = AcceptAsync();
        }

        public IPEndPoint EndPoint => (IPEndPoint)_listener.LocalEndpoint;

        public System.Collections.Concurrent.ConcurrentQueue<string> Names { get; } = new();

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            _listener.Stop();
            await _accepting;
            await Task.WhenAll(_connections);
            _stop.Dispose();
            _listener.Dispose();
        }

        private async Task AcceptAsync()
        {
            try
            {
                while (true) _connections.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                Assert.True(_stop.IsCancellationRequested);
            }
        }

        // RFC 1928 and 1929: greeting, name and password, CONNECT; then bytes both ways.
        private async Task ServeAsync(TcpClient client)
        {
            using (client)
            using (var server = new TcpClient())
            {
                try
                {
                    var stream = client.GetStream();
                    var head = await ReadAsync(stream, 2);
                    await ReadAsync(stream, head[1]);
                    await stream.WriteAsync(new byte[] { 5, 2 }, _stop.Token);
                    var name = await ReadAsync(stream, (await ReadAsync(stream, 2))[1]);
                    await ReadAsync(stream, (await ReadAsync(stream, 1))[0]);
                    Names.Enqueue(Encoding.ASCII.GetString(name));
                    await stream.WriteAsync(new byte[] { 1, 0 }, _stop.Token);
                    var request = await ReadAsync(stream, 4);
                    var length = request[3] switch { 1 => 4, 4 => 16, _ => (await ReadAsync(stream, 1))[0] };
                    await ReadAsync(stream, length);
                    var port = BinaryPrimitives.ReadUInt16BigEndian(await ReadAsync(stream, 2));
                    await server.ConnectAsync(IPAddress.Loopback, port, _stop.Token);
                    await stream.WriteAsync(new byte[] { 5, 0, 0, 1, 127, 0, 0, 1, 0, 0 }, _stop.Token);
                    await Task.WhenAny(stream.CopyToAsync(server.GetStream(), _stop.Token), server.GetStream().CopyToAsync(stream, _stop.Token));
                }
                catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
                {
                    // One end has gone.
                    return;
                }
            }
        }

        private async Task<byte[]> ReadAsync(NetworkStream stream, int length)
        {
            var bytes = new byte[length];
            await stream.ReadExactlyAsync(bytes, _stop.Token);
            return bytes;
        }
    }
}
