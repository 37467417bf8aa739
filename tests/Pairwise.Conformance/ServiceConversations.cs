using Pairwise.Client;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.TestKit;
using Pairwise.Transport;
using Pairwise.Transport.Smp;

namespace Pairwise.Conformance;

/// <summary>Clients that are services by their certificates: roles, the second signature, and queues that are a service's.</summary>
public sealed class ServiceConversations(RelayUnderTest relay)
{
    private static readonly TimeSpan LongPatience = Eventually.Patience;

    [Fact]
    public async Task A_notification_service_gets_notifications_of_all_its_queues()
    {
        using var service = TestService.Create(SmpServiceRole.Notifier);
        await using var owner = await relay.ConnectAsync();
        var first = await owner.CreateQueueAsync();
        var second = await owner.CreateQueueAsync();
        var (firstId, firstKey) = await AllowNotifierAsync(owner, first);
        var (secondId, secondKey) = await AllowNotifierAsync(owner, second);
        ServiceId id;
        await using (var notifier = await relay.ConnectAsync(service))
        {
            id = notifier.Client.Service!.Id;
            Assert.Equal(0, (await notifier.SendAsync<BrokerMessage.Soks>(SmpCommand.NSubs.Instance, id.ToEntityId(), TestService.SessionKeyOf(notifier))).Count);
            Assert.Equal(id, (await notifier.SendAsync<BrokerMessage.Sok>(SmpCommand.NSub.Instance, firstId.ToEntityId(), firstKey)).Service);
            Assert.Equal(id, (await notifier.SendAsync<BrokerMessage.Sok>(SmpCommand.NSub.Instance, secondId.ToEntityId(), secondKey)).Service);
            await SendAsync(first);
            await ExpectNotificationAsync(notifier, firstId);
        }

        // What was sent meanwhile comes to whoever subscribes for the service next, by one command.
        await SendAsync(second);
        await using var next = await relay.ConnectAsync(service);
        Assert.Equal(id, next.Client.Service!.Id);
        Assert.Equal(2, (await next.SendAsync<BrokerMessage.Soks>(SmpCommand.NSubs.Instance, id.ToEntityId(), TestService.SessionKeyOf(next))).Count);
        await ExpectNotificationAsync(next, secondId);
        await SendAsync(first);
        await ExpectNotificationAsync(next, firstId);

        // Once more in the same session: the same number.
        Assert.Equal(2, (await next.SendAsync<BrokerMessage.Soks>(SmpCommand.NSubs.Instance, id.ToEntityId(), TestService.SessionKeyOf(next))).Count);
    }

    [Fact]
    public async Task Another_connection_of_the_service_takes_all_queues_over()
    {
        using var service = TestService.Create(SmpServiceRole.Notifier);
        await using var owner = await relay.ConnectAsync();
        var queue = await owner.CreateQueueAsync();
        var (notifierId, key) = await AllowNotifierAsync(owner, queue);
        await using var former = await relay.ConnectAsync(service);
        var id = former.Client.Service!.Id;
        await former.SendAsync<BrokerMessage.Sok>(SmpCommand.NSub.Instance, notifierId.ToEntityId(), key);
        await using var next = await relay.ConnectAsync(service);
        Assert.Equal(1, (await next.SendAsync<BrokerMessage.Soks>(SmpCommand.NSubs.Instance, id.ToEntityId(), TestService.SessionKeyOf(next))).Count);
        var ended = await NextAsync(former);
        Assert.Equal(id.ToEntityId(), ended.Entity);
        Assert.Equal(new BrokerMessage.Ends(1), ended.Message);
        await SendAsync(queue);
        await ExpectNotificationAsync(next, notifierId);
        await former.ExpectSilenceAsync();
    }

    [Fact]
    public async Task A_queue_of_a_service_can_go_to_somebody_without_one_and_back()
    {
        using var service = TestService.Create(SmpServiceRole.Notifier);
        await using var owner = await relay.ConnectAsync();
        var queue = await owner.CreateQueueAsync();
        var (notifierId, key) = await AllowNotifierAsync(owner, queue);
        await using var notifier = await relay.ConnectAsync(service);
        var id = notifier.Client.Service!.Id;
        await notifier.SendAsync<BrokerMessage.Sok>(SmpCommand.NSub.Instance, notifierId.ToEntityId(), key);
        await using var alone = await relay.ConnectAsync();
        Assert.Null((await alone.SendAsync<BrokerMessage.Sok>(SmpCommand.NSub.Instance, notifierId.ToEntityId(), key)).Service);
        var ended = await NextAsync(notifier);
        Assert.Equal(notifierId.ToEntityId(), ended.Entity);
        Assert.IsType<BrokerMessage.End>(ended.Message);
        await SendAsync(queue);
        await ExpectNotificationAsync(alone, notifierId);
        Assert.Equal(id, (await notifier.SendAsync<BrokerMessage.Sok>(SmpCommand.NSub.Instance, notifierId.ToEntityId(), key)).Service);
        ended = await NextAsync(alone);
        Assert.Equal(notifierId.ToEntityId(), ended.Entity);
        Assert.IsType<BrokerMessage.End>(ended.Message);
        await SendAsync(queue);
        await ExpectNotificationAsync(notifier, notifierId);
    }

