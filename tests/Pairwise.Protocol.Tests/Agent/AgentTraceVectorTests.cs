using System.Text;
using System.Text.Json;
using Pairwise.Crypto;
using Pairwise.Protocol.Agent;
using Pairwise.Protocol.Smp;
using Pairwise.Ratchet;
using Pairwise.TestKit;
using Pairwise.Wire;

namespace Pairwise.Protocol.Tests.Agent;

/// <summary>
/// Every record of agent_trace.json and agent_trace_switch.json: whole connections of two agents of the reference, each
/// message opened layer by layer as its receiver would, from the body of SEND to the agent message.
/// </summary>
public sealed class AgentTraceVectorTests
{
    [Fact]
    public void Every_message_of_the_recorded_connections_opens_through_every_layer() =>
        VectorFile.Load("agent_trace.json").Check(new Dictionary<string, Action<VectorRecord>> { ["agentTrace"] = Connection });

    [Fact]
    public void Every_message_of_the_recorded_queues_opens_through_every_layer() =>
        VectorFile.Load("agent_trace_switch.json").Check(new Dictionary<string, Action<VectorRecord>>
        {
            ["agentQueue"] = Queue,
            ["agentStates"] = States,
        });

    private static void Connection(VectorRecord record)
    {
        Assert.True(ConnectionRequest.TryParse(record.String("invitation"), out var link));
        Assert.Equal(record.String("invitation"), link.ToText());
        var invitation = Assert.IsType<ConnectionRequest.Invitation>(link);
        var offered = Assert.Single(invitation.Queues);
        Assert.Equal(record["aliceQueue"].Bytes("senderId"), offered.Address.Sender.Value.ToArray());
        var canSenderSecure = offered.Address.CanSenderSecure && invitation.AgentVersions.Max >= AgentVersions.SenderAuthKey.Number;
        Assert.Equal(record.Bool("joinResultSndQueueSecured"), canSenderSecure);

        using var x3dhKeys = Keys(record["aliceX3dhKey1Pkcs8"], record["aliceX3dhKey2Pkcs8"], record.BytesOrNull("aliceKemStored"));
        Assert.Equal(invitation.Ratchet, x3dhKeys.ToParams(invitation.Ratchet.Versions));

        var lastHash = new Dictionary<string, Bytes>(StringComparer.Ordinal);
        foreach (var message in record["messages"].EnumerateArray())
        {
            var receiver = message.GetProperty("receiver").GetString()!;
            var queue = record[receiver + "Queue"];
            var envelope = OpenClientLayer(message, queue, message.Bytes("clientMessage"));
            Assert.Equal(message.GetProperty("agentEnvelopeType").GetString(), NameOf(envelope));

            var encrypted = envelope switch
            {
                AgentEnvelope.Confirmation confirmation => confirmation.EncryptedInfo,
                AgentEnvelope.Message content => content.EncryptedMessage,
                _ => throw new VectorException("not encrypted by the ratchet"),
            };
            Assert.Equal(message.Bytes("encryptedRatchetMessage"), encrypted.ToArray());

            using var state = message.Has("ratchetStateBefore")
                ? Parse(message.GetProperty("ratchetStateBefore").GetString()!)
                : Initiate(x3dhKeys, Assert.IsType<AgentEnvelope.Confirmation>(envelope), record.Bool("pqSupport"));
            var opened = OpenRatchetLayer(message, state, encrypted);
            Assert.Equal(message.GetProperty("agentMessageType").GetString(), opened.StoreTag);
            var hash = AgentMessage.HashOf(message.Bytes("agentMessage"));
            Assert.Equal(message.Bytes("agentMessageSha256"), hash.ToArray());
            if (opened is AgentMessage.Sequenced sequenced && lastHash.TryGetValue(receiver, out var previous))
            {
                Assert.Equal(previous, sequenced.PreviousHash);
            }

            lastHash[receiver] = hash;
        }
    }

