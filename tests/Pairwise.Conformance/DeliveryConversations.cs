using Pairwise.Client;
using Pairwise.Crypto;
using Pairwise.Protocol.Smp;

namespace Pairwise.Conformance;

/// <summary>How messages come out of queues: order, acknowledgement, subscription, quota.</summary>
public sealed class DeliveryConversations(RelayUnderTest relay)
{
    [Fact]
    public async Task Messages_come_one_at_a_time_and_in_order()
    {
        await using var recipient = await relay.ConnectAsync();
        await using var sender = await relay.ConnectAsync();
        var queue = await recipient.CreateQueueAsync();
        for (byte i = 0; i < 20; i++)
            await sender.SendAsync<BrokerMessage.Ok>(TestQueue.Message([i]), queue.Sender.ToEntityId());
        var message = await recipient.NextEventAsync<BrokerMessage.Msg>(queue);
        Assert.Equal([0], queue.Open(message));
        await recipient.ExpectSilenceAsync();
        for (byte i = 1; i < 20; i++)
        {
            message = await recipient.SendAsync<BrokerMessage.Msg>(new SmpCommand.Ack(message.Message), queue.Recipient.ToEntityId(), queue.RecipientKey);
            Assert.Equal([i], queue.Open(message));
        }

        await recipient.AcknowledgeAsync(queue, message.Message);
        await recipient.ExpectSilenceAsync();
    }

    [Fact]
    public async Task A_subscription_gets_what_waits_and_what_comes()
    {
        await using var recipient = await relay.ConnectAsync();
        await using var sender = await relay.ConnectAsync();
        var queue = await recipient.CreateQueueAsync(mode: SubscriptionMode.OnlyCreate);
        await sender.SendAsync<BrokerMessage.Ok>(TestQueue.Message("waits"u8), queue.Sender.ToEntityId());
        await recipient.ExpectSilenceAsync();
        var subscribed = await recipient.SubscribeAsync(queue);
        Assert.True(subscribed.IsOk);
        if (subscribed.Message is BrokerMessage.Msg first)
        {
            Assert.Equal("waits"u8.ToArray(), queue.Open(first));
            await recipient.AcknowledgeAsync(queue, first.Message);
        }
        else
        {
            Assert.Equal("waits"u8.ToArray(), await recipient.ReceiveAsync(queue));
        }

        await sender.SendAsync<BrokerMessage.Ok>(TestQueue.Message("comes"u8), queue.Sender.ToEntityId());
        Assert.Equal("comes"u8.ToArray(), await recipient.ReceiveAsync(queue));
    }

    [Fact]
    public async Task A_message_that_was_not_acknowledged_is_delivered_again_to_the_next_session()
    {
        await using var sender = await relay.ConnectAsync();
        TestQueue queue;
        BrokerMessage.Msg delivered;
        await using (var first = await relay.ConnectAsync())
        {
            queue = await first.CreateQueueAsync();
            await sender.SendAsync<BrokerMessage.Ok>(TestQueue.Message("again"u8), queue.Sender.ToEntityId());
            delivered = await first.NextEventAsync<BrokerMessage.Msg>(queue);
        }

        await using var second = await relay.ConnectAsync();
        var subscribed = await second.SubscribeAsync(queue);
        Assert.True(subscribed.IsOk);
        var again = subscribed.Message as BrokerMessage.Msg ?? await second.NextEventAsync<BrokerMessage.Msg>(queue);
        Assert.Equal(delivered.Message, again.Message);
        Assert.Equal("again"u8.ToArray(), queue.Open(again));
        await second.AcknowledgeAsync(queue, again.Message);
        await second.ExpectSilenceAsync();
    }

    [Fact]
    public async Task A_repeated_subscription_delivers_the_same_message_again()
    {
        await using var recipient = await relay.ConnectAsync();
        await using var sender = await relay.ConnectAsync();
        var queue = await recipient.CreateQueueAsync();
        await sender.SendAsync<BrokerMessage.Ok>(TestQueue.Message("once"u8), queue.Sender.ToEntityId());
        var delivered = await recipient.NextEventAsync<BrokerMessage.Msg>(queue);
        var subscribed = await recipient.SubscribeAsync(queue);
        Assert.True(subscribed.IsOk, subscribed.Error?.ToString());
        var again = subscribed.Message as BrokerMessage.Msg ?? await recipient.NextEventAsync<BrokerMessage.Msg>(queue);
        Assert.Equal(delivered.Message, again.Message);
        await recipient.AcknowledgeAsync(queue, delivered.Message);
        await recipient.ExpectSilenceAsync();
    }

