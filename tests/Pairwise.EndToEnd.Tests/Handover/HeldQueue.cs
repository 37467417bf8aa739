using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Pairwise.Client;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Wire;

namespace Pairwise.EndToEnd.Tests.Handover;

/// <summary>
/// A queue of some kind as its two parties know it, and what a relay has to answer about it, whichever program runs.
/// </summary>
internal sealed class HeldQueue
{
    private const int Quota = 128;

    private readonly string _name;
    private readonly PrivateKey _key;
    private readonly BrokerMessage.Ids _ids;
    private readonly BoxKey _box;
    private readonly Queue<byte[]> _waiting = new();
    private PrivateKey? _otherKey;
    private PrivateKey? _senderKey;
    private bool _isSuspended;
    private bool _isDeleted;
    private bool _isFull;
    private SmpError? _block;
    private int _sent;
    private Func<SmpRequest, Task<ProxiedResult>>? _forward;

    private HeldQueue(string name, PrivateKey key, BrokerMessage.Ids ids, BoxKey box) => (_name, _key, _ids, _box) = (name, key, ids, box);

    /// <summary>The data of its short link, if it has one.</summary>
    public QueueLinkData? Link { get; private init; }

    /// <summary>Its notifier, if it has one.</summary>
    public HeldNotifier? Notifier { get; private set; }

    public string SenderIdText => Convert.ToBase64String(Span(_ids.Sender.Value)).Replace('+', '-').Replace('/', '_');

    private EntityId Recipient => _ids.Recipient.ToEntityId();

    public static PrivateKey NewKey(KeyAlgorithm algorithm) => algorithm == KeyAlgorithm.X25519
        ? X25519PrivateKey.Generate(SystemRandom.Instance)
        : CertificateAuthority.GenerateKey(algorithm, SystemRandom.Instance);

    public static PublicKey PublicOf(PrivateKey key) => key is SigningKey signing ? signing.PublicKey : ((X25519PrivateKey)key).PublicKey;

    /// <summary>Makes a queue.</summary>
    /// <param name="mode">Null for a queue without a mode.</param>
    /// <param name="hasLink">Whether it is made with link data.</param>
    /// <param name="hasNotifier">Whether it is made with a notifier.</param>
    public static async Task<HeldQueue> CreateAsync(
        SmpClient client, string name, KeyAlgorithm algorithm, QueueMode? mode, bool hasLink = false, bool hasNotifier = false)
    {
        var key = NewKey(algorithm);
        using var dhKey = X25519PrivateKey.Generate(SystemRandom.Instance);
        var corrId = new CorrId(RandomNumberGenerator.GetBytes(SmpLimits.IdLength));
        var hash = new byte[Digests.Sha3_384Length];
        Digests.Sha3_384(corrId.Value.Span, hash);
        var chosen = new SenderId(hash.AsSpan(0, SmpLimits.IdLength));
        var data = hasLink ? new QueueLinkData(new BlockSlice(RandomNumberGenerator.GetBytes(2008)), new BlockSlice(RandomNumberGenerator.GetBytes(3000))) : null;
        QueueRequest? request = mode switch
        {
            null => null,
            QueueMode.Messaging => new QueueRequest.Messaging(data is null ? null : new MessagingLink(chosen, data)),
            _ => new QueueRequest.Contact(data is null ? null : new ContactLink(new LinkId(RandomNumberGenerator.GetBytes(SmpLimits.IdLength)), chosen, data)),
        };
        var notifierKey = hasNotifier ? NewKey(KeyAlgorithm.X25519) : null;
        using var notifierDhKey = X25519PrivateKey.Generate(SystemRandom.Instance);
        var notifier = notifierKey is null ? null : new NotifierRequest(PublicOf(notifierKey), notifierDhKey.PublicKey);
        var result = await client.SendAsync(
            new SmpRequest(new SmpCommand.New(PublicOf(key), dhKey.PublicKey, null, SubscriptionMode.OnlyCreate, request, notifier), EntityId.None, key, corrId),
            CancellationToken.None);
        Assert.True(result.IsOk, $"{name}: {result.Error}");
        var ids = Assert.IsType<BrokerMessage.Ids>(result.Message);
        using var secret = dhKey.DeriveSharedSecret(ids.ServerDhKey);
        var queue = new HeldQueue(name, key, ids, BoxKey.From(secret)) { Link = data };
        if (notifierKey is not null)
            queue.Notifier = HeldNotifier.From(notifierKey, notifierDhKey, ids.Notifier!);
        return queue;
    }

