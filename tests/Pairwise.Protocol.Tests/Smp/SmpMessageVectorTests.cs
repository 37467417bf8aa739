using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.TestKit;

namespace Pairwise.Protocol.Tests.Smp;

/// <summary>Every record of smp_message.json.</summary>
public sealed class SmpMessageVectorTests
{
    [Fact]
    public void Every_record_comes_out_as_the_reference_has_it() =>
        VectorFile.Load("smp_message.json").Check(new Dictionary<string, Action<VectorRecord>>
        {
            ["clientMsgEnvelope"] = Envelope,
            ["clientMsgEnvelopeError"] = record => Assert.False(ClientMessageEnvelope.TryDecode(record.Bytes("input"), out _)),
            ["clientMessageError"] = record => Assert.False(ClientMessage.TryDecode(record.Bytes("input"), out _)),
            ["rcvMsgBody"] = record => Received(record, new RelayMessage.Content(Time(record), new MessageFlags(record.Bool("notification")), record.Bytes("body"))),
            ["rcvMsgQuota"] = record => Received(record, new RelayMessage.QuotaMarker(Time(record))),
            ["rcvMsgBodyDecode"] = ReceivedDecode,
            ["storedMessage"] = Stored,
            ["nMsgMeta"] = Meta,
            ["nMsgMetaDecode"] = record => Assert.True(NotificationMeta.TryDecode(record.Bytes("input"), out _)),
            ["forwarding"] = Forwarding,
        });

    private static void Envelope(VectorRecord record)
    {
        using var sender = (X25519PrivateKey)SmpCommandVectorTests.Key(record["senderKey"]);
        using var recipient = (X25519PrivateKey)SmpCommandVectorTests.Key(record["recipientKey"]);
        using var box = Box(sender, recipient, record.Bytes("dhSecret"));
        var header = record.Has("privHeaderKeySpki") ? SmpCommandVectors.AuthKey(record.Json, "privHeaderKeySpki") : null;
        var message = new ClientMessage(header, record.Bytes("body"));
        Assert.Equal(record.Bytes("clientMessage"), message.Encode());

        var envelope = ClientMessageEnvelope.Seal(
            (ushort)record.Int("smpClientVersion"), record.Bool("publicKeyIncluded") ? sender.PublicKey : null, box, record.Bytes("nonce"), message);
        Assert.NotNull(envelope);
        Assert.Equal(record.Int("paddedLength"), envelope.PaddedLength);
        var encoded = record.Bytes("encoded");
        Assert.Equal(encoded, envelope.Encode());

        Assert.True(ClientMessageEnvelope.TryDecode(encoded, out var decoded));
        Assert.Equal(envelope, decoded);
        using var other = Box(recipient, sender, record.Bytes("dhSecret"));
        Assert.True(decoded.TryOpen(other, out var opened));
        Assert.Equal(message, opened);
    }

    private static void Received(VectorRecord record, RelayMessage message)
    {
        using var recipient = (X25519PrivateKey)SmpCommandVectorTests.Key(record["recipientDhKey"]);
        using var server = (X25519PrivateKey)SmpCommandVectorTests.Key(record["serverDhKey"]);
        using var box = Box(server, recipient, record.Bytes("dhSecret"));
        var id = new MessageId(record.Bytes("msgIdAndNonce"));
        AssertContent(record["encodedBody"], message.Encode());
        Assert.Equal(SmpLimits.PaddedReceivedMessageLength, record.Int("paddedLength"));

        var sealedMessage = new byte[RelayMessage.SealedLength];
        message.Seal(box, id, sealedMessage);
        AssertContent(record["encrypted"], sealedMessage);

        using var other = Box(recipient, server, record.Bytes("dhSecret"));
        Assert.True(RelayMessage.TryOpen(other, id, sealedMessage, out var opened));
        Assert.Equal(message, opened);
    }

