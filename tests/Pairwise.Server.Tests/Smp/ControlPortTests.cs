using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp;
using Pairwise.Server.Smp.Operation;
using static Pairwise.Server.Tests.Smp.TestRelay;

namespace Pairwise.Server.Tests.Smp;

/// <summary>What operators can do at the control port, by role, and what their blocks do to clients.</summary>
public sealed class ControlPortTests
{
    [Fact]
    public async Task Roles_follow_passwords_and_commands_need_roles()
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder, With);
        await using Operator nobody = await Operator.ConnectAsync(relay);
        Assert.Equal("AUTH", await nobody.AskAsync("stats"));
        Assert.Equal("Current role is CPRNone", await nobody.AskAsync("auth wrong"));
        await using Operator user = await Operator.ConnectAsync(relay);
        Assert.Equal("Current role is CPRUser", await user.AskAsync("auth looker"));
        Assert.StartsWith("fromTime: 20", await user.AskAsync("stats"), StringComparison.Ordinal);
        Assert.Equal("qCreated: 0", await user.ReadLineAsync());
        await using Operator other = await Operator.ConnectAsync(relay);
        Assert.Equal("Current role is CPRUser", await other.AskAsync("auth looker"));
        Assert.Equal("AUTH", await other.AskAsync("delete AAAA"));
        Assert.Equal("AUTH", await other.AskAsync("save"));
        await using Operator administrator = await Operator.ConnectAsync(relay);
        Assert.Equal("Current role is CPRAdmin", await administrator.AskAsync("auth chief"));
        Assert.Equal("saving server state...", await administrator.AskAsync("save"));
        Assert.Equal("server state saved!", await administrator.ReadLineAsync());
        Assert.Equal("error: unknown command; help lists them", await administrator.AskAsync("what"));
        Assert.StartsWith("error: say auth", await administrator.AskAsync("auth"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sessions_left_open_and_endless_lines_do_not_keep_an_operator_out()
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder, With);
        List<TcpClient> silent = [];
        for (int i = 0; i < ControlPort.MaxSessions + 4; i++)
        {
            TcpClient client = new();
            await client.ConnectAsync(relay.ControlEndpoint!, TestContext.Current.CancellationToken);
            silent.Add(client);
        }

        await using Operator administrator = await Operator.ConnectAsync(relay);
        Assert.Equal("Current role is CPRAdmin", await administrator.AskAsync("auth chief"));
        await using Operator endless = await Operator.ConnectAsync(relay);
        Assert.Null(await endless.AskAsync(new string('x', 2_000)));
        Assert.Equal("saving server state...", await administrator.AskAsync("save"));
        Assert.Equal("server state saved!", await administrator.ReadLineAsync());
        silent.ForEach(client => client.Dispose());
    }

    [Fact]
    public async Task A_blocked_queue_tells_why_and_its_owner_hears_at_once()
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder, With);
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        await using RelayClient older = await RelayClient.ConnectAsync(relay, SmpVersions.EncryptedBlock);
        await using Operator user = await Operator.ConnectAsync(relay);
        await user.AskAsync("auth looker");
        OwnedQueue queue = await client.NewQueueAsync();
        WireId sender = queue.Sender.Value;
        string id = Base64Url.EncodeToString(sender.Span);
        Assert.Matches(@"^status: EntityActive, updatedAt: Just \(RoundedSystemTime \{roundedSeconds = \d+\}\), queueMode: Nothing$", await user.AskAsync($"status {id}"));
        Assert.StartsWith("error: say", await user.AskAsync($"block {id} reason=whim"), StringComparison.Ordinal);
        const string info = "BlockingInfo {reason = BRContent, notice = Just (ClientNotice {ttl = Just 60})}";
        Assert.Equal($"ok, queue blocked: EntityBlocked ({info})", await user.AskAsync($"block {id} reason=content,notice={{\"ttl\":60}}"));
        SmpError.Blocked block = new(BlockingReason.Content, new ClientNotice(60));
        Received told = await client.NextEventAsync();
        Assert.Equal(queue.Mine, told.Entity);
        AssertError(block, told.Message);
        AssertError(block, await client.AskAsync(queue.Theirs, Text("no"), null));
        AssertError(block, await client.AskAsync(queue.Mine, SmpCommand.Sub.Instance, queue.Key));
        AssertError(SmpError.Auth.Instance, await older.AskAsync(queue.Theirs, Text("no"), null));
        Assert.Equal($"ok, already inactive: EntityBlocked ({info})", await user.AskAsync($"block {id} reason=content,notice={{\"ttl\":60}}"));
        Assert.Equal($"ok, queue unblocked, reason to block was: {info}", await user.AskAsync($"unblock {id}"));
        AssertOk(await client.AskAsync(queue.Theirs, Text("yes"), null));
    }

    [Fact]
    public async Task An_administrator_deletes_a_queue_with_its_messages()
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder, With);
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        await using Operator administrator = await Operator.ConnectAsync(relay);
        await administrator.AskAsync("auth chief");
        OwnedQueue queue = await client.NewQueueAsync();
        AssertOk(await client.AskAsync(queue.Theirs, Text("one"), null));
        Assert.IsType<BrokerMessage.Msg>((await client.NextEventAsync()).Message);
        WireId sender = queue.Sender.Value;
        Assert.Equal("ok, 1 messages deleted", await administrator.AskAsync($"delete {Base64Url.EncodeToString(sender.Span)}"));
        Assert.IsType<BrokerMessage.Deld>((await client.NextEventAsync()).Message);
    }

    [Fact]
    public async Task A_queue_is_found_by_the_id_in_a_link_and_a_client_is_shown_without_its_session()
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder, With);
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        await using Operator administrator = await Operator.ConnectAsync(relay);
        await administrator.AskAsync("auth chief");
        OwnedQueue queue = await client.NewQueueAsync();
        AssertOk(await client.AskAsync(queue.Mine, SmpCommand.Sub.Instance, queue.Key));
        WireId sender = queue.Sender.Value;
        Assert.StartsWith("status: EntityActive", await administrator.AskAsync($"status smp://x@host/{Base64Url.EncodeToString(sender.Span)}#/?v=1"), StringComparison.Ordinal);
        Assert.Equal("error: AUTH", await administrator.AskAsync("status https://host/i#nothing"));
        Assert.Equal("suspend not implemented", await administrator.AskAsync("suspend"));
        Assert.Equal($"Sockets for port {relay.Endpoints[0].Port}:", await administrator.AskAsync("sockets"));
        foreach (string line in new[] { "accepted: 0", "closed: 0", "active: 0", "leaked: 0" })
        {
            Assert.Equal(line, await administrator.ReadLineAsync());
        }

        Assert.Equal("clientId,sessionId,connected,createdAt,rcvActiveAt,sndActiveAt,age,subscriptions", await administrator.AskAsync("clients"));
        string[] columns = (await administrator.AskAsync(""))!.Split(',');
        Assert.Equal((8, "", "True", "1"), (columns.Length, columns[1], columns[2], columns[7]));
    }

    private static SmpServerOptions With(SmpServerOptions options)
    {
        Assert.True(BasicAuth.TryParse("chief", out BasicAuth? administrator));
        Assert.True(BasicAuth.TryParse("looker", out BasicAuth? user));
        return options with
        {
            Endpoints = [new IPEndPoint(IPAddress.Loopback, 0)],
            Control = new SmpControlOptions { Endpoint = new IPEndPoint(IPAddress.Loopback, 0), AdministratorPassword = administrator, UserPassword = user },
        };
    }

    private sealed class Operator : IAsyncDisposable
    {
        private readonly TcpClient _client = new();
        private readonly StreamReader _reader;
        private readonly StreamWriter _writer;

        private Operator(TcpClient client)
        {
            _client = client;
            _reader = new StreamReader(client.GetStream());
            _writer = new StreamWriter(client.GetStream()) { AutoFlush = true, NewLine = "\n" };
        }

        public static async Task<Operator> ConnectAsync(SmpServer relay)
        {
            TcpClient client = new();
            await client.ConnectAsync(relay.ControlEndpoint!);
            Operator connected = new(client);
            await connected._reader.ReadLineAsync();
            await connected._reader.ReadLineAsync();
            return connected;
        }

        public async Task<string?> AskAsync(string line)
        {
            await _writer.WriteLineAsync(line);
            return await _reader.ReadLineAsync();
        }

        public async Task<string?> ReadLineAsync() => await _reader.ReadLineAsync();

        public ValueTask DisposeAsync()
        {
            _client.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