    /// <summary>From now on what senders and guests say goes through a proxy.</summary>
    public void SendThrough(Func<SmpRequest, Task<ProxiedResult>> forward) => _forward = forward;

    public async Task SecureAsync(SmpClient client, KeyAlgorithm algorithm, bool bySender)
    {
        _senderKey = NewKey(algorithm);
        await (bySender
            ? DoAsync(client, new SmpCommand.SKey(PublicOf(_senderKey)), _ids.Sender.ToEntityId(), _senderKey)
            : DoAsync(client, new SmpCommand.Key(PublicOf(_senderKey)), Recipient, _key));
    }

    public async Task AddRecipientKeyAsync(SmpClient client)
    {
        _otherKey = NewKey(KeyAlgorithm.X25519);
        await DoAsync(client, new SmpCommand.RKey(new ValueList<PublicKey>([PublicOf(_key), PublicOf(_otherKey)])), Recipient, _key);
    }

    public async Task AddNotifierAsync(SmpClient client)
    {
        var key = NewKey(KeyAlgorithm.Ed25519);
        using var dhKey = X25519PrivateKey.Generate(SystemRandom.Instance);
        var result = await AskAsync(client, new SmpCommand.NKey(new NotifierRequest(PublicOf(key), dhKey.PublicKey)), Recipient, _key);
        Notifier = HeldNotifier.From(key, dhKey, Assert.IsType<BrokerMessage.Nid>(result.Message).Notifier);
    }

    public async Task SuspendAsync(SmpClient client)
    {
        await DoAsync(client, SmpCommand.Off.Instance, Recipient, _key);
        _isSuspended = true;
    }

    public async Task DeleteAsync(SmpClient client)
    {
        await DoAsync(client, SmpCommand.Del.Instance, Recipient, _key);
        _isDeleted = true;
        _waiting.Clear();
    }

    /// <summary>The operator blocked it, as both programs tell it.</summary>
    public void SetBlocked(SmpError.Blocked block) => _block = block;

    /// <summary>Sends so many messages more than fit.</summary>
    public async Task FillAsync(SmpClient client)
    {
        for (var i = 0; i <= Quota; i++)
            await SendAsync(client, $"{_name} fill {i}");
        Assert.True(_isFull);
    }

    /// <summary>Sends one message, and expects what the queue's state asks for.</summary>
    public Task SendNextAsync(SmpClient client) => SendAsync(client, string.Create(CultureInfo.InvariantCulture, $"{_name} {_sent++}"));

    public async Task SendAsync(SmpClient client, string text, int? length = null)
    {
        var body = Encoding.UTF8.GetBytes(text);
        if (length is { } wanted)
            Array.Resize(ref body, wanted);
        var result = await AskAsync(client, new SmpCommand.Send(new MessageFlags(Notifier is not null), new BlockSlice(body)), _ids.Sender.ToEntityId(), _senderKey);
        var expected = _isDeleted ? SmpError.Auth.Instance
            : _block ?? (_isSuspended ? SmpError.Auth.Instance : _isFull || _waiting.Count == Quota ? (SmpError)SmpError.Quota.Instance : null);
        AssertAnswer(expected, result, "SEND");
        if (expected is null)
        {
            _waiting.Enqueue(body);
            Notifier?.Expect();
        }
        else if (expected is SmpError.Quota && !_isFull)
        {
            _isFull = true;
        }
    }

    /// <summary>Looks at everything the relay should know, takes up to <paramref name="take"/> messages, and sends another one.</summary>
    public async Task CheckAsync(SmpClient client, int take)
    {
        var asked = await AskAsync(client, SmpCommand.Que.Instance, Recipient, _otherKey ?? _key);
        if (_isDeleted || _block is not null)
        {
            AssertAnswer(_isDeleted ? SmpError.Auth.Instance : _block, asked, "QUE");
            await SendNextAsync(client);
            return;
        }

        AssertAnswer(null, asked, "QUE");
        var info = Assert.IsType<BrokerMessage.Info>(asked.Message).Queue;
        Assert.Equal((_name, _waiting.Count + (_isFull ? 1 : 0)), (_name, info.Size));
        Assert.Equal((_name, _senderKey is not null), (_name, info.IsSecured));
        Assert.Equal((_name, Notifier is not null), (_name, info.HasNotifier));
        if (Link is not null && _senderKey is null)
            await CheckLinkAsync(client);
        if (_senderKey is not null)
            AssertAnswer(SmpError.Auth.Instance, await AskAsync(client, new SmpCommand.Send(MessageFlags.None, new BlockSlice("no key"u8.ToArray())), _ids.Sender.ToEntityId(), null), "SEND without the key");
        for (var i = 0; i < take && (_waiting.Count > 0 || _isFull); i++)
            await TakeAsync(client);
        await SendNextAsync(client);
    }

