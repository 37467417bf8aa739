using System.Text;
using System.Text.Json;
using Pairwise.Crypto;
using Pairwise.Protocol.Agent;
using Pairwise.Protocol.Tests.Smp;
using Pairwise.Ratchet;
using Pairwise.TestKit;
using Pairwise.Wire;

namespace Pairwise.Protocol.Tests.Agent;

/// <summary>Every record of agent_messages.json.</summary>
public sealed class AgentMessageVectorTests
{
    [Fact]
    public void Every_record_comes_out_as_the_reference_has_it() =>
        VectorFile.Load("agent_messages.json").Check(new Dictionary<string, Action<VectorRecord>>
        {
            ["smpQueueInfo"] = QueueInfo,
            ["smpQueueUriBinary"] = QueueUri,
            ["e2eRatchetParams"] = RatchetParams,
            ["e2eRatchetParamsError"] = record => Assert.False(E2ERatchetParams.TryDecode(record.Bytes("input"), out _)),
            ["e2eRatchetParamsUri"] = RatchetParamsUri,
            ["agentMessage"] = Message,
            ["agentMessageError"] = record => Assert.False(AgentMessage.TryDecode(record.Bytes("input"), out _)),
            ["agentMsgEnvelope"] = Envelope,
            ["agentMsgEnvelopeError"] = record => Assert.False(AgentEnvelope.TryDecode(record.Bytes("input"), out _)),
            ["messageHashChain"] = HashChain,
            ["lengths"] = Lengths,
        });

    private static void QueueInfo(VectorRecord record)
    {
        var queue = new SmpQueueInfo((ushort)record.Int("clientVersion"), AddressVectors.Queue(record["address"]));
        var encoded = record.Bytes("encoded");
        Assert.Equal(encoded, queue.Encode());
        Assert.True(SmpQueueInfo.TryDecode(encoded, out var decoded));
        Assert.Equal(AddressVectors.QueueInfo(record["decoded"]), decoded);
        Assert.Equal(record.Bool("lossless"), decoded.Equals(queue));
    }

    private static void QueueUri(VectorRecord record)
    {
        var queue = new SmpQueueUri(AddressVectors.Range(record["clientVersionRange"]), AddressVectors.Queue(record["address"]));
        var encoded = record.Bytes("encoded");
        Assert.Equal(encoded, queue.Encode());
        Assert.True(SmpQueueUri.TryDecode(encoded, out var decoded));
        Assert.Equal(queue with { Address = AddressVectors.Queue(record["decoded"]) }, decoded);
        Assert.Equal(record.Bool("lossless"), decoded.Equals(queue));
    }

    private static void RatchetParams(VectorRecord record)
    {
        Assert.True(E2ERatchetParams.TryDecode(record.Bytes("encoded"), out var decoded));
        Assert.Equal(Params(record["params"]), decoded);
        Assert.Equal(record.Bytes("encoded"), decoded.Encode());
    }

    private static void RatchetParamsUri(VectorRecord record)
    {
        var parameters = Params(record["params"]);
        var expected = new E2ERatchetParamsUri(AddressVectors.Range(record["versionRange"]), parameters.Key1, parameters.Key2, parameters.Kem);
        Assert.Equal(record.String("encodedText"), expected.ToText());
        Assert.Equal(record.Bytes("encodedBinary"), expected.Encode());
        Assert.True(E2ERatchetParamsUri.TryParse(Encoding.ASCII.GetBytes(record.String("encodedText")), out var parsed));
        Assert.Equal(expected, parsed);
        Assert.True(E2ERatchetParamsUri.TryDecode(record.Bytes("encodedBinary"), out var decoded));
        Assert.Equal(expected, decoded);
    }

