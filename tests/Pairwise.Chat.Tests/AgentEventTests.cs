using System.Text;
using Pairwise.Agent;
using Pairwise.Chat.Protocol;
using Pairwise.Chat.Tests.Dialogue;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Storage;
using Pairwise.TestKit;
using Pairwise.Wire;

namespace Pairwise.Chat.Tests;

/// <summary>The chat over an agent that says things twice, early, wrongly, or while the disk is full.</summary>
public sealed class AgentEventTests : IAsyncLifetime
{
    private const string Info = """{"v":"1-16","event":"x.info","params":{"profile":{"displayName":"bob","fullName":""}}}""";
    private const string OwnInfo = """{"v":"1-16","event":"x.info","params":{"profile":{"displayName":"alice","fullName":""}}}""";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pairwise-events-");
    private ScriptedAgent _agent = null!;
    private Database _database = null!;
    private ChatCore _core = null!;
    private IAsyncEnumerator<ChatEvent> _events = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await OpenAsync();
        await _core.CreateProfileAsync("alice", "", Token);
        _agent.Tell(new AgentEvent.ConfirmationReceived(ScriptedAgent.Connection, ConfirmationId.Generate(SystemRandom.Instance), true, [], Bytes.Wrap(Encoding.UTF8.GetBytes(Info))));
        Assert.Equal("allow " + OwnInfo, await _agent.NextAsync());
        Assert.Equal("bob is connecting", await NextAsync());
        _agent.Tell(new AgentEvent.Connected(ScriptedAgent.Connection, true));
        Assert.Equal("bob is connected", await NextAsync());
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Message_told_twice_is_shown_once_and_acknowledged_twice()
    {
        _agent.TellMessage(7, Text("hello", id: 1));
        _agent.TellMessage(7, Text("hello", id: 1));
        _agent.TellMessage(8, Text("again", id: 2));
        Assert.Equal("bob> hello", await NextAsync());
        Assert.Equal("bob> again", await NextAsync());
        Assert.Equal(["ack 7 with receipt", "ack 7 with receipt", "ack 8 with receipt"], [await _agent.NextAsync(), await _agent.NextAsync(), await _agent.NextAsync()]);
        Assert.Equal(2, await CountAsync());
    }

    [Fact]
    public async Task Message_that_the_sender_handed_over_twice_is_shown_once()
    {
        _agent.TellMessage(7, Text("hello", id: 1));
        _agent.TellMessage(8, Text("hello", id: 1));
        _agent.TellMessage(9, """{"v":"1","event":"x.msg.new","params":{"content":{"text":"without id","type":"text"}}}""");
        _agent.TellMessage(10, """{"v":"1","event":"x.msg.new","params":{"content":{"text":"without id","type":"text"}}}""");
        Assert.Equal("bob> hello", await NextAsync());
        Assert.Equal("bob> without id", await NextAsync());
        Assert.Equal("bob> without id", await NextAsync());
        Assert.Equal(3, await CountAsync());
    }

    [Fact]
    public async Task Confirmation_told_twice_makes_one_contact()
    {
        _agent.Tell(new AgentEvent.ConfirmationReceived(ScriptedAgent.Connection, ConfirmationId.Generate(SystemRandom.Instance), true, [], Bytes.Wrap(Encoding.UTF8.GetBytes(Info))));
        Assert.Equal("allow " + OwnInfo, await _agent.NextAsync());
        Assert.Single(Assert.IsType<ChatResponse.ContactList>(await _core.ExecuteAsync("/contacts", Token)).Contacts);
    }

    [Fact]
    public async Task Line_stored_but_not_handed_over_is_handed_over_at_the_next_start_under_the_same_id()
    {
        _agent.OnSend = static (_, _) => throw new InvalidOperationException("The process ends here.");
        await Assert.ThrowsAsync<InvalidOperationException>(() => _core.ExecuteAsync("@bob hello", Token));
        await CloseAsync();
        await OpenAsync();
        var sent = await _agent.NextAsync();
        Assert.Contains("\"text\":\"hello\"", sent, StringComparison.Ordinal);
        var shared = sent[sent.IndexOf("msgId", StringComparison.Ordinal)..][..26];
        await _core.ExecuteAsync("@bob next", Token);
        Assert.DoesNotContain(shared, await _agent.NextAsync(), StringComparison.Ordinal);
        _agent.Tell(new AgentEvent.Sent(ScriptedAgent.Connection, new AgentMessageId(101)));
        Assert.Equal("Sent: @bob hello", await NextAsync());
        await CloseAsync();
        await OpenAsync();
        Assert.False(_agent.HasMore);
    }

    [Fact]
    public async Task Sent_told_before_sending_returns_finds_its_line()
    {
        _agent.OnSend = (connection, message) => _agent.Tell(new AgentEvent.Sent(connection, message));
        await _core.ExecuteAsync("@bob hello", Token);
        Assert.Equal("Sent: @bob hello", await NextAsync());
        await _core.WaitUntilSentAsync(Token);
    }

