using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Pairwise.Client;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp;
using Pairwise.Server.Smp.Operation;
using Pairwise.TestKit;
using Pairwise.Transport;
using Pairwise.Transport.Memory;
using Pairwise.Transport.Smp;
using static Pairwise.Server.Tests.Smp.TestRelay;

namespace Pairwise.Server.Tests.Smp;

/// <summary>Clients that want to wear a relay out: it serves the others throughout. In small; `./bench smp --scenario strength` does it in large.</summary>
public sealed class StrengthTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Floods_of_all_kinds_at_once_hold_up_nobody_else()
    {
        const int silentSockets = 150;
        const int slowHandshakes = 30;
        const int garbage = 30;
        const int queues = 200;
        using TestFolder folder = new();
        await using SmpServer relay = await ListenAsync(folder, new SmpServerLimits { Handshakes = 64 });
        await using RelayClient owner = await RelayClient.ConnectAsync(relay);
        using Ed25519PrivateKey key = Ed25519PrivateKey.Generate(SystemRandom.Instance);
        List<OwnedQueue> owned = [];
        for (int i = 0; i < queues; i++)
        {
            OwnedQueue queue = await owner.NewQueueAsync(SubscriptionMode.OnlyCreate, key: key);
            AssertOk(await owner.AskAsync(queue.Theirs, Text(new string('x', 10_000)), null));
            owned.Add(queue);
        }

        List<TcpClient> sockets = [];
        for (int i = 0; i < silentSockets + slowHandshakes + garbage; i++)
        {
            TcpClient socket = new();
            await socket.ConnectAsync(relay.Endpoints[0], Token);
            if (i >= silentSockets)
                await socket.GetStream().WriteAsync(i < silentSockets + slowHandshakes ? new byte[] { 0x16, 3, 1 } : SystemRandom.Instance.Bytes(500), Token);
            sockets.Add(socket);
        }

        using CancellationTokenSource ending = new();
        Task storm = SubscribeOverAndOverAsync(relay, owned, key, ending.Token);
        await TalkAsync(relay, 40);
        await ending.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => storm);
        foreach (TcpClient socket in sockets)
            socket.Dispose();
        await UntilAsync(() => relay.ConnectionCount == 1);
        await owner.AssertNothingCameAsync();

        // What the storm was sent and did not read is still there.
        AssertOk(await owner.AskAsync(owned[0].Mine, SmpCommand.Sub.Instance, key));
        Assert.Equal(10_000, owned[0].OpenText((await owner.NextEventAsync()).Message).Length);
    }

    [Fact]
    public async Task A_block_that_never_ends_ends_its_connection()
    {
        ManualTime time = new();
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder, options => options with { Time = time });
        await using RelayClient other = await RelayClient.ConnectAsync(relay);
        await using RelayClient slow = await RelayClient.ConnectAsync(relay);
        OwnedQueue queue = await slow.NewQueueAsync(); // a subscription does not protect it
        await UntilAsync(() => relay.ConnectionCount == 2); // a client has shaken hands before the relay knows that it has
        TimeSpan taken = await DribbleAsync(time, TimeSpan.FromSeconds(180), slow.Session.Blocks.Connection.WriteAsync, () => relay.ConnectionCount == 1);
        Assert.InRange(taken, TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(180));
        await slow.AssertClosedAsync();
        await other.AssertNothingCameAsync();
        AssertOk(await other.AskAsync(queue.Theirs, Text("later"), null));
    }

    [Fact]
    public async Task A_client_that_does_not_take_its_answers_has_the_time_for_that_also_with_half_a_block_on_its_way()
    {
        ManualTime time = new();
        TimeSpan allowed = TimeSpan.FromMinutes(4);
        using TestFolder folder = new();
        await using SmpServer relay = await ListenAsync(folder, new SmpServerLimits { WriteTime = allowed }, time);
        await using SmpClientSession silent = await ConnectAsync(relay);
        int sent = 0;
        Task flood = Task.Run(
            async () =>
            {
                byte[] ping = [1, 0, 40, 0, 32, .. new byte[32], 0, 0, .. "PING"u8];
                while (true)
                {
                    await silent.Blocks.WriteAsync(ping, Token);
                    Interlocked.Increment(ref sent);
                }
            },
            Token);
        // Until neither takes any more: nothing has moved for as long as no busy machine holds up both.
        for (int before = -1, still = 0; still < 10; await Task.Delay(TimeSpan.FromMilliseconds(300), TimeProvider.System, Token))
        {
            int now = Volatile.Read(ref sent);
            still = now == before && now > 0 ? still + 1 : 0;
            before = now;
        }

        DateTimeOffset start = time.GetUtcNow();
        while (relay.ConnectionCount == 1 && time.GetUtcNow() - start < 3 * allowed)
        {
            time.Advance(TimeSpan.FromSeconds(10));
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, Token);
        }

        await UntilAsync(() => relay.ConnectionCount == 0); // without more of the relay's time
        Assert.InRange(time.GetUtcNow() - start, allowed, 3 * allowed);
        await Assert.ThrowsAsync<TransportException>(() => flood);
    }

    [Fact]
    public async Task A_handshake_of_the_protocol_that_never_ends_ends_its_connection()
    {
        ManualTime time = new();
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder, options => options with { Time = time });
        (Stream mine, Stream theirs) = MemoryDuplex.CreatePair();
        Task serving = relay.ServeAsync(new MemoryConnection(theirs, SystemRandom.Instance.Bytes(32)), CancellationToken.None);
        TimeSpan taken = await DribbleAsync(time, TimeSpan.FromSeconds(180), (bytes, token) => mine.WriteAsync(bytes, token), () => serving.IsCompleted);
        Assert.InRange(taken, TimeSpan.FromSeconds(120), TimeSpan.FromSeconds(180));
        await mine.DisposeAsync();
    }

    [Fact]
    public async Task Connections_beyond_the_limit_are_refused_until_one_ends()
    {
        using TestFolder folder = new();
        await using SmpServer relay = await ListenAsync(folder, new SmpServerLimits { Connections = 2 });
        SmpClientSession first = await ConnectAsync(relay);
        await using SmpClientSession second = await ConnectAsync(relay);
        await Assert.ThrowsAsync<TransportException>(() => ConnectAsync(relay));
        await first.DisposeAsync();
        await UntilAsync(() => relay.ConnectionCount == 1);
        await using SmpClientSession third = await RetryAsync(() => ConnectAsync(relay));
        Assert.Contains("simplex_smp_connections_limit 2\n", relay.WriteMetrics(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task When_memory_is_short_newcomers_are_refused_then_the_idle_go_then_the_heaviest_and_messages_stay()
    {
        ManualTime time = new();
        EventLog lines = new();
        using TestFolder folder = new();
        long percent = 50;
        await using SmpServer relay = await StartAsync(folder, options => options with
        {
            Endpoints = [new IPEndPoint(IPAddress.Loopback, 0)],
            Time = time,
            Logging = lines,
            ReadMemory = () => new MemoryReading(Volatile.Read(ref percent), 100),
        });
        async Task ReachAsync(long value, Func<bool> isReached)
        {
            Volatile.Write(ref percent, value);
            time.Advance(TimeSpan.FromSeconds(1));
            await UntilAsync(isReached);
        }

        await using RelayClient idle = await RelayClient.ConnectAsync(relay);
        await using RelayClient light = await RelayClient.ConnectAsync(relay);
        await using RelayClient heavy = await RelayClient.ConnectAsync(relay);
        OwnedQueue queue = await light.NewQueueAsync();
        for (int i = 0; i < 5; i++)
            await heavy.NewQueueAsync();
        OwnedQueue kept = await idle.NewQueueAsync(SubscriptionMode.OnlyCreate);
        AssertOk(await idle.AskAsync(kept.Theirs, Text("kept"), null));

        await ReachAsync(85, () => relay.MemoryState == MemoryState.Refusing);
        await Assert.ThrowsAsync<TransportException>(() => ConnectAsync(relay));
        await idle.AssertNothingCameAsync();

        await ReachAsync(95, () => relay.ConnectionCount == 2);
        await idle.AssertClosedAsync();
        await ReachAsync(50, () => relay.MemoryState == MemoryState.Enough);
        await ReachAsync(95, () => relay.ConnectionCount == 1);
        await heavy.AssertClosedAsync();
        await ReachAsync(50, () => relay.MemoryState == MemoryState.Enough);
        Assert.Equal(5, lines.CountOf(2054));
        Assert.Contains("simplex_smp_connections_cut{reason=\"memory\"} 2\n", relay.WriteMetrics(), StringComparison.Ordinal);

        await using SmpClientSession welcome = await ConnectAsync(relay);
        Assert.Equal("kept", kept.OpenText(await light.AskAsync(kept.Mine, SmpCommand.Get.Instance, kept.Key)));
        AssertOk(await light.AskAsync(queue.Theirs, Text("served"), null));
    }

    private static Task<SmpServer> ListenAsync(TestFolder folder, SmpServerLimits limits, TimeProvider? time = null) =>
        StartAsync(folder, options => options with { Endpoints = [new IPEndPoint(IPAddress.Loopback, 0)], Limits = limits, Time = time ?? options.Time });

    private static Task<SmpClientSession> ConnectAsync(SmpServer relay)
    {
        Assert.True(ServerAddress.TryParse(relay.Address, out ServerAddress? address));
        return SmpConnector.ConnectAsync(address, new SmpClientOptions(), isInteractive: false, Token);
    }

    // Two people who talk over connections of their own, made in the middle of it all.
    private static async Task TalkAsync(SmpServer relay, int messages)
    {
        await using SmpClientSession sender = await ConnectAsync(relay);
        await using RelayClient recipient = await RelayClient.ConnectAsync(relay);
        OwnedQueue queue = await recipient.NewQueueAsync();
        TransmissionAuthorizer authorizer = new(new TransmissionFormat(sender.Version, sender.SessionId.Span), sender.ServerKey);
        for (int i = 0; i < messages; i++)
        {
            Assert.True(authorizer.TryEncode(RelayClient.NewCorrId(), queue.Theirs, Text($"{i}"), null, out byte[] encoded));
            await sender.Blocks.WriteAsync([1, (byte)(encoded.Length >> 8), (byte)encoded.Length, .. encoded], Token);
            using (Block? answer = await sender.Blocks.ReadAsync(Token))
                Assert.NotNull(answer);
            BrokerMessage message = (await recipient.NextEventAsync()).Message;
            Assert.Equal($"{i}", queue.OpenText(message));
            AssertOk(await recipient.AskAsync(queue.Mine, Ack(message), queue.Key));
        }
    }

    // For as long as the relay takes it, and without reading anything.
    private static async Task SubscribeOverAndOverAsync(SmpServer relay, List<OwnedQueue> queues, Ed25519PrivateKey key, CancellationToken cancellationToken)
    {
        await using SmpClientSession session = await ConnectAsync(relay);
        TransmissionAuthorizer authorizer = new(new TransmissionFormat(session.Version, session.SessionId.Span), session.ServerKey);
        while (true)
        {
            foreach (OwnedQueue[] batch in queues.Chunk(80))
            {
                List<byte> content = [(byte)batch.Length];
                foreach (OwnedQueue queue in batch)
                {
                    Assert.True(authorizer.TryEncode(RelayClient.NewCorrId(), queue.Mine, SmpCommand.Sub.Instance, key, out byte[] encoded));
                    content.AddRange([(byte)(encoded.Length >> 8), (byte)encoded.Length, .. encoded]);
                }

                await session.Blocks.WriteAsync(content.ToArray(), cancellationToken);
            }
        }
    }

    // A byte every ten seconds; gives how long it was let. It has to be over without more than the most of the relay's time.
    private static async Task<TimeSpan> DribbleAsync(ManualTime time, TimeSpan most, Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> write, Func<bool> isOver)
    {
        DateTimeOffset start = time.GetUtcNow();
        while (time.GetUtcNow() - start < most && !isOver())
        {
            try
            {
                await write(new byte[] { 0 }, Token);
            }
            catch (Exception end) when (end is TransportException or IOException)
            {
                break;
            }

            time.Advance(TimeSpan.FromSeconds(10));
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, Token);
        }

        await UntilAsync(isOver, "the relay ends a connection on which a byte comes now and then");
        return time.GetUtcNow() - start;
    }

    private static async Task<T> RetryAsync<T>(Func<Task<T>> attempt)
    {
        using CancellationTokenSource patience = new(Eventually.Patience);
        while (true)
        {
            try
            {
                return await attempt();
            }
            catch (TransportException) when (!patience.IsCancellationRequested)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, Token);
            }
        }
    }

    private static Task UntilAsync(Func<bool> isTrue, [CallerArgumentExpression(nameof(isTrue))] string what = "") => Eventually.UntilAsync(isTrue, Token, what);
}
