using System.Collections.Concurrent;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp;
using Pairwise.TestKit;
using Pairwise.Transport;
using Pairwise.Transport.Memory;
using static Pairwise.Server.Tests.Smp.TestRelay;

namespace Pairwise.Server.Tests.Smp;

/// <summary>Clients that break every rule cost themselves; the others are served.</summary>
public sealed class HostileClientTests
{
    [Fact]
    public async Task Content_that_is_no_batch_is_answered_and_the_session_goes_on()
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder);
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        byte[][] contents = [[], [0], [1], [1, 0], [1, 255, 255], [255, 0, 0], [1, 0, 1, 9, 9], [2, 0, 0]];
        foreach (byte[] content in contents)
        {
            await client.SendRawAsync(content);
            Received answer = await client.NextAsync();
            Assert.True(answer.CorrId.IsEmpty);
            AssertError(SmpError.Block.Instance, answer.Message);
        }

        await client.AssertNothingCameAsync();
    }

    [Fact]
    public async Task Random_contents_never_end_the_relay()
    {
        const int rounds = 300;
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder);
        await using RelayClient hostile = await RelayClient.ConnectAsync(relay);
        await using RelayClient other = await RelayClient.ConnectAsync(relay);
        SeededRandom random = new(20261121);
        for (int i = 0; i < rounds; i++)
        {
            byte[] transmission = random.NextBytes(random.Next(200));
            await hostile.SendBatchAsync(transmission);
            Assert.IsType<BrokerMessage.Err>((await hostile.NextAsync()).Message);
        }

        await other.AssertNothingCameAsync();
    }

    [Fact]
    public async Task Unknown_commands_and_parameters_that_do_not_parse_are_named()
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder);
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        AssertError(SmpError.Command.Unknown, await AskRawAsync(client, "WHAT"u8));
        AssertError(SmpError.Command.Syntax, await AskRawAsync(client, "SEND"u8));
        AssertError(SmpError.Command.Syntax, await AskRawAsync(client, "PING "u8));
    }

    [Theory]
    [InlineData(10)] // blocks in the clear
    [InlineData(18)]
    public async Task A_block_that_does_not_open_is_answered_as_no_batch(int version)
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder);
        await using RelayClient other = await RelayClient.ConnectAsync(relay);
        await using RelayClient hostile = await RelayClient.ConnectAsync(relay, new SmpVersion((ushort)version));
        byte[] block = new byte[Block.Size];
        block.AsSpan().Fill(0xFF);
        for (int i = 0; i < 3; i++)
        {
            await hostile.Session.Blocks.Connection.WriteAsync(block, TestContext.Current.CancellationToken);
            Received answer = await hostile.NextAsync();
            AssertError(SmpError.Block.Instance, answer.Message);
            Assert.Equal(CorrId.None, answer.CorrId);
        }

        // What is in the clear needs no keys that both sides move on together.
        if (!hostile.Session.Blocks.IsEncrypted)
            await hostile.AssertNothingCameAsync();
        await other.AssertNothingCameAsync();
    }

    [Fact]
    public async Task Half_handshakes_and_garbage_instead_of_a_hello_end_alone()
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder);
        List<Task> served = [];
        for (int i = 0; i < 20; i++)
        {
            (Stream mine, Stream theirs) = MemoryDuplex.CreatePair();
            served.Add(relay.ServeAsync(new MemoryConnection(theirs, SystemRandom.Instance.Bytes(32)), CancellationToken.None));
            if (i % 2 == 0)
                await mine.WriteAsync(SystemRandom.Instance.Bytes(Block.Size), TestContext.Current.CancellationToken);
            await mine.DisposeAsync();
        }

        await Task.WhenAll(served).EndsAsync(TestContext.Current.CancellationToken);
        await using RelayClient client = await RelayClient.ConnectAsync(relay);
        await client.AssertNothingCameAsync();
        Assert.Equal(1, relay.ConnectionCount);
    }

    [Fact]
    public async Task A_client_with_endless_input_gives_its_thread_back()
    {
        const int blocks = 2_000;
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder);
        await using EndlessConnection endless = new(relay.Identity.KeyHash, blocks);
        Task serving = relay.ServeAsync(endless, CancellationToken.None);
        Assert.InRange(endless.ReadByThread(Environment.CurrentManagedThreadId), 1, blocks / 10);
        await serving.EndsAsync(TestContext.Current.CancellationToken);
        Assert.Equal(blocks, endless.BlocksRead);
    }

    [Fact]
    public async Task A_client_that_never_reads_holds_up_nobody_else()
    {
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder, options => options with { Limits = new SmpServerLimits { PendingAnswers = 16 } });
        await using RelayClient good = await RelayClient.ConnectAsync(relay);
        OwnedQueue queue = await good.NewQueueAsync();
        (Stream mine, Stream theirs) = MemoryDuplex.CreatePair();
        byte[] sessionId = SystemRandom.Instance.Bytes(32);
        Task serving = relay.ServeAsync(new MemoryConnection(theirs, sessionId), CancellationToken.None);
        Assert.True(ServerAddress.TryParse(relay.Address, out ServerAddress? address));
        Transport.Smp.SmpClientSession silent = await Transport.Smp.SmpClientHandshake.RunAsync(
            new MemoryConnection(mine, sessionId) { PeerCertificates = [.. relay.Identity.Certificates.Certificates.Select(each => each.Der)] },
            new Transport.Smp.SmpClientHandshakeOptions { KeyHash = address.KeyHash },
            SystemRandom.Instance,
            TestContext.Current.CancellationToken);

        // It sends for as long as the relay takes, and reads nothing: soon the relay takes nothing either.
        TransmissionAuthorizer authorizer = new(new TransmissionFormat(silent.Version, silent.SessionId.Span), silent.ServerKey);
        using CancellationTokenSource stuck = new();
        Task flood = Task.Run(
            async () =>
            {
                while (true)
                {
                    Assert.True(authorizer.TryEncode(RelayClient.NewCorrId(), EntityId.None, SmpCommand.Ping.Instance, null, out byte[] ping));
                    byte[] content = [1, (byte)(ping.Length >> 8), (byte)ping.Length, .. ping];
                    await silent.Blocks.WriteAsync(content, stuck.Token);
                }
            },
            TestContext.Current.CancellationToken);
        for (int i = 0; i < 50; i++)
        {
            AssertOk(await good.AskAsync(queue.Theirs, Text($"{i}"), null));
            BrokerMessage message = (await good.NextEventAsync()).Message;
            AssertOk(await good.AskAsync(queue.Mine, Ack(message), queue.Key));
        }

        await stuck.CancelAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => flood);
        await silent.DisposeAsync();
        await serving.EndsAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Many_subscriptions_over_and_over_leave_nothing_behind()
    {
        const int queues = 200;
        using TestFolder folder = new();
        await using SmpServer relay = await StartAsync(folder);
        await using RelayClient first = await RelayClient.ConnectAsync(relay);
        await using RelayClient second = await RelayClient.ConnectAsync(relay);
        List<OwnedQueue> owned = [];
        using Ed25519PrivateKey key = Ed25519PrivateKey.Generate(SystemRandom.Instance);
        for (int i = 0; i < queues; i++)
            owned.Add(await first.NewQueueAsync(key: key));
        foreach (RelayClient client in (RelayClient[])[second, first, second, first])
        {
            foreach (OwnedQueue[] batch in owned.Chunk(80))
            {
                await client.SendBatchAsync([.. batch.Select(queue => client.Encode(RelayClient.NewCorrId(), queue.Mine, SmpCommand.Sub.Instance, key))]);
                for (int answered = 0; answered < batch.Length;)
                {
                    Received received = await client.NextAsync();
                    answered += received.CorrId.IsEmpty ? 0 : 1;
                    Assert.True(received.Message is BrokerMessage.Sok or BrokerMessage.End, $"{received.Message}");
                }
            }
        }

        // The last to subscribe has them all, the other none.
        AssertOk(await first.AskAsync(owned[0].Theirs, Text("mine"), null));
        Received delivered;
        do
            delivered = await first.NextEventAsync();
        while (delivered.Message is BrokerMessage.End);
        Assert.Equal("mine", owned[0].OpenText(delivered.Message));
    }

    // Has a hello of version 6, then so many blocks with a PING; whatever is written to it is taken at once.
    private sealed class EndlessConnection(Wire.Bytes keyHash, int count) : ISecureConnection
    {
        private byte[] _block = Pad(Hello(keyHash));
        private int _read;
        private readonly ConcurrentDictionary<int, int> _byThread = [];
        private int _blocks = -1;

        public int BlocksRead => Math.Max(0, _blocks);

        /// <summary>How many were read on one thread. For the caller's own that is exact, whatever others go on with.</summary>
        public int ReadByThread(int thread) => _byThread.GetValueOrDefault(thread);

        public ReadOnlyMemory<byte> SessionId { get; } = new byte[32];

        public string? ApplicationProtocol => null;

        public IReadOnlyList<ReadOnlyMemory<byte>> PeerCertificates => [];

        public bool IsCertificateSent => false;

        public bool IsServerNameUsed => false;

        public bool HoldsPart => false;

        public ValueTask WaitForBytesAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public ValueTask<int> ReadAsync(Memory<byte> destination, CancellationToken cancellationToken)
        {
            if (_blocks == count)
                return new ValueTask<int>(0);
            int length = Math.Min(destination.Length, _block.Length - _read);
            _block.AsMemory(_read, length).CopyTo(destination);
            _read += length;
            if (_read == _block.Length)
            {
                _read = 0;
                if (_blocks++ >= 0)
                    _byThread.AddOrUpdate(Environment.CurrentManagedThreadId, 1, (_, count) => count + 1);
                _block = Pad([1, 0, 40, 0, 32, .. new byte[32], 0, 0, .. "PING"u8]);
            }

            return new ValueTask<int>(length);
        }

        public ValueTask WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public void Break(TransportException cause)
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        private static byte[] Hello(Wire.Bytes keyHash)
        {
            byte[] content = new byte[128];
            Wire.WireWriter writer = new(content);
            SmpHandshakeCodec.Write(new SmpClientHello(new SmpVersion(6), keyHash, null, IsProxy: false, null), ref writer);
            return content[..writer.Written];
        }

        private static byte[] Pad(byte[] content)
        {
            byte[] block = new byte[Block.Size];
            block.AsSpan().Fill((byte)'#');
            System.Buffers.Binary.BinaryPrimitives.WriteUInt16BigEndian(block, (ushort)content.Length);
            content.CopyTo(block, 2);
            return block;
        }
    }

    private static async Task<BrokerMessage> AskRawAsync(RelayClient client, ReadOnlyMemory<byte> command)
    {
        CorrId corrId = RelayClient.NewCorrId();
        WireId id = corrId.Value;
        await client.SendBatchAsync([0, (byte)id.Length, .. id.Span, 0, .. command.Span]);
        return await client.AnswerAsync(corrId);
    }

    private static Task<BrokerMessage> AskRawAsync(RelayClient client, ReadOnlySpan<byte> command) => AskRawAsync(client, command.ToArray().AsMemory());
}
