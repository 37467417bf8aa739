using Pairwise.Client;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Wire;

namespace Pairwise.Conformance;

/// <summary>Private routing: the relay as the proxy of a sender, and as its own destination.</summary>
public sealed class ForwardingConversations(RelayUnderTest relay)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(KeyAlgorithm.Ed25519)]
    [InlineData(KeyAlgorithm.X25519)]
    public async Task A_sender_secures_and_uses_a_queue_through_a_proxy(KeyAlgorithm keys)
    {
        await using var recipient = await relay.ConnectAsync();
        await using var sender = await relay.ConnectAsync();
        var queue = await recipient.CreateQueueAsync(keys);
        var destination = await OpenAsync(sender);
        Assert.True(destination.Version <= new SmpVersion(SmpVersions.ProxiedRange.Max));
        var entity = queue.Sender.ToEntityId();
        Expect<BrokerMessage.Ok>(await destination.SendAsync(new SmpRequest(new SmpCommand.SKey(queue.SenderPublicKey), entity, queue.SenderKey), isInteractive: true, Token));
        for (byte i = 0; i < 5; i++)
        {
            var body = TestQueue.Body(16_000);
            Expect<BrokerMessage.Ok>(await destination.SendAsync(new SmpRequest(TestQueue.Message(body), entity, queue.SenderKey), isInteractive: true, Token));
            Assert.Equal(body, await recipient.ReceiveAsync(queue));
        }
    }

    [Fact]
    public async Task The_destinations_refusal_comes_through_as_its_own()
    {
        await using var sender = await relay.ConnectAsync();
        var destination = await OpenAsync(sender);
        var nowhere = new EntityId(TestQueue.Body(SmpLimits.IdLength));
        var result = await destination.SendAsync(new SmpRequest(TestQueue.Message("?"u8), nowhere, null), isInteractive: true, Token);
        Assert.False(result.IsProxyError);
        Assert.Equal(new SmpClientError.Relay(SmpError.Auth.Instance), result.Error);
    }

    [Fact]
    public async Task Only_senders_commands_are_forwarded()
    {
        await using var party = await relay.ConnectAsync();
        var queue = await party.CreateQueueAsync();
        var destination = await OpenAsync(party);
        var result = await destination.SendAsync(new SmpRequest(SmpCommand.Del.Instance, queue.Recipient.ToEntityId(), queue.RecipientKey), isInteractive: true, Token);
        Assert.False(result.IsOk);
        Assert.True((await party.SendAsync(SmpCommand.Que.Instance, queue.Recipient.ToEntityId(), queue.RecipientKey)).IsOk);
    }

    [Fact]
    public async Task A_destination_that_is_another_relay_than_its_address_says_is_refused()
    {
        await using var sender = await relay.ConnectAsync();
        var impostor = relay.Address with { KeyHash = Bytes.Wrap(TestQueue.Body(32)) };
        var (destination, error) = await ProxiedRelay.OpenAsync(sender.Client, impostor, relay.Password, new SmpClientOptions(), isInteractive: true, Token);
        Assert.Null(destination);
        Assert.IsType<SmpError.Proxy>(Assert.IsType<SmpClientError.Relay>(error).Error);
    }

    [Fact]
    public async Task A_session_that_never_was_is_told()
    {
        await using var sender = await relay.ConnectAsync();
        var key = X25519PrivateKey.Generate(SystemRandom.Instance).PublicKey;
        var forward = new SmpCommand.PFwd(new SmpVersion(17), key, TestQueue.Body(SmpLimits.PaddedProxiedTransmissionLength + BoxKey.TagLength));
        await sender.RefusedAsync(new SmpError.Proxy(ProxyError.NoSession.Instance), forward, new EntityId(TestQueue.Body(32)));
    }

    private async Task<ProxiedRelay> OpenAsync(Party proxy)
    {
        var (destination, error) = await ProxiedRelay.OpenAsync(proxy.Client, relay.Address, relay.Password, new SmpClientOptions(), isInteractive: true, Token);
        Assert.True(destination is not null, error?.ToString());
        return destination;
    }

    private static void Expect<T>(ProxiedResult result)
        where T : BrokerMessage
    {
        Assert.True(result.IsOk, result.Error?.ToString());
        Assert.IsType<T>(result.Message);
    }
}
