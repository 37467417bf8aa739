using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp;
using Pairwise.Server.Smp.Connections;
using Pairwise.Server.Smp.Store;
using Pairwise.TestKit;
using static Pairwise.Server.Tests.Smp.TestRelay;

namespace Pairwise.Server.Tests.Smp;

/// <summary>Which keys of a session get tables, how many there may be, and when they go.</summary>
public sealed class KeyTablesTests
{
    private readonly ManualTime _time = new();
    private readonly KeyTableBudget _budget = new(1 << 20);

    public KeyTablesTests() => Assert.SkipUnless(Ed25519KeyTable.IsSupported, "this processor has no AVX2");

    [Fact]
    public void A_key_gets_its_table_with_the_fourth_proof_and_loses_it_when_it_is_not_used()
    {
        using KeyTables tables = new(_budget, _time);
        WireKey key = NewKey();
        for (int i = 1; i <= KeyTables.ProofsNeeded; i++)
        {
            Assert.Null(tables.Find(key));
            tables.Proved(key);
            Assert.Equal(i < KeyTables.ProofsNeeded ? 0 : 1, _budget.Taken);
        }

        Assert.NotNull(tables.Find(key));
        Assert.Null(tables.Find(NewKey()));
        _time.Advance(TimeSpan.FromSeconds(90));
        Assert.NotNull(tables.Find(key));
        _time.Advance(TimeSpan.FromSeconds(90));
        tables.ForgetUnused();
        Assert.NotNull(tables.Find(key));
        _time.Advance(TimeSpan.FromSeconds(121));
        tables.ForgetUnused();
        Assert.Null(tables.Find(key));
        Assert.Equal(0, _budget.Taken);

        // It has to be proved as often again.
        tables.Proved(key);
        Assert.Null(tables.Find(key));
    }

    [Fact]
    public void A_session_has_so_many_tables_and_gives_their_room_back()
    {
        using KeyTables first = new(_budget, _time);
        for (int i = 0; i < KeyTables.MostTables + 5; i++)
            Prove(first, NewKey());
        Assert.Equal(KeyTables.MostTables, first.Count);
        Assert.Equal(KeyTables.MostTables, _budget.Taken);
        first.Dispose();
        Assert.Equal(0, _budget.Taken);
        Prove(first, NewKey());
        Assert.Equal(0, _budget.Taken);
    }

    [Fact]
    public void All_sessions_together_have_so_many_tables()
    {
        KeyTableBudget budget = new(3 * Ed25519KeyTable.Size);
        using KeyTables first = new(budget, _time);
        using KeyTables second = new(budget, _time);
        WireKey key = NewKey();
        for (int i = 0; i < 2; i++)
            Prove(first, NewKey());
        Prove(second, key);
        Prove(second, NewKey());
        Prove(second, key); // has one already
        Assert.Equal((2, 1, 3), (first.Count, second.Count, budget.Taken));
        first.Dispose();
        Prove(second, NewKey());
        Assert.Equal(2, budget.Taken);
    }

    [Fact]
    public void Only_a_session_that_proved_a_key_itself_has_its_table_and_forwarded_commands_never()
    {
        using KeyTables tables = new(_budget, _time);
        using SmpAuthorizer authorizer = new(null, 0, tables);
        using KeyTables othersTables = new(_budget, _time);
        using SmpAuthorizer other = new(null, 0, othersTables);
        using Ed25519PrivateKey key = Ed25519PrivateKey.Generate(SystemRandom.Instance);
        Assert.True(StoredKey.TryFrom(key.PublicKey, out StoredKey stored));
        TransmissionFormat format = new(SmpVersions.Current, SystemRandom.Instance.Bytes(32));
        for (int i = 0; i < 2 * KeyTables.ProofsNeeded; i++)
        {
            Transmission right = Encode(format, key);
            byte[] signed = right.GetSigned(format, new byte[right.GetSignedLength(format)]).ToArray();
            Assert.True(authorizer.Forwarded.Verify(stored, right.Authorization, right.CorrId, signed));
            Assert.False(other.Verify(default, right.Authorization, right.CorrId, signed));
            Assert.Equal(i >= KeyTables.ProofsNeeded ? 1 : 0, tables.Count);
            Assert.True(authorizer.Verify(stored, right.Authorization, right.CorrId, signed));

            // Refused with and without a table: other bytes, no key, a key that did not sign, a key of another type.
            Assert.False(authorizer.Verify(stored, right.Authorization, right.CorrId, [.. signed, 0]));
            Assert.False(authorizer.Verify(default, right.Authorization, right.CorrId, signed));
            Assert.False(authorizer.Verify(StoredKeyOf(Ed25519PrivateKey.Generate(SystemRandom.Instance).PublicKey), right.Authorization, right.CorrId, signed));
            Assert.False(authorizer.Verify(StoredKeyOf(Ed448PrivateKey.Generate(SystemRandom.Instance).PublicKey), right.Authorization, right.CorrId, signed));
        }

        Assert.Equal((1, 0, 1), (tables.Count, othersTables.Count, _budget.Taken));
        Assert.NotSame(authorizer, authorizer.Forwarded);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_key_that_is_presented_is_verified_by_its_table_whether_the_queue_can_take_it_or_not(bool isThere)
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder, options => options with { Time = _time });
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        OwnedQueue queue = await client.NewQueueAsync(request: new QueueRequest.Messaging(null));
        OwnedQueue proving = await client.NewQueueAsync();
        using Ed25519PrivateKey another = Ed25519PrivateKey.Generate(SystemRandom.Instance);
        for (int i = 0; i < KeyTables.ProofsNeeded; i++)
            Assert.IsType<BrokerMessage.Info>(await client.AskAsync(proving.Mine, SmpCommand.Que.Instance, proving.Key));
        Assert.Equal(1, relay.KeyTableCount);