    [Fact]
    public async Task A_service_hears_that_a_notifier_was_removed()
    {
        using var service = TestService.Create(SmpServiceRole.Notifier);
        await using var owner = await relay.ConnectAsync();
        var queue = await owner.CreateQueueAsync();
        var (notifierId, key) = await AllowNotifierAsync(owner, queue);
        await using var notifier = await relay.ConnectAsync(service);
        await notifier.SendAsync<BrokerMessage.Sok>(SmpCommand.NSub.Instance, notifierId.ToEntityId(), key);
        await owner.SendAsync<BrokerMessage.Ok>(SmpCommand.NDel.Instance, queue.Recipient.ToEntityId(), queue.RecipientKey);
        var told = await NextAsync(notifier);
        Assert.Equal(notifierId.ToEntityId(), told.Entity);
        Assert.IsType<BrokerMessage.Deld>(told.Message);
        await notifier.RefusedAsync(SmpError.Auth.Instance, SmpCommand.NSub.Instance, notifierId.ToEntityId(), key);
    }

    [Fact]
    public async Task A_messaging_service_makes_queues_of_its_own_and_subscribes_one_by_one()
    {
        using var service = TestService.Create(SmpServiceRole.Messaging);
        await using var party = await relay.ConnectAsync(service);
        var id = party.Client.Service!.Id;
        var key = Ed25519PrivateKey.Generate(SystemRandom.Instance);
        using var dhKey = X25519PrivateKey.Generate(SystemRandom.Instance);
        var create = new SmpCommand.New(key.PublicKey, dhKey.PublicKey, relay.Password, SubscriptionMode.Subscribe, new QueueRequest.Messaging(null), null);
        var ids = await party.SendAsync<BrokerMessage.Ids>(create, key: key);
        Assert.Equal(id, ids.Service);
        Assert.Equal(id, (await party.SendAsync<BrokerMessage.Sok>(SmpCommand.Sub.Instance, ids.Recipient.ToEntityId(), key)).Service);

        // Its queues are subscribed from the start, so that none is missed by SUBS, which no version up to 18 has.
        await party.RefusedAsync(SmpError.Command.Prohibited, create with { Mode = SubscriptionMode.OnlyCreate }, key: key);
        await party.RefusedAsync(SmpError.Command.Prohibited, SmpCommand.Subs.Instance, id.ToEntityId(), TestService.SessionKeyOf(party));
        await using var sender = await relay.ConnectAsync();
        await sender.SendAsync<BrokerMessage.Ok>(TestQueue.Message("for the service"u8), ids.Sender.ToEntityId());
        var received = await party.NextEventAsync();
        Assert.Equal(ids.Recipient.ToEntityId(), received.Entity);
        Assert.IsType<BrokerMessage.Msg>(received.Message);
    }

    [Fact]
    public async Task Commands_of_another_role_are_prohibited()
    {
        using var notifications = TestService.Create(SmpServiceRole.Notifier);
        using var messaging = TestService.Create(SmpServiceRole.Messaging);
        await using var owner = await relay.ConnectAsync();
        var queue = await owner.CreateQueueAsync();
        var (notifierId, key) = await AllowNotifierAsync(owner, queue);
        await using (var party = await relay.ConnectAsync(notifications))
        {
            await party.RefusedAsync(SmpError.Command.Prohibited, SmpCommand.Sub.Instance, queue.Recipient.ToEntityId(), queue.RecipientKey);
            await party.RefusedAsync(SmpError.Command.Prohibited, SmpCommand.Subs.Instance, party.Client.Service!.Id.ToEntityId(), TestService.SessionKeyOf(party));
            await party.SendAsync<BrokerMessage.Pong>(SmpCommand.Ping.Instance);
        }

        await using (var party = await relay.ConnectAsync(messaging))
        {
            await party.RefusedAsync(SmpError.Command.Prohibited, SmpCommand.NSub.Instance, notifierId.ToEntityId(), key);
            await party.RefusedAsync(SmpError.Command.Prohibited, SmpCommand.NSubs.Instance, party.Client.Service!.Id.ToEntityId(), TestService.SessionKeyOf(party));
        }
    }