    private static void Message(VectorRecord record)
    {
        var message = MessageOf(record.Name, record["fields"]);
        var encoded = record.Bytes("encoded");
        Assert.Equal(encoded, message.Encode());
        Assert.Equal(record.Bytes("sha256"), AgentMessage.HashOf(encoded).ToArray());
        Assert.Equal(record.String("typeForStore"), message.StoreTag);
        Assert.True(AgentMessage.TryDecode(encoded, out var decoded));

        // Queues of old client versions lose what those cannot tell; the encoding is what counts.
        Assert.Equal(encoded, decoded.Encode());
        if (!record.Name.Contains("two reply queues", StringComparison.Ordinal) && !record.Name.EndsWith("QKEY", StringComparison.Ordinal))
        {
            Assert.Equal(message, decoded);
        }
    }

    private static AgentMessage MessageOf(string name, JsonElement fields) => name[0] switch
    {
        'I' => new AgentMessage.ConnectionInfo(fields.Bytes("connInfo")),
        'D' => new AgentMessage.ConnectionInfoReply([.. fields.GetProperty("queues").EnumerateArray().Select(AddressVectors.QueueInfo)], fields.Bytes("connInfo")),
        'R' => new AgentMessage.RatchetInfo(fields.Bytes("info")),
        'M' => new AgentMessage.Sequenced(fields.GetProperty("sndMsgId").GetInt64(), Bytes.CopyOf(fields.Bytes("prevMsgHash")), ContentOf(name, fields)),
        _ => throw new VectorException($"no agent message '{name}'"),
    };

    private static AgentMessageContent ContentOf(string name, JsonElement fields)
    {
        var tag = name.Split(' ')[1];
        switch (tag)
        {
            case "HELLO":
                return AgentMessageContent.Hello.Instance;
            case "A_RCVD":
                return new AgentMessageContent.Receipts([.. fields.GetProperty("receipts").EnumerateArray().Select(receipt =>
                    new MessageReceipt(receipt.GetProperty("agentMsgId").GetInt64(), Bytes.CopyOf(receipt.Bytes("msgHash")), Bytes.CopyOf(receipt.Bytes("rcptInfo"))))]);
            case "A_QCONT":
                return new AgentMessageContent.QueueContinue(AddressVectors.SendQueue(fields.GetProperty("address")));
            case "QADD":
                return new AgentMessageContent.QueueAdd([.. fields.GetProperty("queues").EnumerateArray().Select(queue => new AddedQueue(
                    AddressVectors.QueueUri(queue.GetProperty("queue")),
                    queue.Has("replaces") ? AddressVectors.SendQueue(queue.GetProperty("replaces")) : null))]);
            case "QKEY":
                return new AgentMessageContent.QueueKey([.. fields.GetProperty("queues").EnumerateArray().Select(queue => new KeyedQueue(
                    AddressVectors.QueueInfo(queue.GetProperty("queue")), SmpCommandVectors.AuthKey(queue, "senderKeySpki")))]);
            case "QUSE":
                return new AgentMessageContent.QueueUse([.. fields.GetProperty("queues").EnumerateArray().Select(queue => new UsedQueue(
                    AddressVectors.SendQueue(queue.GetProperty("address")), queue.GetProperty("primary").GetBoolean()))]);
            case "QTEST":
                return new AgentMessageContent.QueueTest([.. fields.GetProperty("queues").EnumerateArray().Select(AddressVectors.SendQueue)]);
            case "EREADY":
                return new AgentMessageContent.RatchetReady(fields.GetProperty("lastDecryptedMsgId").GetInt64());
            default:
                return new AgentMessageContent.Message(fields.Bytes("body"));
        }
    }

