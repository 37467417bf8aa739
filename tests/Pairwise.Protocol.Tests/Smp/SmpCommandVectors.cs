using System.Text.Json;
using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.TestKit;
using Pairwise.Wire;

namespace Pairwise.Protocol.Tests.Smp;

/// <summary>Makes commands and broker messages from the fields that the vectors describe them by.</summary>
internal static class SmpCommandVectors
{
    public static SmpCommand Command(string name, JsonElement fields)
    {
        switch (name.Split(' ')[0])
        {
            case "NEW":
                return new SmpCommand.New(
                    AuthKey(fields, "rcvAuthKeySpki"),
                    DhKey(fields, "rcvDhKeySpki"),
                    Password(fields),
                    fields.GetProperty("subscriptionMode").GetString() == "subscribe" ? SubscriptionMode.Subscribe : SubscriptionMode.OnlyCreate,
                    QueueRequestOf(fields),
                    fields.Has("ntfCreds") ? Notifier(fields.GetProperty("ntfCreds")) : null);
            case "SUB":
                return SmpCommand.Sub.Instance;
            case "SUBS":
                return SmpCommand.Subs.Instance;
            case "KEY":
                return new SmpCommand.Key(AuthKey(fields, "senderKeySpki"));
            case "RKEY":
                return new SmpCommand.RKey([.. fields.GetProperty("keysSpki").EnumerateArray().Select(key => PublicKeyOf(key.Bytes()))]);
            case "LSET":
                return new SmpCommand.LSet(new LinkId(fields.Bytes("linkId")), LinkData(fields.GetProperty("data")));
            case "LDEL":
                return SmpCommand.LDel.Instance;
            case "NKEY":
                return new SmpCommand.NKey(Notifier(fields));
            case "NDEL":
                return SmpCommand.NDel.Instance;
            case "GET":
                return SmpCommand.Get.Instance;
            case "ACK":
                return new SmpCommand.Ack(new MessageId(fields.Bytes("msgId")));
            case "OFF":
                return SmpCommand.Off.Instance;
            case "DEL":
                return SmpCommand.Del.Instance;
            case "QUE":
                return SmpCommand.Que.Instance;
            case "SKEY":
                return new SmpCommand.SKey(AuthKey(fields, "senderKeySpki"));
            case "SEND":
                return new SmpCommand.Send(new MessageFlags(fields.GetProperty("notification").GetBoolean()), fields.Bytes("body"));
            case "PING":
                return SmpCommand.Ping.Instance;
            case "LKEY":
                return new SmpCommand.LKey(AuthKey(fields, "senderKeySpki"));
            case "LGET":
                return SmpCommand.LGet.Instance;
            case "NSUB":
                return SmpCommand.NSub.Instance;
            case "NSUBS":
                return SmpCommand.NSubs.Instance;
            case "PRXY":
                return new SmpCommand.Prxy(AddressVectors.Server(fields.GetProperty("server"), ServerProtocol.Smp), Password(fields));
            case "PFWD":
                return new SmpCommand.PFwd(
                    new SmpVersion(fields.GetProperty("forwardedVersion").GetUInt16()), DhKey(fields, "commandKeySpki"), fields.Bytes("encTransmission"));
            case "RFWD":
                return new SmpCommand.RFwd(fields.Bytes("encFwdTransmission"));
            default:
                throw new VectorException($"no command '{name}'");
        }
    }

