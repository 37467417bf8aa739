using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp;
using static Pairwise.Server.Tests.Smp.TestRelay;

namespace Pairwise.Server.Tests.Smp;

/// <summary>What a relay remembers over a stop, a crash, and a damaged file.</summary>
public sealed class RestartTests
{
    [Theory]
    [InlineData(MessageStorage.Memory)]
    [InlineData(MessageStorage.Journal)]
    public async Task Queues_keys_and_messages_are_there_after_a_stop(MessageStorage storage)
    {
        using TestFolder folder = new();
        SmpServerOptions With(SmpServerOptions options) => options with { MessageStorage = storage };
        using X25519PrivateKey senderKey = X25519PrivateKey.Generate(SystemRandom.Instance);
        OwnedQueue queue;
        OwnedQueue deleted;
        string address;
        await using (SmpServer relay = await StartAsync(folder, With))
        {
            address = relay.Address;
            await using RelayClient client = await RelayClient.ConnectAsync(relay);
            queue = await client.NewQueueAsync(SubscriptionMode.OnlyCreate, new QueueRequest.Messaging(null));
            deleted = await client.NewQueueAsync(SubscriptionMode.OnlyCreate);
            AssertOk(await client.AskAsync(queue.Theirs, new SmpCommand.SKey(senderKey.PublicKey), senderKey));
            AssertOk(await client.AskAsync(deleted.Theirs, Text("lost"), null));
            for (int i = 0; i < 3; i++)
                AssertOk(await client.AskAsync(queue.Theirs, Text($"{i}"), senderKey));
            AssertOk(await client.AskAsync(deleted.Mine, SmpCommand.Del.Instance, deleted.Key));
            BrokerMessage first = await client.AskAsync(queue.Mine, SmpCommand.Get.Instance, queue.Key);
            AssertOk(await client.AskAsync(queue.Mine, Ack(first), queue.Key));
        }

        await using SmpServer restarted = await StartAsync(folder, With);
        Assert.Equal(address, restarted.Address);
        await using RelayClient again = await RelayClient.ConnectAsync(restarted);
        AssertOk(await again.AskAsync(queue.Mine, SmpCommand.Sub.Instance, queue.Key));
        BrokerMessage message = (await again.NextEventAsync()).Message;
        Assert.Equal("1", queue.OpenText(message));
        message = await again.AskAsync(queue.Mine, Ack(message), queue.Key);
        Assert.Equal("2", queue.OpenText(message));
        AssertOk(await again.AskAsync(queue.Mine, Ack(message), queue.Key));
        AssertError(SmpError.Auth.Instance, await again.AskAsync(deleted.Mine, SmpCommand.Sub.Instance, deleted.Key));
        AssertError(SmpError.Auth.Instance, await again.AskAsync(queue.Theirs, Text("unsigned"), null));
    }

    [Fact]
    public async Task A_journal_has_every_acknowledged_message_when_the_relay_just_disappears()
    {
        using TestFolder folder = new();
        using TestFolder wreck = new();
        OwnedQueue queue;
        await using (SmpServer relay = await StartAsync(folder, options => options with { MessageStorage = MessageStorage.Journal }))
        {
            await using RelayClient client = await RelayClient.ConnectAsync(relay);
            queue = await client.NewQueueAsync(SubscriptionMode.OnlyCreate);
            for (int i = 0; i < 20; i++)
                AssertOk(await client.AskAsync(queue.Theirs, Text($"{i}"), null));
            Copy(folder.Path, wreck.Path); // the disk at this moment, as after the death of the process
        }

        // A write that was cut short: half a line in the state, bytes behind the last message.
        string state = Directory.EnumerateFiles(wreck.State, "queue_state.*.log", SearchOption.AllDirectories).Single();
        string journal = Directory.EnumerateFiles(wreck.State, "messages.*.log", SearchOption.AllDirectories).Single();
        await File.AppendAllTextAsync(state, "write=AAAA,21,2", TestContext.Current.CancellationToken);
        await File.AppendAllTextAsync(journal, "half a mess", TestContext.Current.CancellationToken);
        await using SmpServer survivor = await StartAsync(wreck, options => options with { MessageStorage = MessageStorage.Journal });
        await using RelayClient reader = await RelayClient.ConnectAsync(survivor);
        AssertOk(await reader.AskAsync(queue.Theirs, Text("20"), null));
        AssertOk(await reader.AskAsync(queue.Mine, SmpCommand.Sub.Instance, queue.Key));
        BrokerMessage message = (await reader.NextEventAsync()).Message;
        for (int i = 0; i <= 20; i++)
        {
            Assert.Equal($"{i}", queue.OpenText(message));
            message = await reader.AskAsync(queue.Mine, Ack(message), queue.Key);
        }

        AssertOk(message);
    }