    private static void Queue(VectorRecord record)
    {
        Assert.True(ConnectionRequest.TryParse(record.String("contactAddress"), out var address));
        Assert.Equal(record.String("contactAddress"), address.ToText());
        Assert.True(record.Bool("allDecrypted"));
        foreach (var message in record["messages"].EnumerateArray())
        {
            var envelope = OpenClientLayer(message, record.Json, null);
            Assert.Equal(message.GetProperty("agentEnvelopeType").GetString(), NameOf(envelope));
            var fields = message.GetProperty("envelopeFields");
            switch (envelope)
            {
                case AgentEnvelope.Invitation invitation:
                    Assert.Equal(fields.GetProperty("connReq").GetString(), invitation.Request.ToText());
                    Assert.Equal(fields.Bytes("connInfo"), invitation.Info.ToArray());
                    break;
                case AgentEnvelope.RatchetKey key:
                    Assert.Equal(fields.Bytes("e2eParams"), key.Ratchet.Encode());
                    Assert.Equal(fields.Bytes("info"), key.Info.ToArray());
                    Assert.True(AgentMessage.TryDecode(key.Info.Memory, out var info));
                    Assert.IsType<AgentMessage.RatchetInfo>(info);
                    break;
                case AgentEnvelope.Confirmation confirmation:
                    using (var state = StateOf(message.GetProperty("ratchetState"), confirmation))
                    {
                        Assert.Equal(message.GetProperty("agentMessageType").GetString(), OpenRatchetLayer(message, state, confirmation.EncryptedInfo).StoreTag);
                    }

                    break;
                case AgentEnvelope.Message content:
                    using (var state = StateOf(message.GetProperty("ratchetState"), null))
                    {
                        Assert.Equal(message.GetProperty("agentMessageType").GetString(), OpenRatchetLayer(message, state, content.EncryptedMessage).StoreTag);
                    }

                    break;
                default:
                    throw new VectorException("an envelope of no known kind");
            }
        }
    }

    private static void States(VectorRecord record)
    {
        foreach (var stored in record["ratchetStates"].EnumerateArray())
        {
            using var state = Parse(stored.GetString()!);
            Assert.Equal(RatchetLimits.AssociatedDataLength, state.AssociatedData.Length);
        }

        foreach (var stored in record["x3dhKeys"].EnumerateArray())
        {
            using var keys = Keys(stored.GetProperty("x3dhKey1Pkcs8"), stored.GetProperty("x3dhKey2Pkcs8"), stored.Has("kemStored") ? stored.Bytes("kemStored") : null);
            Assert.True(keys.ToParams(E2EVersions.Supported).IsProposal);
        }
    }

    private static AgentEnvelope OpenClientLayer(JsonElement message, JsonElement queue, byte[]? expectedClientMessage)
    {
        var sentBody = message.Bytes("sentBody");
        Assert.True(ClientMessageEnvelope.TryDecode(sentBody, out var sent));
        Assert.Equal(sentBody, sent.Encode());
        Assert.Equal(message.GetProperty("smpClientVersion").GetUInt16(), sent.Version);
        Assert.Equal(message.Bytes("nonce"), sent.Nonce.ToArray());
        Assert.Equal(message.Has("e2ePublicKeySpki") ? message.Bytes("e2ePublicKeySpki") : null, sent.SenderDhKey?.ToSpki());

        var secretBytes = message.Bytes("e2eDhSecret");
        if (sent.SenderDhKey is not null)
        {
            Assert.True(X25519PrivateKey.TryFromPkcs8(queue.Bytes("e2ePrivateKeyPkcs8"), out var ownKey));
            using (ownKey)
            using (var agreed = ownKey.DeriveSharedSecret(sent.SenderDhKey))
            {
                Assert.Equal(secretBytes, agreed.Bytes.ToArray());
            }
        }

        using var secret = SharedSecret.FromBytes(secretBytes);
        using var box = BoxKey.From(secret);
        Assert.True(sent.TryOpen(box, out var opened));
        Assert.Equal(sentBody, ClientMessageEnvelope.Seal(sent.Version, sent.SenderDhKey, box, message.Bytes("nonce"), opened)!.Encode());
        if (expectedClientMessage is not null)
        {
            Assert.Equal(expectedClientMessage, opened.Encode());
        }

        var header = message.GetProperty("privHeader");
        Assert.Equal(header.ValueKind == JsonValueKind.String ? null : header.Bytes("senderKeySpki"), opened.SenderAuthKey?.ToSpki());
        Assert.Equal(message.Bytes("agentEnvelope"), opened.Body.ToArray());
        Assert.True(AgentEnvelope.TryDecode(opened.Body.Memory, out var envelope));
        Assert.Equal(message.Bytes("agentEnvelope"), envelope.Encode());
        return envelope;
    }

