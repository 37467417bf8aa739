using System.Net;
using System.Net.Sockets;
using System.Text;
using Pairwise.Client.Xftp;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Protocol.Xftp;
using Pairwise.Server.Smp.Operation;
using Pairwise.Server.Xftp.Operation;
using Pairwise.Wire;

namespace Pairwise.Server.Tests.Xftp;

/// <summary>The operator's port of a file server, over a socket.</summary>
public sealed class XftpControlTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Who_has_no_password_may_look_at_the_process_only()
    {
        await using var server = await StartAsync();
        using var nobody = await Session.OpenAsync(server);
        Assert.StartsWith("commands: ", await nobody.AskAsync("help"), StringComparison.Ordinal);
        Assert.StartsWith("heap: ", await nobody.AskAsync("stats-rts"), StringComparison.Ordinal);
        Assert.Equal("AUTH", await nobody.AskAsync("delete AAAA"));
        Assert.Equal("AUTH", await nobody.AskAsync("block AAAA reason=spam"));
        Assert.Equal("Current role is CPRNone", await nobody.AskAsync("auth wrong"));
        Assert.Equal("Current role is CPRUser", await nobody.AskAsync("auth looker"));
        Assert.Equal("Current role is CPRUser, start new session to change.", await nobody.AskAsync("auth chief"));
        Assert.StartsWith("error: ", await nobody.AskAsync("suspend"), StringComparison.Ordinal);
        Assert.StartsWith("error: ", await nobody.AskAsync("block AAAA"), StringComparison.Ordinal);
        Assert.Equal("error: AUTH", await nobody.AskAsync("delete AAAA"));
    }

    [Theory]
    [InlineData("looker")]
    [InlineData("chief")]
    public async Task Users_delete_and_block_by_the_id_of_a_recipient(string password)
    {
        await using var server = await StartAsync();
        await using var client = await server.ConnectAsync();
        var deleted = await server.CreateUploadedAsync(client);
        var blocked = await server.CreateUploadedAsync(client);
        using var user = await Session.OpenAsync(server);
        await user.AskAsync($"auth {password}");
        Assert.Equal("ok", await user.AskAsync($"delete {Text(deleted.Ids.Recipients[0])}"));
        Assert.Equal("error: AUTH", await user.AskAsync($"delete {Text(deleted.Ids.Recipients[0])}"));
        Assert.Equal("error: AUTH", await user.AskAsync($"delete {Text(blocked.Ids.Sender)}"));
        Assert.Equal("ok", await user.AskAsync($"block {Text(blocked.Ids.Recipients[0])} reason=spam"));
        Assert.Equal(new XftpClientError.Server(XftpError.Auth.Instance), (await deleted.DownloadAsync(client)).Error);
        Assert.Equal(new XftpClientError.Server(new XftpError.Blocked(BlockingReason.Spam)), (await blocked.DownloadAsync(client)).Error);
        Assert.Empty(Directory.EnumerateFiles(server.FilesFolder));
        Assert.Equal(0, server.Server.UsedBytes);
        Assert.Equal(1, server.Server.Statistics[XftpCounter.FilesBlocked]);
        Assert.Equal(1, server.Server.Statistics[XftpCounter.FilesDeleted]);
    }

    private static string Text(ChunkId id)
    {
        var value = id.Value;
        return TextEncoding.ToBase64Url(value.Span);
    }

    private static Task<TestFileServer> StartAsync()
    {
        Assert.True(BasicAuth.TryParse("chief", out var chief) & BasicAuth.TryParse("looker", out var looker));
        return TestFileServer.StartAsync(options => options with
        {
            Control = new SmpControlOptions { Endpoint = new IPEndPoint(IPAddress.Loopback, 0), AdministratorPassword = chief, UserPassword = looker },
        });
    }

    private sealed class Session : IDisposable
    {
        private readonly TcpClient _client = new();
        private StreamReader _reader = null!;
        private StreamWriter _writer = null!;

        public static async Task<Session> OpenAsync(TestFileServer server)
        {
            var session = new Session();
            await session._client.ConnectAsync(server.Server.ControlEndpoint!, Token);
            session._reader = new StreamReader(session._client.GetStream(), Encoding.UTF8);
            session._writer = new StreamWriter(session._client.GetStream()) { NewLine = "\n", AutoFlush = true };
            Assert.Equal("XFTP server control port", await session._reader.ReadLineAsync(Token));
            Assert.Equal("'help' for supported commands", await session._reader.ReadLineAsync(Token));
            return session;
        }

        public async Task<string?> AskAsync(string line)
        {
            await _writer.WriteLineAsync(line);
            return await _reader.ReadLineAsync(Token);
        }

        public void Dispose() => _client.Dispose();
    }
}
