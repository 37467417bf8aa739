using Pairwise.Crypto;
using Pairwise.Protocol.Xftp;
using Pairwise.Transport;
using Pairwise.Wire;

namespace Pairwise.Conformance.Xftp;

/// <summary>What a file server does with clients that break the rules of HTTP/2 or leave in the middle: others are served.</summary>
public sealed class HostileConversations(FileServerUnderTest server)
{
    private const int MaxFrame = 16 * 1024;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_upload_that_ends_in_the_middle_can_be_done_again()
    {
        await using var client = await server.ConnectAsync();
        var chunk = await server.CreateAsync(client, 256 * 1024);
        for (var round = 0; round < 5; round++)
        {
            await using var raw = await RawHttp2.OpenAsync(server);
            await ShakeHandsAsync(raw);
            var block = RawFileClient.Block(RawFileClient.Signed(raw.SessionId, "FPUT"u8, chunk.Ids.Sender.Value.ToArray(), chunk.SenderKey));
            Assert.True(await raw.SendAsync(RawHttp2.Frame(RawHttp2.Headers, RawHttp2.EndHeaders, 5, RawHttp2.PostFields)));
            await raw.SendAsync(RawHttp2.Frame(RawHttp2.Data, 0, 5, block));
            await raw.SendAsync(RawHttp2.Frame(RawHttp2.Data, 0, 5, chunk.Content.Bytes.AsSpan(0, round * 4096)));
        }

        Assert.True((await chunk.UploadAsync(client)).IsOk);
        Assert.Null(await chunk.DownloadAsync(client));
    }

    [Fact]
    public async Task A_flood_of_header_fields_has_an_end()
    {
        await using var raw = await RawHttp2.OpenAsync(server);
        var field = new byte[MaxFrame];
        byte[] head = [0x00, 3, .. "x-y"u8, 0x7f, 0x81, 0x7e];
        for (var at = 0; at + head.Length + 256 < field.Length; at += head.Length + 256)
        {
            head.CopyTo(field, at);
        }

        const int frames = 4_000;
        Assert.True(await raw.SendAsync(RawHttp2.Frame(RawHttp2.Headers, 0, 1, RawHttp2.PostFields)));
        var sent = await raw.FloodAsync(frames, _ => RawHttp2.Frame(RawHttp2.Continuation, 0, 1, field));
        Assert.InRange(sent, 0, frames - 1);
        await AssertOthersAreServedAsync();
    }

    [Fact]
    public async Task Requests_that_are_taken_back_at_once_are_survived()
    {
        await using var raw = await RawHttp2.OpenAsync(server);
        await raw.FloodAsync(10_000, i => [
            .. RawHttp2.Frame(RawHttp2.Headers, RawHttp2.EndHeaders, (2 * i) + 1, RawHttp2.PostFields),
            .. RawHttp2.Frame(RawHttp2.Reset, 0, (2 * i) + 1, [0, 0, 0, 8])]);
        await AssertOthersAreServedAsync();
    }

    [Theory]
    [InlineData(RawHttp2.Ping, 8)]
    [InlineData(RawHttp2.Settings, 0)]
    [InlineData(RawHttp2.WindowUpdate, 4)]
    public async Task Floods_of_frames_that_cost_nothing_are_survived(byte type, int length)
    {
        await using var raw = await RawHttp2.OpenAsync(server);
        var payload = new byte[length];
        if (length > 0)
        {
            payload[^1] = 1;
        }

        var frame = RawHttp2.Frame(type, 0, 0, payload);
        await raw.FloodAsync(10_000, _ => frame);
        await AssertOthersAreServedAsync();
    }

    [Fact]
    public async Task Frames_that_are_none_end_the_connection_and_nothing_else()
    {
        byte[][] openings =
        [
            [.. "GET / HTTP/1.1\r\n\r\n"u8],
            [.. Enumerable.Repeat((byte)0xff, MaxFrame)],
            [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. Enumerable.Repeat((byte)0xff, MaxFrame)],
            [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. RawHttp2.Frame(RawHttp2.Settings, 0, 0, []), .. RawHttp2.Frame(RawHttp2.Data, 0, 7, new byte[100])],
            [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. RawHttp2.Frame(RawHttp2.Settings, 0, 0, []), .. RawHttp2.Frame(RawHttp2.Headers, RawHttp2.EndHeaders, 2, RawHttp2.PostFields)],
        ];
        foreach (var opening in openings)
        {
            await using var raw = new RawHttp2(await RawFileClient.OpenAsync(server));
            await raw.SendAsync(opening);
        }

        await AssertOthersAreServedAsync();
    }

    [Fact]
    public async Task Connections_that_say_nothing_keep_nobody_away()
    {
        var silent = new List<ISecureConnection>();
        try
        {
            for (var i = 0; i < 100; i++)
            {
                silent.Add(await RawFileClient.OpenAsync(server));
            }

            await AssertOthersAreServedAsync();
        }
        finally
        {
            foreach (var connection in silent)
            {
                await connection.DisposeAsync();
            }
        }
    }

    [Fact]
    public async Task Downloads_that_nobody_takes_keep_nobody_away()
    {
        await using var client = await server.ConnectAsync();
        var chunk = await server.CreateUploadedAsync(client, 4096 * 1024);
        var clients = new List<RawHttp2>();
        try
        {
            // The window stays as it is: most of each answer has to wait at the server.
            for (var i = 0; i < 20; i++)
            {
                var raw = await RawHttp2.OpenAsync(server);
                clients.Add(raw);
                await ShakeHandsAsync(raw);
                var key = X25519PrivateKey.Generate(SystemRandom.Instance);
                var get = RawFileClient.Block(RawFileClient.Signed(
                    raw.SessionId, XftpCodec.Encode(new XftpCommand.Get(key.PublicKey)), chunk.Ids.Recipients[0].Value.ToArray(), (SigningKey)chunk.RecipientKeys[0]));
                for (var stream = 5; stream < 25; stream += 2)
                {
                    await raw.SendAsync([
                        .. RawHttp2.Frame(RawHttp2.Headers, RawHttp2.EndHeaders, stream, RawHttp2.PostFields),
                        .. RawHttp2.Frame(RawHttp2.Data, RawHttp2.EndStream, stream, get)]);
                }
            }

            Assert.Null(await chunk.DownloadAsync(client));
            await AssertOthersAreServedAsync();
        }
        finally
        {
            foreach (var raw in clients)
            {
                await raw.DisposeAsync();
            }
        }
    }

    private async Task ShakeHandsAsync(RawHttp2 raw)
    {
        await raw.SendAsync(RawHttp2.Frame(RawHttp2.Headers, RawHttp2.EndHeaders | RawHttp2.EndStream, 1, RawHttp2.PostFields));
        var hello = Padding.Pad(new XftpClientHandshake(new XftpVersion(3), server.Address.KeyHash).Encode(), XftpLimits.BlockSize);
        await raw.SendAsync([
            .. RawHttp2.Frame(RawHttp2.Headers, RawHttp2.EndHeaders, 3, RawHttp2.PostFields),
            .. RawHttp2.Frame(RawHttp2.Data, RawHttp2.EndStream, 3, hello)]);
    }

    private async Task AssertOthersAreServedAsync()
    {
        await using var other = await server.ConnectAsync();
        var chunk = await server.CreateUploadedAsync(other);
        Assert.Null(await chunk.DownloadAsync(other));
    }
}
