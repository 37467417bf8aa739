using System.Net;
using Pairwise.Client;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp;
using Pairwise.Server.Smp.Store;
using Pairwise.TestKit;
using Pairwise.Transport;
using static Pairwise.Server.Tests.Smp.TestRelay;

namespace Pairwise.Server.Tests.Smp;

/// <summary>What is left of messages in memory, however the relay ends.</summary>
public sealed class SavingTests
{
    [Fact]
    public async Task What_was_saved_survives_a_crash_right_after_the_next_start()
    {
        using TestFolder folder = new();
        using TestFolder wreck = new();
        OwnedQueue queue = await FillAndStopAsync(folder, "kept");
        await using (SmpServer relay = await StartAsync(folder))
        {
            Copy(folder.Path, wreck.Path);
        }

        await using SmpServer survivor = await StartAsync(wreck);
        Assert.Equal("kept", await ReadAsync(survivor, queue));
    }

    [Fact]
    public async Task Messages_of_a_queue_that_was_deleted_since_they_were_saved_do_not_keep_a_relay_from_starting()
    {
        using TestFolder folder = new();
        using TestFolder wreck = new();
        OwnedQueue queue = await FillAndStopAsync(folder, "gone");
        await using (SmpServer relay = await StartAsync(folder, Strict))
        {
            await using RelayClient client = await RelayClient.ConnectAsync(relay);
            AssertOk(await client.AskAsync(queue.Mine, SmpCommand.Del.Instance, queue.Key));
            Copy(folder.Path, wreck.Path);
        }

        await using SmpServer survivor = await StartAsync(wreck, Strict);
        Assert.Equal(1, survivor.Report.Messages.WithoutQueue);
    }

    [Fact]
    public async Task Where_queues_are_not_kept_no_messages_are_and_the_next_start_succeeds()
    {
        using TestFolder folder = new();
        for (int start = 0; start < 2; start++)
        {
            await using SmpServer relay = await StartAsync(folder, options => Strict(options) with { KeepQueues = false });
            await using RelayClient client = await RelayClient.ConnectAsync(relay);
            OwnedQueue queue = await client.NewQueueAsync();
            AssertOk(await client.AskAsync(queue.Theirs, Text("waits"), null));
        }

        Assert.False(File.Exists(Path.Combine(folder.State, SmpServerFiles.MessageLog)));
    }