    [Fact]
    public async Task A_journal_goes_on_in_another_file_and_lets_go_of_the_read_one()
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder, options => options with { MessageStorage = MessageStorage.Journal });
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        OwnedQueue queue = await client.NewQueueAsync();
        BrokerMessage? delivered = null;
        int read = 0;
        for (int i = 0; i < 700; i++)
        {
            AssertOk(await client.AskAsync(queue.Theirs, Text($"{i}"), null));
            delivered ??= (await client.NextEventAsync()).Message;
            if (i >= 100)
            {
                Assert.Equal($"{read++}", queue.OpenText(delivered));
                delivered = await client.AskAsync(queue.Mine, Ack(delivered), queue.Key);
            }
        }

        for (; delivered is BrokerMessage.Msg; delivered = await client.AskAsync(queue.Mine, Ack(delivered), queue.Key))
            Assert.Equal($"{read++}", queue.OpenText(delivered));
        Assert.Equal(700, read);
        Assert.Single(Directory.EnumerateFiles(folder.State, "messages.*.log", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task A_torn_last_line_of_the_store_log_costs_that_record_only()
    {
        using TestFolder folder = new();
        OwnedQueue queue;
        await using (SmpServer relay = await StartAsync(folder))
        {
            await using RelayClient client = await RelayClient.ConnectAsync(relay);
            queue = await client.NewQueueAsync();
        }

        string log = Path.Combine(folder.State, SmpServerFiles.StoreLog);
        await File.AppendAllTextAsync(log, "SECURE " + queue.Recipient.Value.ToArray().Length, TestContext.Current.CancellationToken);
        await using SmpServer restarted = await StartAsync(folder);
        Assert.True(restarted.Report.Queues.HasTornLastLine);
        Assert.Equal(0, restarted.Report.Queues.BrokenLines);
        await using RelayClient again = await RelayClient.ConnectAsync(restarted);
        AssertOk(await again.AskAsync(queue.Mine, SmpCommand.Sub.Instance, queue.Key));
    }

    [Fact]
    public async Task An_interrupted_compaction_is_repaired()
    {
        using TestFolder folder = new();
        OwnedQueue queue;
        await using (SmpServer relay = await StartAsync(folder))
        {
            await using RelayClient client = await RelayClient.ConnectAsync(relay);
            queue = await client.NewQueueAsync();
        }

        string log = Path.Combine(folder.State, SmpServerFiles.StoreLog);
        File.Move(log, log + ".start");
        await File.WriteAllTextAsync(log, "CREATE rid=", TestContext.Current.CancellationToken);
        await using SmpServer restarted = await StartAsync(folder);
        Assert.True(restarted.Report.Queues.RestoredFromInterruptedStart);
        await using RelayClient again = await RelayClient.ConnectAsync(restarted);
        AssertOk(await again.AskAsync(queue.Mine, SmpCommand.Sub.Instance, queue.Key));
    }

    [Fact]
    public async Task Two_relays_do_not_share_a_folder()
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder);
        await Assert.ThrowsAsync<SmpServerException>(() => StartAsync(folder));
    }

    [Fact]
    public async Task Notifications_that_wait_are_kept()
    {
        using TestFolder folder = new();
        SmpServerOptions With(SmpServerOptions options) => options with { NotificationInterval = TimeSpan.FromMilliseconds(50) };
        using X25519PrivateKey authKey = X25519PrivateKey.Generate(SystemRandom.Instance);
        using X25519PrivateKey dhKey = X25519PrivateKey.Generate(SystemRandom.Instance);
        EntityId id;
        await using (SmpServer relay = await StartAsync(folder, With))
        {
            await using RelayClient client = await RelayClient.ConnectAsync(relay);
            OwnedQueue queue = await client.NewQueueAsync(notifier: new NotifierRequest(authKey.PublicKey, dhKey.PublicKey));
            id = queue.Answer.Notifier!.Notifier.ToEntityId();
            AssertOk(await client.AskAsync(queue.Theirs, Text("later", notify: true), null));
        }

        await using SmpServer restarted = await StartAsync(folder, With);
        await using RelayClient notifier = await RelayClient.ConnectAsync(restarted);
        AssertOk(await notifier.AskAsync(id, SmpCommand.NSub.Instance, authKey));
        Assert.IsType<BrokerMessage.NMsg>((await notifier.NextEventAsync()).Message);
    }

    private static void Copy(string from, string to)
    {
        foreach (string file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories).Where(file => !file.EndsWith(".lock", StringComparison.Ordinal)))
        {
            string target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }
}