    [Fact]
    public async Task Status_never_goes_back()
    {
        await _core.ExecuteAsync("@bob hello", Token);
        var message = new AgentMessageId(101);
        _agent.Tell(new AgentEvent.ReceiptsReceived(ScriptedAgent.Connection, ScriptedAgent.Meta(7), [new DeliveryReceipt(message, true)]));
        _agent.Tell(new AgentEvent.Sent(ScriptedAgent.Connection, message));
        _agent.Tell(new AgentEvent.SendFailed(ScriptedAgent.Connection, [new AgentMessageId(999)], new AgentError.Internal("unknown message")));
        _agent.TellMessage(8, Text("after", id: 1));
        Assert.Equal("Delivered: @bob hello", await NextAsync());
        Assert.Equal("bob> after", await NextAsync());
        Assert.StartsWith("send", await _agent.NextAsync(), StringComparison.Ordinal);
        Assert.Equal("ack 7", await _agent.NextAsync());
    }

    [Fact]
    public async Task Message_that_is_given_up_says_why()
    {
        await _core.ExecuteAsync("@bob hello", Token);
        _agent.Tell(new AgentEvent.SendFailed(ScriptedAgent.Connection, [new AgentMessageId(101)], new AgentError.Relay("smp://x@y", SmpError.Quota.Instance)));
        Assert.StartsWith("Failed: @bob hello [The contact's relay", await NextAsync(), StringComparison.Ordinal);
        await _core.WaitUntilSentAsync(Token);
    }

