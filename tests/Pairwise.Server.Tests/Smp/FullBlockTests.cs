using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp;
using static Pairwise.Server.Tests.Smp.TestRelay;

namespace Pairwise.Server.Tests.Smp;

/// <summary>Blocks full of commands, whose signatures are verified on several cores: each is answered as if it came alone.</summary>
public sealed class FullBlockTests
{
    private const int Many = 40;

    [Fact]
    public async Task Each_command_of_a_full_block_has_its_own_verdict_and_answers_keep_their_order()
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder);
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        using Ed25519PrivateKey foreign = Ed25519PrivateKey.Generate(SystemRandom.Instance);
        List<OwnedQueue> queues = [];
        for (int i = 0; i < Many; i++)
        {
            queues.Add(await client.NewQueueAsync(SubscriptionMode.OnlyCreate));
        }

        // Right, signed by another key, and about a queue that is not there: in turn, so that neighbours differ.
        CorrId[] corrIds = [.. queues.Select(_ => RelayClient.NewCorrId())];
        await client.SendBatchAsync([.. queues.Select((queue, i) => client.Encode(
            corrIds[i],
            i % 3 == 2 ? new EntityId(SystemRandom.Instance.Bytes(24)) : queue.Mine,
            SmpCommand.Sub.Instance,
            i % 3 == 1 ? foreign : queue.Key))]);

        for (int i = 0; i < Many; i++)
        {
            Received received = await client.NextAsync();
            Assert.Equal(corrIds[i], received.CorrId);
            if (i % 3 == 0)
            {
                Assert.IsType<BrokerMessage.Sok>(received.Message);
            }
            else
            {
                AssertError(SmpError.Auth.Instance, received.Message);
            }
        }
    }

    [Fact]
    public async Task Key_that_a_block_replaces_counts_up_to_there_and_the_new_one_from_there()
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder);
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        OwnedQueue queue = await client.NewQueueAsync(SubscriptionMode.OnlyCreate, new QueueRequest.Contact(null));
        using Ed25519PrivateKey next = Ed25519PrivateKey.Generate(SystemRandom.Instance);
        List<byte[]> block = [];
        for (int i = 0; i < Many; i++)
        {
            // The two keys in turn, all along.
            SmpCommand command = i == Many / 2 ? new SmpCommand.RKey([next.PublicKey]) : SmpCommand.Sub.Instance;
            block.Add(client.Encode(RelayClient.NewCorrId(), queue.Mine, command, i % 2 == 0 ? queue.Key : next));
        }

        await client.SendBatchAsync([.. block]);

        for (int i = 0; i < Many; i++)
        {
            bool isOldRight = i <= Many / 2;
            BrokerMessage answer = (await client.NextAsync()).Message;
            Assert.Equal(isOldRight == (i % 2 == 0), answer is not BrokerMessage.Err);
        }
    }
}
