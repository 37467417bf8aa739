using System.Diagnostics;
using System.Net;
using Pairwise.Client;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp;
using Pairwise.Server.Smp.Store;
using Pairwise.TestKit;
using static Pairwise.Server.Tests.Smp.TestRelay;

namespace Pairwise.Server.Tests.Smp;

/// <summary>A disk that stalls: whoever needs it waits, and nobody else.</summary>
public sealed class SlowDiskTests
{
    // Whoever waits for the disk waits for as long as the test takes.
    private static readonly SmpClientOptions Patient = new()
    {
        Network = new NetworkOptions
        {
            ConnectTime = new NetworkTime(Eventually.Patience, Eventually.Patience),
            CommandTime = new NetworkTime(Eventually.Patience, Eventually.Patience),
        },
    };

    [Fact]
    public async Task While_a_journal_stalls_others_are_answered_and_can_connect()
    {
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder, options => options with
        {
            Endpoints = [new IPEndPoint(IPAddress.Loopback, 0)],
            MessageStorage = MessageStorage.Journal,
        });
        Assert.True(ServerAddress.TryParse(relay.Address, out ServerAddress? address));

        // One for each thread that watches sockets, and more: their neighbours are all of them.
        SmpClient[] others = await Task.WhenAll(Enumerable.Range(0, 2 * Environment.ProcessorCount).Select(_ => ConnectAsync()));
        SmpClient[] senders = await Task.WhenAll(Enumerable.Range(0, 2 * Environment.ProcessorCount).Select(_ => ConnectAsync()));
        await using RelayClient owner = await RelayClient.ConnectAsync(relay);
        List<OwnedQueue> queues = [];
        foreach (SmpClient sender in senders)
        {
            OwnedQueue queue = await owner.NewQueueAsync(SubscriptionMode.OnlyCreate);
            queues.Add(queue);
            Assert.True((await SendAsync(sender, queue, "first")).IsOk);
        }

        // What the relay holds only as long as there is memory is gone: a sender does not need what the queue's owner will read.
        GC.Collect();

        // A pipe without another end: whoever opens it waits, as for a disk that does not answer.
        string[] journals = Directory.GetFiles(Path.Combine(folder.State, SmpServerFiles.MessageFolder), "messages.*.log", SearchOption.AllDirectories);
        Assert.Equal(senders.Length, journals.Length);
        foreach (string journal in journals)
        {
            File.Move(journal, journal + ".aside");
            using Process made = Process.Start("mkfifo", [journal]);
            await made.WaitForExitAsync(cancellationToken);
        }

        Task<SmpResult>[] stalled = [.. senders.Select((sender, i) => SendAsync(sender, queues[i], "second"))];
        for (int round = 0; round < 3; round++)
        {
            foreach (SmpClient other in others)
            {
                await PingAsync(other);
            }
        }

        await using (SmpClient newcomer = await ConnectAsync())
        {
            await PingAsync(newcomer);
        }

        Assert.All(stalled, task => Assert.False(task.IsCompleted));

        // The disk answers: a pipe cannot be written at a place, which the relay says, also to those whose command it has
        // not begun. Opened for both, the pipe is another end whatever it was opened for. What was stored is still there.
        List<FileStream> otherEnds = [.. journals.Select(journal => new FileStream(journal, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))];
        foreach (Task<SmpResult> answer in stalled)
        {
            Assert.IsType<SmpError.Store>(Assert.IsType<SmpClientError.Relay>((await answer).Error).Error);
        }

        foreach ((string journal, FileStream otherEnd) in journals.Zip(otherEnds))
        {
            await otherEnd.DisposeAsync();
            File.Move(journal + ".aside", journal, overwrite: true);
        }

