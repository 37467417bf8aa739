using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp;
using Pairwise.Server.Smp.Operation;
using static Pairwise.Server.Tests.Smp.TestRelay;

namespace Pairwise.Server.Tests.Smp;

/// <summary>What is counted when, as the reference counts it: dashboards and daily lines go on after a move.</summary>
public sealed class CountingTests
{
    [Fact]
    public async Task A_subscription_is_counted_when_it_finds_a_message()
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder);
        OwnedQueue empty;
        OwnedQueue full;
        await using (RelayClient owner = await RelayClient.ConnectAsync(relay))
        {
            empty = await owner.NewQueueAsync();
            full = await owner.NewQueueAsync();
            AssertOk(await owner.AskAsync(full.Theirs, Text("one"), null));
        }

        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        long before = Count(relay, "subscribtion_successes");
        Assert.IsType<BrokerMessage.Sok>(await client.AskAsync(empty.Mine, SmpCommand.Sub.Instance, empty.Key));
        Assert.Equal(before, Count(relay, "subscribtion_successes"));
        Assert.IsType<BrokerMessage.Sok>(await client.AskAsync(full.Mine, SmpCommand.Sub.Instance, full.Key));
        Assert.Equal(before + 1, Count(relay, "subscribtion_successes"));
        Assert.IsType<BrokerMessage.Sok>(await client.AskAsync(full.Mine, SmpCommand.Sub.Instance, full.Key));
        Assert.Equal(before + 1, Count(relay, "subscribtion_successes"));
    }

    [Fact]
    public async Task Several_commands_of_one_party_are_a_batch()
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder);
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        OwnedQueue one = await client.NewQueueAsync();
        OwnedQueue two = await client.NewQueueAsync();
        byte[] Sub(OwnedQueue queue) => client.Encode(RelayClient.NewCorrId(), queue.Mine, SmpCommand.Sub.Instance, queue.Key);
        byte[] Send(OwnedQueue queue) => client.Encode(RelayClient.NewCorrId(), queue.Theirs, Text("x"), null);
        byte[] ping = client.Encode(RelayClient.NewCorrId(), EntityId.None, SmpCommand.Ping.Instance, null);
        await AskAllAsync(Sub(one));
        await AskAllAsync(Sub(one), ping);
        await AskAllAsync(ping, Sub(one));
        await AskAllAsync(Send(one), Send(two));
        Assert.Equal(0, Count(relay, "subscribtion_successes_batch"));
        await AskAllAsync(Sub(one), Sub(two));
        Assert.Equal(1, Count(relay, "subscribtion_successes_batch"));
        await AskAllAsync(
            client.Encode(RelayClient.NewCorrId(), one.Mine, SmpCommand.Del.Instance, one.Key),
            client.Encode(RelayClient.NewCorrId(), two.Mine, SmpCommand.Que.Instance, two.Key));
        Assert.Equal((1, 1), (Count(relay, "subscribtion_successes_batch"), Count(relay, "queues_deleted_batch")));

        // The answer to a later command comes after the block before it was counted.
        async Task AskAllAsync(params byte[][] transmissions)
        {
            await client.SendBatchAsync(transmissions);
            Assert.IsType<BrokerMessage.Pong>(await client.AskAsync(EntityId.None, SmpCommand.Ping.Instance, null));
        }
    }

    private static long Count(SmpServer relay, string name) =>
        long.Parse(
            relay.WriteMetrics().Split('\n').Single(line => line.StartsWith($"simplex_smp_{name} ", StringComparison.Ordinal)).Split(' ')[1],
            System.Globalization.CultureInfo.InvariantCulture);
}
