using Pairwise.Crypto;
using Pairwise.Protocol.Smp;

namespace Pairwise.Conformance;

/// <summary>The life of a queue: made, secured, used, suspended, deleted.</summary>
public sealed class QueueConversations(RelayUnderTest relay)
{
    [Theory]
    [InlineData(KeyAlgorithm.Ed25519)]
    [InlineData(KeyAlgorithm.Ed448)]
    [InlineData(KeyAlgorithm.X25519)]
    public async Task A_message_reaches_the_recipient_of_a_secured_queue(KeyAlgorithm keys)
    {
        await using var recipient = await relay.ConnectAsync();
        await using var sender = await relay.ConnectAsync();
        var queue = await recipient.CreateQueueAsync(keys);
        await recipient.SendAsync<BrokerMessage.Ok>(new SmpCommand.Key(queue.SenderPublicKey), queue.Recipient.ToEntityId(), queue.RecipientKey);
        var body = TestQueue.Body(16_000);
        await sender.SendAsync<BrokerMessage.Ok>(TestQueue.Message(body), queue.Sender.ToEntityId(), queue.SenderKey);
        Assert.Equal(body, await recipient.ReceiveAsync(queue));
        await recipient.ExpectSilenceAsync();
    }

    [Theory]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(10)]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    [InlineData(14)]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(17)]
    [InlineData(18)]
    public async Task Every_version_carries_a_message_of_its_largest_size(int number)
    {
        var version = new SmpVersion((ushort)number);
        await using var recipient = await relay.ConnectAsync(version);
        await using var sender = await relay.ConnectAsync(version);
        Assert.Equal(version, recipient.Version);
        var queue = await recipient.CreateQueueAsync();
        var body = TestQueue.Body(SmpLimits.MaxMessageLength(version));
        await sender.SendAsync<BrokerMessage.Ok>(TestQueue.Message(body), queue.Sender.ToEntityId());
        Assert.Equal(body, await recipient.ReceiveAsync(queue));
    }

    [Theory]
    [InlineData(6, 18)]
    [InlineData(18, 6)]
    [InlineData(10, 11)]
    [InlineData(15, 9)]
    public async Task Parties_of_different_versions_meet(int senderNumber, int recipientNumber)
    {
        await using var recipient = await relay.ConnectAsync(new SmpVersion((ushort)recipientNumber));
        await using var sender = await relay.ConnectAsync(new SmpVersion((ushort)senderNumber));
        var queue = await recipient.CreateQueueAsync();
        var body = TestQueue.Body(16_000);
        await sender.SendAsync<BrokerMessage.Ok>(TestQueue.Message(body), queue.Sender.ToEntityId());
        Assert.Equal(body, await recipient.ReceiveAsync(queue));
    }

    [Fact]
    public async Task An_unsecured_queue_takes_messages_without_a_key_and_none_with_one()
    {
        await using var party = await relay.ConnectAsync();
        var queue = await party.CreateQueueAsync();
        await party.SendAsync<BrokerMessage.Ok>(TestQueue.Message("one"u8), queue.Sender.ToEntityId());
        await party.RefusedAsync(SmpError.Auth.Instance, TestQueue.Message("two"u8), queue.Sender.ToEntityId(), queue.SenderKey);
        Assert.Equal("one"u8.ToArray(), await party.ReceiveAsync(queue));
        await party.ExpectSilenceAsync();
    }

    [Fact]
    public async Task A_secured_queue_takes_messages_of_its_sender_only()
    {
        await using var party = await relay.ConnectAsync();
        var queue = await party.CreateQueueAsync();
        var key = new SmpCommand.Key(queue.SenderPublicKey);
        await party.SendAsync<BrokerMessage.Ok>(key, queue.Recipient.ToEntityId(), queue.RecipientKey);
        await party.RefusedAsync(SmpError.Auth.Instance, TestQueue.Message("no key"u8), queue.Sender.ToEntityId());
        await party.RefusedAsync(SmpError.Auth.Instance, TestQueue.Message("other key"u8), queue.Sender.ToEntityId(), TestQueue.NewKey(KeyAlgorithm.Ed25519));
        await party.RefusedAsync(SmpError.Auth.Instance, TestQueue.Message("other kind"u8), queue.Sender.ToEntityId(), TestQueue.NewKey(KeyAlgorithm.X25519));
        await party.SendAsync<BrokerMessage.Ok>(TestQueue.Message("right"u8), queue.Sender.ToEntityId(), queue.SenderKey);
        Assert.Equal("right"u8.ToArray(), await party.ReceiveAsync(queue));
    }

    [Fact]
    public async Task The_same_key_secures_again_and_another_does_not()
    {
        await using var party = await relay.ConnectAsync();
        var queue = await party.CreateQueueAsync();
        var entity = queue.Recipient.ToEntityId();
        await party.SendAsync<BrokerMessage.Ok>(new SmpCommand.Key(queue.SenderPublicKey), entity, queue.RecipientKey);
        await party.SendAsync<BrokerMessage.Ok>(new SmpCommand.Key(queue.SenderPublicKey), entity, queue.RecipientKey);
        var other = TestQueue.PublicOf(TestQueue.NewKey(KeyAlgorithm.Ed25519));
        await party.RefusedAsync(SmpError.Auth.Instance, new SmpCommand.Key(other), entity, queue.RecipientKey);
    }

    [Theory]
    [InlineData(KeyAlgorithm.Ed25519)]
    [InlineData(KeyAlgorithm.X25519)]
    public async Task The_sender_secures_a_messaging_queue(KeyAlgorithm keys)
    {
        await using var recipient = await relay.ConnectAsync();
        await using var sender = await relay.ConnectAsync();
        var queue = await recipient.CreateQueueAsync(keys);
        var entity = queue.Sender.ToEntityId();
        await sender.SendAsync<BrokerMessage.Ok>(new SmpCommand.SKey(queue.SenderPublicKey), entity, queue.SenderKey);
        await sender.SendAsync<BrokerMessage.Ok>(new SmpCommand.SKey(queue.SenderPublicKey), entity, queue.SenderKey);
        var other = TestQueue.NewKey(keys);
        await sender.RefusedAsync(SmpError.Auth.Instance, new SmpCommand.SKey(TestQueue.PublicOf(other)), entity, other);
        await sender.SendAsync<BrokerMessage.Ok>(TestQueue.Message("secured"u8), entity, queue.SenderKey);
        Assert.Equal("secured"u8.ToArray(), await recipient.ReceiveAsync(queue));
    }

    [Fact]
    public async Task The_sender_does_not_secure_a_contact_queue()
    {
        await using var party = await relay.ConnectAsync();
        var queue = await party.CreateQueueAsync(queueMode: QueueMode.Contact);
        await party.RefusedAsync(SmpError.Auth.Instance, new SmpCommand.SKey(queue.SenderPublicKey), queue.Sender.ToEntityId(), queue.SenderKey);
    }

    [Fact]
    public async Task A_key_that_did_not_sign_it_does_not_secure_the_queue()
    {
        await using var party = await relay.ConnectAsync();
        var queue = await party.CreateQueueAsync();
        await party.RefusedAsync(
            SmpError.Auth.Instance, new SmpCommand.SKey(queue.SenderPublicKey), queue.Sender.ToEntityId(), TestQueue.NewKey(KeyAlgorithm.Ed25519));
    }

    [Fact]
    public async Task Only_the_recipients_key_commands_the_queue()
    {
        await using var party = await relay.ConnectAsync();
        var queue = await party.CreateQueueAsync();
        var stranger = TestQueue.NewKey(KeyAlgorithm.Ed25519);
        foreach (var command in new SmpCommand[] { SmpCommand.Sub.Instance, SmpCommand.Del.Instance, SmpCommand.Off.Instance, SmpCommand.Que.Instance })
        {
            await party.RefusedAsync(SmpError.Auth.Instance, command, queue.Recipient.ToEntityId(), stranger);
            await party.RefusedAsync(SmpError.Auth.Instance, command, queue.Sender.ToEntityId(), queue.RecipientKey);
        }
    }

    [Fact]
    public async Task A_queue_that_never_was_is_refused_like_a_wrong_key()
    {
        await using var party = await relay.ConnectAsync();
        var nowhere = new EntityId(TestQueue.Body(SmpLimits.IdLength));
        foreach (var keys in new[] { KeyAlgorithm.Ed25519, KeyAlgorithm.Ed448, KeyAlgorithm.X25519 })
        {
            await party.RefusedAsync(SmpError.Auth.Instance, SmpCommand.Sub.Instance, nowhere, TestQueue.NewKey(keys));
            await party.RefusedAsync(SmpError.Auth.Instance, TestQueue.Message("?"u8), nowhere, TestQueue.NewKey(keys));
        }

        await party.RefusedAsync(SmpError.Auth.Instance, TestQueue.Message("?"u8), nowhere);
    }

    [Fact]
    public async Task A_suspended_queue_takes_no_more_messages_and_gives_out_those_it_has()
    {
        await using var recipient = await relay.ConnectAsync();
        await using var sender = await relay.ConnectAsync();
        var queue = await recipient.CreateQueueAsync();
        await sender.SendAsync<BrokerMessage.Ok>(TestQueue.Message("before"u8), queue.Sender.ToEntityId());
        await recipient.SendAsync<BrokerMessage.Ok>(SmpCommand.Off.Instance, queue.Recipient.ToEntityId(), queue.RecipientKey);
        await sender.RefusedAsync(SmpError.Auth.Instance, TestQueue.Message("after"u8), queue.Sender.ToEntityId());
        Assert.Equal("before"u8.ToArray(), await recipient.ReceiveAsync(queue));
    }

    [Fact]
    public async Task A_deleted_queue_is_gone_for_everybody()
    {
        await using var recipient = await relay.ConnectAsync();
        await using var sender = await relay.ConnectAsync();
        var queue = await recipient.CreateQueueAsync();
        await recipient.SendAsync<BrokerMessage.Ok>(SmpCommand.Del.Instance, queue.Recipient.ToEntityId(), queue.RecipientKey);
        await sender.RefusedAsync(SmpError.Auth.Instance, TestQueue.Message("after"u8), queue.Sender.ToEntityId());
        await recipient.RefusedAsync(SmpError.Auth.Instance, SmpCommand.Sub.Instance, queue.Recipient.ToEntityId(), queue.RecipientKey);
    }

    [Fact]
    public async Task The_recipient_can_ask_how_the_queue_is()
    {
        await using var party = await relay.ConnectAsync();
        var queue = await party.CreateQueueAsync();
        var empty = await party.SendAsync<BrokerMessage.Info>(SmpCommand.Que.Instance, queue.Recipient.ToEntityId(), queue.RecipientKey);
        Assert.False(empty.Queue.IsSecured);
        Assert.Equal(0, empty.Queue.Size);
        await party.SendAsync<BrokerMessage.Ok>(TestQueue.Message("one"u8), queue.Sender.ToEntityId());
        var one = await party.SendAsync<BrokerMessage.Info>(SmpCommand.Que.Instance, queue.Recipient.ToEntityId(), queue.RecipientKey);
        Assert.Equal(1, one.Queue.Size);
        Assert.NotNull(one.Queue.Subscription);
    }
}
