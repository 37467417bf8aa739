using System.Text;
using Pairwise.TestKit;

namespace Pairwise.Ratchet.Tests;

/// <summary>No bytes, from a peer or from a damaged store, make the ratchet throw or change what it holds.</summary>
public sealed class RatchetHostileInputTests
{
    private const int Seed = 4481;
    private const int Rounds = 1_500;

    [Fact]
    public void No_message_makes_the_decryption_throw_and_only_the_peers_changes_anything()
    {
        var random = new SeededRandom(Seed);
        var (receiver, messages) = Conversation(random);
        using var skipped = new SkippedKeys();
        var before = receiver.Serialize();
        for (var round = 0; round < Rounds; round++)
        {
            var hostile = Hostile.Mutate(random, messages);
            using var decryption = DoubleRatchet.Decrypt(random, receiver, skipped, hostile);
            Assert.Equal(before, receiver.Serialize());
            Assert.NotEqual(decryption.Message is null, decryption.Error is null);

            // What could be read is one of the peer's messages, unchanged, or one whose unprotected parts were.
            if (decryption.Message is not null)
                Assert.Contains(messages, message => message.AsSpan().SequenceEqual(hostile));
        }

        receiver.Dispose();
    }

    [Fact]
    public void A_message_cut_anywhere_is_an_error_without_a_trace_up_to_the_body()
    {
        var random = new SeededRandom(Seed);
        var (receiver, messages) = Conversation(random);
        using var skipped = new SkippedKeys();
        var encrypted = messages[0];
        var bodyStart = encrypted.Length - 100;
        for (var length = 0; length < encrypted.Length; length += length < bodyStart ? 7 : 1)
        {
            using var decryption = DoubleRatchet.Decrypt(random, receiver, skipped, encrypted.AsSpan(0, length));
            Assert.NotNull(decryption.Error);
            if (length < bodyStart)
                Assert.False(decryption.HasChanges, $"cut at {length}");
        }

        receiver.Dispose();
    }

    [Fact]
    public void No_stored_bytes_make_a_reader_of_the_store_throw()
    {
        var random = new SeededRandom(Seed);
        var (receiver, _) = Conversation(random);
        using var keys = X3dh.GenerateInitiating(random, E2EVersions.Current, proposesKem: true);
        using var joining = X3dh.GenerateJoining(random, E2EVersions.Current, KemReply.To(keys.ToParams(E2EVersions.Current), true));
        Assert.True(X3dh.TryJoin(random, joining, keys.ToParams(E2EVersions.Current), E2EVersions.Current, out var sender, out _));
        Assert.True(DoubleRatchet.TryPrepare(sender, null, E2EVersions.Current, out var messageKey, out var next, out _));

        byte[][] states = [receiver.Serialize(), sender.Serialize(), next.Serialize()];
        byte[][] keyPairs = [keys.Serialize(), joining.Serialize()];
        byte[][] messageKeys = [messageKey.Serialize()];
        byte[][] json = [.. VectorFile.Load("ratchet.json").OfKind("conversation").Select(record => Encoding.UTF8.GetBytes(record.String("aliceFinalStateStored")))];
        for (var round = 0; round < Rounds; round++)
        {
            // A reader that accepts says the same bytes again.
            var hostile = Hostile.Mutate(random, states);
            if (RatchetState.TryDeserialize(hostile, out var state))
                Assert.Equal(hostile, state.Serialize());
            state?.Dispose();

            hostile = Hostile.Mutate(random, keyPairs);
            if (X3dhKeys.TryDeserialize(hostile, out var restored))
                Assert.Equal(hostile, restored.Serialize());
            restored?.Dispose();

            hostile = Hostile.Mutate(random, messageKeys);
            if (MessageEncryptKey.TryDeserialize(hostile, out var restoredKey))
                Assert.Equal(hostile, restoredKey.Serialize());
            restoredKey?.Dispose();

            if (ReferenceRatchetJson.TryParse(Hostile.Mutate(random, json), out var imported))
            {
                Assert.True(RatchetState.TryDeserialize(imported.Serialize(), out var again));
                again.Dispose();
            }

            imported?.Dispose();
        }

        foreach (var disposable in new IDisposable[] { receiver, sender, next, messageKey })
            disposable.Dispose();
    }

    [Theory]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("\"text\"")]
    [InlineData("{\"rcVersion\":[3]}")]
    [InlineData("{\"rcVersion\":{\"current\":3}}")]
    [InlineData("{\"rcVersion\":[3,3],\"rcAD\":\"\\ud800\"}")]
    public void Json_that_is_not_a_ratchet_is_refused(string json) =>
        Assert.False(ReferenceRatchetJson.TryParse(Encoding.UTF8.GetBytes(json), out _));

    [Fact]
    public void Disposed_states_and_keys_cannot_be_used()
    {
        var (receiver, messages) = Conversation(new SeededRandom(Seed));
        var copy = receiver.Copy();
        receiver.Dispose();
        Assert.Throws<ObjectDisposedException>(receiver.Serialize);

        // Another owner's copy is untouched.
        using var skipped = new SkippedKeys();
        using var decryption = DoubleRatchet.Decrypt(new SeededRandom(Seed), copy, skipped, messages[0]);
        Assert.Null(decryption.Error);
        Assert.Equal("[secret]", copy.ToString());
        copy.Dispose();
    }

    // The initiating side before its first message, and some messages for it, with and without the KEM.
    private static (RatchetState Receiver, byte[][] Messages) Conversation(SeededRandom random)
    {
        using var aliceKeys = X3dh.GenerateInitiating(random, E2EVersions.Current, proposesKem: true);
        var offer = aliceKeys.ToParams(E2EVersions.Current);
        using var bobKeys = X3dh.GenerateJoining(random, E2EVersions.Current, KemReply.To(offer, true));
        Assert.True(X3dh.TryJoin(random, bobKeys, offer, E2EVersions.Current, out var bob, out _));
        Assert.True(X3dh.TryInitiate(aliceKeys, bobKeys.ToParams(E2EVersions.Current), E2EVersions.Current, true, out var alice, out _));
        var messages = new List<byte[]>();
        for (var i = 0; i < 3; i++)
        {
            Assert.True(DoubleRatchet.TryEncrypt(bob, Encoding.ASCII.GetBytes($"message {i}"), 100, null, E2EVersions.Current, out var encrypted, out var next, out _));
            messages.Add(encrypted);
            bob.Dispose();
            bob = next;
        }

        bob.Dispose();
        return (alice, [.. messages]);
    }
}