    private static void ReceivedDecode(VectorRecord record)
    {
        var isDecoded = RelayMessage.TryDecode(record.Bytes("input"), out var message);
        Assert.Equal(record.String("decode") != "error", isDecoded);
        if (isDecoded)
        {
            Assert.Equal("message", record.String("decode"));
            Assert.Equal(new RelayMessage.Content(Time(record), new MessageFlags(record.Bool("notification")), record.Bytes("body")), message);
        }
    }

    private static void Stored(VectorRecord record)
    {
        var text = record.String("encodedText");
        Assert.True(RelayMessage.TryParseStoredText(Encoding.ASCII.GetBytes(text), out var id, out var message));
        Assert.Equal(text, message.ToStoredText(id));
    }

    private static void Meta(VectorRecord record)
    {
        using var recipient = (X25519PrivateKey)SmpCommandVectorTests.Key(record["recipientNtfDhKey"]);
        using var server = (X25519PrivateKey)SmpCommandVectorTests.Key(record["serverNtfDhKey"]);
        using var box = Box(server, recipient, record.Bytes("dhSecret"));
        var meta = new NotificationMeta(new MessageId(record.Bytes("msgId")), Time(record));
        Assert.Equal(record.Bytes("encodedMeta"), meta.Encode());
        Assert.Equal(SmpLimits.PaddedNotificationMetaLength, record.Int("paddedLength"));
        var encrypted = meta.Seal(box, record.Bytes("nonce"));
        Assert.Equal(record.Bytes("encrypted"), encrypted);
        Assert.True(NotificationMeta.TryOpen(box, record.Bytes("nonce"), encrypted, out var opened));
        Assert.Equal(meta, opened);
        var command = BrokerMessageCodec.Encode(SmpVersions.Current, new BrokerMessage.NMsg(Wire.Bytes.Wrap(record.Bytes("nonce")), encrypted));
        Assert.Equal(record.Bytes("nmsgCommand"), command);
    }

