using System.Buffers.Binary;
using Pairwise.Client.Xftp.Http;
using Pairwise.Transport.Memory;

namespace Pairwise.Client.Tests.Xftp;

/// <summary>The server's end of HTTP/2, frame by frame, as a test says.</summary>
internal sealed class ScriptedHttp2Server : IAsyncDisposable
{
    private readonly MemoryConnection _connection;

    public ScriptedHttp2Server()
    {
        var (client, server) = MemoryDuplex.CreatePair();
        _connection = new MemoryConnection(server, new byte[32]);
        Client = new MemoryConnection(client, new byte[32]);
        Http = new Http2Connection(Client, "files.example:443");
    }

    public MemoryConnection Client { get; }

    public Http2Connection Http { get; }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async Task<byte[]> ReadAsync(int count)
    {
        var bytes = new byte[count];
        for (var done = 0; done < count;)
        {
            var read = await _connection.ReadAsync(bytes.AsMemory(done), Token);
            Assert.NotEqual(0, read);
            done += read;
        }

        return bytes;
    }

    public async Task<(Http2Frame Frame, byte[] Payload)> ReadFrameAsync()
    {
        var frame = Http2Frame.Read(await ReadAsync(Http2Frame.HeaderLength));
        return (frame, await ReadAsync(frame.Length));
    }

    /// <summary>Reads the preface, settings and window of a new connection.</summary>
    public async Task ReadBeginningAsync()
    {
        Assert.Equal("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray(), await ReadAsync(24));
        Assert.Equal(Http2FrameType.Settings, (await ReadFrameAsync()).Frame.Type);
        var (window, increment) = await ReadFrameAsync();
        Assert.Equal(Http2FrameType.WindowUpdate, window.Type);
        Assert.Equal(int.MaxValue, 65_535 + BinaryPrimitives.ReadInt32BigEndian(increment));
    }

    /// <summary>Reads the request of a stream: its header fields, and the body up to its end.</summary>
    public async Task<(byte[] Fields, byte[] Body, int Frames)> ReadRequestAsync(int stream)
    {
        var (headers, fields) = await ReadFrameAsync();
        Assert.Equal((Http2FrameType.Headers, stream), (headers.Type, headers.Stream));
        if (headers.Flags.HasFlag(Http2Flags.End))
            return (fields, [], 0);
        var (body, frames) = await ReadRequestRestAsync(stream);
        return (fields, body, frames);
    }

    /// <summary>Reads what is left of a request's body.</summary>
    public async Task<(byte[] Body, int Frames)> ReadRequestRestAsync(int stream)
    {
        var body = new List<byte>();
        var frames = 0;
        for (var isEnded = false; !isEnded;)
        {
            var (frame, payload) = await ReadFrameAsync();
            if (frame.Type is not Http2FrameType.Data)
            {
                Assert.True(frame.Flags.HasFlag(Http2Flags.End), "only answers to settings and pings stand between data");
                continue;
            }

            Assert.Equal(stream, frame.Stream);
            body.AddRange(payload);
            frames++;
            isEnded = frame.Flags.HasFlag(Http2Flags.End);
        }

        return ([.. body], frames);
    }

    public async Task SendAsync(Http2FrameType type, Http2Flags flags, int stream, params byte[] payload)
    {
        var frame = new byte[Http2Frame.HeaderLength + payload.Length];
        payload.CopyTo(new Http2Frame(payload.Length, type, flags, stream).Write(frame));
        await _connection.WriteAsync(frame, Token);
    }

    /// <summary>Sends bytes that need not be frames.</summary>
    public async Task SendRawAsync(byte[] bytes) => await _connection.WriteAsync(bytes, Token);

    public Task SendSettingAsync(ushort setting, uint value)
    {
        var payload = new byte[6];
        BinaryPrimitives.WriteUInt16BigEndian(payload, setting);
        BinaryPrimitives.WriteUInt32BigEndian(payload.AsSpan(2), value);
        return SendAsync(Http2FrameType.Settings, Http2Flags.None, 0, payload);
    }

    public Task WidenAsync(int stream, uint increment)
    {
        var payload = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(payload, increment);
        return SendAsync(Http2FrameType.WindowUpdate, Http2Flags.None, stream, payload);
    }

    /// <summary>Header fields of an answer (:status 200).</summary>
    public Task SendHeadersAsync(int stream, bool isLast = false) =>
        SendAsync(Http2FrameType.Headers, Http2Flags.EndHeaders | (isLast ? Http2Flags.End : Http2Flags.None), stream, 0x88);

    /// <summary>Closes the server's end; what was sent before still arrives.</summary>
    public ValueTask HangUpAsync() => _connection.DisposeAsync();

    public async ValueTask DisposeAsync()
    {
        await _connection.DisposeAsync();
        await Client.DisposeAsync();
    }
}
