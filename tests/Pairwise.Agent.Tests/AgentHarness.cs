using Pairwise.Agent.Relays;
using Pairwise.Agent.Store;
using Pairwise.Client;
using Pairwise.Protocol;
using Pairwise.Protocol.Agent;
using Pairwise.Server.Smp;
using Pairwise.Storage;
using Pairwise.TestKit;

namespace Pairwise.Agent.Tests;

/// <summary>A folder of one test, removed with everything in it.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("pairwise-agent-");

    public string Path => _directory.FullName;

    public string File(string name) => System.IO.Path.Combine(_directory.FullName, name);

    public void Dispose() => _directory.Delete(recursive: true);
}

/// <summary>A relay of this process, on a loopback port that stays the same across restarts.</summary>
internal sealed class TestRelay : IAsyncDisposable
{
    private readonly SmpServerOptions _options;
    private SmpServer? _server;

    private TestRelay(SmpServerOptions options, SmpServer server)
    {
        _server = server;
        _options = options;
        Assert.True(ServerAddressWithPassword.TryParse(server.Address, out var address));
        Address = address;
    }

    public ServerAddressWithPassword Address { get; }

    public static async Task<TestRelay> StartAsync(TemporaryFolder folder, string name, SmpServerLimits? limits = null)
    {
        var options = new SmpServerOptions
        {
            ConfigurationFolder = folder.File(name + "-etc"),
            StateFolder = folder.File(name + "-log"),
            Endpoints = [LoopbackPorts.TakeEndpoint()],
            Limits = limits ?? new SmpServerLimits(),
        };
        return new TestRelay(options, await SmpServer.StartAsync(options, TestContext.Current.CancellationToken));
    }

    public async Task StopAsync()
    {
        if (_server is { } running) await running.DisposeAsync();
        _server = null;
    }

    public async Task RestartAsync()
    {
        await StopAsync();
        _server = await SmpServer.StartAsync(_options, TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync() => await StopAsync();
}

/// <summary>
/// An agent with its own database, and its events read into a list that tests wait on. Stopping and starting it again keeps
/// the database, as a restart of the program does.
/// </summary>
internal sealed class TestAgent : IAsyncDisposable
{
    private readonly string _path;
    private readonly AgentOptions _options;
    private readonly IRelayConnector _connector;
    private readonly IReadOnlyList<ServerAddressWithPassword> _servers;
    private readonly HashSet<(ConnectionId Connection, AgentMessageId Message)> _seen = [];
    private readonly AgentEventLog _events = new();
    private Database _database = null!;

    private TestAgent(string path, AgentOptions options, IRelayConnector connector, IReadOnlyList<ServerAddressWithPassword> servers)
    {
        _path = path;
        _options = options;
        _connector = connector;
        _servers = servers;
    }

    public AgentClient Client { get; private set; } = null!;

    public UserId User { get; private set; }

    public Database Database => _database;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static AgentOptions FastOptions => new()
    {
        Reconnect = new RetryInterval(TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1)),
        FastRetry = new RetryInterval(TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1)),
        SlowRetry = new RetryInterval(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1)),
    };

    public static IRelayConnector Network => new SmpRelayConnector(new SmpClientOptions());

    public static async Task<TestAgent> StartAsync(TemporaryFolder folder, string name, AgentOptions? options, IRelayConnector? connector, params ServerAddressWithPassword[] servers)
    {
        var agent = new TestAgent(folder.File(name + ".db"), options ?? FastOptions, connector ?? Network, servers);
        await agent.OpenAsync();
        agent.User = await agent.Client.CreateUserAsync(servers, Token);
        return agent;
    }

    /// <summary>Stops reading events and ends the agent, as a quitting program does; what was not waited for is told again.</summary>
    public async Task StopAsync()
    {
        await _events.StopAsync();
        await Client.DisposeAsync();
        await _database.DisposeAsync();
    }

    public async Task RestartAsync()
    {
        await StopAsync();
        await OpenAsync();
        Client.SetServers(User, _servers);
        await Client.SubscribeAllAsync(Token);
    }

    /// <inheritdoc cref="AgentEventLog.NextAsync"/>
    public Task<T> NextAsync<T>(Func<T, bool>? condition = null)
        where T : AgentEvent => _events.NextAsync(condition);

    /// <summary>The next message of a connection as text, acknowledged.</summary>
    public async Task<string> ReceiveAsync(ConnectionId connection, bool withReceipt = false)
    {
        while (true)
        {
            var received = await NextAsync<AgentEvent.MessageReceived>(message => message.Connection == connection);
            await Client.AckMessageAsync(connection, received.Meta.Id, withReceipt ? ReadOnlyMemory<byte>.Empty : (ReadOnlyMemory<byte>?)null, Token);
            // A message may be told again until it is acknowledged; an application knows it by its id.
            if (_seen.Add((connection, received.Meta.Id))) return System.Text.Encoding.UTF8.GetString(received.Body.Span);
        }
    }

    public Task<AcceptedMessage> SendAsync(ConnectionId connection, string text, bool isPostQuantum = true) =>
        Client.SendMessageAsync(connection, System.Text.Encoding.UTF8.GetBytes(text), isNotificationWanted: true, isPostQuantum, Token);

    /// <summary>Events that no wait has taken.</summary>
    public IReadOnlyList<AgentEvent> Untaken() => _events.Untaken();

    public async ValueTask DisposeAsync() => await StopAsync();

    private async Task OpenAsync()
    {
        using var passphrase = Passphrase.Empty();
        _database = Database.Open(new DatabaseOptions { Path = _path, Schemas = [AgentSchema.Schema] }, passphrase);
        Client = await AgentClient.StartAsync(_options, new AgentDependencies(_database, _connector), Token);
        var client = Client;
        // Receipts are acknowledged like messages; no test wants to do that itself.
        _events.Start(client, async (raised, token) =>
        {
            if (raised is AgentEvent.ReceiptsReceived receipts) await client.AckMessageAsync(receipts.Connection, receipts.Meta.Id, receipt: null, token);
        });
    }
}

