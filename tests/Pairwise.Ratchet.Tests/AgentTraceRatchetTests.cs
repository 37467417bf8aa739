using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Pairwise.Crypto;
using Pairwise.TestKit;
using Pairwise.Wire;

namespace Pairwise.Ratchet.Tests;

/// <summary>
/// The ratchet layer of every message in the recorded connections of two reference agents (agent_trace.json,
/// agent_trace_switch.json): confirmations, messages, queue rotation, ratchet synchronisation.
/// </summary>
/// <remarks>The layers above and below are checked by the tests of the protocol and of the agent.</remarks>
public sealed class AgentTraceRatchetTests
{
    [Fact]
    public void Every_message_of_the_recorded_connections_decrypts_to_what_its_receiver_read()
    {
        var decrypted = 0;
        var file = VectorFile.Load("agent_trace.json");
        file.Check(new Dictionary<string, Action<VectorRecord>>
        {
            ["agentTrace"] = record =>
            {
                using var keys = ReadKeys(record.Bytes("aliceX3dhKey1Pkcs8"), record.Bytes("aliceX3dhKey2Pkcs8"), record.BytesOrNull("aliceKemStored"));
                var isFirst = true;
                foreach (var message in record["messages"].EnumerateArray())
                {
                    using var state = isFirst
                        ? Initiate(keys, message.Bytes("agentEnvelope"), record.Bool("pqSupport"))
                        : ReadState(message.GetProperty("ratchetStateBefore"));
                    isFirst = false;
                    var encrypted = message.Bytes("encryptedRatchetMessage");
                    Assert.Equal(encrypted, RatchetPart(message.Bytes("agentEnvelope")));
                    CheckDecryption(state, encrypted, message);
                    Assert.Equal(message.Bytes("agentMessageSha256"), SHA256.HashData(message.Bytes("agentMessage")));
                    decrypted++;
                }

                Assert.True(decrypted > 0);
            },
        });
        Assert.Equal(file.Records.Sum(record => record["messages"].GetArrayLength()), decrypted);
    }

    [Fact]
    public void Every_message_around_a_rotation_and_a_new_key_agreement_decrypts_to_what_its_receiver_read()
    {
        var decrypted = 0;
        VectorFile.Load("agent_trace_switch.json").Check(new Dictionary<string, Action<VectorRecord>>
        {
            ["agentQueue"] = record =>
            {
                foreach (var message in record["messages"].EnumerateArray())
                    decrypted += CheckSwitchMessage(message);
            },
            ["agentStates"] = record =>
            {
                foreach (var stored in record["ratchetStates"].EnumerateArray())
                {
                    using var state = ReadState(stored);
                    Assert.True(RatchetState.TryDeserialize(state.Serialize(), out var again));
                    Assert.Equal(state.Serialize(), again.Serialize());
                    again.Dispose();
                }
            },
        });

        var expected = VectorFile.Load("agent_trace_switch.json").OfKind("agentQueue")
            .SelectMany(record => record["messages"].EnumerateArray())
            .Count(message => message.Has("agentMessage"));
        Assert.Equal(expected, decrypted);
    }

    // Both agents send new X3DH parameters; the one whose keys' hash is not larger takes the receiving part.
    [Fact]
    public void The_ratchet_agreed_on_anew_is_one_that_the_reference_stored()
    {
        var file = VectorFile.Load("agent_trace_switch.json");
        var bob = file.OfKind("agentStates").Single(record => record.Name.StartsWith("bob", StringComparison.Ordinal));
        using var own = KeysOf(bob["x3dhKeys"][1]);
        var offered = file.OfKind("agentQueue").Single(record => record.String("receiver") == "bob")["messages"].EnumerateArray()
            .Single(message => message.GetProperty("agentEnvelopeType").GetString() == "AgentRatchetKey")
            .GetProperty("envelopeFields").Bytes("e2eParams");
        Assert.True(E2ERatchetParams.TryDecode(offered, out var peer));
        Assert.True(peer.IsProposal);
        var ownParams = own.ToParams(peer.Version);

        var receives = Hash(ownParams).AsSpan().SequenceCompareTo(Hash(peer)) <= 0;
        RatchetState? agreed;
        if (receives)
            Assert.True(X3dh.TryInitiate(own, peer, E2EVersions.Current, true, out agreed, out _));
        else
            Assert.True(X3dh.TryJoin(new SeededRandom(1), own, peer, E2EVersions.Current, out agreed, out _));

        var stored = bob["ratchetStates"].EnumerateArray().Select(ReadState).ToArray();
        var after = stored.Where(state => state.AssociatedData == agreed.AssociatedData).ToArray();
        Assert.NotEmpty(after);
        Assert.True(after.Length < stored.Length);
        if (receives)
            Assert.Contains(stored, state => state.Serialize().AsSpan().SequenceEqual(agreed.Serialize()));
        else
            Assert.All(after, state => Assert.True(state.SupportsPostQuantum));
        agreed.Dispose();
        foreach (var state in stored)
            state.Dispose();

        static byte[] Hash(E2ERatchetParams parameters) => SHA256.HashData([.. parameters.Key1.Raw, .. parameters.Key2.Raw]);
    }