    private static AgentMessage OpenRatchetLayer(JsonElement message, RatchetState state, BlockSlice encrypted)
    {
        using var skipped = new SkippedKeys();
        using var decryption = DoubleRatchet.Decrypt(SystemRandom.Instance, state, skipped, encrypted.Span);
        Assert.Null(decryption.Error);
        Assert.Equal(message.Bytes("agentMessage"), decryption.Message);
        Assert.True(AgentMessage.TryDecode(message.Bytes("agentMessage"), out var opened));
        Assert.Equal(message.Bytes("agentMessage"), opened.Encode());
        return opened;
    }

    private static RatchetState StateOf(JsonElement stored, AgentEnvelope.Confirmation? confirmation)
    {
        if (stored.ValueKind == JsonValueKind.String)
        {
            return Parse(stored.GetString()!);
        }

        var kem = stored.Has("kemStored") ? stored.Bytes("kemStored") : null;
        using var keys = Keys(stored.GetProperty("x3dhKey1Pkcs8"), stored.GetProperty("x3dhKey2Pkcs8"), kem);
        return Initiate(keys, confirmation!, supportsPostQuantum: true);
    }

    private static RatchetState Initiate(X3dhKeys keys, AgentEnvelope.Confirmation confirmation, bool supportsPostQuantum)
    {
        Assert.NotNull(confirmation.Ratchet);
        Assert.True(X3dh.TryInitiate(keys, confirmation.Ratchet, E2EVersions.Current, supportsPostQuantum, out var state, out var error), error.ToString());
        return state;
    }

    private static RatchetState Parse(string stored) =>
        ReferenceRatchetJson.TryParse(Encoding.UTF8.GetBytes(stored), out var state) ? state : throw new VectorException("not a stored ratchet");

    // kemStored = "P" largeString of the public key, largeString of the secret key
    private static X3dhKeys Keys(JsonElement key1, JsonElement key2, byte[]? kemStored)
    {
        Assert.True(X448PrivateKey.TryFromPkcs8(key1.Bytes(), out var first));
        Assert.True(X448PrivateKey.TryFromPkcs8(key2.Bytes(), out var second));
        if (kemStored is null)
        {
            return new X3dhKeys(first, second, null);
        }

        var reader = new WireReader(kemStored);
        Assert.True(reader.TryReadTag("P"u8));
        Assert.True(reader.TryReadLarge(out var publicKey));
        Assert.True(reader.TryReadLarge(out var secretKey));
        Assert.True(reader.IsAtEnd);
        Assert.True(Sntrup761KeyPair.TryFromRaw(publicKey, secretKey, out var kem));
        return new X3dhKeys(first, second, new PrivateKem.Proposed(kem));
    }

    private static string NameOf(AgentEnvelope envelope) => envelope switch
    {
        AgentEnvelope.Confirmation => "AgentConfirmation",
        AgentEnvelope.Message => "AgentMsgEnvelope",
        AgentEnvelope.Invitation => "AgentInvitation",
        AgentEnvelope.RatchetKey => "AgentRatchetKey",
        _ => throw new VectorException("an envelope of no known kind"),
    };
}
