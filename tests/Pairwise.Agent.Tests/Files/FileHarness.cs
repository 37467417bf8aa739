using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Pairwise.Agent.Files;
using Pairwise.Agent.Store;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Xftp;
using Pairwise.Server.Xftp;
using Pairwise.Storage;
using Pairwise.TestKit;

namespace Pairwise.Agent.Tests.Files;

/// <summary>A file server of this process, on a loopback port that stays the same across restarts.</summary>
internal sealed class TestFileServer : IAsyncDisposable
{
    private readonly XftpServerOptions _options;
    private XftpServer? _server;

    private TestFileServer(XftpServerOptions options, XftpServer server)
    {
        _server = server;
        _options = options;
        Assert.True(ServerAddressWithPassword.TryParse(server.Address, out var address));
        Address = address;
    }

    public ServerAddressWithPassword Address { get; }

    public string FilesFolder => _options.FilesFolder;

    /// <summary>Chunks whose content is on the server's disk.</summary>
    public int ChunkCount => Directory.Exists(FilesFolder) ? Directory.GetFiles(FilesFolder).Length : 0;

    public XftpServer Running => _server ?? throw new InvalidOperationException("The server was stopped.");

    public static async Task<TestFileServer> StartAsync(TemporaryFolder folder, string name, Func<XftpServerOptions, XftpServerOptions>? change = null)
    {
        var options = new XftpServerOptions
        {
            ConfigurationFolder = folder.File(name + "-etc"),
            StateFolder = folder.File(name + "-log"),
            FilesFolder = folder.File(name + "-files"),
            Endpoints = [LoopbackPorts.TakeEndpoint()],
            Limits = new XftpServerLimits { StopTime = TimeSpan.FromMilliseconds(100) },
        };
        options = change?.Invoke(options) ?? options;
        return new TestFileServer(options, await XftpServer.StartAsync(options, TestContext.Current.CancellationToken));
    }

    public async Task StopAsync()
    {
        if (_server is { } running) await running.DisposeAsync();
        _server = null;
    }

    public async Task RestartAsync()
    {
        await StopAsync();
        _server = await XftpServer.StartAsync(_options, TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync() => await StopAsync();
}

/// <summary>
/// A clock on which pauses between attempts are so many times shorter. Longer times, which are limits for what the network
/// does, stay as they are: a busy machine needs them.
/// </summary>
internal sealed class FastTime(int factor) : TimeProvider
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(20);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        base.CreateTimer(callback, state, Shorten(dueTime), Shorten(period));

    private TimeSpan Shorten(TimeSpan time) => time <= TimeSpan.Zero || time > LongestPause ? time : new TimeSpan(Math.Max(time.Ticks / factor, TimeSpan.TicksPerMillisecond));
}

/// <summary>Passes connections on to a server; it can break each after so many bytes, which a seed determines, or hold answers back.</summary>
internal sealed class BreakingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Func<int?> _bytesBeforeBreak;
    private readonly int _port;
    private readonly List<Task> _connections = [];
    private readonly Task _accepting;
    private volatile TaskCompletionSource? _held;
    private TaskCompletionSource? _heldForAll;
    private int _bytesBeforeHold;

    public BreakingProxy(ServerAddressWithPassword server, Func<int?> bytesBeforeBreak)
    {
        _bytesBeforeBreak = bytesBeforeBreak;
        Assert.True(server.Server.TryGetPort(out var port));
        _port = port;
        _listener.Start();
        Address = server with { Server = server.Server with { Port = ((IPEndPoint)_listener.LocalEndpoint).Port.ToString(System.Globalization.CultureInfo.InvariantCulture) } };
        _accepting = AcceptAsync();
    }

    public ServerAddressWithPassword Address { get; }

    public int Broken { get; private set; }

