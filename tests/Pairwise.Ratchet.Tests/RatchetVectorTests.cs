using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Pairwise.Crypto;
using Pairwise.TestKit;

namespace Pairwise.Ratchet.Tests;

/// <summary>
/// Every record of ratchet.json: key agreements, and whole conversations with the state of both sides after each step.
/// </summary>
public sealed class RatchetVectorTests
{
    [Fact]
    public void All_records_come_out_as_the_reference_has_them() => VectorFile.Load("ratchet.json").Check(new Dictionary<string, Action<VectorRecord>>
    {
        ["x3dh"] = record => CheckAgreement(record.Json),
        ["x3dhError"] = CheckAgreementError,
        ["conversation"] = record => new Conversation(record).Run(),
    });

    internal static void CheckAgreement(JsonElement setup)
    {
        var version = new E2EVersion((ushort)setup.GetProperty("e2eVersion").GetInt32());
        using var alice = Keys(setup, "alice");
        using var bob = Keys(setup, "bob");
        var offer = Params(setup, "aliceParamsEncoded");
        var reply = Params(setup, "bobParamsEncoded");
        Assert.Equal(version, offer.Version);
        // The KEM's keys are made but not sent below version 3.
        Assert.Equal(offer.Encode(), alice.ToParams(version).Encode());
        Assert.Equal(reply.Encode(), bob.ToParams(version).Encode());

        Assert.True(X3dh.TryAgreeJoining(bob, offer, out var bobAgreed, out _));
        Assert.True(X3dh.TryAgreeInitiating(alice, reply, out var aliceAgreed, out _));
        CompareAgreement(setup.GetProperty("bobInit"), bobAgreed);
        CompareAgreement(setup.GetProperty("aliceInit"), aliceAgreed);
    }

    internal static X3dhKeys Keys(JsonElement setup, string party)
    {
        // Put together in our own stored form, which is thereby tested too.
        var kem = setup.GetProperty($"{party}Kem");
        byte[] stored =
        [
            1,
            .. setup.GetProperty($"{party}Key1").Bytes("privateRaw"),
            .. setup.GetProperty($"{party}Key2").Bytes("privateRaw"),
            .. kem.ValueKind == JsonValueKind.Null ? "N"u8.ToArray() : kem.GetProperty("mode").GetString() == "proposed" ? "P"u8.ToArray() : "A"u8.ToArray(),
            .. Optional(kem, "ciphertext"),
            .. Optional(kem, "sharedSecret"),
            .. Optional(kem, "publicKey"),
            .. Optional(kem, "secretKey"),
        ];
        Assert.True(X3dhKeys.TryDeserialize(stored, out var keys));
        Assert.Equal(stored, keys.Serialize());
        return keys;
    }

    private static byte[] Optional(JsonElement kem, string property) =>
        kem.ValueKind != JsonValueKind.Null && kem.Has(property) ? kem.Bytes(property) : [];

    internal static E2ERatchetParams Params(JsonElement setup, string property)
    {
        var encoded = setup.Bytes(property);
        Assert.True(E2ERatchetParams.TryDecode(encoded, out var parameters));
        Assert.Equal(encoded, parameters.Encode());
        return parameters;
    }

    private static void CompareAgreement(JsonElement expected, X3dhAgreement agreed)
    {
        Assert.Equal(expected.Bytes("assocData"), agreed.AssociatedData.ToArray());
        Assert.Equal(expected.Bytes("ratchetKey"), agreed.RootKey.Span.ToArray());
        Assert.Equal(expected.Bytes("sndHeaderKey"), agreed.HeaderKey.Span.ToArray());
        Assert.Equal(expected.Bytes("rcvNextHeaderKey"), agreed.NextHeaderKey.Span.ToArray());
        Assert.Equal(expected.Has("kemKeyPair"), agreed.KemKeys is not null);
        if (agreed.KemKeys is { } keys)
        {
            Assert.Equal(expected.GetProperty("kemKeyPair").Bytes("publicKey"), keys.PublicKey.Raw.ToArray());
            Assert.Equal(expected.GetProperty("kemKeyPair").Bytes("secretKey"), keys.SecretKey.ToArray());
        }

        RatchetStateAssert.AreEqual(expected.GetProperty("kemAccepted"), agreed.AcceptedKem);
        agreed.Dispose();
    }