    public static BrokerMessage Message(string name, JsonElement fields)
    {
        switch (name.Split(' ')[0])
        {
            case "IDS":
                return new BrokerMessage.Ids(
                    new RecipientId(fields.Bytes("recipientId")),
                    new SenderId(fields.Bytes("senderId")),
                    DhKey(fields, "serverDhKeySpki"),
                    fields.Has("queueMode") ? AddressVectors.Mode(fields.GetProperty("queueMode")) : null,
                    fields.Has("linkId") ? new LinkId(fields.Bytes("linkId")) : null,
                    fields.Has("serviceId") ? new ServiceId(fields.Bytes("serviceId")) : null,
                    fields.Has("ntfCreds") ? NotifierCredentials(fields.GetProperty("ntfCreds")) : null);
            case "LNK":
                return new BrokerMessage.Lnk(new SenderId(fields.Bytes("senderId")), LinkData(fields.GetProperty("data")));
            case "SOK":
                return new BrokerMessage.Sok(fields.Has("serviceId") ? new ServiceId(fields.Bytes("serviceId")) : null);
            case "SOKS":
                return new BrokerMessage.Soks(fields.GetProperty("count").GetInt64());
            case "MSG":
                return new BrokerMessage.Msg(new MessageId(fields.Bytes("msgId")), fields.Bytes("encBody"));
            case "NID":
                return new BrokerMessage.Nid(NotifierCredentials(fields));
            case "NMSG":
                return new BrokerMessage.NMsg(Bytes.Wrap(fields.Bytes("nonce")), fields.Bytes("encMeta"));
            case "PKEY":
                var range = fields.GetProperty("versionRange");
                return new BrokerMessage.PKey(
                    Bytes.Wrap(fields.Bytes("sessionId")),
                    AddressVectors.Range(range),
                    new CertificateSignedKey(
                        [.. fields.GetProperty("certChain").EnumerateArray().Select(certificate => Bytes.Wrap(certificate.Bytes()))],
                        Bytes.Wrap(fields.Bytes("signedKeyDer"))));
            case "RRES":
                return new BrokerMessage.RRes(fields.Bytes("encFwdResponse"));
            case "PRES":
                return new BrokerMessage.PRes(fields.Bytes("encResponse"));
            case "END":
                return BrokerMessage.End.Instance;
            case "ENDS":
                return new BrokerMessage.Ends(fields.GetProperty("count").GetInt64());
            case "DELD":
                return BrokerMessage.Deld.Instance;
            case "INFO":
                return new BrokerMessage.Info(Info(fields.GetProperty("json").GetString()!));
            case "OK":
                return BrokerMessage.Ok.Instance;
            case "ERR":
                if (name.Contains("NEConnectError", StringComparison.Ordinal))
                {
                    // Its text form has lost the detail.
                    return new BrokerMessage.Err(new SmpError.Proxy(new ProxyError.Broker(new BrokerError.Network(new NetworkError.Connect("refused")))));
                }

                var text = fields.GetProperty("error").GetString()!;
                Assert.True(SmpErrorCodec.TryParseText(text, out var error), text);
                return new BrokerMessage.Err(error);
            case "PONG":
                return BrokerMessage.Pong.Instance;
            default:
                throw new VectorException($"no broker message '{name}'");
        }
    }

    public static PublicKey PublicKeyOf(byte[] spki) =>
        PublicKey.TryFromSpki(spki, out var key) ? key : throw new VectorException("not a public key");

    public static PublicKey AuthKey(JsonElement fields, string property) => PublicKeyOf(fields.Bytes(property));

    public static X25519PublicKey DhKey(JsonElement fields, string property) => (X25519PublicKey)PublicKeyOf(fields.Bytes(property));

    private static BasicAuth? Password(JsonElement fields)
    {
        if (!fields.Has("basicAuth"))
        {
            return null;
        }

        Assert.True(BasicAuth.TryParse(fields.GetProperty("basicAuth").GetString()!, out var password));
        return password;
    }

    private static QueueRequest? QueueRequestOf(JsonElement fields)
    {
        if (!fields.Has("queueReqData"))
        {
            return null;
        }

        var request = fields.GetProperty("queueReqData");
        var hasLink = request.Has("link");
        var link = hasLink ? request.GetProperty("link") : default;
        var sender = hasLink ? new SenderId(link.Bytes("senderId")) : default;
        var data = hasLink ? LinkData(link.GetProperty("data")) : null;
        return AddressVectors.Mode(request.GetProperty("mode")) == QueueMode.Messaging
            ? new QueueRequest.Messaging(data is null ? null : new MessagingLink(sender, data))
            : new QueueRequest.Contact(data is null ? null : new ContactLink(new LinkId(link.Bytes("linkId")), sender, data));
    }

    private static QueueLinkData LinkData(JsonElement data) => new(Content(data, "encFixedData"), Content(data, "encUserData"));

    private static BlockSlice Content(JsonElement data, string property) => data.Bytes(property);

    private static NotifierRequest Notifier(JsonElement fields) => new(AuthKey(fields, "ntfAuthKeySpki"), DhKey(fields, "ntfDhKeySpki"));

    private static ServerNotifierCredentials NotifierCredentials(JsonElement fields) =>
        new(new NotifierId(fields.Bytes("notifierId")), DhKey(fields, "serverNtfDhKeySpki"));

    private static QueueInfo Info(string json)
    {
        using var document = JsonDocument.Parse(json);
        var root = document.RootElement;
        QueueSubscription? subscription = null;
        if (root.Has("qiSub"))
        {
            var sub = root.GetProperty("qiSub");
            var state = sub.GetProperty("qSubThread").GetString() switch
            {
                "noSub" => QueueSubscriptionState.None,
                "subPending" => QueueSubscriptionState.Pending,
                "subThread" => QueueSubscriptionState.Delivering,
                _ => QueueSubscriptionState.Prohibited,
            };
            subscription = new QueueSubscription(state, sub.Has("qDelivered") ? sub.GetProperty("qDelivered").GetString() : null);
        }

        QueuedMessage? message = null;
        if (root.Has("qiMsg"))
        {
            var msg = root.GetProperty("qiMsg");
            message = new QueuedMessage(
                msg.GetProperty("msgId").GetString()!, msg.GetProperty("msgTs").GetString()!, msg.GetProperty("msgType").GetString() == "quota");
        }

        return new QueueInfo(
            root.GetProperty("qiSnd").GetBoolean(), root.GetProperty("qiNtf").GetBoolean(), subscription, root.GetProperty("qiSize").GetInt64(), message);
    }
}