    [Fact]
    public async Task Messages_without_any_store_log_are_not_thrown_away()
    {
        using TestFolder folder = new();
        await FillAndStopAsync(folder, "kept");
        File.Delete(Path.Combine(folder.State, SmpServerFiles.StoreLog));
        SmpServerException refused = await Assert.ThrowsAsync<SmpServerException>(() => StartAsync(folder, Strict));
        Assert.Contains("no queue", refused.Message, StringComparison.Ordinal);
        Assert.NotEmpty(await File.ReadAllTextAsync(Path.Combine(folder.State, SmpServerFiles.MessageLog), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Messages_are_saved_while_the_relay_runs_and_a_folder_that_refuses_does_not_end_that()
    {
        ManualTime time = new();
        TimeSpan interval = TimeSpan.FromSeconds(60);
        EventLog lines = new();
        using TestFolder folder = new();
        using TestFolder wreck = new();
        string log = Path.Combine(folder.State, SmpServerFiles.MessageLog);
        await using SmpServer relay = await StartAsync(folder, options => options with { Time = time, SnapshotInterval = interval, Logging = lines });
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        OwnedQueue queue = await client.NewQueueAsync(SubscriptionMode.OnlyCreate);
        AssertOk(await client.AskAsync(queue.Theirs, Text("kept"), null));

        // A folder in the place of the file: writing is refused, as it is with a wrong owner.
        Directory.CreateDirectory(log + ".tmp");
        await AdvanceUntilAsync(time, interval, () => lines.CountOf(2004) > 0);
        Assert.False(File.Exists(log));
        Directory.Delete(log + ".tmp");
        await AdvanceUntilAsync(time, interval, () => File.Exists(log));
        Copy(folder.Path, wreck.Path);
        await using SmpServer survivor = await StartAsync(wreck, options => options with { Time = time });
        Assert.Equal("kept", await ReadAsync(survivor, queue));
    }

    [Fact]
    public async Task Only_what_has_changed_is_saved_again()
    {
        using TestFolder folder = new();
        await FillAndStopAsync(folder, "one");
        await using SmpServerState state = await SmpServerState.RestoreAsync(Options(folder), TestContext.Current.CancellationToken);
        Assert.False(state.SaveChanges());
        SmpQueue queue = Assert.Single(state.Queues.All());
        state.Messages.Acknowledge(queue, state.Messages.Peek(queue)!.Id, out _);
        Assert.True(state.SaveChanges());
        Assert.Empty(await File.ReadAllTextAsync(Path.Combine(folder.State, SmpServerFiles.MessageLog), TestContext.Current.CancellationToken));
        Assert.False(state.SaveChanges());
    }

    [Fact]
    public async Task Saving_twice_at_once_leaves_one_whole_file()
    {
        using TestFolder folder = new();
        OwnedQueue queue = await FillAndStopAsync(folder, "one");
        await using (SmpServerState state = await SmpServerState.RestoreAsync(Options(folder), TestContext.Current.CancellationToken))
        {
            await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(
                () =>
                {
                    for (int i = 0; i < 25; i++)
                        state.Save();
                },
                TestContext.Current.CancellationToken)));
        }

        await using SmpServer relay = await StartAsync(folder, Strict);
        Assert.Equal("one", await ReadAsync(relay, queue));
    }

    [Fact]
    public async Task A_connection_that_does_not_end_does_not_keep_the_state_from_being_saved()
    {
        using TestFolder folder = new();
        using BlockingRandom random = new();
        SmpServer relay = await StartAsync(folder, options => options with
        {
            Endpoints = [new IPEndPoint(IPAddress.Loopback, 0)],
            Random = random,
            Limits = new SmpServerLimits { StopTime = TimeSpan.FromMilliseconds(100) },
        });
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        OwnedQueue queue = await client.NewQueueAsync(SubscriptionMode.OnlyCreate);
        AssertOk(await client.AskAsync(queue.Theirs, Text("kept"), null));

        // Its handshake hangs in the relay itself.
        random.Block();
        Assert.True(ServerAddress.TryParse(relay.Address, out ServerAddress? address));
        using CancellationTokenSource leaving = new();
        Task hanging = SmpConnector.ConnectAsync(address, new SmpClientOptions(), isInteractive: false, leaving.Token);
        await random.Blocked.EndsAsync(TestContext.Current.CancellationToken);
        await relay.StopAsync(TestContext.Current.CancellationToken).EndsAsync(TestContext.Current.CancellationToken);
        random.Release();
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => hanging);
        await using SmpServer restarted = await StartAsync(folder);
        Assert.Equal("kept", await ReadAsync(restarted, queue));
    }

    [Fact]
    public async Task Intervals_longer_than_a_timer_can_be_end_no_part_of_a_relay()
    {
        EventLog lines = new();
        TimeSpan longest = TimeSpan.FromSeconds(int.MaxValue); // the most that the ini file takes
        using TestFolder folder = new();
        await using (await StartAsync(folder, options => options with
        {
            Logging = lines,
            SnapshotInterval = longest,
            MetricsInterval = longest,
            MessageExpiration = new Expiration(longest, longest),
            NotificationExpiration = new Expiration(longest, longest),
        }))
        {
            await Eventually.UntilAsync(() => File.Exists(Path.Combine(folder.State, SmpServerFiles.Metrics)), TestContext.Current.CancellationToken);
        }

        Assert.Equal(0, lines.CountOf(2052));
    }

    [Fact]
    public async Task A_part_that_failed_does_not_keep_statistics_and_messages_from_being_saved()
    {
        using TestFolder folder = new();

        // No timer can be made of this: the loop of notifications ends by a fault at its start.
        SmpServer relay = await StartAsync(folder, options => options with { NotificationInterval = TimeSpan.Zero, KeepStatistics = true, Logging = new EventLog() });
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        OwnedQueue queue = await client.NewQueueAsync(SubscriptionMode.OnlyCreate);
        AssertOk(await client.AskAsync(queue.Theirs, Text("kept"), null));
        await relay.StopAsync(TestContext.Current.CancellationToken);
        Assert.True(File.Exists(Path.Combine(folder.State, SmpServerFiles.Statistics)));
        await using SmpServer restarted = await StartAsync(folder);
        Assert.Equal("kept", await ReadAsync(restarted, queue));
    }