    // Each side accepts a KEM key that the other did not offer; the keys are whatever an agreement's record has.
    private static void CheckAgreementError(VectorRecord record)
    {
        Assert.Equal("CERatchetKEMState", record.String("joiningSideError"));
        Assert.Equal("CERatchetKEMState", record.String("initiatingSideError"));
        var agreements = VectorFile.Load("ratchet.json").OfKind("x3dh").ToArray();
        var accepted = agreements.First(agreement => agreement.String("kemMode") == "Accepted").Json;
        var without = agreements.First(agreement => agreement.String("kemMode") == "NoKem" && agreement.Int("e2eVersion") == 3).Json;

        using var accepting = Keys(accepted, "bob");
        Assert.False(X3dh.TryJoin(new SeededRandom(1), accepting, Params(without, "aliceParamsEncoded"), E2EVersions.Current, out var state, out var error));
        Assert.Null(state);
        Assert.Equal(new RatchetError(RatchetErrorKind.KemState), error);

        using var notOffering = Keys(without, "alice");
        Assert.False(X3dh.TryInitiate(notOffering, Params(accepted, "bobParamsEncoded"), E2EVersions.Current, true, out state, out error));
        Assert.Null(state);
        Assert.Equal(new RatchetError(RatchetErrorKind.KemState), error);
    }

    /// <summary>One recorded conversation, replayed on both sides.</summary>
    private sealed class Conversation(VectorRecord record)
    {
        private readonly Dictionary<string, Party> _parties = [];
        private readonly Dictionary<int, byte[]> _sent = [];
        private readonly E2EVersion _supported = new((ushort)record.Int("supportedE2EVersion"));

        public void Run()
        {
            Start();
            foreach (var step in record["events"].EnumerateArray())
            {
                var party = _parties[step.GetProperty("by").GetString()!];
                switch (step.GetProperty("op").GetString())
                {
                    case "send":
                        Send(party, step);
                        break;
                    case "sendMany":
                        SendMany(party, step);
                        break;
                    case "receive":
                        Receive(party, step);
                        break;
                    default:
                        Assert.Fail($"unknown step {step}");
                        break;
                }
            }

            foreach (var (name, party) in _parties)
            {
                var stored = Encoding.UTF8.GetBytes(record.String($"{name}FinalStateStored"));
                Assert.True(ReferenceRatchetJson.TryParse(stored, out var final));
                Assert.Equal(final.Serialize(), party.State.Serialize());
                final.Dispose();
                party.Dispose();
            }
        }

        private void Start()
        {
            var setup = record["setup"];
            CheckAgreement(setup);
            using var aliceKeys = Keys(setup, "alice");
            using var bobKeys = Keys(setup, "bob");

            var random = new ReplayRandom(setup.GetProperty("bobRatchetKey").Bytes("privateRaw"));
            Assert.True(X3dh.TryJoin(random, bobKeys, Params(setup, "aliceParamsEncoded"), MaxSupported("bob"), out var bob, out _));
            var supports = record["aliceInitialState"].GetProperty("supportKEM").GetBoolean();
            Assert.True(X3dh.TryInitiate(aliceKeys, Params(setup, "bobParamsEncoded"), MaxSupported("alice"), supports, out var alice, out _));
            _parties.Add("alice", new Party(alice));
            _parties.Add("bob", new Party(bob));

            foreach (var (name, party) in _parties)
            {
                RatchetStateAssert.AreEqual(record[$"{name}InitialState"], party.State);
                Assert.True(ReferenceRatchetJson.TryParse(Encoding.UTF8.GetBytes(record.String($"{name}InitialStateStored")), out var stored));
                Assert.Equal(stored.Serialize(), party.State.Serialize());
                stored.Dispose();
            }

            // Both see the same security code.
            Assert.Equal(alice.GetSecurityCode(), bob.GetSecurityCode());
            Assert.Equal(SHA256.HashData(setup.GetProperty("aliceInit").Bytes("assocData")), alice.GetSecurityCode());
        }

        private E2EVersion MaxSupported(string party) =>
            new((ushort)record[$"{party}InitialState"].GetProperty("maxSupportedVersion").GetInt32());

