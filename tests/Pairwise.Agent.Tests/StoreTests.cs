using System.Reflection;
using Pairwise.Agent.Connections;
using Pairwise.Agent.Events;
using Pairwise.Agent.Files;
using Pairwise.Agent.Store;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Agent;
using Pairwise.Protocol.Smp;
using Pairwise.Protocol.Xftp;
using Pairwise.Storage;
using Pairwise.Wire;

namespace Pairwise.Agent.Tests;

/// <summary>The agent's tables: their golden schema, and the stored form of every durable event.</summary>
public sealed class StoreTests
{
    private static readonly ConnectionId Connection = ConnectionId.Generate(SystemRandom.Instance);

    private static readonly FileTransferId File = FileTransferId.Generate(SystemRandom.Instance);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>A released migration never changes: what it makes is held in a file.</summary>
    [Fact]
    public async Task The_schema_is_the_golden_one()
    {
        using var folder = new TemporaryFolder();
        await using var database = Open(folder);
        var schema = await database.DescribeSchemaAsync(Token);
        var golden = Path.Combine(AppContext.BaseDirectory, "Golden", "agent.sql");
        if (Environment.GetEnvironmentVariable("PAIRWISE_WRITE_GOLDEN") is { } target) await System.IO.File.WriteAllTextAsync(target, schema, Token);
        Assert.Equal(await System.IO.File.ReadAllTextAsync(golden, Token), schema);
    }

    [Fact]
    public async Task Every_durable_event_comes_back_as_it_was()
    {
        using var folder = new TemporaryFolder();
        await using var database = Open(folder);
        Assert.True(ServerAddress.TryParse("smp://LcJUMfVhwD8yxjAiSaDzzGF3-kLG4Uh0Fl_ZIjrRwjI=@localhost:5223", out var server));
        var meta = new MessageMeta(new AgentMessageId(7), DateTimeOffset.UnixEpoch, Bytes.CopyOf("id"u8), DateTimeOffset.UnixEpoch, 5, new MessageIntegrity.Skipped(3, 4), IsPostQuantum: true);
        var body = Bytes.CopyOf("body"u8);
        AgentEvent[] events =
        [
            new AgentEvent.ConfirmationReceived(Connection, ConfirmationId.Generate(SystemRandom.Instance), IsPostQuantum: true, [server], body),
            new AgentEvent.RequestReceived(Connection, InvitationId.Generate(SystemRandom.Instance), IsPostQuantum: false, [server], body),
            new AgentEvent.InfoReceived(Connection, IsPostQuantum: true, body),
            new AgentEvent.Connected(Connection, IsPostQuantum: true),
            new AgentEvent.MessageReceived(Connection, meta, IsNotificationWanted: true, body),
            new AgentEvent.ReceiptsReceived(Connection, meta, [new DeliveryReceipt(new AgentMessageId(3), IsHashCorrect: false)]),
            new AgentEvent.Sent(Connection, new AgentMessageId(9)),
            .. Errors().Select(error => new AgentEvent.SendFailed(Connection, [new AgentMessageId(9), new AgentMessageId(10)], error)),
            new AgentEvent.ConnectionsDeleted([Connection]),
            .. Errors().Select(error => new AgentEvent.FileSendFailed(File, error)),
            new AgentEvent.FileReceived(File, LocalFile.Encrypted("path", SystemRandom.Instance), "name"),
            new AgentEvent.FileReceiveFailed(File, new AgentError.File(FileFault.NotApproved, "", [server])),
        ];
        await database.TransactAsync(
            session =>
            {
                var user = ConnectionRows.AddUser(session);
                ConnectionRows.Add(session, new ConnectionRow(Connection, user, ConnectionMode.Invitation, AgentVersions.Current, IsPostQuantum: true, RatchetSyncState.Ok));
                ReceivedMessageRows.Add(session, new StoredReceivedMessage(Connection, 1, meta, MessageKind.User, IsNotificationWanted: true, body.ToArray(), []));
                foreach (var raised in events) Assert.NotNull(EventRows.Add(session, raised).Row);
            },
            Token);
        var restored = await database.TransactAsync(EventRows.GetAll, Token);
        Assert.Equal(events.Length, restored.Count);
        foreach (var (before, after) in events.Zip(restored)) AssertSame(before, after.Event);

        // Every case is here, or is one that is told once only.
        AgentEvent[] passing =
        [
            new AgentEvent.SendDelayed(Connection, default, Errors()[0]),
            new AgentEvent.SendingResumed(Connection),
            new AgentEvent.SubscriptionEnded(Connection),
            new AgentEvent.QueueDeleted(Connection),
            new AgentEvent.RatchetSyncChanged(Connection, RatchetSyncState.Required, null),
            new AgentEvent.ConnectionFailed(Connection, Errors()[0]),
            new AgentEvent.Up(server, []),
            new AgentEvent.Down(server, []),
            new AgentEvent.SubscriptionsFailed(server, []),
            new AgentEvent.Failed(Errors()[0]),
            new AgentEvent.FileSendProgress(File, 1, 2),
            new AgentEvent.FileSendDelayed(File, Errors()[0]),
            new AgentEvent.FileReceiveProgress(File, 1, 2),
            new AgentEvent.FileReceiveDelayed(File, Errors()[0]),
        ];
        Assert.All(passing, raised => Assert.Null(StoredEvent.From(raised)));
        // Stored as the rows of the file, and tested where there are such rows.
        var sent = new AgentEvent.FileSent(File, "", []);
        Assert.NotNull(StoredEvent.From(sent));
        var cases = typeof(AgentEvent).GetNestedTypes(BindingFlags.Public).Where(type => !type.IsAbstract);
        Assert.Empty(cases.Except(events.Concat(passing).Append(sent).Select(raised => raised.GetType())));
    }