    [Fact]
    public async Task Start_does_not_wait_for_a_relay_that_does_not_answer()
    {
        await CloseAsync();
        var silence = new TaskCompletionSource();
        await OpenAsync(silence.Task).EndsAsync(Token);
        Assert.Single(Assert.IsType<ChatResponse.ContactList>(await _core.ExecuteAsync("/contacts", Token)).Contacts);
        silence.SetException(new StorageException(StorageError.InputOutput, "no disk"));
        Assert.StartsWith("problem: Messages of some contacts", await NextAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Encryption_out_of_step_is_told_with_what_to_do()
    {
        var cause = new AgentError.Crypto(CryptoFault.RatchetHeader);
        _agent.Tell(new AgentEvent.RatchetSyncChanged(ScriptedAgent.Connection, RatchetSyncState.Allowed, cause));
        _agent.Tell(new AgentEvent.RatchetSyncChanged(ScriptedAgent.Connection, RatchetSyncState.Ok, null));
        _agent.Tell(new AgentEvent.RatchetSyncChanged(ScriptedAgent.Connection, RatchetSyncState.Required, cause));
        Assert.StartsWith("problem: A message of bob could not be decrypted", await NextAsync(), StringComparison.Ordinal);
        Assert.StartsWith("problem: The encryption with bob is out of step", await NextAsync(), StringComparison.Ordinal);

        _agent.OnSend = static (_, _) => throw new AgentException(new AgentError.Command(CommandFault.Prohibited, "out of step"));
        var failed = Assert.IsType<ChatResponse.Failed>(await _core.ExecuteAsync("@bob hello", Token));
        Assert.StartsWith("The encryption with this contact is out of step", failed.Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Line_that_the_agent_cannot_store_is_not_sent_later()
    {
        _agent.OnSend = static (_, _) => throw new StorageException(StorageError.DiskFull, "full");
        Assert.Equal(ChatError.Storage, Assert.IsType<ChatResponse.Failed>(await _core.ExecuteAsync("@bob hello", Token)).Error);
        Assert.Equal(0, await CountAsync());
        await CloseAsync();
        await OpenAsync();
        Assert.False(_agent.HasMore);
    }

    [Fact]
    public async Task Waiting_for_what_is_to_be_sent_includes_what_is_no_line()
    {
        _agent.UnsentAnswers = 3;
        await _core.WaitUntilSentAsync(Token);
        Assert.Equal(0, _agent.UnsentAnswers);
    }

    [Fact]
    public async Task Message_to_a_queue_that_is_gone_says_so()
    {
        await _core.ExecuteAsync("@bob hello", Token);
        _agent.Tell(new AgentEvent.SendFailed(ScriptedAgent.Connection, [new AgentMessageId(101)], new AgentError.Relay("smp://x@y", SmpError.Auth.Instance)));
        Assert.StartsWith("Failed: @bob hello [The contact's queue is gone", await NextAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Missing_messages_are_noted_on_the_one_after_them()
    {
        _agent.TellMessage(7, Text("one", id: 1), new MessageIntegrity.Skipped(3, 3));
        _agent.TellMessage(8, Text("two", id: 2), new MessageIntegrity.Skipped(5, 7));
        _agent.TellMessage(9, Text("three", id: 3), MessageIntegrity.BadHash.Instance);
        Assert.Equal("bob> one [The message before this one was lost.]", await NextAsync());
        Assert.Equal("bob> two [3 messages before this one were lost.]", await NextAsync());
        Assert.StartsWith("bob> three [", await NextAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_cannot_be_read_or_shown_is_told_and_acknowledged_without_a_receipt()
    {
        _agent.TellMessage(7, "nonsense");
        _agent.TellMessage(8, """{"v":"1","event":"x.future","params":{}}""");
        _agent.TellMessage(9, """{"v":"1","event":"x.ok","params":{}}""");
        Assert.Equal("problem: bob sent something that this program cannot read.", await NextAsync());
        Assert.Equal("bob sent x.future", await NextAsync());
        Assert.Equal(["ack 7", "ack 8", "ack 9"], [await _agent.NextAsync(), await _agent.NextAsync(), await _agent.NextAsync()]);
    }

    [Fact]
    public async Task Batch_is_several_messages_in_order()
    {
        _agent.TellMessage(7, $"[{Text("one", 1)},{Text("two", 2)}]");
        Assert.Equal("bob> one", await NextAsync());
        Assert.Equal("bob> two", await NextAsync());
        Assert.Equal("ack 7 with receipt", await _agent.NextAsync());
    }

    [Fact]
    public async Task Without_space_nothing_is_acknowledged_until_there_is_space_again()
    {
        await _database.TransactAsync(static session => session.Scalar("PRAGMA max_page_count = 1"), Token);
        var text = new string('x', 15_000);
        _agent.TellMessage(7, Text(text, id: 1));
        Assert.StartsWith("problem: There is no space left on the disk", await NextAsync(), StringComparison.Ordinal);
        Assert.False(_agent.HasMore);
        var refused = Assert.IsType<ChatResponse.Failed>(await _core.ExecuteAsync("@bob " + text, Token));
        Assert.Equal(ChatError.Storage, refused.Error);
        await _database.TransactAsync(static session => session.Scalar("PRAGMA max_page_count = 100000"), Token);
        Assert.Equal("bob> " + text, await NextAsync());
        Assert.Equal("ack 7 with receipt", await _agent.NextAsync());
        Assert.Equal(1, await CountAsync());
    }

    [Fact]
    public async Task Message_of_a_contact_that_is_gone_is_acknowledged_and_forgotten()
    {
        await _core.ExecuteAsync("/delete @bob", Token);
        Assert.StartsWith("send", await _agent.NextAsync(), StringComparison.Ordinal);
        Assert.Equal("delete", await _agent.NextAsync());
        _agent.TellMessage(7, Text("late", id: 1));
        Assert.StartsWith("ack 7", await _agent.NextAsync(), StringComparison.Ordinal);
        Assert.Equal(0, await CountAsync());
    }

    [Fact]
    public async Task Contact_that_cannot_be_told_is_deleted_with_its_connection()
    {
        _agent.OnSend = static (_, _) => throw new AgentException(new AgentError.Command(CommandFault.Prohibited, "out of step"));
        Assert.IsType<ChatResponse.ContactDeleted>(await _core.ExecuteAsync("/delete @bob", Token));
        Assert.True(_agent.HasMore);
        Assert.Equal("delete", await _agent.NextAsync());
    }

    [Fact]
    public async Task Profile_changes_though_a_contact_cannot_be_told()
    {
        _agent.OnSend = static (_, _) => throw new AgentException(new AgentError.Command(CommandFault.Prohibited, "out of step"));
        var updated = Assert.IsType<ChatResponse.ProfileUpdated>(await _core.ExecuteAsync("/p alicia", Token));
        Assert.Equal(("alicia", 0), (updated.Profile.DisplayName, updated.Contacts));
    }

    private static string Text(string text, byte id) =>
        Encoding.UTF8.GetString(ChatMessageCodec.Encode(ChatMessage.NewText(new SharedMessageId(Bytes.Wrap(new byte[] { id, 2, 3 })), text)));

    private async Task<string> NextAsync()
    {
        Assert.True(await _events.MoveNextAsync());
        return Person.Show(_events.Current);
    }

    private async Task<long?> CountAsync() => await _database.ReadAsync(static session => session.Scalar("SELECT count(*) FROM chat_items"), Token);

    private async Task OpenAsync(Task? subscribing = null)
    {
        using var passphrase = Passphrase.Empty();
        _database = Database.Open(new() { Path = Path.Combine(_folder.FullName, "a.db"), Schemas = ChatCore.Schemas }, passphrase);
        _agent = new ScriptedAgent { Subscribing = subscribing ?? Task.CompletedTask };
        Assert.True(ServerAddressWithPassword.TryParse("smp://AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=@127.0.0.1", out var server));
        _core = await ChatCore.StartAsync(new ChatOptions { Servers = [server], Time = new HastyTime() }, _database, _agent, Token);
        _events = _core.ReadEventsAsync(Token).GetAsyncEnumerator(Token);
    }

    private async Task CloseAsync()
    {
        await _core.DisposeAsync();
        await _events.DisposeAsync();
        await _database.DisposeAsync();
    }

    /// <summary>A clock whose timers ring after a hundredth of the time, so that nobody waits for a retry.</summary>
    private sealed class HastyTime : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, dueTime > TimeSpan.Zero ? dueTime / 100 : dueTime, period);
    }
}
