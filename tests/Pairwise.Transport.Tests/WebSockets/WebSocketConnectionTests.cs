using System.Net.WebSockets;
using System.Text;
using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.Transport.Memory;
using Pairwise.Transport.WebSockets;

namespace Pairwise.Transport.Tests.WebSockets;

public sealed class WebSocketConnectionTests
{
    private const string Request =
        "GET / HTTP/1.1\r\nHost: relay.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Blocks_go_both_ways()
    {
        var (near, far) = Pair();
        var accepting = WebSocketConnection.AcceptAsync(far, Token);
        await using var client = new BlockConnection(await WebSocketConnection.OpenAsync(near, "relay.example", SystemRandom.Instance, Token));
        await using var server = new BlockConnection(await accepting);
        for (var i = 0; i < 3; i++)
        {
            var content = SystemRandom.Instance.Bytes(1000 + i);
            await client.WriteAsync(content, Token);
            using (var block = await server.ReadAsync(Token)) Assert.Equal(content, block!.Content.ToArray());
            await server.WriteAsync(content, Token);
            using (var block = await client.ReadAsync(Token)) Assert.Equal(content, block!.Content.ToArray());
        }

        Assert.Equal(near.SessionId, client.Connection.SessionId);
    }

    [Fact]
    public async Task The_answer_is_the_one_of_the_standard()
    {
        var (near, far) = Pair();
        await near.WriteAsync(Encoding.ASCII.GetBytes(Request), Token);
        await using var server = await WebSocketConnection.AcceptAsync(far, Token);
        var answer = new byte[1000];
        var text = Encoding.ASCII.GetString(answer, 0, await near.ReadAsync(answer, Token));
        Assert.StartsWith("HTTP/1.1 101 ", text, StringComparison.Ordinal);
        Assert.Contains("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", text, StringComparison.Ordinal); // RFC 6455, section 1.3
    }

    [Theory]
    [InlineData("GET", "POST")]
    [InlineData("HTTP/1.1", "HTTP/1.0")]
    [InlineData("Upgrade: websocket", "Upgrade: h2c")]
    [InlineData("Version: 13", "Version: 8")]
    [InlineData("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZQ==")]
    [InlineData("Sec-WebSocket-Key", "X")]
    [InlineData("\r\nHost", "X\r\nHost")]
    public async Task Who_asks_for_something_else_is_told_and_closed(string part, string replacement)
    {
        var (near, far) = Pair();
        await near.WriteAsync(Encoding.ASCII.GetBytes(Request.Replace(part, replacement, StringComparison.Ordinal)), Token);
        await Assert.ThrowsAsync<TransportException>(() => WebSocketConnection.AcceptAsync(far, Token));
        var answer = new byte[1000];
        Assert.StartsWith("HTTP/1.1 400 ", Encoding.ASCII.GetString(answer, 0, await near.ReadAsync(answer, Token)), StringComparison.Ordinal);
        Assert.Equal(0, await near.ReadAsync(answer, Token));
    }