        foreach ((SmpClient sender, OwnedQueue queue) in senders.Zip(queues))
        {
            Assert.True((await SendAsync(sender, queue, "third")).IsOk);
            AssertOk(await owner.AskAsync(queue.Mine, SmpCommand.Sub.Instance, queue.Key));
            BrokerMessage message = (await owner.NextEventAsync()).Message;
            Assert.Equal("first", queue.OpenText(message));
            Assert.Equal("third", queue.OpenText(await owner.AskAsync(queue.Mine, Ack(message), queue.Key)));
        }

        foreach (SmpClient client in (SmpClient[])[.. others, .. senders])
        {
            await client.DisposeAsync();
        }

        Task<SmpResult> SendAsync(SmpClient sender, OwnedQueue queue, string text) =>
            sender.SendAsync(new SmpRequest(Text(text), queue.Theirs, null), isInteractive: false, cancellationToken);

        async Task PingAsync(SmpClient client) =>
            Assert.IsType<BrokerMessage.Pong>((await client.SendAsync(new SmpRequest(SmpCommand.Ping.Instance), isInteractive: false, cancellationToken)).Message);

        Task<SmpClient> ConnectAsync() => SmpClient.ConnectAsync(address, Patient, isInteractive: true, cancellationToken);
    }

    [Fact]
    public async Task A_disk_is_slow_while_it_does_not_answer()
    {
        ManualTime time = new();
        DiskWatch disk = new(time);
        using (disk.Begin())
        {
            Assert.False(disk.IsSlow);
            time.Advance(TimeSpan.FromMilliseconds(60));
            Assert.True(disk.IsSlow);
        }

        Assert.False(disk.IsSlow);
        using (disk.Begin())
        {
            time.Advance(TimeSpan.FromMilliseconds(40));
            using (disk.Begin())
            {
                Assert.False(disk.IsSlow);
                time.Advance(TimeSpan.FromMilliseconds(20)); // the first has waited for sixty
                Assert.True(disk.IsSlow);
            }
        }

        Assert.False(disk.IsSlow);

        // So many at a time, each on a thread of its own; the others wait without one.
        using ManualResetEventSlim goOn = new(false);
        int begun = 0;
        Task[] all = [.. Enumerable.Range(0, 20).Select(_ => disk.RunAsync(
            () =>
            {
                Interlocked.Increment(ref begun);
                goOn.Wait(TestContext.Current.CancellationToken);
            },
            TestContext.Current.CancellationToken))];
        SpinWait.SpinUntil(() => Volatile.Read(ref begun) == 8);
        Assert.All(all, task => Assert.False(task.IsCompleted));
        goOn.Set();
        await Task.WhenAll(all);
        Assert.Equal(20, begun);
    }

    [Fact]
    public void A_disk_that_always_works_on_something_and_answers_each_at_once_is_not_slow()
    {
        ManualTime time = new();
        DiskWatch disk = new(time);
        DiskWatch.Work former = disk.Begin();
        for (int i = 0; i < 100; i++)
        {
            time.Advance(TimeSpan.FromMilliseconds(10));
            DiskWatch.Work next = disk.Begin();
            former.Dispose();
            former = next;
            Assert.False(disk.IsSlow);
        }

        // One that does not answer counts, however many others do.
        using DiskWatch.Work stalled = disk.Begin();
        former.Dispose();
        for (int i = 0; i < 6; i++)
        {
            using DiskWatch.Work other = disk.Begin();
            time.Advance(TimeSpan.FromMilliseconds(10));
        }

        Assert.True(disk.IsSlow);
    }

    [Fact]
    public void More_work_at_the_same_time_than_is_looked_at_counts_too()
    {
        ManualTime time = new();
        DiskWatch disk = new(time);
        DiskWatch.Work[] all = [.. Enumerable.Range(0, 100).Select(_ => disk.Begin())];
        Assert.False(disk.IsSlow);
        time.Advance(TimeSpan.FromMilliseconds(60));
        Assert.True(disk.IsSlow);
        foreach (DiskWatch.Work work in all)
        {
            work.Dispose();
        }

        Assert.False(disk.IsSlow);
    }
}