/// <summary>Two connected agents.</summary>
internal sealed record Pair(TestAgent Alice, ConnectionId ToBob, TestAgent Bob, ConnectionId ToAlice)
{
    /// <summary>Connects two agents by a one-time link of the first.</summary>
    public static async Task<Pair> ConnectAsync(TestAgent alice, TestAgent bob, PostQuantumMode alicePostQuantum = PostQuantumMode.On, bool bobPostQuantum = true)
    {
        var token = TestContext.Current.CancellationToken;
        var created = await alice.Client.CreateConnectionAsync(alice.User, ConnectionMode.Invitation, alicePostQuantum, token);
        Assert.True(ConnectionRequest.TryParse(created.Link.ToText(), out var link));
        var bobId = await bob.Client.PrepareToJoinAsync(bob.User, link, bobPostQuantum, token);
        await bob.Client.JoinConnectionAsync(bobId, link, "bob's info"u8.ToArray(), bobPostQuantum, token);
        var confirmation = await alice.NextAsync<AgentEvent.ConfirmationReceived>(e => e.Connection == created.Connection);
        Assert.Equal("bob's info"u8, confirmation.Info.Span);
        await alice.Client.AllowConnectionAsync(created.Connection, confirmation.Confirmation, "alice's info"u8.ToArray(), token);
        var info = await bob.NextAsync<AgentEvent.InfoReceived>(e => e.Connection == bobId);
        Assert.Equal("alice's info"u8, info.Info.Span);
        await alice.NextAsync<AgentEvent.Connected>(e => e.Connection == created.Connection);
        await bob.NextAsync<AgentEvent.Connected>(e => e.Connection == bobId);
        return new Pair(alice, created.Connection, bob, bobId);
    }

    /// <summary>Sends in both directions and checks what arrives.</summary>
    public async Task TalkAsync(int rounds = 3, bool isPostQuantum = true)
    {
        for (var i = 0; i < rounds; i++)
        {
            await Alice.SendAsync(ToBob, $"to bob {i}", isPostQuantum);
            Assert.Equal($"to bob {i}", await Bob.ReceiveAsync(ToAlice));
            await Bob.SendAsync(ToAlice, $"to alice {i}", isPostQuantum);
            Assert.Equal($"to alice {i}", await Alice.ReceiveAsync(ToBob));
        }
    }
}
