using Pairwise.Client;
using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.TestKit;

namespace Pairwise.Conformance;

/// <summary>One connected client of a conversation, with short words for what it says and what it expects.</summary>
public sealed class Party(RelayUnderTest relay, SmpClient client) : IAsyncDisposable
{
    private static readonly TimeSpan Patience = Eventually.Patience;
    private static readonly TimeSpan Silence = TimeSpan.FromMilliseconds(300);

    public SmpClient Client { get; } = client;

    public SmpVersion Version => Client.Version;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => Client.DisposeAsync();

    public Task<SmpResult> SendAsync(SmpCommand command, EntityId entity = default, PrivateKey? key = null, CorrId? corrId = null) =>
        Client.SendAsync(new SmpRequest(command, entity, key, corrId), isInteractive: true, Token);

    /// <summary>Sends a command that has to be answered with an answer of this kind.</summary>
    public async Task<T> SendAsync<T>(SmpCommand command, EntityId entity = default, PrivateKey? key = null, CorrId? corrId = null)
        where T : BrokerMessage
    {
        var result = await SendAsync(command, entity, key, corrId);
        Assert.True(result.IsOk, $"{command.GetType().Name}: {result.Error}");
        return Assert.IsType<T>(result.Message);
    }

    /// <summary>Sends a command that the relay has to refuse with exactly this error.</summary>
    public async Task RefusedAsync(SmpError expected, SmpCommand command, EntityId entity = default, PrivateKey? key = null, CorrId? corrId = null)
    {
        var result = await SendAsync(command, entity, key, corrId);
        Assert.False(result.IsOk, $"{command.GetType().Name} was answered with {result.Message?.GetType().Name}");
        Assert.Equal(new SmpClientError.Relay(expected), result.Error);
    }

    /// <summary>Makes a queue with keys of the given kind.</summary>
    public async Task<TestQueue> CreateQueueAsync(
        KeyAlgorithm keys = KeyAlgorithm.Ed25519, SubscriptionMode mode = SubscriptionMode.Subscribe, QueueMode? queueMode = QueueMode.Messaging)
    {
        var recipientKey = TestQueue.NewKey(keys);
        var dhKey = X25519PrivateKey.Generate(SystemRandom.Instance);
        QueueRequest? request = Version < SmpVersions.SenderAuthKey || queueMode is null ? null
            : queueMode == QueueMode.Messaging ? new QueueRequest.Messaging(null) : new QueueRequest.Contact(null);
        var ids = await SendAsync<BrokerMessage.Ids>(
            new SmpCommand.New(TestQueue.PublicOf(recipientKey), dhKey.PublicKey, relay.Password, mode, request, null), key: recipientKey);
        return new TestQueue(keys, recipientKey, ids.Recipient, ids.Sender, BoxKey.From(dhKey.DeriveSharedSecret(ids.ServerDhKey)));
    }

    public Task<SmpResult> SubscribeAsync(TestQueue queue) => SendAsync(SmpCommand.Sub.Instance, queue.Recipient.ToEntityId(), queue.RecipientKey);

    public async Task AcknowledgeAsync(TestQueue queue, MessageId message) =>
        await SendAsync<BrokerMessage.Ok>(new SmpCommand.Ack(message), queue.Recipient.ToEntityId(), queue.RecipientKey);

    /// <summary>The next thing the relay says by itself.</summary>
    public async Task<SmpEvent> NextEventAsync()
    {
        using var limit = new CancellationTokenSource(Patience, TimeProvider.System);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, Token);
        return await Client.Events.ReadAsync(either.Token);
    }

    /// <summary>The next event, which has to be of this kind and about this queue.</summary>
    public async Task<T> NextEventAsync<T>(TestQueue queue)
        where T : BrokerMessage
    {
        var received = await NextEventAsync();
        Assert.Equal(queue.Recipient.ToEntityId(), received.Entity);
        return Assert.IsType<T>(received.Message);
    }

    /// <summary>The body of the next message of the queue, acknowledged.</summary>
    public async Task<byte[]> ReceiveAsync(TestQueue queue)
    {
        var message = await NextEventAsync<BrokerMessage.Msg>(queue);
        var body = queue.Open(message);
        await AcknowledgeAsync(queue, message.Message);
        return body;
    }

    /// <summary>Whatever is due arrives with the answer to a ping before it; then nothing more may come.</summary>
    public async Task ExpectSilenceAsync()
    {
        await SendAsync<BrokerMessage.Pong>(SmpCommand.Ping.Instance);
        using var limit = new CancellationTokenSource(Silence, TimeProvider.System);
        try
        {
            if (await Client.Events.WaitToReadAsync(limit.Token))
                Assert.Fail($"nothing was to come, but {(await Client.Events.ReadAsync(Token)).Message.GetType().Name} came");
            Assert.Fail("the relay closed the connection");
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            Assert.False(Client.Completion.IsCompleted);
        }
    }
}