    [Fact]
    public async Task Messages_that_cannot_be_saved_do_not_keep_the_folder_locked_or_statistics_unsaved()
    {
        using TestFolder folder = new();
        SmpServer relay = await StartAsync(folder, options => options with { KeepStatistics = true });
        string obstacle = Path.Combine(folder.State, SmpServerFiles.MessageLog + ".tmp");
        Directory.CreateDirectory(obstacle);
        await Assert.ThrowsAsync<UnauthorizedAccessException>(() => relay.StopAsync(TestContext.Current.CancellationToken));
        Directory.Delete(obstacle);
        Assert.True(File.Exists(Path.Combine(folder.State, SmpServerFiles.Statistics)));
        await using SmpServer restarted = await StartAsync(folder);
        Assert.Equal(0, restarted.ConnectionCount);
    }

    [Fact]
    public async Task Many_damaged_journals_are_one_line_in_the_log()
    {
        using TestFolder folder = new();
        EventLog lines = new();
        await using SmpServer relay = await StartAsync(folder, options => options with { MessageStorage = MessageStorage.Journal, Logging = lines });
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        for (int i = 0; i < 5; i++)
            AssertOk(await client.AskAsync((await client.NewQueueAsync(SubscriptionMode.OnlyCreate)).Theirs, Text("lost"), null));
        await relay.StopAsync(TestContext.Current.CancellationToken);
        foreach (string state in Directory.EnumerateFiles(folder.State, "queue_state.*.log", SearchOption.AllDirectories))
            await File.WriteAllTextAsync(state, "damaged\n", TestContext.Current.CancellationToken);
        await using SmpServer again = await StartAsync(
            folder, options => options with { MessageStorage = MessageStorage.Journal, Logging = lines, ExpireMessagesOnStart = false });
        await again.ExpireMessagesAsync();
        Assert.Equal(1, lines.CountOf(2050));
    }

    [Fact]
    public async Task A_start_that_is_called_off_while_it_restores_changes_nothing()
    {
        using TestFolder folder = new();
        OwnedQueue queue = await FillAndStopAsync(folder, "kept");
        using CancellationTokenSource stop = new();
        CancellingTime time = new(stop);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => SmpServer.StartAsync(Options(folder) with { Time = time }, stop.Token));
        await using SmpServer relay = await StartAsync(folder, Strict);
        Assert.Equal("kept", await ReadAsync(relay, queue));
    }

    private static SmpServerOptions Strict(SmpServerOptions options) => options with { SkipWarnings = false };

    private static async Task<OwnedQueue> FillAndStopAsync(TestFolder folder, string text)
    {
        await using SmpServer relay = await StartAsync(folder);
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        OwnedQueue queue = await client.NewQueueAsync(SubscriptionMode.OnlyCreate);
        AssertOk(await client.AskAsync(queue.Theirs, Text(text), null));
        return queue;
    }

    private static async Task<string> ReadAsync(SmpServer relay, OwnedQueue queue)
    {
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        return queue.OpenText(await client.AskAsync(queue.Mine, SmpCommand.Get.Instance, queue.Key));
    }

    // The loop sets its next timer by itself, on another thread.
    private static async Task AdvanceUntilAsync(ManualTime time, TimeSpan interval, Func<bool> isDone)
    {
        using CancellationTokenSource patience = new(Eventually.Patience);
        while (!isDone())
        {
            time.Advance(interval);
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, patience.Token);
        }
    }

    private static void Copy(string source, string destination)
    {
        foreach (string file in Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories).Where(file => !file.EndsWith(SmpServerFiles.Lock, StringComparison.Ordinal)))
        {
            string copy = Path.Combine(destination, Path.GetRelativePath(source, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }

    // Stops whoever asks for randomness, from a moment on.
    private sealed class BlockingRandom : IRandomSource, IDisposable
    {
        private readonly ManualResetEventSlim _gate = new(true);
        private readonly TaskCompletionSource _blocked = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Blocked => _blocked.Task;

        public void Block() => _gate.Reset();

        public void Release() => _gate.Set();

        public void Fill(Span<byte> destination)
        {
            if (!_gate.IsSet)
                _blocked.TrySetResult();
            _gate.Wait(TestContext.Current.CancellationToken);
            SystemRandom.Instance.Fill(destination);
        }

        public void Dispose() => _gate.Dispose();
    }

    // The signal comes when the state is being read: that is when the clock is asked.
    private sealed class CancellingTime(CancellationTokenSource stop) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow()
        {
            stop.Cancel();
            return base.GetUtcNow();
        }
    }
}
