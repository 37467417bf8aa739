using Pairwise.Crypto;
using Pairwise.Protocol.Smp;

namespace Pairwise.Conformance;

/// <summary>Short links and notifiers: what else a queue can have.</summary>
public sealed class LinkConversations(RelayUnderTest relay)
{
    private static readonly QueueLinkData Content = LinkContent();

    [Fact]
    public async Task A_one_time_link_is_made_with_its_queue_and_read_by_the_one_who_secures_it()
    {
        await using var recipient = await relay.ConnectAsync();
        await using var sender = await relay.ConnectAsync();
        var (ids, key) = await CreateAsync(recipient, sender => new QueueRequest.Messaging(new MessagingLink(sender, Content)));
        var link = Assert.NotNull(ids.Link);
        var senderKey = TestQueue.NewKey(KeyAlgorithm.Ed25519);
        var read = await sender.SendAsync<BrokerMessage.Lnk>(new SmpCommand.LKey(TestQueue.PublicOf(senderKey)), link.ToEntityId(), senderKey);
        Assert.Equal(ids.Sender, read.Sender);
        Assert.Equal(Content, read.Content);

        // The same key may read it again until the first message; another key never.
        await sender.SendAsync<BrokerMessage.Lnk>(new SmpCommand.LKey(TestQueue.PublicOf(senderKey)), link.ToEntityId(), senderKey);
        var other = TestQueue.NewKey(KeyAlgorithm.Ed25519);
        await sender.RefusedAsync(SmpError.Auth.Instance, new SmpCommand.LKey(TestQueue.PublicOf(other)), link.ToEntityId(), other);
        await sender.RefusedAsync(SmpError.Auth.Instance, SmpCommand.LGet.Instance, link.ToEntityId());
        await sender.SendAsync<BrokerMessage.Ok>(TestQueue.Message("first"u8), ids.Sender.ToEntityId(), senderKey);
        await sender.RefusedAsync(SmpError.Auth.Instance, new SmpCommand.LKey(TestQueue.PublicOf(senderKey)), link.ToEntityId(), senderKey);
    }

    [Fact]
    public async Task A_sender_id_that_is_not_the_hash_of_the_corr_id_is_refused()
    {
        await using var recipient = await relay.ConnectAsync();
        var key = TestQueue.NewKey(KeyAlgorithm.Ed25519);
        var request = new QueueRequest.Messaging(new MessagingLink(new SenderId(TestQueue.Body(SmpLimits.IdLength)), Content));
        var dhKey = X25519PrivateKey.Generate(SystemRandom.Instance).PublicKey;
        await recipient.RefusedAsync(
            SmpError.Command.Prohibited, new SmpCommand.New(TestQueue.PublicOf(key), dhKey, relay.Password, SubscriptionMode.Subscribe, request, null), key: key);
    }

    [Fact]
    public async Task A_contact_link_is_read_by_everybody_and_changed_by_its_owner_in_part()
    {
        await using var owner = await relay.ConnectAsync();
        await using var reader = await relay.ConnectAsync();
        var link = new LinkId(TestQueue.Body(SmpLimits.IdLength));
        var (ids, key) = await CreateAsync(owner, sender => new QueueRequest.Contact(new ContactLink(link, sender, Content)));
        Assert.Equal(Content, (await reader.SendAsync<BrokerMessage.Lnk>(SmpCommand.LGet.Instance, link.ToEntityId())).Content);

        var entity = ids.Recipient.ToEntityId();
        var changed = Content with { User = TestQueue.Body(100) };
        await owner.SendAsync<BrokerMessage.Ok>(new SmpCommand.LSet(link, changed), entity, key);
        Assert.Equal(changed, (await reader.SendAsync<BrokerMessage.Lnk>(SmpCommand.LGet.Instance, link.ToEntityId())).Content);
        await owner.RefusedAsync(SmpError.Auth.Instance, new SmpCommand.LSet(link, changed with { Fixed = TestQueue.Body(100) }), entity, key);
        await owner.SendAsync<BrokerMessage.Ok>(SmpCommand.LDel.Instance, entity, key);
        await reader.RefusedAsync(SmpError.Auth.Instance, SmpCommand.LGet.Instance, link.ToEntityId());
    }

    [Fact]
    public async Task A_notifier_learns_that_a_message_came_and_nothing_of_it()
    {
        await using var recipient = await relay.ConnectAsync();
        await using var notifier = await relay.ConnectAsync();
        var queue = await recipient.CreateQueueAsync();
        var notifierKey = TestQueue.NewKey(KeyAlgorithm.Ed25519);
        var dhKey = X25519PrivateKey.Generate(SystemRandom.Instance);
        var allowed = await recipient.SendAsync<BrokerMessage.Nid>(
            new SmpCommand.NKey(new NotifierRequest(TestQueue.PublicOf(notifierKey), dhKey.PublicKey)), queue.Recipient.ToEntityId(), queue.RecipientKey);
        var id = allowed.Notifier.Notifier.ToEntityId();
        var subscribed = await notifier.SendAsync(SmpCommand.NSub.Instance, id, notifierKey);
        Assert.True(subscribed.Message is BrokerMessage.Ok or BrokerMessage.Sok { Service: null }, subscribed.Error?.ToString());

        await recipient.SendAsync<BrokerMessage.Ok>(new SmpCommand.Send(new MessageFlags(Notification: true), "told"u8.ToArray()), queue.Sender.ToEntityId());
        var told = await notifier.NextEventAsync();
        Assert.Equal(id, told.Entity);
        Assert.IsType<BrokerMessage.NMsg>(told.Message);
        Assert.Equal("told"u8.ToArray(), await recipient.ReceiveAsync(queue));

        await recipient.SendAsync<BrokerMessage.Ok>(SmpCommand.NDel.Instance, queue.Recipient.ToEntityId(), queue.RecipientKey);
        await notifier.RefusedAsync(SmpError.Auth.Instance, SmpCommand.NSub.Instance, id, notifierKey);
    }

    /// <summary>Makes a queue with a link; its sender id follows from the command's corr id.</summary>
    private async Task<(BrokerMessage.Ids Ids, PrivateKey Key)> CreateAsync(Party owner, Func<SenderId, QueueRequest> request)
    {
        var corrId = TestQueue.Body(SmpLimits.IdLength);
        var sender = new SenderId(Digests.Sha3_384(corrId).AsSpan(0, SmpLimits.IdLength));
        var key = TestQueue.NewKey(KeyAlgorithm.Ed25519);
        var command = new SmpCommand.New(
            TestQueue.PublicOf(key), X25519PrivateKey.Generate(SystemRandom.Instance).PublicKey, relay.Password, SubscriptionMode.Subscribe, request(sender), null);
        var ids = await owner.SendAsync<BrokerMessage.Ids>(command, key: key, corrId: new CorrId(corrId));
        Assert.Equal(sender, ids.Sender);
        return (ids, key);
    }

    private static QueueLinkData LinkContent() =>
        new(TestQueue.Body(SmpLimits.PaddedFixedLinkDataLength), TestQueue.Body(SmpLimits.PaddedUserLinkDataLength));
}
