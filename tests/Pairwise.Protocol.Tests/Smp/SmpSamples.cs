using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.TestKit;
using Pairwise.Wire;

namespace Pairwise.Protocol.Tests.Smp;

/// <summary>One value at least of every case of the closed hierarchies; a test checks that none is forgotten.</summary>
internal static class SmpSamples
{
    private static readonly SeededRandom Random = new(1);

    private static readonly Ed25519PublicKey Ed25519 = Ed25519PrivateKey.Generate(Random).PublicKey;
    private static readonly X25519PublicKey X25519 = X25519PrivateKey.Generate(Random).PublicKey;
    private static readonly byte[] Id = Random.NextBytes(SmpLimits.IdLength);
    private static readonly QueueLinkData LinkData = new(Random.NextBytes(300), Random.NextBytes(700));
    private static readonly ServerNotifierCredentials Notifier = new(new NotifierId(Id), X25519);

    public static IReadOnlyList<SmpCommand> Commands { get; } =
    [
        new SmpCommand.New(Ed25519, X25519, Password, SubscriptionMode.Subscribe, new QueueRequest.Messaging(new MessagingLink(new SenderId(Id), LinkData)), null),
        new SmpCommand.New(X25519, X25519, null, SubscriptionMode.OnlyCreate, new QueueRequest.Contact(new ContactLink(new LinkId(Id), new SenderId(Id), LinkData)), new NotifierRequest(Ed25519, X25519)),
        SmpCommand.Sub.Instance,
        SmpCommand.Subs.Instance,
        new SmpCommand.Key(Ed25519),
        new SmpCommand.RKey([Ed25519, X25519]),
        new SmpCommand.LSet(new LinkId(Id), LinkData),
        SmpCommand.LDel.Instance,
        new SmpCommand.NKey(new NotifierRequest(Ed25519, X25519)),
        SmpCommand.NDel.Instance,
        SmpCommand.Get.Instance,
        new SmpCommand.Ack(new MessageId(Id)),
        SmpCommand.Off.Instance,
        SmpCommand.Del.Instance,
        SmpCommand.Que.Instance,
        new SmpCommand.SKey(X25519),
        new SmpCommand.Send(new MessageFlags(true), Random.NextBytes(1000)),
        SmpCommand.Ping.Instance,
        new SmpCommand.LKey(Ed25519),
        SmpCommand.LGet.Instance,
        SmpCommand.NSub.Instance,
        SmpCommand.NSubs.Instance,
        new SmpCommand.Prxy(Server, Password),
        new SmpCommand.PFwd(SmpVersions.ShortLinks, X25519, Random.NextBytes(200)),
        new SmpCommand.RFwd(Random.NextBytes(200)),
    ];

    public static IReadOnlyList<BrokerMessage> Messages { get; } =
    [
        new BrokerMessage.Ids(new RecipientId(Id), new SenderId(Id), X25519, QueueMode.Contact, new LinkId(Id), new ServiceId(Id), Notifier),
        new BrokerMessage.Lnk(new SenderId(Id), LinkData),
        new BrokerMessage.Sok(new ServiceId(Id)),
        new BrokerMessage.Soks(7),
        new BrokerMessage.Msg(new MessageId(Id), Random.NextBytes(RelayMessage.SealedLength)),
        new BrokerMessage.Nid(Notifier),
        new BrokerMessage.NMsg(Bytes.Wrap(Id), Random.NextBytes(144)),
        new BrokerMessage.PKey(Bytes.Wrap(Random.NextBytes(32)), SmpVersions.ProxiedRange, new CertificateSignedKey([Bytes.Wrap([1, 2])], Bytes.Wrap([3]))),
        new BrokerMessage.RRes(Random.NextBytes(100)),
        new BrokerMessage.PRes(Random.NextBytes(100)),
        BrokerMessage.End.Instance,
        new BrokerMessage.Ends(long.MaxValue),
        BrokerMessage.Deld.Instance,
        new BrokerMessage.Info(new QueueInfo(true, false, new QueueSubscription(QueueSubscriptionState.Delivering, "aWQ="), 3, new QueuedMessage("aWQ=", "2026-01-01T00:00:00Z", true))),
        BrokerMessage.Ok.Instance,
        new BrokerMessage.Err(SmpError.Auth.Instance),
        BrokerMessage.Pong.Instance,
    ];

    private static BasicAuth Password => BasicAuth.TryParse("pass-word", out var password) ? password : throw new VectorException("password");

    private static ServerAddress Server => new(ServerProtocol.Smp, [AddressVectors.Host("smp.example.org"), AddressVectors.Host("::1")], "5223", Bytes.Wrap(new byte[32]));
}