    private static void Forwarding(VectorRecord record)
    {
        var version = new SmpVersion((ushort)record.Int("version"));
        using var relayKey = (X25519PrivateKey)SmpCommandVectorTests.Key(record["relaySessionKey"]);
        using var proxyKey = (X25519PrivateKey)SmpCommandVectorTests.Key(record["proxySessionKey"]);
        using var commandKey = (X25519PrivateKey)SmpCommandVectorTests.Key(record["clientCommandKey"]);
        using var commandBox = Box(commandKey, relayKey, record.Bytes("commandSecret"));
        using var proxyBox = Box(proxyKey, relayKey, record.Bytes("proxySecret"));
        var clientCorrId = new CorrId(record.Bytes("clientCorrIdNonce"));
        var proxyCorrId = new CorrId(record.Bytes("proxyCorrIdNonce"));
        var format = new TransmissionFormat(version, record.Bytes("proxyRelaySessionId"));

        // The client: a batch of one, as if it spoke with the destination relay in the proxy's session.
        Assert.True(SmpCommandCodec.TryDecode(version, record.Bytes("command"), out var command, out _));
        using var senderKey = record.Has("senderKey") ? SmpCommandVectorTests.Key(record["senderKey"]) : null;
        var authorizer = new TransmissionAuthorizer(format, relayKey.PublicKey);
        Assert.True(authorizer.TryEncode(clientCorrId, new EntityId(record.Bytes("entityId")), command, senderKey, out var encoded));
        var writer = new BatchWriter(new byte[SmpLimits.MaxBlockContent], format);
        Assert.True(writer.TryAppend(encoded));
        var batch = writer.WrittenSpan.ToArray();
        Assert.Equal(record.Bytes("transmissionBatch"), batch);
        Assert.Equal(SmpLimits.PaddedProxiedTransmissionLength, record.Int("paddedLength"));
        var encTransmission = ProxyForwarding.SealTransmission(commandBox, clientCorrId, batch);
        AssertContent(record["encTransmission"], encTransmission!);
        AssertContent(record["pfwd"], SmpCommandCodec.Encode(version, new SmpCommand.PFwd(version, commandKey.PublicKey, encTransmission!)));

        // The proxy and the destination relay.
        var forwarded = new ForwardedTransmission(clientCorrId, version, commandKey.PublicKey, encTransmission!);
        AssertContent(record["fwdTransmission"], forwarded.Encode());
        var encForwarded = ProxyForwarding.SealForwarded(proxyBox, proxyCorrId, forwarded);
        AssertContent(record["encFwdTransmission"], encForwarded);
        AssertContent(record["rfwd"], SmpCommandCodec.Encode(version, new SmpCommand.RFwd(encForwarded)));
        Assert.True(ProxyForwarding.TryOpenForwarded(proxyBox, proxyCorrId, encForwarded, out var received));
        Assert.Equal(forwarded, received);
        Assert.True(ProxyForwarding.TryOpenTransmission(commandBox, received.ClientCorrId, received.Transmission.Span, out var openedBatch));
        Assert.Equal(batch, openedBatch);
        Assert.True(BatchReader.TryOpen(openedBatch, format, out var reader));
        Assert.True(reader.TryReadNext(out var transmission));
        Assert.Equal(record.Bytes("signedData"), transmission.GetSigned(format, new byte[transmission.GetSignedLength(format)]).ToArray());
        Assert.True(transmission.TryDecodeCommand(version, out _, out _));

        // The way back.
        Assert.True(BatchReader.TryOpen(record.Bytes("responseBatch"), format, out var responses));
        Assert.True(responses.TryReadNext(out var response));
        Assert.True(response.TryDecodeMessage(version, out var message, out _));
        Assert.StartsWith(message.ToString(), record.String("response"), StringComparison.Ordinal);
        var answer = new BatchWriter(new byte[SmpLimits.MaxBlockContent], format);
        Assert.True(answer.TryAppend(response.CorrId, response.Entity, message));
        Assert.Equal(record.Bytes("responseBatch"), answer.WrittenSpan.ToArray());
        var encResponse = ProxyForwarding.SealResponse(commandBox, clientCorrId, record.Bytes("responseBatch"));
        AssertContent(record["encResponse"], encResponse!);
        var forwardedResponse = new ForwardedResponse(clientCorrId, encResponse!);
        AssertContent(record["fwdResponse"], forwardedResponse.Encode());
        var encForwardedResponse = ProxyForwarding.SealForwardedResponse(proxyBox, proxyCorrId, forwardedResponse);
        AssertContent(record["encFwdResponse"], encForwardedResponse);
        AssertContent(record["rres"], BrokerMessageCodec.Encode(version, new BrokerMessage.RRes(encForwardedResponse)));
        Assert.True(ProxyForwarding.TryOpenForwardedResponse(proxyBox, proxyCorrId, encForwardedResponse, out var openedResponse));
        Assert.Equal(forwardedResponse, openedResponse);
        AssertContent(record["pres"], BrokerMessageCodec.Encode(version, new BrokerMessage.PRes(openedResponse.Response)));
        Assert.True(ProxyForwarding.TryOpenResponse(commandBox, clientCorrId, openedResponse.Response.Span, out var openedAnswer));
        Assert.Equal(record.Bytes("responseBatch"), openedAnswer);
    }

    private static BoxKey Box(X25519PrivateKey own, X25519PrivateKey peer, byte[] expectedSecret)
    {
        using var secret = own.DeriveSharedSecret(peer.PublicKey);
        Assert.Equal(expectedSecret, secret.Bytes.ToArray());
        return BoxKey.From(secret);
    }

    private static WireTime Time(VectorRecord record) => new(record["timestamp"].GetInt64());

    private static void AssertContent(JsonElement expected, byte[] actual)
    {
        if (expected.ValueKind == JsonValueKind.String)
        {
            Assert.Equal(expected.Bytes(), actual);
            return;
        }

        Assert.Equal(expected.GetProperty("length").GetInt32(), actual.Length);
        Assert.Equal(expected.Bytes("sha256"), SHA256.HashData(actual));
        if (expected.Has("first64"))
        {
            Assert.Equal(expected.Bytes("first64"), actual[..64]);
        }
    }
}