    /// <summary>From here on what the server says waits for <see cref="Release"/>.</summary>
    public void Hold() => _held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>When so many bytes more have passed, whatever either side says waits for <see cref="Release"/>.</summary>
    public void HoldAfter(int bytes)
    {
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_listener) (_heldForAll, _bytesBeforeHold) = (held, bytes);
    }

    public void Release()
    {
        _held?.SetResult();
        _held = null;
        lock (_listener)
        {
            _heldForAll?.SetResult();
            _heldForAll = null;
        }
    }

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
            while (true) _connections.Add(PassAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            Assert.True(_stop.IsCancellationRequested);
        }
    }

    private Task? WhatHolds(int bytes)
    {
        lock (_listener)
        {
            if (_heldForAll is null) return null;
            _bytesBeforeHold -= Math.Min(bytes, _bytesBeforeHold);
            return _bytesBeforeHold > 0 ? null : _heldForAll.Task;
        }
    }

    private async Task PassAsync(TcpClient client)
    {
        using (client)
        using (var server = new TcpClient())
        {
            try
            {
                await server.ConnectAsync(IPAddress.Loopback, _port, _stop.Token);
                var left = _bytesBeforeBreak();
                await Task.WhenAny(CopyAsync(client.GetStream(), server.GetStream(), isAnswer: false), CopyAsync(server.GetStream(), client.GetStream(), isAnswer: true));

                async Task CopyAsync(NetworkStream from, NetworkStream to, bool isAnswer)
                {
                    var buffer = new byte[16 * 1024];
                    while (await from.ReadAsync(buffer, _stop.Token) is var read and > 0)
                    {
                        if (left is not null && (left -= read) <= 0)
                        {
                            Broken++;
                            return;
                        }

                        if (isAnswer && _held is { } held) await held.Task.WaitAsync(_stop.Token);
                        if (WhatHolds(read) is { } all) await all.WaitAsync(_stop.Token);
                        await to.WriteAsync(buffer.AsMemory(0, read), _stop.Token);
                    }
                }
            }
            catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
            {
                // Either end has gone, which is what this proxy is for.
                Broken++;
            }
        }
    }
}

/// <summary>An agent that sends and receives files; stopping and starting it again keeps its database and folders.</summary>
internal sealed class FileAgent : IAsyncDisposable
{
    private readonly TemporaryFolder _folder;
    private readonly string _name;
    private readonly AgentOptions _options;
    private readonly TimeProvider _time;
    private readonly AgentEventLog _events = new();
    private IReadOnlyList<ServerAddressWithPassword> _servers;

    private FileAgent(TemporaryFolder folder, string name, FileTransferOptions options, TimeProvider time, IReadOnlyList<ServerAddressWithPassword> servers)
    {
        _folder = folder;
        _name = name;
        _options = new AgentOptions { Files = options };
        _time = time;
        _servers = servers;
    }

    public AgentClient Client { get; private set; } = null!;

    public IFileTransfers Files => Client.Files;

    public Database Database { get; private set; } = null!;

    public UserId User { get; private set; }

    public string WorkFolder => _folder.File(_name + ".db.files");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static Task<FileAgent> StartAsync(TemporaryFolder folder, string name, params ServerAddressWithPassword[] servers) =>
        StartAsync(folder, name, new FileTransferOptions(), TimeProvider.System, servers);

    public static async Task<FileAgent> StartAsync(TemporaryFolder folder, string name, FileTransferOptions options, TimeProvider time, params ServerAddressWithPassword[] servers)
    {
        var agent = new FileAgent(folder, name, options, time, servers);
        await agent.OpenAsync();
        Assert.True(ServerAddressWithPassword.TryParse("smp://LcJUMfVhwD8yxjAiSaDzzGF3-kLG4Uh0Fl_ZIjrRwjI=@localhost:5223", out var relay));
        agent.User = await agent.Client.CreateUserAsync([relay], Token);
        agent.Files.SetServers(agent.User, servers);
        return agent;
    }

    public static FileTransferId NewId() => FileTransferId.Generate(SystemRandom.Instance);

    /// <summary>A file of random bytes.</summary>
    public static string MakeFile(TemporaryFolder folder, string name, int length)
    {
        var path = folder.File(name);
        File.WriteAllBytes(path, RandomNumberGenerator.GetBytes(length));
        return path;
    }

    public void SetServers(params ServerAddressWithPassword[] servers)
    {
        _servers = servers;
        Files.SetServers(User, servers);
    }

    /// <summary>Sends a file and waits until it is at the servers.</summary>
    public async Task<AgentEvent.FileSent> SendAsync(LocalFile file, int recipients = 1)
    {
        var id = NewId();
        await Files.SendFileAsync(User, id, file, recipients, Token);
        return await SentAsync(id);
    }

    public async Task<AgentEvent.FileSent> SentAsync(FileTransferId id) =>
        await NextAsync<AgentEvent.OfFile>(e => e.File == id && e is AgentEvent.FileSent or AgentEvent.FileSendFailed) switch
        {
            AgentEvent.FileSent sent => sent,
            AgentEvent.FileSendFailed failed => throw new InvalidOperationException($"not sent: {failed.Error} {FileErrors.Sentence(failed.Error)}"),
            var other => throw new InvalidOperationException(other.ToString()),
        };

    /// <summary>Receives by a description's text and waits until the file is here; its content.</summary>
    public async Task<byte[]> ReceiveAsync(string description, LocalFile target, bool isApproved = true)
    {
        var id = NewId();
        await Files.ReceiveFileAsync(User, id, Parse(description), target, isApproved, Token);
        var received = await ReceivedAsync(id);
        return await received.Target.ReadAllAsync(long.MaxValue, Token);
    }