    private static int CheckSwitchMessage(JsonElement message)
    {
        var envelope = message.Bytes("agentEnvelope");
        if (!message.Has("agentMessage"))
        {
            // Invitations and ratchet keys are not encrypted by a ratchet.
            if (message.GetProperty("agentEnvelopeType").GetString() != "AgentRatchetKey")
                return 0;
            var encoded = message.GetProperty("envelopeFields").Bytes("e2eParams");
            Assert.True(E2ERatchetParams.TryDecode(encoded, out var parameters));
            Assert.True(parameters.IsProposal);
            Assert.Equal(encoded, parameters.Encode());
            return 0;
        }

        // The first confirmation brings the parameters with which the receiver's stored keys make a ratchet.
        var stored = message.GetProperty("ratchetState");
        using var keys = stored.ValueKind == JsonValueKind.Object ? KeysOf(stored) : null;
        using var state = keys is null ? ReadState(stored) : Initiate(keys, envelope, supportsPostQuantum: true);
        CheckDecryption(state, RatchetPart(envelope), message);
        return 1;
    }

    private static void CheckDecryption(RatchetState state, byte[] encrypted, JsonElement message)
    {
        using var skipped = new SkippedKeys();
        using var decryption = DoubleRatchet.Decrypt(new SeededRandom(3), state, skipped, encrypted);
        Assert.Null(decryption.Error);
        Assert.Equal(message.Bytes("agentMessage"), decryption.Message);
        Assert.NotNull(decryption.NextState);
    }

    private static RatchetState ReadState(JsonElement stored)
    {
        Assert.True(ReferenceRatchetJson.TryParse(Encoding.UTF8.GetBytes(stored.GetString()!), out var state));
        return state;
    }

    private static RatchetState Initiate(X3dhKeys keys, byte[] envelope, bool supportsPostQuantum)
    {
        var reader = new WireReader(envelope);
        Assert.True(reader.TryReadUInt16(out _) && reader.TryReadTag("C1"u8));
        Assert.True(E2ERatchetParams.TryRead(ref reader, out var reply));
        Assert.True(X3dh.TryInitiate(keys, reply, E2EVersions.Current, supportsPostQuantum, out var state, out _));
        return state;
    }

    // envelope = version (%s"C" maybeE2eParams / %s"M") ratchetMessage ; the last one is the tail
    private static byte[] RatchetPart(byte[] envelope)
    {
        var reader = new WireReader(envelope);
        Assert.True(reader.TryReadUInt16(out _));
        Assert.True(reader.TryReadByte(out var tag));
        if (tag == (byte)'C')
        {
            Assert.True(reader.TryReadMaybe(out var hasParameters));
            if (hasParameters)
                Assert.True(E2ERatchetParams.TryRead(ref reader, out _));
        }
        else
        {
            Assert.Equal((byte)'M', tag);
        }

        return reader.ReadTail().ToArray();
    }

    private static X3dhKeys KeysOf(JsonElement stored) =>
        ReadKeys(stored.Bytes("x3dhKey1Pkcs8"), stored.Bytes("x3dhKey2Pkcs8"), stored.Has("kemStored") ? stored.Bytes("kemStored") : null);

    // kemStored = %s"P" publicKey secretKey ; both large strings
    private static X3dhKeys ReadKeys(byte[] pkcs8First, byte[] pkcs8Second, byte[]? kemStored)
    {
        Assert.True(X448PrivateKey.TryFromPkcs8(pkcs8First, out var first));
        Assert.True(X448PrivateKey.TryFromPkcs8(pkcs8Second, out var second));
        if (kemStored is null)
            return new X3dhKeys(first, second, null);
        var reader = new WireReader(kemStored);
        Assert.True(reader.TryReadTag("P"u8));
        Assert.True(reader.TryReadLarge(out var publicKey));
        Assert.True(reader.TryReadLarge(out var secretKey));
        Assert.True(reader.IsAtEnd);
        Assert.True(Sntrup761KeyPair.TryFromRaw(publicKey, secretKey, out var pair));
        return new X3dhKeys(first, second, new PrivateKem.Proposed(pair));
    }
}