    [Fact]
    public async Task A_request_without_end_is_refused()
    {
        var (near, far) = Pair();
        var accepting = WebSocketConnection.AcceptAsync(far, Token);
        await near.WriteAsync(Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nX: " + new string('x', 10_000)), Token);
        await Assert.ThrowsAsync<TransportException>(() => accepting);
    }

    [Fact]
    public async Task A_block_may_come_in_frames_with_pings_between()
    {
        var (socket, server) = await OpenAsync();
        await using var blocks = server;
        var sent = BlockOf("hello"u8);
        await socket.SendAsync(sent.AsMemory(0, 1), WebSocketMessageType.Binary, endOfMessage: false, Token);
        await socket.SendAsync(sent.AsMemory(1, 10_000), WebSocketMessageType.Binary, endOfMessage: false, Token);
        await socket.SendAsync(sent.AsMemory(10_001), WebSocketMessageType.Binary, endOfMessage: false, Token);
        await socket.SendAsync(ReadOnlyMemory<byte>.Empty, WebSocketMessageType.Binary, endOfMessage: true, Token);
        await socket.SendAsync(sent, WebSocketMessageType.Binary, endOfMessage: true, Token);
        for (var i = 0; i < 2; i++)
        {
            using var block = await blocks.ReadAsync(Token);
            Assert.Equal("hello"u8.ToArray(), block!.Content.ToArray());
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(Block.Size - 1)]
    [InlineData(Block.Size + 1)]
    [InlineData(Block.Size * 2)]
    public async Task A_message_that_is_no_block_ends_the_connection(int length)
    {
        var (socket, server) = await OpenAsync();
        await using var blocks = server;
        var content = new byte[length];
        BlockOf("hello"u8).AsSpan(0, Math.Min(length, Block.Size)).CopyTo(content);
        await socket.SendAsync(content, WebSocketMessageType.Binary, endOfMessage: true, Token);
        var error = await Assert.ThrowsAsync<TransportException>(async () =>
        {
            while (await blocks.ReadAsync(Token) is { } block) block.Dispose(); // one that is too long is seen behind its first part
        });
        Assert.Equal(TransportError.Block, error.Error);
    }

    // The relay cuts a client that keeps the rest of a block back: there is a buffer for it from the first frame on.
    [Theory]
    [InlineData("82FE400000000000")] // the header of a frame with a block, without the block
    [InlineData("028000000000008000000000")] // the first two frames of a message, with nothing in them
    public async Task Who_has_begun_a_message_owes_its_rest(string frames)
    {
        var (near, far) = Pair();
        await near.WriteAsync(Encoding.ASCII.GetBytes(Request), Token);
        await using var blocks = new BlockConnection(await WebSocketConnection.AcceptAsync(far, Token));
        Assert.False(blocks.Connection.HoldsPart);
        await near.WriteAsync(Convert.FromHexString(frames), Token);
        var reading = blocks.ReadAsync(Token).AsTask();
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
        patience.CancelAfter(TimeSpan.FromMinutes(1));
        while (!blocks.Connection.HoldsPart) await Task.Delay(1, patience.Token);
        Assert.False(reading.IsCompleted);
        await near.DisposeAsync();
        await Assert.ThrowsAsync<TransportException>(() => reading);
    }

    [Fact]
    public async Task Who_closes_the_web_socket_has_gone()
    {
        var (socket, server) = await OpenAsync();
        await using var blocks = server;
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, Token);
        Assert.Null(await blocks.ReadAsync(Token));
    }

    [Fact]
    public async Task Junk_instead_of_frames_ends_the_connection()
    {
        var (near, far) = Pair();
        await near.WriteAsync(Encoding.ASCII.GetBytes(Request), Token);
        await using var blocks = new BlockConnection(await WebSocketConnection.AcceptAsync(far, Token));
        await near.WriteAsync("\xff\xff\xff\xff no frame at all, and enough of it for a header"u8.ToArray(), Token);
        await Assert.ThrowsAsync<TransportException>(async () => await blocks.ReadAsync(Token));
    }

    [Fact]
    public async Task Waiting_ends_when_it_is_no_longer_wanted()
    {
        var (_, server) = await OpenAsync();
        await using var blocks = server;
        using var ending = new CancellationTokenSource();
        var reading = blocks.ReadAsync(ending.Token).AsTask();
        await ending.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
    }

    private static (MemoryConnection Near, MemoryConnection Far) Pair()
    {
        var (near, far) = MemoryDuplex.CreatePair();
        var id = SystemRandom.Instance.Bytes(32);
        return (new MemoryConnection(near, id), new MemoryConnection(far, id));
    }

    // A client of the library's at one end, so that frames are not both written and read by the same code.
    private static async Task<(WebSocket Socket, BlockConnection Server)> OpenAsync()
    {
        var (near, far) = Pair();
        await near.WriteAsync(Encoding.ASCII.GetBytes(Request), Token);
        var server = await WebSocketConnection.AcceptAsync(far, Token);
        var answer = new byte[1000];
        Assert.True(await near.ReadAsync(answer, Token) > 0);
        return (WebSocket.CreateFromStream(new SecureStream(near), new WebSocketCreationOptions { IsServer = false }), new BlockConnection(server));
    }

    // A plain block: contentLength(2) content *"#"
    private static byte[] BlockOf(ReadOnlySpan<byte> content)
    {
        var block = new byte[Block.Size];
        block.AsSpan().Fill((byte)'#');
        block[0] = (byte)(content.Length >> 8);
        block[1] = (byte)content.Length;
        content.CopyTo(block.AsSpan(2));
        return block;
    }
}