    public async Task<AgentEvent.FileReceived> ReceivedAsync(FileTransferId id) =>
        await NextAsync<AgentEvent.OfFile>(e => e.File == id && e is AgentEvent.FileReceived or AgentEvent.FileReceiveFailed) switch
        {
            AgentEvent.FileReceived received => received,
            AgentEvent.FileReceiveFailed failed => throw new InvalidOperationException($"not received: {failed.Error} {FileErrors.Sentence(failed.Error)}"),
            var other => throw new InvalidOperationException(other.ToString()),
        };

    public static FileDescription Parse(string text)
    {
        Assert.True(FileDescriptionCodec.TryDecode(text, out var description));
        return description;
    }

    public async Task StopAsync()
    {
        await _events.StopAsync();
        await Client.DisposeAsync();
        await Database.DisposeAsync();
    }

    public async Task RestartAsync()
    {
        await StopAsync();
        await ContinueAsync();
    }

    /// <summary>Starts again after a stop, and goes on with what was left.</summary>
    public async Task ContinueAsync()
    {
        await OpenAsync();
        Files.SetServers(User, _servers);
        await Files.ResumeAsync(Token);
    }

    /// <inheritdoc cref="AgentEventLog.NextAsync"/>
    public Task<T> NextAsync<T>(Func<T, bool>? condition = null)
        where T : AgentEvent => _events.NextAsync(condition);

    /// <summary>Events that no wait has taken.</summary>
    public IReadOnlyList<AgentEvent> Untaken() => _events.Untaken();

    /// <summary>Waits until a condition holds.</summary>
    public static Task UntilAsync(Func<Task<bool>> condition, [CallerArgumentExpression(nameof(condition))] string what = "") => Eventually.UntilAsync(condition, Token, what);

    /// <summary>Waits until a folder holds nothing: what a transfer has left goes just after its last event.</summary>
    public static Task UntilEmptyAsync(string folder) => UntilAsync(() => Task.FromResult(!Directory.Exists(folder) || Directory.GetFileSystemEntries(folder).Length == 0));

    /// <summary>Rows of all tables of transfers.</summary>
    public Task<long> CountRowsAsync() => Database.ReadAsync(
        session => new[] { "agent_sent_files", "agent_sent_chunks", "agent_sent_chunk_recipients", "agent_received_files", "agent_received_chunks", "agent_received_replicas", "agent_deleted_chunks" }
            .Sum(table => session.Scalar($"SELECT count(*) FROM {table}") ?? 0),
        Token);

    public async ValueTask DisposeAsync() => await StopAsync();

    private async Task OpenAsync()
    {
        using var passphrase = Passphrase.Empty();
        Database = Database.Open(new DatabaseOptions { Path = _folder.File(_name + ".db"), Schemas = [AgentSchema.Schema] }, passphrase);
        Client = await AgentClient.StartAsync(_options, new AgentDependencies(Database, TestAgent.Network) { Time = _time }, Token);
        _events.Start(Client);
    }
}

/// <summary>An agent whose events nobody handles.</summary>
internal sealed class DeafAgent(TemporaryFolder folder, string name) : IAsyncDisposable
{
    private Database? _database;

    public AgentClient Client { get; private set; } = null!;

    public UserId User { get; private set; } = new(1);

    public async Task OpenAsync(ServerAddressWithPassword server)
    {
        var token = TestContext.Current.CancellationToken;
        using var passphrase = Passphrase.Empty();
        var isNew = !File.Exists(folder.File(name + ".db"));
        _database = Database.Open(new DatabaseOptions { Path = folder.File(name + ".db"), Schemas = [AgentSchema.Schema] }, passphrase);
        Client = await AgentClient.StartAsync(new AgentOptions(), new AgentDependencies(_database, TestAgent.Network), token);
        if (isNew)
        {
            Assert.True(ServerAddressWithPassword.TryParse("smp://LcJUMfVhwD8yxjAiSaDzzGF3-kLG4Uh0Fl_ZIjrRwjI=@localhost:5223", out var relay));
            User = await Client.CreateUserAsync([relay], token);
        }

        Client.Files.SetServers(User, [server]);
    }

    /// <summary>The first event of a type; the reader leaves before it counts as handled.</summary>
    public async Task<T> FirstAsync<T>()
        where T : AgentEvent
    {
        await foreach (var raised in Client.ReadEventsAsync(TestContext.Current.CancellationToken))
        {
            if (raised is T wanted) return wanted;
        }

        throw new InvalidOperationException("The agent ended.");
    }

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        if (_database is not null) await _database.DisposeAsync();
    }
}