    [Fact]
    public async Task What_is_not_there_is_AUTH_before_roles_and_services_are_looked_at()
    {
        using var service = TestService.Create(SmpServiceRole.Notifier);
        await using var party = await relay.ConnectAsync(service);
        var nobody = new EntityId(TestQueue.Body(SmpLimits.IdLength));
        var key = Ed25519PrivateKey.Generate(SystemRandom.Instance);
        await party.RefusedAsync(SmpError.Auth.Instance, SmpCommand.Sub.Instance, nobody, key);
        await party.RefusedAsync(SmpError.Auth.Instance, TestQueue.Message("to nobody"u8), nobody);
        await party.RefusedAsync(SmpError.Auth.Instance, SmpCommand.LGet.Instance, nobody);
        await party.RefusedAsync(SmpError.Auth.Instance, SmpCommand.NSub.Instance, nobody, key);
    }

    [Fact]
    public async Task Service_commands_need_a_service_its_own_id_and_its_sessions_key()
    {
        using var service = TestService.Create(SmpServiceRole.Notifier);
        await using var party = await relay.ConnectAsync(service);
        var id = party.Client.Service!.Id.ToEntityId();
        await party.RefusedAsync(SmpError.Service.Instance, SmpCommand.NSubs.Instance, id, Ed25519PrivateKey.Generate(SystemRandom.Instance));
        await party.RefusedAsync(SmpError.Service.Instance, SmpCommand.NSubs.Instance, new EntityId(TestQueue.Body(SmpLimits.IdLength)), TestService.SessionKeyOf(party));
        await using var nobody = await relay.ConnectAsync();
        await nobody.RefusedAsync(SmpError.Service.Instance, SmpCommand.NSubs.Instance, id, Ed25519PrivateKey.Generate(SystemRandom.Instance));
        await nobody.RefusedAsync(SmpError.Service.Instance, SmpCommand.Subs.Instance, id, Ed25519PrivateKey.Generate(SystemRandom.Instance));
    }

    [Fact]
    public async Task A_certificate_has_one_role_for_ever()
    {
        using var service = TestService.Create(SmpServiceRole.Notifier);
        await using (await relay.ConnectAsync(service))
        {
        }

        var refused = await Assert.ThrowsAsync<TransportException>(() => relay.ConnectAsync(service.As(SmpServiceRole.Messaging)));
        Assert.Equal(TransportError.HandshakeBadService, refused.Error);
    }

    [Fact]
    public async Task The_identity_of_another_service_cannot_be_borrowed()
    {
        using var service = TestService.Create(SmpServiceRole.Notifier);
        await using (await relay.ConnectAsync(service))
        {
        }

        await Assert.ThrowsAsync<TransportException>(() => relay.ConnectAsync(service.WithForgedLeaf()));
    }

    private static async Task<(NotifierId Id, PrivateKey Key)> AllowNotifierAsync(Party owner, TestQueue queue)
    {
        var key = Ed25519PrivateKey.Generate(SystemRandom.Instance);
        using var dhKey = X25519PrivateKey.Generate(SystemRandom.Instance);
        var allowed = await owner.SendAsync<BrokerMessage.Nid>(
            new SmpCommand.NKey(new NotifierRequest(key.PublicKey, dhKey.PublicKey)), queue.Recipient.ToEntityId(), queue.RecipientKey);
        return (allowed.Notifier.Notifier, key);
    }

    private async Task SendAsync(TestQueue queue)
    {
        await using var sender = await relay.ConnectAsync();
        await sender.SendAsync<BrokerMessage.Ok>(new SmpCommand.Send(new MessageFlags(true), "notify"u8.ToArray()), queue.Sender.ToEntityId());
    }

    private static async Task ExpectNotificationAsync(Party notifier, NotifierId id)
    {
        var received = await NextAsync(notifier);
        Assert.Equal(id.ToEntityId(), received.Entity);
        Assert.IsType<BrokerMessage.NMsg>(received.Message);
    }

    private static async Task<SmpEvent> NextAsync(Party party)
    {
        using var limit = new CancellationTokenSource(LongPatience, TimeProvider.System);
        return await party.Client.Events.ReadAsync(limit.Token);
    }
}
