using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.TestKit;
using Pairwise.TestKit.Faults;
using Pairwise.Transport.Memory;

namespace Pairwise.Transport.Tests;

public sealed class BlockConnectionTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1000)]
    [InlineData(BlockConnection.MaxContent)]
    public async Task Content_of_every_size_goes_through_plain_and_encrypted(int length)
    {
        var content = new SeededRandom(length).NextBytes(length);
        foreach (var isEncrypted in new[] { false, true })
        {
            var (near, far) = Pair(isEncrypted);
            for (var i = 0; i < 3; i++)
            {
                await near.WriteAsync(content, Token);
                using (var block = await far.ReadAsync(Token))
                    Assert.Equal(content, block!.Content.ToArray());
                await far.WriteAsync(content, Token);
                using (var block = await near.ReadAsync(Token))
                    Assert.Equal(content, block!.Content.ToArray());
            }
        }
    }

    [Fact]
    public async Task A_block_in_many_small_pieces_does_not_keep_the_readers_thread()
    {
        await using var dribbling = new DribblingConnection();
        await using var blocks = new BlockConnection(dribbling);
        var reading = blocks.ReadAsync(Token).AsTask();
        var reads = dribbling.StopCounting();
        Assert.InRange(reads, 1, 100);
        using var block = await reading;
        Assert.Equal(DribblingConnection.ContentLength, block!.Content.Length);
    }

    [Fact]
    public async Task Content_that_does_not_fit_is_the_callers_mistake()
    {
        var (near, _) = Pair();
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await near.WriteAsync(new byte[BlockConnection.MaxContent + 1], Token));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(8000)]
    [InlineData(Block.Size - 1)]
    public async Task A_changed_byte_of_an_encrypted_block_breaks_the_connection(long position)
    {
        var (near, far) = Pair(isEncrypted: true, far: stream => new FaultyStream(stream, onRead: new StreamFault.Flip(position)));
        await near.WriteAsync("content"u8, Token);
        var error = await Assert.ThrowsAsync<TransportException>(async () => await far.ReadAsync(Token));
        Assert.Equal(TransportError.Block, error.Error);
        Assert.Same(error, await Assert.ThrowsAsync<TransportException>(async () => await far.WriteAsync("more"u8, Token)));
    }

    [Fact]
    public async Task A_doubled_block_breaks_an_encrypted_connection()
    {
        var (near, far) = Pair(isEncrypted: true, near: stream => new FaultyStream(stream, onWrite: new StreamFault.Double(Block.Size)));
        await near.WriteAsync("first"u8, Token);
        await near.WriteAsync("second"u8, Token);
        (await far.ReadAsync(Token))!.Dispose();
        (await far.ReadAsync(Token))!.Dispose();
        Assert.Equal(TransportError.Block, (await Assert.ThrowsAsync<TransportException>(async () => await far.ReadAsync(Token))).Error);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    [InlineData(Block.Size - 1)]
    public async Task A_connection_cut_within_a_block_is_an_error_and_between_blocks_an_end(long cut)
    {
        var (near, far) = Pair(near: stream => new FaultyStream(stream, onWrite: new StreamFault.Cut(Block.Size + cut)));
        await near.WriteAsync("first"u8, Token);
        await Assert.ThrowsAsync<TransportException>(async () => await near.WriteAsync("second"u8, Token));
        (await far.ReadAsync(Token))!.Dispose();
        Assert.Equal(TransportFailure.Closed, (await Assert.ThrowsAsync<TransportException>(async () => await far.ReadAsync(Token))).Failure);

        var (other, end) = Pair();
        await other.WriteAsync("only"u8, Token);
        await other.DisposeAsync();
        (await end.ReadAsync(Token))!.Dispose();
        Assert.Null(await end.ReadAsync(Token));
    }

    [Fact]
    public async Task Blocks_come_whole_from_a_trickle()
    {
        var (near, far) = Pair(isEncrypted: true, far: stream => new FaultyStream(stream, onRead: new StreamFault.Trickle(7)));
        await near.WriteAsync("whole"u8, Token);
        using var block = await far.ReadAsync(Token);
        Assert.Equal("whole"u8.ToArray(), block!.Content.ToArray());
    }

    [Fact]
    public async Task A_length_beyond_the_block_breaks_the_connection()
    {
        var (near, far) = MemoryDuplex.CreatePair();
        var blocks = new BlockConnection(new MemoryConnection(near, default));
        var block = new byte[Block.Size];
        block[0] = 0xff;
        block[1] = 0xff;
        await far.WriteAsync(block, Token);
        Assert.Equal(TransportError.Block, (await Assert.ThrowsAsync<TransportException>(async () => await blocks.ReadAsync(Token))).Error);
    }

    [Fact]
    public void A_disposed_block_gives_nothing_out()
    {
        var block = new Block();
        block.Dispose();
        block.Dispose();
        Assert.Throws<ObjectDisposedException>(() => block.Content);
        Assert.Throws<ObjectDisposedException>(() => block.Room.Length);
    }

    [Fact]
    public async Task Handling_a_block_allocates_no_array()
    {
        var (near, far) = Pair(isEncrypted: true);
        var content = new byte[1000];
        long before = 0;
        const int Rounds = 200;
        for (var i = 0; i < Rounds * 2; i++)
        {
            if (i == Rounds)
                before = GC.GetAllocatedBytesForCurrentThread();
            var block = new Block();
            content.CopyTo(block.Room);
            block.SetContentLength(content.Length);
            await near.WriteAsync(block, Token);
            (await far.ReadAsync(Token))!.Dispose();
        }

        // All of it completes at once, on this thread: a few small objects a block, where an array of a block would be 16 KB.
        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / Rounds, 0, 4_000);
    }

    private static (BlockConnection Near, BlockConnection Far) Pair(bool isEncrypted = false, Func<Stream, Stream>? near = null, Func<Stream, Stream>? far = null)
    {
        var (nearStream, farStream) = MemoryDuplex.CreatePair();
        var nearBlocks = new BlockConnection(new MemoryConnection(near is null ? nearStream : near(nearStream), default));
        var farBlocks = new BlockConnection(new MemoryConnection(far is null ? farStream : far(farStream), default));
        if (isEncrypted)
        {
            var secret = SharedSecret.FromBytes(new byte[32]);
            var (nearSends, nearReceives) = SecretBoxChain.Init("session"u8, secret);
            var (farReceives, farSends) = SecretBoxChain.Init("session"u8, secret);
            nearBlocks.Encrypt(nearSends, nearReceives);
            farBlocks.Encrypt(farSends, farReceives);
        }

        return (nearBlocks, farBlocks);
    }

    // Has always another byte, and counts how many were taken by the thread that made it.
    private sealed class DribblingConnection : ISecureConnection
    {
        public const int ContentLength = 0x0101;

        private readonly int _thread = Environment.CurrentManagedThreadId;
        private volatile bool _isOver;
        private int _reads;

        public ReadOnlyMemory<byte> SessionId => default;

        public string? ApplicationProtocol => null;

        public IReadOnlyList<ReadOnlyMemory<byte>> PeerCertificates => [];

        public bool IsCertificateSent => false;

        public bool IsServerNameUsed => false;

        public bool HoldsPart => false;

        public int StopCounting()
        {
            _isOver = true;
            return _reads;
        }

        public ValueTask WaitForBytesAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public ValueTask<int> ReadAsync(Memory<byte> destination, CancellationToken cancellationToken)
        {
            if (!_isOver && Environment.CurrentManagedThreadId == _thread)
                _reads++;
            destination.Span[0] = 1;
            return new ValueTask<int>(1);
        }

        public ValueTask WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken) => throw new NotSupportedException();

        public void Break(TransportException cause)
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