        private void Send(Party party, JsonElement step)
        {
            var message = step.Bytes("plaintext");
            var paddedLength = step.GetProperty("paddedLength").GetInt32();
            bool? postQuantum = step.Has("pqEncryption") ? step.GetProperty("pqEncryption").GetBoolean() : null;
            if (step.Has("error"))
            {
                Assert.False(DoubleRatchet.TryEncrypt(party.State, message, paddedLength, postQuantum, _supported, out _, out _, out var error));
                RatchetStateAssert.IsError(step, error);
                return;
            }

            Assert.True(DoubleRatchet.TryPrepare(party.State, postQuantum, _supported, out var key, out var next, out _));
            var storedKey = key.Serialize();
            var expectedKey = step.Bytes("msgEncryptKeyEncoded");
            Assert.Equal(expectedKey, expectedKey.Length == SHA256.HashSizeInBytes ? SHA256.HashData(storedKey) : storedKey);
            Assert.True(MessageEncryptKey.TryDeserialize(storedKey, out var restored));
            Assert.True(restored.TryEncrypt(message, paddedLength, out var encrypted));
            Assert.Equal(encrypted.Length, restored.EncryptedLength(paddedLength));
            Assert.Equal(encrypted.Length, paddedLength + RatchetLimits.Overhead(next.Versions.Current, next.SupportsPostQuantum));
            key.Dispose();
            restored.Dispose();

            if (step.Has("ciphertext"))
            {
                Assert.Equal(step.Bytes("ciphertext"), encrypted);
            }
            else
            {
                var digest = step.GetProperty("ciphertextDigest");
                Assert.Equal(digest.GetProperty("length").GetInt32(), encrypted.Length);
                Assert.Equal(digest.Bytes("sha256"), SHA256.HashData(encrypted));
                var first = digest.Bytes("first3000");
                Assert.Equal(first, encrypted[..first.Length]);
            }

            party.Commit(next);
            RatchetStateAssert.AreEqual(step.GetProperty("stateAfter"), party.State);
            _sent[step.GetProperty("n").GetInt32()] = encrypted;
        }

        private void SendMany(Party party, JsonElement step)
        {
            var first = step.GetProperty("firstN").GetInt32();
            Assert.StartsWith("\"msg \" + n (decimal)", step.GetProperty("plaintextPattern").GetString(), StringComparison.Ordinal);
            for (var n = first; n < first + step.GetProperty("count").GetInt32(); n++)
            {
                var message = Encoding.ASCII.GetBytes($"msg {n}");
                Assert.True(DoubleRatchet.TryEncrypt(party.State, message, step.GetProperty("paddedLength").GetInt32(), null, _supported, out var encrypted, out var next, out _));
                party.Commit(next);
                _sent[n] = encrypted;
            }
        }

        private void Receive(Party party, JsonElement step)
        {
            var encrypted = step.Has("ciphertext") ? step.Bytes("ciphertext") : _sent[step.GetProperty("n").GetInt32()];
            var random = new ReplayRandom(Drawn(step));
            var before = party.State.Serialize();
            using var decryption = DoubleRatchet.Decrypt(random, party.State, party.Skipped, encrypted);
            Assert.Equal(0, random.Remaining);
            Assert.Equal(before, party.State.Serialize());

            if (step.GetProperty("result").GetString() == "ok")
            {
                Assert.Null(decryption.Error);
                Assert.Equal(step.Bytes("plaintext"), decryption.Message);
            }
            else
            {
                Assert.Null(decryption.Message);
                RatchetStateAssert.IsError(step, decryption.Error);
            }

            if (!step.GetProperty("stateSaved").GetBoolean())
            {
                Assert.False(decryption.HasChanges);
                return;
            }

            RatchetStateAssert.AreEqual(step.GetProperty("skippedKeys"), decryption.SkippedKeys);
            party.Commit(decryption);
            RatchetStateAssert.AreEqual(step.GetProperty("stateAfter"), party.State);
            Assert.Equal(step.GetProperty("skippedTotal").GetInt32(), party.Skipped.Count);
        }

        private static ReadOnlyMemory<byte>[] Drawn(JsonElement step)
        {
            if (!step.Has("generated"))
                return [];
            var generated = step.GetProperty("generated");
            return [.. new[] { "kemEncRandom", "kemKeyRandom", "dhPrivateRaw" }.Where(name => generated.Has(name)).Select(name => (ReadOnlyMemory<byte>)generated.Bytes(name))];
        }
    }

    /// <summary>One side: what its store would hold. Each state goes through its stored form before it is used again.</summary>
    private sealed class Party(RatchetState state) : IDisposable
    {
        public RatchetState State { get; private set; } = state;

        public SkippedKeys Skipped { get; } = new();

        public void Commit(RatchetState next)
        {
            Assert.True(RatchetState.TryDeserialize(next.Serialize(), out var restored));
            next.Dispose();
            State.Dispose();
            State = restored;
        }

        public void Commit(RatchetDecryption decryption)
        {
            if (decryption.NextState is { } next)
                Commit(next.Copy());
            Skipped.Apply(decryption.SkippedKeys);
        }

        public void Dispose()
        {
            State.Dispose();
            Skipped.Dispose();
        }
    }
}
