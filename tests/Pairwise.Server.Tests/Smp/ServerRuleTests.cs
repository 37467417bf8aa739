using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp;
using static Pairwise.Server.Tests.Smp.TestRelay;

namespace Pairwise.Server.Tests.Smp;

/// <summary>The rules of a relay that the reference keeps and clients rely on, each under its name.</summary>
public sealed class ServerRuleTests
{
    private static readonly QueueLinkData SomeData = new("fixed part"u8.ToArray(), "user part"u8.ToArray());

    [Fact]
    [Trait("Feature", "F1.4.01")]
    public async Task Sender_id_chosen_by_the_client_must_be_the_hash_of_its_corr_id()
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder);
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        using Ed25519PrivateKey key = Ed25519PrivateKey.Generate(SystemRandom.Instance);
        using X25519PrivateKey dhKey = X25519PrivateKey.Generate(SystemRandom.Instance);
        CorrId corrId = RelayClient.NewCorrId();
        SenderId right = SenderIdFor(corrId);
        LinkId link = new(SystemRandom.Instance.Bytes(24));
        BrokerMessage.Ids made = Assert.IsType<BrokerMessage.Ids>(await NewAsync(client, corrId, key, dhKey, new QueueRequest.Contact(new ContactLink(link, right, SomeData))));
        Assert.Equal(right, made.Sender);
        Assert.Equal(link, made.Link);

        // The same ids again: a collision tells no more than any other refusal.
        AssertError(SmpError.Auth.Instance, await NewAsync(client, corrId, key, dhKey, new QueueRequest.Contact(new ContactLink(link, right, SomeData))));
        SenderId wrong = new(SystemRandom.Instance.Bytes(24));
        CorrId other = RelayClient.NewCorrId();
        AssertError(SmpError.Command.Prohibited, await NewAsync(client, other, key, dhKey, new QueueRequest.Messaging(new MessagingLink(wrong, SomeData))));
    }

    [Fact]
    [Trait("Feature", "F1.4.02")]
    public async Task Whatever_fails_authorization_is_answered_alike()
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder);
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        OwnedQueue queue = await client.NewQueueAsync();
        PrivateKey[] keys = [Ed25519PrivateKey.Generate(SystemRandom.Instance), Ed448PrivateKey.Generate(SystemRandom.Instance), X25519PrivateKey.Generate(SystemRandom.Instance)];
        EntityId nothing = new(SystemRandom.Instance.Bytes(24));
        foreach (PrivateKey key in keys)
        {
            foreach (EntityId entity in (EntityId[])[queue.Mine, nothing, queue.Theirs, new EntityId("short"u8)])
                AssertError(SmpError.Auth.Instance, await client.AskAsync(entity, SmpCommand.Sub.Instance, key));
            AssertError(SmpError.Auth.Instance, await client.AskAsync(nothing, Text("x"), key));
            key.Dispose();
        }
    }

    [Fact]
    [Trait("Feature", "F1.4.03")]
    public async Task First_message_to_a_secured_conversation_consumes_its_link()
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder);
        await using RelayClient owner = await RelayClient.ConnectAsync(relay);
        await using RelayClient joining = await RelayClient.ConnectAsync(relay);
        OwnedQueue queue = await owner.NewQueueAsync(request: new QueueRequest.Messaging(null));
        LinkId link = new(SystemRandom.Instance.Bytes(24));
        AssertOk(await owner.AskAsync(queue.Mine, new SmpCommand.LSet(link, SomeData), queue.Key));
        AssertError(SmpError.Auth.Instance, await joining.AskAsync(link.ToEntityId(), SmpCommand.LGet.Instance, null));
        using X25519PrivateKey key = X25519PrivateKey.Generate(SystemRandom.Instance);
        BrokerMessage.Lnk read = Assert.IsType<BrokerMessage.Lnk>(await joining.AskAsync(link.ToEntityId(), new SmpCommand.LKey(key.PublicKey), key));
        Assert.Equal(queue.Sender, read.Sender);
        Assert.Equal(SomeData, read.Content);
        Assert.IsType<BrokerMessage.Lnk>(await joining.AskAsync(link.ToEntityId(), new SmpCommand.LKey(key.PublicKey), key));
        using X25519PrivateKey thief = X25519PrivateKey.Generate(SystemRandom.Instance);
        AssertError(SmpError.Auth.Instance, await joining.AskAsync(link.ToEntityId(), new SmpCommand.LKey(thief.PublicKey), thief));
        AssertOk(await joining.AskAsync(queue.Theirs, Text("confirmation"), key));
        AssertError(SmpError.Auth.Instance, await joining.AskAsync(link.ToEntityId(), new SmpCommand.LKey(key.PublicKey), key));
        AssertError(SmpError.Auth.Instance, await owner.AskAsync(queue.Mine, new SmpCommand.LSet(link, SomeData), queue.Key));
    }

    [Fact]
    [Trait("Feature", "F1.4.06")]
    [Trait("Feature", "F1.4.07")]
    public async Task Every_body_is_sealed_anew_and_padded_to_one_size()
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder);
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        List<byte[]> seals = [];
        foreach (int length in (int[])[1, 1, 16_000])
        {
            byte[] body = [.. Enumerable.Repeat((byte)'x', length)];
            OwnedQueue queue = await client.NewQueueAsync();
            AssertOk(await client.AskAsync(queue.Theirs, new SmpCommand.Send(MessageFlags.None, new BlockSlice(body)), null));
            BrokerMessage.Msg message = Assert.IsType<BrokerMessage.Msg>((await client.NextEventAsync()).Message);
            Assert.Equal(RelayMessage.SealedLength, message.EncryptedBody.Length);
            Assert.Equal(-1, message.EncryptedBody.Span.IndexOf("xxxx"u8));
            Assert.Equal(length, queue.OpenText(message).Length);
            seals.Add(message.EncryptedBody.ToArray());
        }

        // The same body in two queues comes out as two: who sees both sides cannot match them.
        Assert.NotEqual(seals[0], seals[1]);
    }

    [Fact]
    [Trait("Feature", "F1.4.08")]
    public async Task Link_data_may_change_only_in_its_user_part()
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder);
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        OwnedQueue queue = await client.NewQueueAsync(request: new QueueRequest.Contact(null));
        LinkId link = new(SystemRandom.Instance.Bytes(24));
        QueueLinkData changed = SomeData with { User = "another"u8.ToArray() };
        AssertOk(await client.AskAsync(queue.Mine, new SmpCommand.LSet(link, SomeData), queue.Key));
        AssertOk(await client.AskAsync(queue.Mine, new SmpCommand.LSet(link, changed), queue.Key));
        Assert.Equal(changed, Assert.IsType<BrokerMessage.Lnk>(await client.AskAsync(link.ToEntityId(), SmpCommand.LGet.Instance, null)).Content);
        AssertError(SmpError.Auth.Instance, await client.AskAsync(queue.Mine, new SmpCommand.LSet(link, SomeData with { Fixed = "x"u8.ToArray() }), queue.Key));
        AssertError(SmpError.Auth.Instance, await client.AskAsync(queue.Mine, new SmpCommand.LSet(new LinkId(SystemRandom.Instance.Bytes(24)), SomeData), queue.Key));
        AssertOk(await client.AskAsync(queue.Mine, SmpCommand.LDel.Instance, queue.Key));
        AssertOk(await client.AskAsync(queue.Mine, SmpCommand.LDel.Instance, queue.Key));
        AssertError(SmpError.Auth.Instance, await client.AskAsync(link.ToEntityId(), SmpCommand.LGet.Instance, null));
    }

    [Fact]
    [Trait("Feature", "F1.4.04")]
    public async Task Quota_stores_one_marker_and_takes_messages_again_only_when_the_queue_is_empty()
    {
        const int quota = 4;
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder, options => options with { Limits = new SmpServerLimits { QueueQuota = quota } });
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        OwnedQueue queue = await client.NewQueueAsync(SubscriptionMode.OnlyCreate);
        for (int i = 0; i < quota; i++)
            AssertOk(await client.AskAsync(queue.Theirs, Text($"{i}"), null));
        AssertError(SmpError.Quota.Instance, await client.AskAsync(queue.Theirs, Text("over"), null));
        AssertError(SmpError.Quota.Instance, await client.AskAsync(queue.Theirs, Text("over"), null));
        AssertOk(await client.AskAsync(queue.Mine, SmpCommand.Sub.Instance, queue.Key));
        BrokerMessage current = (await client.NextEventAsync()).Message;
        for (int i = 0; i < quota; i++)
        {
            Assert.Equal($"{i}", queue.OpenText(current));
            AssertError(SmpError.Quota.Instance, await client.AskAsync(queue.Theirs, Text("still"), null));
            current = await client.AskAsync(queue.Mine, Ack(current), queue.Key);
        }

        Assert.IsType<RelayMessage.QuotaMarker>(queue.Open(current));
        AssertOk(await client.AskAsync(queue.Mine, Ack(current), queue.Key));
        AssertOk(await client.AskAsync(queue.Theirs, Text("again"), null));
        Assert.Equal("again", queue.OpenText((await client.NextEventAsync()).Message));
    }

    [Fact]
    [Trait("Feature", "F1.4.08")]
    public async Task Securing_again_with_the_same_key_is_no_error_and_with_another_is_auth()
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder);
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        using X25519PrivateKey key = X25519PrivateKey.Generate(SystemRandom.Instance);
        using X25519PrivateKey other = X25519PrivateKey.Generate(SystemRandom.Instance);
        OwnedQueue byRecipient = await client.NewQueueAsync();
        AssertOk(await client.AskAsync(byRecipient.Mine, new SmpCommand.Key(key.PublicKey), byRecipient.Key));
        AssertOk(await client.AskAsync(byRecipient.Mine, new SmpCommand.Key(key.PublicKey), byRecipient.Key));
        AssertError(SmpError.Auth.Instance, await client.AskAsync(byRecipient.Mine, new SmpCommand.Key(other.PublicKey), byRecipient.Key));
        AssertError(SmpError.Auth.Instance, await client.AskAsync(byRecipient.Theirs, Text("unsigned"), null));
        AssertOk(await client.AskAsync(byRecipient.Theirs, Text("signed"), key));

        OwnedQueue bySender = await client.NewQueueAsync(request: new QueueRequest.Messaging(null));
        AssertOk(await client.AskAsync(bySender.Theirs, new SmpCommand.SKey(key.PublicKey), key));
        AssertOk(await client.AskAsync(bySender.Theirs, new SmpCommand.SKey(key.PublicKey), key));
        AssertError(SmpError.Auth.Instance, await client.AskAsync(bySender.Theirs, new SmpCommand.SKey(other.PublicKey), other));
        AssertError(SmpError.Auth.Instance, await client.AskAsync(bySender.Theirs, new SmpCommand.SKey(key.PublicKey), other));

        OwnedQueue contact = await client.NewQueueAsync(request: new QueueRequest.Contact(null));
        AssertError(SmpError.Auth.Instance, await client.AskAsync(contact.Theirs, new SmpCommand.SKey(key.PublicKey), key));
    }

    [Fact]
    public async Task Several_recipient_keys_belong_to_contact_queues_only()
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder);
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        using Ed25519PrivateKey second = Ed25519PrivateKey.Generate(SystemRandom.Instance);
        OwnedQueue contact = await client.NewQueueAsync(request: new QueueRequest.Contact(null));
        AssertOk(await client.AskAsync(contact.Mine, new SmpCommand.RKey([contact.Key.PublicKey, second.PublicKey]), contact.Key));
        AssertOk(await client.AskAsync(contact.Mine, SmpCommand.Sub.Instance, second));
        AssertOk(await client.AskAsync(contact.Mine, new SmpCommand.RKey([second.PublicKey]), second));
        AssertError(SmpError.Auth.Instance, await client.AskAsync(contact.Mine, SmpCommand.Sub.Instance, contact.Key));
        OwnedQueue messaging = await client.NewQueueAsync(request: new QueueRequest.Messaging(null));
        AssertError(SmpError.Auth.Instance, await client.AskAsync(messaging.Mine, new SmpCommand.RKey([second.PublicKey]), messaging.Key));
    }

    [Theory]
    [InlineData(6, 16088)]
    [InlineData(7, 16088)]
    [InlineData(8, 16064)]
    [InlineData(10, 16064)]
    [InlineData(11, 16048)]
    [InlineData(18, 16048)]
    public async Task Longest_body_depends_on_the_version(ushort version, int longest)
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder);
        await using RelayClient client = await RelayClient.ConnectAsync(relay, new SmpVersion(version));
        OwnedQueue queue = await client.NewQueueAsync();
        AssertOk(await client.AskAsync(queue.Theirs, new SmpCommand.Send(MessageFlags.None, new byte[longest]), null));
        Assert.Equal(longest, Assert.IsType<RelayMessage.Content>(queue.Open((await client.NextEventAsync()).Message)).Body.Length);
        AssertError(SmpError.LargeMessage.Instance, await client.AskAsync(queue.Theirs, new SmpCommand.Send(MessageFlags.None, new byte[longest + 1]), null));
    }

    [Fact]
    public async Task New_queues_need_the_password_and_may_be_switched_off()
    {
        using TestFolder folder = new();
        Assert.True(BasicAuth.TryParse("secret", out BasicAuth? password));
        using Ed25519PrivateKey key = Ed25519PrivateKey.Generate(SystemRandom.Instance);
        using X25519PrivateKey dhKey = X25519PrivateKey.Generate(SystemRandom.Instance);
        await using (SmpServer relay = await StartAsync(folder, options => options with { CreatePassword = password }))
        {
            await using RelayClient client = await RelayClient.ConnectAsync(relay);
            SmpCommand.New create = new(key.PublicKey, dhKey.PublicKey, null, SubscriptionMode.OnlyCreate, null, null);
            AssertError(SmpError.Auth.Instance, await client.AskAsync(EntityId.None, create, key));
            Assert.IsType<BrokerMessage.Ids>(await client.AskAsync(EntityId.None, create with { Password = password }, key));
        }

        await using SmpServer closed = await StartAsync(folder, options => options with { AllowNewQueues = false });
        await using RelayClient late = await RelayClient.ConnectAsync(closed);
        AssertError(SmpError.Auth.Instance, await late.AskAsync(EntityId.None, new SmpCommand.New(key.PublicKey, dhKey.PublicKey, null, SubscriptionMode.OnlyCreate, null, null), key));
    }

    [Fact]
    public async Task Notifications_reach_whoever_subscribed_as_notifier()
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder, options => options with { NotificationInterval = TimeSpan.FromMilliseconds(50) });
        await using RelayClient owner = await RelayClient.ConnectAsync(relay);
        await using RelayClient notifier = await RelayClient.ConnectAsync(relay);
        using X25519PrivateKey authKey = X25519PrivateKey.Generate(SystemRandom.Instance);
        using X25519PrivateKey dhKey = X25519PrivateKey.Generate(SystemRandom.Instance);
        OwnedQueue queue = await owner.NewQueueAsync();
        BrokerMessage.Nid nid = Assert.IsType<BrokerMessage.Nid>(
            await owner.AskAsync(queue.Mine, new SmpCommand.NKey(new NotifierRequest(authKey.PublicKey, dhKey.PublicKey)), queue.Key));
        EntityId id = nid.Notifier.Notifier.ToEntityId();
        AssertOk(await owner.AskAsync(queue.Theirs, Text("early", notify: true), null));
        AssertOk(await notifier.AskAsync(id, SmpCommand.NSub.Instance, authKey));
        Received received = await notifier.NextEventAsync();
        Assert.Equal(id, received.Entity);
        BrokerMessage.NMsg notification = Assert.IsType<BrokerMessage.NMsg>(received.Message);
        using SharedSecret secret = dhKey.DeriveSharedSecret(nid.Notifier.ServerDhKey);
        using BoxKey box = BoxKey.From(secret);
        Assert.True(NotificationMeta.TryOpen(box, notification.Nonce.Span, notification.EncryptedMeta.Span, out NotificationMeta? meta));
        Assert.Equal(Assert.IsType<BrokerMessage.Msg>((await owner.NextEventAsync()).Message).Message, meta.Message);
        AssertOk(await owner.AskAsync(queue.Mine, SmpCommand.NDel.Instance, queue.Key));
        Assert.IsType<BrokerMessage.Deld>((await notifier.NextEventAsync()).Message);
        AssertError(SmpError.Auth.Instance, await notifier.AskAsync(id, SmpCommand.NSub.Instance, authKey));
    }

    [Fact]
    public async Task Old_messages_are_removed()
    {
        using TestFolder folder = new();
        StillTime time = new();
        await using SmpServer relay = await StartAsync(folder, options => options with { Time = time, InactiveClients = null });
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        OwnedQueue queue = await client.NewQueueAsync(SubscriptionMode.OnlyCreate);
        AssertOk(await client.AskAsync(queue.Theirs, Text("old"), null));
        time.Advance(TimeSpan.FromDays(20));
        AssertOk(await client.AskAsync(queue.Theirs, Text("young"), null));
        Assert.Equal(0, await relay.ExpireMessagesAsync());
        time.Advance(TimeSpan.FromDays(2));
        Assert.Equal(1, await relay.ExpireMessagesAsync());
        Assert.Equal("young", queue.OpenText(await client.AskAsync(queue.Mine, SmpCommand.Get.Instance, queue.Key)));
    }

    [Fact]
    public async Task Credentials_that_are_missing_or_too_many_are_named()
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder);
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        OwnedQueue queue = await client.NewQueueAsync();
        AssertError(SmpError.Command.NoAuth, await client.AskAsync(queue.Mine, SmpCommand.Sub.Instance, null));
        AssertError(SmpError.Command.NoAuth, await client.AskAsync(EntityId.None, SmpCommand.Sub.Instance, queue.Key));
        AssertError(SmpError.Command.NoEntity, await client.AskAsync(EntityId.None, Text("x"), null));
        AssertError(SmpError.Command.HasAuth, await client.AskAsync(EntityId.None, SmpCommand.Ping.Instance, queue.Key));
        AssertError(SmpError.Service.Instance, await client.AskAsync(queue.Mine, SmpCommand.Subs.Instance, queue.Key));
    }

    private static SenderId SenderIdFor(CorrId corrId)
    {
        WireId id = corrId.Value;
        byte[] hash = new byte[Digests.Sha3_384Length];
        Digests.Sha3_384(id.Span, hash);
        return new SenderId(hash.AsSpan(0, 24));
    }

    private static async Task<BrokerMessage> NewAsync(RelayClient client, CorrId corrId, PrivateKey key, X25519PrivateKey dhKey, QueueRequest request)
    {
        SmpCommand.New create = new(key.PublicKey, dhKey.PublicKey, null, SubscriptionMode.OnlyCreate, request, null);
        await client.SendBatchAsync(client.Encode(corrId, EntityId.None, create, key));
        return await client.AnswerAsync(corrId);
    }
}

/// <summary>A clock that a test moves. Timers do not run: what is due is asked for.</summary>
public sealed class StillTime : TimeProvider
{
    private DateTimeOffset _now = DateTimeOffset.FromUnixTimeSeconds(1_800_000_000);

    public override DateTimeOffset GetUtcNow() => _now;

    public void Advance(TimeSpan time) => _now += time;
}