    [Fact]
    public async Task An_acknowledgement_of_another_message_is_refused()
    {
        await using var recipient = await relay.ConnectAsync();
        var queue = await recipient.CreateQueueAsync();
        var entity = queue.Recipient.ToEntityId();
        var other = new MessageId(TestQueue.Body(SmpLimits.IdLength));
        await recipient.RefusedAsync(SmpError.NoMessage.Instance, new SmpCommand.Ack(other), entity, queue.RecipientKey);
        await recipient.SendAsync<BrokerMessage.Ok>(TestQueue.Message("one"u8), queue.Sender.ToEntityId());
        var message = await recipient.NextEventAsync<BrokerMessage.Msg>(queue);
        await recipient.RefusedAsync(SmpError.NoMessage.Instance, new SmpCommand.Ack(other), entity, queue.RecipientKey);
        await recipient.AcknowledgeAsync(queue, message.Message);
        await recipient.RefusedAsync(SmpError.NoMessage.Instance, new SmpCommand.Ack(message.Message), entity, queue.RecipientKey);
    }

    [Fact]
    public async Task A_second_subscriber_takes_the_queue_over()
    {
        await using var first = await relay.ConnectAsync();
        await using var second = await relay.ConnectAsync();
        await using var sender = await relay.ConnectAsync();
        var queue = await first.CreateQueueAsync();
        Assert.IsType<BrokerMessage.Ok>(OkOf((await second.SubscribeAsync(queue)).Message));
        await first.NextEventAsync<BrokerMessage.End>(queue);
        await sender.SendAsync<BrokerMessage.Ok>(TestQueue.Message("to the second"u8), queue.Sender.ToEntityId());
        Assert.Equal("to the second"u8.ToArray(), await second.ReceiveAsync(queue));
        await first.ExpectSilenceAsync();
    }

    [Theory]
    [InlineData(10, true)]
    [InlineData(18, true)]
    [InlineData(9, false)]
    public async Task The_subscriber_learns_that_another_connection_deleted_the_queue(int number, bool isToldSo)
    {
        await using var first = await relay.ConnectAsync(new SmpVersion((ushort)number));
        await using var second = await relay.ConnectAsync();
        var queue = await first.CreateQueueAsync();
        await second.SendAsync<BrokerMessage.Ok>(SmpCommand.Del.Instance, queue.Recipient.ToEntityId(), queue.RecipientKey);
        if (isToldSo)
            await first.NextEventAsync<BrokerMessage.Deld>(queue);
        else
            await first.NextEventAsync<BrokerMessage.End>(queue);
    }

    [Fact]
    public async Task Messages_can_be_got_one_by_one_without_a_subscription()
    {
        await using var party = await relay.ConnectAsync();
        var queue = await party.CreateQueueAsync(mode: SubscriptionMode.OnlyCreate);
        var entity = queue.Recipient.ToEntityId();
        await party.SendAsync<BrokerMessage.Ok>(SmpCommand.Get.Instance, entity, queue.RecipientKey);
        await party.SendAsync<BrokerMessage.Ok>(TestQueue.Message("one"u8), queue.Sender.ToEntityId());
        await party.SendAsync<BrokerMessage.Ok>(TestQueue.Message("two"u8), queue.Sender.ToEntityId());
        var one = await party.SendAsync<BrokerMessage.Msg>(SmpCommand.Get.Instance, entity, queue.RecipientKey);
        Assert.Equal("one"u8.ToArray(), queue.Open(one));
        await party.AcknowledgeAsync(queue, one.Message);
        await party.ExpectSilenceAsync();
        var two = await party.SendAsync<BrokerMessage.Msg>(SmpCommand.Get.Instance, entity, queue.RecipientKey);
        Assert.Equal("two"u8.ToArray(), queue.Open(two));
        await party.AcknowledgeAsync(queue, two.Message);
        await party.SendAsync<BrokerMessage.Ok>(SmpCommand.Get.Instance, entity, queue.RecipientKey);
    }

    [Fact]
    public async Task Get_and_subscribe_exclude_each_other_in_one_session()
    {
        await using var party = await relay.ConnectAsync();
        var subscribed = await party.CreateQueueAsync();
        await party.RefusedAsync(SmpError.Command.Prohibited, SmpCommand.Get.Instance, subscribed.Recipient.ToEntityId(), subscribed.RecipientKey);
        var got = await party.CreateQueueAsync(mode: SubscriptionMode.OnlyCreate);
        await party.SendAsync<BrokerMessage.Ok>(SmpCommand.Get.Instance, got.Recipient.ToEntityId(), got.RecipientKey);
        await party.RefusedAsync(SmpError.Command.Prohibited, SmpCommand.Sub.Instance, got.Recipient.ToEntityId(), got.RecipientKey);
    }