    private static void Envelope(VectorRecord record)
    {
        var fields = record["fields"];
        var version = new AgentVersion(fields.GetProperty("agentVersion").GetUInt16());
        AgentEnvelope envelope = record.Name[0] switch
        {
            'C' => new AgentEnvelope.Confirmation(version, fields.Has("e2eParams") ? Params(fields.GetProperty("e2eParams")) : null, fields.Bytes("encConnInfo")),
            'M' => new AgentEnvelope.Message(version, fields.Bytes("encAgentMessage")),
            'I' => new AgentEnvelope.Invitation(version, InvitationOf(fields.GetProperty("connReq").GetString()!), fields.Bytes("connInfo")),
            'R' => new AgentEnvelope.RatchetKey(version, Params(fields.GetProperty("e2eParams")), fields.Bytes("info")),
            _ => throw new VectorException($"no envelope '{record.Name}'"),
        };
        var encoded = record.Bytes("encoded");
        Assert.Equal(encoded, envelope.Encode());
        Assert.True(AgentEnvelope.TryDecode(encoded, out var decoded));
        Assert.Equal(envelope, decoded);
        if (fields.Has("e2eParamsEncoded"))
        {
            Assert.Equal(fields.Bytes("e2eParamsEncoded"), ((AgentEnvelope.Confirmation)decoded).Ratchet!.Encode());
        }
    }

    private static ConnectionRequest.Invitation InvitationOf(string link)
    {
        Assert.True(ConnectionRequest.TryParse(link, out var request));
        return Assert.IsType<ConnectionRequest.Invitation>(request);
    }

    private static void HashChain(VectorRecord record)
    {
        var previous = Bytes.Empty;
        foreach (var item in record["messages"].EnumerateArray())
        {
            var encoded = item.Bytes("encoded");
            Assert.True(AgentMessage.TryDecode(encoded, out var decoded));
            var message = Assert.IsType<AgentMessage.Sequenced>(decoded);
            Assert.Equal(item.GetProperty("sndMsgId").GetInt64(), message.MessageId);
            Assert.Equal(previous, message.PreviousHash);
            previous = AgentMessage.HashOf(encoded);
            Assert.Equal(item.Bytes("hash"), previous.ToArray());
        }
    }

    private static void Lengths(VectorRecord record)
    {
        foreach (var item in record["connInfo"].EnumerateArray())
        {
            var version = new AgentVersion(item.GetProperty("agentVersion").GetUInt16());
            var postQuantum = item.GetProperty("pq").GetBoolean();
            Assert.Equal(item.GetProperty("connInfoLength").GetInt32(), AgentLimits.ConnectionInfoLength(version, postQuantum));
            Assert.Equal(item.GetProperty("messageLength").GetInt32(), AgentLimits.MessageLength(version, postQuantum));
        }

        foreach (var item in record["ratchetHeaderLength"].EnumerateArray())
        {
            // The reference's figure counts one byte for the padded header's length, also where there are two.
            const int versionAndLength = 3;
            var version = new E2EVersion(item.GetProperty("e2eVersion").GetUInt16());
            var headerLength = RatchetLimits.HeaderLength(version, item.GetProperty("pq").GetBoolean());
            Assert.Equal(
                item.GetProperty("fullHeaderLength").GetInt32(), versionAndLength + headerLength + RatchetLimits.TagLength + RatchetLimits.IvLength);
        }

        Assert.Equal(record.String("agentVersionRange"), AgentVersions.Supported.ToString());
        Assert.Equal(record.String("e2eVersionRange"), E2EVersions.Supported.ToString());
    }

    private static E2ERatchetParams Params(JsonElement fields)
    {
        KemParameters? kem = null;
        if (fields.Has("kem"))
        {
            var kemFields = fields.GetProperty("kem");
            Assert.True(Sntrup761PublicKey.TryFromRaw(kemFields.Bytes("publicKey"), out var publicKey));
            if (kemFields.GetProperty("mode").GetString() == "accepted")
            {
                Assert.True(Sntrup761Ciphertext.TryFromRaw(kemFields.Bytes("ciphertext"), out var ciphertext));
                kem = new KemParameters.Accepted(ciphertext, publicKey);
            }
            else
            {
                kem = new KemParameters.Proposed(publicKey);
            }
        }

        return new E2ERatchetParams(
            new E2EVersion(fields.GetProperty("version").GetUInt16()),
            X448PublicKey.FromRaw(fields.Bytes("key1Raw")),
            X448PublicKey.FromRaw(fields.Bytes("key2Raw")),
            kem);
    }
}