    [Fact]
    public async Task An_event_about_a_message_that_is_gone_was_handled()
    {
        using var folder = new TemporaryFolder();
        await using var database = Open(folder);
        var meta = new MessageMeta(new AgentMessageId(7), DateTimeOffset.UnixEpoch, default, DateTimeOffset.UnixEpoch, 5, MessageIntegrity.Ok.Instance, IsPostQuantum: true);
        var restored = await database.TransactAsync(
            session =>
            {
                var user = ConnectionRows.AddUser(session);
                ConnectionRows.Add(session, new ConnectionRow(Connection, user, ConnectionMode.Invitation, AgentVersions.Current, IsPostQuantum: true, RatchetSyncState.Ok));
                EventRows.Add(session, new AgentEvent.MessageReceived(Connection, meta, IsNotificationWanted: true, default));
                return EventRows.GetAll(session).Count + session.Scalar("SELECT count(*) FROM agent_events");
            },
            Token);
        Assert.Equal(0, restored);
    }

    private static AgentError[] Errors() =>
    [
        new AgentError.Relay("relay", SmpError.Quota.Instance),
        new AgentError.Relay("relay", SmpError.Command.Syntax),
        new AgentError.Broker("relay", BrokerFault.Timeout, "detail"),
        new AgentError.Peer(PeerFault.Version, "detail"),
        new AgentError.Connection(ConnectionFault.NotAccepted),
        new AgentError.Command(CommandFault.TooLarge, "context"),
        new AgentError.FileServer("server", XftpError.Quota.Instance),
        new AgentError.FileServer("server", XftpError.Command.Syntax),
        new AgentError.File(FileFault.LocalFile, "detail"),
        new AgentError.Internal("detail"),
    ];

    private static void AssertSame(AgentEvent before, AgentEvent after)
    {
        Assert.Equal(before.GetType(), after.GetType());
        foreach (var property in before.GetType().GetProperties()) Assert.Equal(property.GetValue(before), property.GetValue(after));
    }

    private static Database Open(TemporaryFolder folder)
    {
        using var passphrase = Passphrase.Empty();
        return Database.Open(new DatabaseOptions { Path = folder.File("agent.db"), Schemas = [AgentSchema.Schema] }, passphrase);
    }
}
