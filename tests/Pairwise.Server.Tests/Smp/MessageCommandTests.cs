using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp;
using static Pairwise.Server.Tests.Smp.TestRelay;

namespace Pairwise.Server.Tests.Smp;

/// <summary>SEND, SUB, ACK, GET, OFF, DEL, QUE and PING, at every version.</summary>
public sealed class MessageCommandTests
{
    public static TheoryData<ushort> Versions => [.. Enumerable.Range(6, 13).Select(version => (ushort)version)];

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_message_reaches_its_recipient_at_every_version(ushort version)
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder);
        await using RelayClient recipient = await RelayClient.ConnectAsync(relay, new SmpVersion(version));
        await using RelayClient sender = await RelayClient.ConnectAsync(relay, new SmpVersion(version));
        OwnedQueue queue = await recipient.NewQueueAsync();
        AssertOk(await sender.AskAsync(queue.Theirs, Text("hello"), null));
        Received delivered = await recipient.NextEventAsync();
        Assert.True(delivered.CorrId.IsEmpty);
        Assert.Equal(queue.Mine, delivered.Entity);
        Assert.Equal("hello", queue.OpenText(delivered.Message));
        AssertOk(await recipient.AskAsync(queue.Mine, Ack(delivered.Message), queue.Key));
        await recipient.AssertNothingCameAsync();
    }

    [Fact]
    public async Task A_message_to_oneself_comes_before_the_answer()
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder);
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        OwnedQueue queue = await client.NewQueueAsync();
        CorrId corrId = await client.SendAsync(queue.Theirs, Text("note to self"), null);
        Received first = await client.NextAsync();
        Assert.Equal(queue.Mine, first.Entity);
        Assert.Equal("note to self", queue.OpenText(first.Message));
        Received second = await client.NextAsync();
        Assert.Equal(corrId, second.CorrId);
        AssertOk(second.Message);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(23)]
    [InlineData(32)]
    [InlineData(255)]
    public async Task A_corr_id_of_any_length_authorizes_as_the_nonce_that_it_makes(int length)
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder);
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        OwnedQueue queue = await client.NewQueueAsync(key: X25519PrivateKey.Generate(SystemRandom.Instance));
        CorrId corrId = new(SystemRandom.Instance.Bytes(length));
        await client.SendBatchAsync(client.Encode(corrId, queue.Mine, SmpCommand.Sub.Instance, queue.Key));
        Received answer = await client.NextAsync();
        Assert.Equal(corrId, answer.CorrId);
        Assert.IsType<BrokerMessage.Sok>(answer.Message);
    }

    [Fact]
    public async Task Nothing_more_is_delivered_before_the_acknowledgement()
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder);
        await using RelayClient recipient = await RelayClient.ConnectAsync(relay);
        await using RelayClient sender = await RelayClient.ConnectAsync(relay);
        OwnedQueue queue = await recipient.NewQueueAsync();
        foreach (string text in (string[])["one", "two", "three"])
            AssertOk(await sender.AskAsync(queue.Theirs, Text(text), null));
        BrokerMessage current = (await recipient.NextEventAsync()).Message;
        Assert.Equal("one", queue.OpenText(current));
        await recipient.AssertNothingCameAsync();
        current = await recipient.AskAsync(queue.Mine, Ack(current), queue.Key);
        Assert.Equal("two", queue.OpenText(current));
        current = await recipient.AskAsync(queue.Mine, Ack(current), queue.Key);
        Assert.Equal("three", queue.OpenText(current));
        AssertOk(await recipient.AskAsync(queue.Mine, Ack(current), queue.Key));
        AssertError(SmpError.NoMessage.Instance, await recipient.AskAsync(queue.Mine, Ack(current), queue.Key));
    }

    [Fact]
    public async Task An_acknowledgement_of_another_message_changes_nothing()
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder);
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        OwnedQueue queue = await client.NewQueueAsync();
        AssertOk(await client.AskAsync(queue.Theirs, Text("kept"), null));
        BrokerMessage delivered = (await client.NextEventAsync()).Message;
        SmpCommand.Ack wrong = new(new MessageId(SystemRandom.Instance.Bytes(24)));
        AssertError(SmpError.NoMessage.Instance, await client.AskAsync(queue.Mine, wrong, queue.Key));
        AssertOk(await client.AskAsync(queue.Mine, Ack(delivered), queue.Key));
    }

    [Fact]
    [Trait("Feature", "F1.4.05")]
    public async Task A_new_subscriber_gets_the_waiting_message_and_ends_the_former_one()
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder);
        await using RelayClient first = await RelayClient.ConnectAsync(relay);
        await using RelayClient second = await RelayClient.ConnectAsync(relay);
        OwnedQueue queue = await first.NewQueueAsync();
        AssertOk(await first.AskAsync(queue.Theirs, Text("waits"), null));
        Assert.Equal("waits", queue.OpenText((await first.NextEventAsync()).Message));
        AssertOk(await second.AskAsync(queue.Mine, SmpCommand.Sub.Instance, queue.Key));
        Assert.Equal("waits", queue.OpenText((await second.NextEventAsync()).Message));
        Received ended = await first.NextEventAsync();
        Assert.IsType<BrokerMessage.End>(ended.Message);
        Assert.Equal(queue.Mine, ended.Entity);
        AssertError(SmpError.NoMessage.Instance, await first.AskAsync(queue.Mine, new SmpCommand.Ack(default), queue.Key));
    }

    [Fact]
    public async Task Subscribing_again_in_one_session_delivers_again()
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder);
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        OwnedQueue queue = await client.NewQueueAsync();
        AssertOk(await client.AskAsync(queue.Theirs, Text("again"), null));
        Assert.Equal("again", queue.OpenText((await client.NextEventAsync()).Message));
        AssertOk(await client.AskAsync(queue.Mine, SmpCommand.Sub.Instance, queue.Key));
        Assert.Equal("again", queue.OpenText((await client.NextEventAsync()).Message));
    }

    [Fact]
    public async Task A_subscription_ends_with_its_connection()
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder);
        await using RelayClient sender = await RelayClient.ConnectAsync(relay);
        OwnedQueue queue;
        await using (RelayClient gone = await RelayClient.ConnectAsync(relay))
            queue = await gone.NewQueueAsync();
        AssertOk(await sender.AskAsync(queue.Theirs, Text("later"), null));
        await using RelayClient back = await RelayClient.ConnectAsync(relay);
        AssertOk(await back.AskAsync(queue.Mine, SmpCommand.Sub.Instance, queue.Key));
        Assert.Equal("later", queue.OpenText((await back.NextEventAsync()).Message));
    }

    [Fact]
    public async Task Get_reads_one_message_and_does_not_go_with_a_subscription()
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder);
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        OwnedQueue queue = await client.NewQueueAsync(SubscriptionMode.OnlyCreate);
        AssertOk(await client.AskAsync(queue.Mine, SmpCommand.Get.Instance, queue.Key));
        AssertOk(await client.AskAsync(queue.Theirs, Text("one"), null));
        AssertOk(await client.AskAsync(queue.Theirs, Text("two"), null));
        BrokerMessage first = await client.AskAsync(queue.Mine, SmpCommand.Get.Instance, queue.Key);
        Assert.Equal("one", queue.OpenText(first));
        AssertError(SmpError.Command.Prohibited, await client.AskAsync(queue.Mine, SmpCommand.Sub.Instance, queue.Key));
        AssertOk(await client.AskAsync(queue.Mine, Ack(first), queue.Key));
        Assert.Equal("two", queue.OpenText(await client.AskAsync(queue.Mine, SmpCommand.Get.Instance, queue.Key)));

        OwnedQueue subscribed = await client.NewQueueAsync();
        AssertError(SmpError.Command.Prohibited, await client.AskAsync(subscribed.Mine, SmpCommand.Get.Instance, subscribed.Key));
    }

    [Fact]
    public async Task A_suspended_queue_takes_no_messages_and_delivers_what_it_has()
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder);
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        OwnedQueue queue = await client.NewQueueAsync();
        AssertOk(await client.AskAsync(queue.Theirs, Text("before"), null));
        AssertOk(await client.AskAsync(queue.Mine, SmpCommand.Off.Instance, queue.Key));
        AssertError(SmpError.Auth.Instance, await client.AskAsync(queue.Theirs, Text("after"), null));
        Assert.Equal("before", queue.OpenText((await client.NextEventAsync()).Message));
    }

    [Fact]
    [Trait("Feature", "F1.4.05")]
    public async Task A_deleted_queue_is_gone_for_everybody_and_its_subscriber_is_told()
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder);
        await using RelayClient subscriber = await RelayClient.ConnectAsync(relay);
        await using RelayClient older = await RelayClient.ConnectAsync(relay, SmpVersions.SenderAuthKey);
        await using RelayClient deleter = await RelayClient.ConnectAsync(relay);
        OwnedQueue queue = await subscriber.NewQueueAsync();
        OwnedQueue ofOlder = await older.NewQueueAsync();
        AssertOk(await deleter.AskAsync(queue.Mine, SmpCommand.Del.Instance, queue.Key));
        Assert.IsType<BrokerMessage.Deld>((await subscriber.NextEventAsync()).Message);
        AssertOk(await deleter.AskAsync(ofOlder.Mine, SmpCommand.Del.Instance, ofOlder.Key));
        Assert.IsType<BrokerMessage.End>((await older.NextEventAsync()).Message);
        AssertError(SmpError.Auth.Instance, await deleter.AskAsync(queue.Theirs, Text("late"), null));
        AssertError(SmpError.Auth.Instance, await subscriber.AskAsync(queue.Mine, SmpCommand.Sub.Instance, queue.Key));
        await deleter.AssertNothingCameAsync();
    }

    [Fact]
    public async Task Que_tells_the_state_of_a_queue()
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder);
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        OwnedQueue queue = await client.NewQueueAsync();
        AssertOk(await client.AskAsync(queue.Theirs, Text("one"), null));
        BrokerMessage.Msg delivered = Assert.IsType<BrokerMessage.Msg>((await client.NextEventAsync()).Message);
        WireId id = delivered.Message.Value;
        QueueInfo info = Assert.IsType<BrokerMessage.Info>(await client.AskAsync(queue.Mine, SmpCommand.Que.Instance, queue.Key)).Queue;
        Assert.False(info.IsSecured);
        Assert.False(info.HasNotifier);
        Assert.Equal(1, info.Size);
        Assert.Equal(Convert.ToBase64String(id.Span), info.Message?.Id);
        Assert.Equal(Convert.ToBase64String(id.Span), info.Subscription?.DeliveredMessage);
        Assert.Equal(QueueSubscriptionState.None, info.Subscription?.State);
    }

    [Fact]
    public async Task Ping_is_answered_without_an_entity()
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder);
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        Assert.IsType<BrokerMessage.Pong>(await client.AskAsync(EntityId.None, SmpCommand.Ping.Instance, null));
    }
}
