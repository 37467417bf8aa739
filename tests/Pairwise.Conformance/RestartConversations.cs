using Pairwise.Client;
using Pairwise.Protocol.Smp;
using Pairwise.TestKit;

namespace Pairwise.Conformance;

/// <summary>Conversations in which the relay stops and starts. A relay behind an address cannot be stopped from here.</summary>
public sealed class RestartConversations(RelayUnderTest relay)
{
    private const string CannotStop = "the relay behind PAIRWISE_SERVER cannot be stopped by this suite";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Queues_keys_and_messages_survive_a_restart()
    {
        Assert.SkipUnless(relay.IsOwn, CannotStop);
        var folder = Directory.CreateTempSubdirectory("pairwise-restart-").FullName;
        var port = LoopbackPorts.Take();
        var (server, before) = await RelayUnderTest.StartOwnAsync(folder, port);
        TestQueue queue;
        await using (var recipient = await before.ConnectAsync())
        {
            queue = await recipient.CreateQueueAsync(mode: SubscriptionMode.OnlyCreate);
            await recipient.SendAsync<BrokerMessage.Ok>(new SmpCommand.SKey(queue.SenderPublicKey), queue.Sender.ToEntityId(), queue.SenderKey);
            for (byte i = 0; i < 3; i++)
                await recipient.SendAsync<BrokerMessage.Ok>(TestQueue.Message([i]), queue.Sender.ToEntityId(), queue.SenderKey);
        }

        await server.DisposeAsync();
        var (again, after) = await RelayUnderTest.StartOwnAsync(folder, port);
        Assert.Equal(before.Address, after.Address);
        await using (var recipient = await after.ConnectAsync())
        {
            await recipient.RefusedAsync(SmpError.Auth.Instance, TestQueue.Message("no key"u8), queue.Sender.ToEntityId());
            var subscribed = await recipient.SubscribeAsync(queue);
            var message = subscribed.Message as BrokerMessage.Msg ?? await recipient.NextEventAsync<BrokerMessage.Msg>(queue);
            for (byte i = 0; i < 2; i++)
            {
                Assert.Equal([i], queue.Open(message));
                message = await recipient.SendAsync<BrokerMessage.Msg>(new SmpCommand.Ack(message.Message), queue.Recipient.ToEntityId(), queue.RecipientKey);
            }

            Assert.Equal([2], queue.Open(message));
            await recipient.AcknowledgeAsync(queue, message.Message);
        }

        await again.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task A_client_that_reconnects_finds_the_relay_again()
    {
        Assert.SkipUnless(relay.IsOwn, CannotStop);
        var folder = Directory.CreateTempSubdirectory("pairwise-restart-").FullName;
        var port = LoopbackPorts.Take();
        var (server, before) = await RelayUnderTest.StartOwnAsync(folder, port);
        var backOff = new BackOff { Initial = TimeSpan.FromMilliseconds(50), Max = TimeSpan.FromMilliseconds(200) };
        await using (var client = new ReconnectingSmpClient(before.Address, new SmpClientOptions(), backOff))
        {
            var first = Assert.IsType<SmpConnectionEvent.Connected>(await client.Events.ReadAsync(Token));
            await server.DisposeAsync();
            Assert.IsType<SmpConnectionEvent.Lost>(await client.Events.ReadAsync(Token));
            Assert.IsType<SmpConnectionEvent.AttemptFailed>(await client.Events.ReadAsync(Token));
            (server, _) = await RelayUnderTest.StartOwnAsync(folder, port);
            SmpConnectionEvent next;
            do
                next = await client.Events.ReadAsync(Token);
            while (next is SmpConnectionEvent.AttemptFailed);
            var second = Assert.IsType<SmpConnectionEvent.Connected>(next);
            Assert.NotSame(first.Client, second.Client);
            Assert.True((await second.Client.SendAsync(new SmpRequest(SmpCommand.Ping.Instance), Token)).IsOk);
        }

        await server.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }
}