    /// <summary>Reads all that waits; then the queue is empty.</summary>
    public async Task DrainAsync(SmpClient client)
    {
        if (_isDeleted || _block is not null)
            return;
        while (_waiting.Count > 0 || _isFull)
            await TakeAsync(client);
        var got = await AskAsync(client, SmpCommand.Get.Instance, Recipient, _key);
        Assert.True(got.IsOk && got.Message is BrokerMessage.Ok, $"{_name} has more than it should: {got.Message}");
    }

    /// <summary>Reads the data of a contact address.</summary>
    public async Task CheckLinkAsync(SmpClient client)
    {
        // A one-time link is not opened here: that would secure its queue.
        if (_ids.Mode == QueueMode.Messaging)
            return;
        var read = await AskAsync(client, SmpCommand.LGet.Instance, _ids.Link!.Value.ToEntityId(), null);
        AssertAnswer(null, read, "LGET");
        AssertLink(read);
    }

    /// <summary>Opens the one-time link as its guest does.</summary>
    public async Task OpenLinkAsync(SmpClient client)
    {
        _senderKey = NewKey(KeyAlgorithm.X25519);
        var read = await AskAsync(client, new SmpCommand.LKey(PublicOf(_senderKey)), _ids.Link!.Value.ToEntityId(), _senderKey);
        AssertAnswer(null, read, "LKEY");
        AssertLink(read);
    }

    private void AssertLink((bool IsOk, BrokerMessage? Message, SmpClientError? Error) read)
    {
        var answer = Assert.IsType<BrokerMessage.Lnk>(read.Message);
        Assert.Equal(Link!.Fixed.ToArray(), answer.Content.Fixed.ToArray());
        Assert.Equal(Link.User.ToArray(), answer.Content.User.ToArray());
        Assert.Equal(_ids.Sender, answer.Sender);
    }

    private async Task TakeAsync(SmpClient client)
    {
        var got = await AskAsync(client, SmpCommand.Get.Instance, Recipient, _key);
        var message = got.Message as BrokerMessage.Msg;
        Assert.True(message is not null, $"{_name}: {_waiting.Count} messages should wait, and GET gave {got.Message?.ToString() ?? got.Error?.ToString()}");
        Assert.True(RelayMessage.TryOpen(_box, message.Message, message.EncryptedBody.Span, out var opened), $"{_name}: the body does not open");
        if (_waiting.TryDequeue(out var expected))
        {
            Assert.Equal(expected, Assert.IsType<RelayMessage.Content>(opened).Body.ToArray());
        }
        else
        {
            Assert.IsType<RelayMessage.QuotaMarker>(opened);
            _isFull = false;
        }

        await DoAsync(client, new SmpCommand.Ack(message.Message), Recipient, _otherKey ?? _key);
    }

    private async Task DoAsync(SmpClient client, SmpCommand command, EntityId entity, PrivateKey? key) =>
        AssertAnswer(null, await AskAsync(client, command, entity, key), command.ToString());

    private void AssertAnswer(SmpError? expected, (bool IsOk, BrokerMessage? Message, SmpClientError? Error) result, string what) =>
        Assert.True(
            expected is null ? result.IsOk : result.Error is SmpClientError.Relay { Error: { } error } && error.Equals(expected),
            $"{_name}: {what} was to be answered with {expected?.ToString() ?? "OK"}, and was with {result.Message?.ToString() ?? result.Error?.ToString()}");

    private async Task<(bool IsOk, BrokerMessage? Message, SmpClientError? Error)> AskAsync(SmpClient client, SmpCommand command, EntityId entity, PrivateKey? key)
    {
        var request = new SmpRequest(command, entity, key);
        if (_forward is not null && (command is SmpCommand.SenderCommand or SmpCommand.LinkCommand))
        {
            var forwarded = await _forward(request);
            return (forwarded.IsOk, forwarded.Message, forwarded.Error);
        }

        var result = await client.SendAsync(request, CancellationToken.None);
        return (result.IsOk, result.Message, result.Error);
    }

    private static byte[] Span(WireId id) => id.ToArray();
}
