using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Pairwise.TestKit;
using Pairwise.Transport.Sockets;

namespace Pairwise.Transport.Tests.Sockets;

public sealed class PolledStreamTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_one_side_writes_the_other_reads_however_it_is_cut()
    {
        await using var pair = await Pair.OpenAsync();
        var sent = RandomNumberGenerator.GetBytes(3_000_000);
        var writing = WriteAsync(pair.Near, sent);
        var received = new byte[sent.Length];
        for (var (read, length) = (0, 1); read < sent.Length; length = (length * 3 % 50_000) + 1)
        {
            var room = received.AsMemory(read, Math.Min(length, sent.Length - read));
            if (length % 2 == 0)
                Assert.Equal(0, await pair.Far.ReadAsync(Memory<byte>.Empty, Token));
            read += await pair.Far.ReadAsync(room, Token);
        }

        await writing;
        Assert.Equal(sent, received);
    }

    [Fact]
    public async Task Both_directions_work_at_once()
    {
        await using var pair = await Pair.OpenAsync();
        var sent = RandomNumberGenerator.GetBytes(1_000_000);
        var reading = (ReadAsync(pair.Near, sent.Length), ReadAsync(pair.Far, sent.Length));
        await Task.WhenAll(WriteAsync(pair.Near, sent), WriteAsync(pair.Far, sent));
        Assert.Equal(sent, await reading.Item1);
        Assert.Equal(sent, await reading.Item2);
    }

    [Fact]
    public async Task A_read_of_length_zero_waits_for_bytes_and_takes_none()
    {
        await using var pair = await Pair.OpenAsync();
        for (var i = 0; i < 3; i++)
        {
            var waiting = pair.Far.ReadAsync(Memory<byte>.Empty, Token).AsTask();
            Assert.False(waiting.IsCompleted);
            await pair.Near.WriteAsync(new byte[] { 1, 2 }, Token);
            Assert.Equal(0, await waiting);
            Assert.Equal(1, await pair.Far.ReadAsync(new byte[1], Token));
            Assert.Equal(0, await pair.Far.ReadAsync(Memory<byte>.Empty, Token));
            Assert.Equal(1, await pair.Far.ReadAsync(new byte[1], Token));
        }

        // Both reads were full, so there may have been more; there was not.
        Assert.False(ReadOnceAsync(pair.Far, 0, Token).IsCompleted);
    }

    [Fact]
    public async Task A_wait_that_was_cancelled_loses_nothing()
    {
        await using var pair = await Pair.OpenAsync();
        for (var i = 0; i < 3; i++)
        {
            using var cancel = new CancellationTokenSource();
            var waiting = pair.Far.ReadAsync(i == 1 ? new byte[1] : Memory<byte>.Empty, cancel.Token).AsTask();
            await cancel.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ReadOnceAsync(pair.Far, 0, cancel.Token));
        }

        await pair.Near.WriteAsync(new byte[] { 7 }, Token);
        var read = new byte[2];
        Assert.Equal(1, await pair.Far.ReadAsync(read, Token));
        Assert.Equal(7, read[0]);
    }

    [Fact]
    public async Task The_end_of_the_peer_is_read_as_often_as_asked()
    {
        await using var pair = await Pair.OpenAsync();
        var waiting = pair.Far.ReadAsync(Memory<byte>.Empty, Token).AsTask();
        await pair.Near.DisposeAsync();
        await waiting;
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(0, await pair.Far.ReadAsync(Memory<byte>.Empty, Token));
            Assert.Equal(0, await pair.Far.ReadAsync(new byte[1], Token));
        }
    }

    [Fact]
    public async Task The_end_of_the_peer_is_seen_that_came_together_with_its_last_bytes()
    {
        await using var pair = await Pair.OpenAsync(near =>
        {
            near.Send([1, 2, 3]);
            near.Shutdown(SocketShutdown.Send);
        });
        await ReadOnceAsync(pair.Far, 0, Token); // one event for both
        Assert.Equal(3, await pair.Far.ReadAsync(new byte[100], Token));
        await ReadOnceAsync(pair.Far, 0, Token).EndsAsync(Token);
        Assert.Equal(0, await pair.Far.ReadAsync(new byte[100], Token));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Closing_wakes_the_reader_and_the_writer(int readLength)
    {
        await using var pair = await Pair.OpenAsync();
        var reading = pair.Near.ReadAsync(new byte[readLength], Token).AsTask();
        var writing = WriteAsync(pair.Near, new byte[50_000_000]);
        Assert.False(writing.IsCompleted);
        await pair.Near.DisposeAsync();
        await Assert.ThrowsAnyAsync<ObjectDisposedException>(() => reading);
        await Assert.ThrowsAnyAsync<ObjectDisposedException>(() => ReadOnceAsync(pair.Near, 0, Token));
        await Assert.ThrowsAnyAsync<ObjectDisposedException>(() => ReadOnceAsync(pair.Near, 1, Token));
        await Assert.ThrowsAnyAsync<ObjectDisposedException>(() => writing);
    }

    [Fact]
    public async Task A_write_that_waited_for_the_peer_can_be_cancelled()
    {
        await using var pair = await Pair.OpenAsync();
        using var cancel = new CancellationTokenSource();
        var writing = pair.Near.WriteAsync(new byte[50_000_000], cancel.Token).AsTask();
        Assert.False(writing.IsCompleted);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => writing);
    }

    [Fact]
    public async Task A_connection_that_the_peer_reset_fails()
    {
        await using var pair = await Pair.OpenAsync();
        var reading = pair.Far.ReadAsync(new byte[1], Token).AsTask();
        pair.Reset();
        await Assert.ThrowsAnyAsync<IOException>(() => reading);
    }

    [Fact]
    public async Task A_write_to_a_peer_that_reset_fails_and_says_why()
    {
        await using var pair = await Pair.OpenAsync();
        var reading = pair.Far.ReadAsync(new byte[1], Token).AsTask();
        pair.Reset();
        await Assert.ThrowsAnyAsync<IOException>(() => reading);
        var failure = await Assert.ThrowsAnyAsync<IOException>(() => WriteAsync(pair.Far, [1])); // and no signal ends the process
        Assert.NotEqual(".", failure.Message);
    }

    private static async Task WriteAsync(Stream stream, byte[] bytes) => await stream.WriteAsync(bytes, Token);

    private static async Task<byte[]> ReadAsync(Stream stream, int length)
    {
        var bytes = new byte[length];
        await stream.ReadExactlyAsync(bytes, Token);
        return bytes;
    }

    private static Task<int> ReadOnceAsync(Stream stream, int length, CancellationToken cancellationToken) =>
        stream.ReadAsync(new byte[length], cancellationToken).AsTask();

    private sealed class Pair(PolledStream near, PolledStream far, Socket nearSocket) : IAsyncDisposable
    {
        public PolledStream Near { get; } = near;

        public PolledStream Far { get; } = far;

        public static async Task<Pair> OpenAsync(Action<Socket>? begin = null)
        {
            using var listening = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            listening.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            listening.Listen();
            var near = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await near.ConnectAsync(listening.LocalEndPoint!, Token);
            begin?.Invoke(near);
            return new Pair(SocketPoller.Next().Own(near), SocketPoller.Next().Own(await listening.AcceptAsync(Token)), near);
        }

        public void Reset() => nearSocket.Close(timeout: 0);

        public async ValueTask DisposeAsync()
        {
            await Near.DisposeAsync();
            await Far.DisposeAsync();
        }
    }
}