    [Fact]
    public async Task A_full_queue_says_so_to_both_sides_and_goes_on_when_it_is_empty()
    {
        await using var recipient = await relay.ConnectAsync();
        await using var sender = await relay.ConnectAsync();
        var queue = await recipient.CreateQueueAsync(mode: SubscriptionMode.OnlyCreate);
        var sends = Enumerable.Range(0, SmpLimits.DefaultQueueQuota)
            .Select(i => new SmpRequest(TestQueue.Message([(byte)i]), queue.Sender.ToEntityId(), null))
            .ToArray();
        Assert.All(await sender.Client.SendBatchAsync(sends, TestContext.Current.CancellationToken), result => Assert.IsType<BrokerMessage.Ok>(result.Message));
        await sender.RefusedAsync(SmpError.Quota.Instance, TestQueue.Message("over"u8), queue.Sender.ToEntityId());
        await sender.RefusedAsync(SmpError.Quota.Instance, TestQueue.Message("over"u8), queue.Sender.ToEntityId());

        var subscribed = await recipient.SubscribeAsync(queue);
        var message = subscribed.Message as BrokerMessage.Msg ?? await recipient.NextEventAsync<BrokerMessage.Msg>(queue);
        for (var i = 0; i < SmpLimits.DefaultQueueQuota; i++)
        {
            Assert.Equal([(byte)i], queue.Open(message));
            message = await recipient.SendAsync<BrokerMessage.Msg>(new SmpCommand.Ack(message.Message), queue.Recipient.ToEntityId(), queue.RecipientKey);
        }

        Assert.IsType<RelayMessage.QuotaMarker>(queue.OpenAny(message));
        await recipient.AcknowledgeAsync(queue, message.Message);
        await sender.SendAsync<BrokerMessage.Ok>(TestQueue.Message("room again"u8), queue.Sender.ToEntityId());
        Assert.Equal("room again"u8.ToArray(), await recipient.ReceiveAsync(queue));
    }

    [Fact]
    public async Task A_batch_of_subscriptions_is_answered_in_full()
    {
        await using var owner = await relay.ConnectAsync();
        var queues = new List<TestQueue>();
        for (var i = 0; i < 150; i++)
            queues.Add(await owner.CreateQueueAsync(mode: SubscriptionMode.OnlyCreate));
        await using var subscriber = await relay.ConnectAsync();
        var requests = queues.Select(queue => new SmpRequest(SmpCommand.Sub.Instance, queue.Recipient.ToEntityId(), queue.RecipientKey)).ToArray();
        var results = await subscriber.Client.SendBatchAsync(requests, TestContext.Current.CancellationToken);
        Assert.All(results, result => Assert.IsType<BrokerMessage.Ok>(OkOf(result.Message)));
        await owner.SendAsync<BrokerMessage.Ok>(TestQueue.Message("last"u8), queues[^1].Sender.ToEntityId());
        Assert.Equal("last"u8.ToArray(), await subscriber.ReceiveAsync(queues[^1]));
    }

    [Fact]
    public async Task A_message_over_the_limit_is_refused_and_the_session_goes_on()
    {
        await using var party = await relay.ConnectAsync();
        var queue = await party.CreateQueueAsync();
        var tooLong = TestQueue.Message(TestQueue.Body(SmpLimits.MaxMessageLength(party.Version) + 1));
        await party.RefusedAsync(SmpError.LargeMessage.Instance, tooLong, queue.Sender.ToEntityId());
        await party.SendAsync<BrokerMessage.Pong>(SmpCommand.Ping.Instance);
    }

    [Fact]
    public async Task Empty_messages_are_delivered()
    {
        await using var party = await relay.ConnectAsync();
        var queue = await party.CreateQueueAsync();
        await party.SendAsync<BrokerMessage.Ok>(TestQueue.Message([]), queue.Sender.ToEntityId());
        Assert.Empty(await party.ReceiveAsync(queue));
    }

    /// <summary>A relay that speaks of services answers SOK where older ones answer OK.</summary>
    private static BrokerMessage? OkOf(BrokerMessage? message) => message is BrokerMessage.Sok { Service: null } ? BrokerMessage.Ok.Instance : message;
}
