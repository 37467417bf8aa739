using System.Text;
using System.Threading.Channels;
using Pairwise.Agent;
using Pairwise.Protocol;
using Pairwise.Protocol.Agent;
using Pairwise.Wire;

namespace Pairwise.Chat.Tests;

/// <summary>An agent that notes what it is told to do and tells what a test makes it tell.</summary>
internal sealed class ScriptedAgent : IAgentClient
{
    private readonly Channel<AgentEvent> _events = Channel.CreateUnbounded<AgentEvent>();
    private readonly Channel<string> _done = Channel.CreateUnbounded<string>();
    private readonly Channel<byte[]> _bodies = Channel.CreateUnbounded<byte[]>();
    private long _messages = 100;
    private int _prepared;

    /// <summary>The id of the message handed over last.</summary>
    public AgentMessageId LastMessage { get; private set; }

    /// <summary>The body of the "send" that <see cref="NextAsync"/> gave last.</summary>
    public byte[] LastBody { get; private set; } = [];

    /// <summary>Runs inside sending, before it returns.</summary>
    public Action<ConnectionId, AgentMessageId>? OnSend { get; set; }

    /// <summary>Completes when the relays have answered.</summary>
    public Task Subscribing { get; init; } = Task.CompletedTask;

    /// <summary>How often the agent still answers that something is not sent.</summary>
    public int UnsentAnswers { get; set; }

    /// <summary>Thrown by every joining.</summary>
    public Exception? JoinFailure { get; set; }

    /// <summary>Ends before anything is joined.</summary>
    public Task JoinWay { get; set; } = Task.CompletedTask;

    /// <summary>Thrown by every making of a connection.</summary>
    public Exception? CreateFailure { get; set; }

    /// <summary>The link of every connection made.</summary>
    public ConnectionRequest? CreatedLink { get; set; }

    /// <summary>Thrown by every deleting of a connection.</summary>
    public AgentError? DeleteFailure { get; set; }

    public static ConnectionId Connection { get; } = ConnectionId.TryParse("AAAAAAAAAAAAAAAA", out var id) ? id : throw new InvalidOperationException();

    /// <summary>The connection that joining makes.</summary>
    public static ConnectionId Another { get; } = ConnectionId.TryParse("BBBBBBBBBBBBBBBB", out var id) ? id : throw new InvalidOperationException();

    public static MessageMeta Meta(long id, MessageIntegrity? integrity = null) => new(
        new AgentMessageId(id), DateTimeOffset.UnixEpoch, default, DateTimeOffset.UnixEpoch, id, integrity ?? MessageIntegrity.Ok.Instance, IsPostQuantum: true);

    public void Tell(AgentEvent happened) => Assert.True(_events.Writer.TryWrite(happened));

    public void TellMessage(long id, string body, MessageIntegrity? integrity = null) =>
        Tell(new AgentEvent.MessageReceived(Connection, Meta(id, integrity), true, Bytes.Wrap(Encoding.UTF8.GetBytes(body))));

    /// <summary>The next thing the agent was told to do.</summary>
    public async Task<string> NextAsync()
    {
        var what = await _done.Reader.ReadAsync(TestContext.Current.CancellationToken);
        if (what.StartsWith("send ", StringComparison.Ordinal))
            LastBody = await _bodies.Reader.ReadAsync(TestContext.Current.CancellationToken);
        return what;
    }

    public bool HasMore => _done.Reader.TryPeek(out _);

    public IAsyncEnumerable<AgentEvent> ReadEventsAsync(CancellationToken cancellationToken) => _events.Reader.ReadAllAsync(cancellationToken);

    public Task<UserId> CreateUserAsync(IReadOnlyList<ServerAddressWithPassword> servers, CancellationToken cancellationToken) => Task.FromResult(new UserId(1));

    public void SetServers(UserId user, IReadOnlyList<ServerAddressWithPassword> servers)
    {
    }