        // A table stays while it is used: so does this one, by commands that another key signed.
        EntityId target = isThere ? queue.Theirs : new EntityId(SystemRandom.Instance.Bytes(24));
        PublicKey proved = ((Ed25519PrivateKey)proving.Key).PublicKey;
        for (int i = 0; i < 4; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(90));
            AssertError(SmpError.Auth.Instance, await client.AskAsync(target, new SmpCommand.SKey(proved), another));
            Assert.Equal(1, relay.KeyTableCount);
        }
    }

    [Fact]
    public async Task A_relay_has_tables_for_clients_that_acknowledge_and_none_when_they_rest()
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder, options => options with { Time = _time });
        RelayClient client = await RelayClient.ConnectAsync(relay);
        OwnedQueue queue = await client.NewQueueAsync();
        await ExchangeAsync(client, queue);
        Assert.Equal(1, relay.KeyTableCount);

        // Another one's signature is wrong as before.
        OwnedQueue strangers = await client.NewQueueAsync();
        AssertError(SmpError.Auth.Instance, await client.AskAsync(queue.Mine, SmpCommand.Sub.Instance, strangers.Key));
        AssertOk(await client.AskAsync(queue.Mine, SmpCommand.Sub.Instance, queue.Key));

        for (int i = 0; i < 6; i++)
            _time.Advance(TimeSpan.FromSeconds(30));
        await Eventually.UntilAsync(() => relay.KeyTableCount == 0, TestContext.Current.CancellationToken);
        await ExchangeAsync(client, queue);
        Assert.Equal(1, relay.KeyTableCount);
        await client.DisposeAsync();
        await Eventually.UntilAsync(() => relay.KeyTableCount == 0, TestContext.Current.CancellationToken);
    }

    private static async Task ExchangeAsync(RelayClient client, OwnedQueue queue)
    {
        for (int i = 0; i < 2 * KeyTables.ProofsNeeded; i++)
        {
            AssertOk(await client.AskAsync(queue.Theirs, Text($"{i}"), null));
            BrokerMessage message = (await client.NextEventAsync()).Message;
            Assert.Equal($"{i}", queue.OpenText(message));
            AssertOk(await client.AskAsync(queue.Mine, Ack(message), queue.Key));
        }
    }

    private static Transmission Encode(TransmissionFormat format, PrivateKey key)
    {
        Assert.True(new TransmissionAuthorizer(format, null).TryEncode(
            RelayClient.NewCorrId(), new EntityId(SystemRandom.Instance.Bytes(24)), SmpCommand.Sub.Instance, key, out byte[] encoded));
        byte[] batch = [1, (byte)(encoded.Length >> 8), (byte)encoded.Length, .. encoded];
        Assert.True(BatchReader.TryOpen(batch, format, out BatchReader reader));
        Assert.True(reader.TryReadNext(out Transmission transmission));
        return transmission;
    }

    private static void Prove(KeyTables tables, in WireKey key)
    {
        for (int i = 0; i < KeyTables.ProofsNeeded; i++)
            tables.Proved(key);
    }

    private static WireKey NewKey()
    {
        using Ed25519PrivateKey key = Ed25519PrivateKey.Generate(SystemRandom.Instance);
        return new WireKey(StoredKeyOf(key.PublicKey));
    }

    private static StoredKey StoredKeyOf(PublicKey key)
    {
        Assert.True(StoredKey.TryFrom(key, out StoredKey stored));
        return stored;
    }
}