    public Task AllowConnectionAsync(ConnectionId connection, ConfirmationId confirmation, ReadOnlyMemory<byte> info, CancellationToken cancellationToken) =>
        NoteAsync("allow " + Encoding.UTF8.GetString(info.Span));

    public Task SubscribeAllAsync(CancellationToken cancellationToken) => Subscribing.WaitAsync(cancellationToken);

    public Task<AcceptedMessage> SendMessageAsync(ConnectionId connection, ReadOnlyMemory<byte> body, bool isNotificationWanted, bool isPostQuantum, CancellationToken cancellationToken)
    {
        var id = new AgentMessageId(++_messages);
        OnSend?.Invoke(connection, id);
        LastMessage = id;
        Assert.True(_bodies.Writer.TryWrite(body.ToArray()));
        Note("send " + Encoding.UTF8.GetString(body.Span));
        return Task.FromResult(new AcceptedMessage(id, true));
    }

    public Task<bool> HasUnsentAsync(CancellationToken cancellationToken) => Task.FromResult(UnsentAnswers > 0 && UnsentAnswers-- > 0);

    public Task AckMessageAsync(ConnectionId connection, AgentMessageId message, ReadOnlyMemory<byte>? receipt, CancellationToken cancellationToken) =>
        NoteAsync($"ack {message}{(receipt is null ? "" : " with receipt")}");

    public Task DeleteConnectionAsync(ConnectionId connection, bool waitForDelivery, CancellationToken cancellationToken) =>
        DeleteFailure is { } failure ? throw new AgentException(failure) : NoteAsync("delete");

    public ValueTask DisposeAsync()
    {
        _events.Writer.TryComplete();
        return ValueTask.CompletedTask;
    }

    public Pairwise.Agent.Files.IFileTransfers Files => Transfers;

    public ScriptedFiles Transfers { get; }

    public ScriptedAgent() => Transfers = new ScriptedFiles(Note);

    public Task DeleteUserAsync(UserId user, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<IReadOnlyList<ConnectionId>> GetConnectionsAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<CreatedConnection> CreateConnectionAsync(UserId user, ConnectionMode mode, PostQuantumMode postQuantum, CancellationToken cancellationToken) =>
        CreateFailure is { } failure ? throw failure : Task.FromResult(new CreatedConnection(Another, CreatedLink ?? throw new NotSupportedException()));

    public Task<ConnectionId> PrepareToJoinAsync(UserId user, ConnectionRequest link, bool isPostQuantum, CancellationToken cancellationToken) =>
        Task.FromResult(_prepared++ == 0 ? Another : ConnectionId.Generate(Pairwise.Crypto.SystemRandom.Instance));

    public async Task<JoinedConnection> JoinConnectionAsync(ConnectionId connection, ConnectionRequest link, ReadOnlyMemory<byte> info, bool isPostQuantum, CancellationToken cancellationToken)
    {
        await JoinWay.WaitAsync(cancellationToken);
        if (JoinFailure is { } failure)
            throw failure;
        await NoteAsync("join " + Encoding.UTF8.GetString(info.Span));
        return new JoinedConnection(connection, false);
    }

    public Task<JoinedConnection> AcceptContactAsync(UserId user, InvitationId invitation, ReadOnlyMemory<byte> info, bool isPostQuantum, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task RejectContactAsync(InvitationId invitation, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task SubscribeAsync(IReadOnlyCollection<ConnectionId> connections, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task SuspendConnectionAsync(ConnectionId connection, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<ConnectionServers> GetConnectionServersAsync(ConnectionId connection, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<byte[]> GetSecurityCodeAsync(ConnectionId connection, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<ServerTestFailure?> TestServerAsync(ServerAddressWithPassword server, CancellationToken cancellationToken) => throw new NotSupportedException();

    private void Note(string what) => Assert.True(_done.Writer.TryWrite(what));

    private Task NoteAsync(string what)
    {
        Note(what);
        return Task.CompletedTask;
    }
}
