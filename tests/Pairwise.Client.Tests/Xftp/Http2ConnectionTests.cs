using Pairwise.Client.Xftp;
using Pairwise.Client.Xftp.Http;
using Pairwise.Transport;

namespace Pairwise.Client.Tests.Xftp;

/// <summary>What the client's end of HTTP/2 sends, and what it makes of whatever a server sends.</summary>
public sealed class Http2ConnectionTests
{
    private static readonly byte[] Block = Bytes(16_384, seed: 1);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_request_has_the_fields_that_servers_need_and_its_body_in_frames_of_the_default_size()
    {
        await using var server = new ScriptedHttp2Server();
        var sending = SendAsync(server, Block);
        await server.ReadBeginningAsync();
        var (fields, body, frames) = await server.ReadRequestAsync(1);
        await sending;
        // :method POST, :scheme http, :path /, :authority, content-length
        Assert.Equal((byte[])[0x83, 0x86, 0x84, 0x01, 17, .. "files.example:443"u8, 0x0f, 0x0d, 5, .. "16384"u8], fields);
        Assert.Equal(Block, body);
        Assert.Equal(1, frames);
    }

    [Fact]
    public async Task An_answer_is_read_whatever_its_frames_are()
    {
        await using var server = new ScriptedHttp2Server();
        var content = Bytes(200_000, seed: 2);
        await SendAsync(server, Block);
        var answering = Task.Run(
            async () =>
            {
                await server.ReadBeginningAsync();
                await server.ReadRequestAsync(1);
                await server.SendSettingAsync(3, 100);
                await server.SendAsync(Http2FrameType.Headers, Http2Flags.EndHeaders, 1, 0x08, 3, (byte)'1', (byte)'0', (byte)'3');
                await server.SendAsync(Http2FrameType.Headers, Http2Flags.None, 1, 0x88);
                await server.SendAsync(Http2FrameType.Continuation, Http2Flags.None, 1, new byte[60_000]);
                await server.SendAsync(Http2FrameType.Continuation, Http2Flags.EndHeaders, 1, new byte[10]);
                await server.SendAsync(Http2FrameType.Data, Http2Flags.None, 1, content[..65_536]);
                await server.SendAsync(Http2FrameType.Ping, Http2Flags.None, 0, 1, 2, 3, 4, 5, 6, 7, 8);
                await server.SendAsync(Http2FrameType.Data, Http2Flags.None, 1);
                await server.SendAsync(Http2FrameType.Data, Http2Flags.Padded, 1, [200, .. content[65_536..100_000], .. new byte[200]]);
                await server.SendAsync(Http2FrameType.Priority, Http2Flags.None, 1, 0, 0, 0, 0, 1);
                await server.SendAsync((Http2FrameType)0x42, Http2Flags.None, 1, new byte[100]);
                await server.SendAsync(Http2FrameType.Data, Http2Flags.None, 1, content[100_000..150_000]);
                await server.SendAsync(Http2FrameType.Data, Http2Flags.Padded, 1, [255, .. content[150_000..], .. new byte[255]]);
                await server.SendAsync(Http2FrameType.Headers, Http2Flags.EndHeaders | Http2Flags.End, 1, 0x88);
            },
            Token);
        var received = new byte[content.Length + 1];
        Assert.Equal(content.Length, await server.Http.ReadAtLeastAsync(received, Token));
        Assert.Equal(content, received[..^1]);
        await answering;
        Assert.Equal(Http2FrameType.Settings, (await server.ReadFrameAsync()).Frame.Type);
        var (pong, payload) = await server.ReadFrameAsync();
        Assert.Equal((Http2FrameType.Ping, Http2Flags.End), (pong.Type, pong.Flags));
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8], payload);
        Assert.True(server.Http.IsUsable);
    }

    [Fact]
    public async Task The_rest_of_an_answer_that_was_not_read_is_skipped_by_the_next_request()
    {
        await using var server = new ScriptedHttp2Server();
        for (var stream = 1; stream < 7; stream += 2)
        {
            await SendAsync(server, Block);
            if (stream == 1)
                await server.ReadBeginningAsync();
            await server.ReadRequestAsync(stream);
            await server.SendHeadersAsync(stream);
            await server.SendAsync(Http2FrameType.Data, Http2Flags.Padded, stream, [9, (byte)stream, .. new byte[5_000], .. new byte[9]]);
            await server.SendAsync(Http2FrameType.Data, Http2Flags.None, stream, new byte[5_000]);
            await server.SendAsync(Http2FrameType.Headers, Http2Flags.EndHeaders | Http2Flags.End, stream, 0x88);
            var first = await server.Http.ReadAsync(1, Token);
            Assert.Equal([(byte)stream], first.ToArray());
            Assert.True(server.Http.IsUsable);
        }
    }

    [Fact]
    public async Task A_request_waits_for_the_end_of_the_answer_before_if_the_server_allows_one_stream_at_a_time()
    {
        await using var server = new ScriptedHttp2Server();
        await SendAsync(server, Block);
        await server.ReadBeginningAsync();
        await server.ReadRequestAsync(1);
        await server.SendSettingAsync(3, 1);
        await server.SendHeadersAsync(1);
        await server.SendAsync(Http2FrameType.Data, Http2Flags.None, 1, [1, .. new byte[100]]);
        Assert.Equal([1], (await server.Http.ReadAsync(1, Token)).ToArray());
        Assert.Equal(Http2FrameType.Settings, (await server.ReadFrameAsync()).Frame.Type);
        var sending = SendAsync(server, Block);
        await server.SendAsync(Http2FrameType.Ping, Http2Flags.None, 0, 1, 2, 3, 4, 5, 6, 7, 8);
        Assert.Equal(Http2FrameType.Ping, (await server.ReadFrameAsync()).Frame.Type);
        await server.SendAsync(Http2FrameType.Data, Http2Flags.End, 1);
        await server.ReadRequestAsync(3);
        await sending;
        Assert.True(server.Http.IsUsable);
    }

    [Fact]
    public async Task An_upload_keeps_to_the_windows_and_frames_that_the_server_allows()
    {
        await using var server = new ScriptedHttp2Server();
        var content = Bytes(300_000, seed: 3);
        var reported = 0;
        var sending = SendAsync(server, Block, content, new Reported(count => reported += count));
        await server.ReadBeginningAsync();
        await server.ReadFrameAsync();
        var body = new List<byte>();
        while (body.Count < 65_535)
            body.AddRange((await server.ReadFrameAsync()).Payload);
        Assert.Equal(65_535, body.Count);
        Assert.False(sending.IsCompleted);

        // The stream's window grows with the setting, the connection's does not.
        await server.SendSettingAsync(4, 1_000_000);
        await server.SendSettingAsync(5, 32_768);
        await server.WidenAsync(0, 40_000);
        var frames = new List<int>();
        while (body.Count < 105_535)
        {
            var (frame, payload) = await server.ReadFrameAsync();
            if (frame.Type is not Http2FrameType.Data)
                continue;
            frames.Add(frame.Length);
            body.AddRange(payload);
        }

        Assert.Equal([32_768, 7_232], frames);
        await server.WidenAsync(0, 1_000_000);
        for (var isEnded = false; !isEnded;)
        {
            var (frame, payload) = await server.ReadFrameAsync();
            Assert.InRange(frame.Length, 1, 32_768);
            body.AddRange(payload);
            isEnded = frame.Flags.HasFlag(Http2Flags.End);
        }

        await sending;
        Assert.Equal((byte[])[.. Block, .. content], body.ToArray());
        Assert.Equal(content.Length, reported);
        Assert.True(server.Http.IsUsable);
    }

    [Fact]
    public async Task An_answer_in_the_middle_of_an_upload_ends_it_and_the_connection_is_not_used_again()
    {
        await using var server = new ScriptedHttp2Server();
        var sending = SendAsync(server, Block, new byte[300_000]);
        await server.SendHeadersAsync(1);
        await server.SendAsync(Http2FrameType.Data, Http2Flags.End, 1, 1, 2, 3);
        await sending;
        Assert.Equal(3, await server.Http.ReadAtLeastAsync(new byte[10], Token));
        Assert.False(server.Http.IsUsable);
        await Assert.ThrowsAsync<TransportException>(() => SendAsync(server, Block));
    }

    [Fact]
    public async Task A_word_before_the_answer_does_not_end_an_upload()
    {
        await using var server = new ScriptedHttp2Server();
        var content = Bytes(100_000, seed: 4);
        var sending = SendAsync(server, Block, content);
        await server.SendAsync(Http2FrameType.Headers, Http2Flags.EndHeaders, 1, 0x08, 3, (byte)'1', (byte)'0', (byte)'0');
        await server.WidenAsync(0, 200_000);
        await server.WidenAsync(1, 200_000);
        await server.ReadBeginningAsync();
        var (_, body, _) = await server.ReadRequestAsync(1);
        await sending;
        Assert.Equal((byte[])[.. Block, .. content], body);
        await server.SendHeadersAsync(1);
        await server.SendAsync(Http2FrameType.Data, Http2Flags.End, 1, 7);
        Assert.Equal(1, await server.Http.ReadAtLeastAsync(new byte[10], Token));
        Assert.True(server.Http.IsUsable);
    }

    [Fact]
    public async Task A_window_that_the_server_takes_back_has_to_be_wider_than_what_was_sent_before_more_follows()
    {
        await using var server = new ScriptedHttp2Server();
        var sending = SendAsync(server, Block, new byte[100_000]);
        await server.ReadBeginningAsync();
        await server.ReadFrameAsync();
        for (var sent = 0; sent < 65_535;)
            sent += (await server.ReadFrameAsync()).Frame.Length;

        // 10 - 65,535 + 65,525 leaves nothing.
        await server.SendSettingAsync(4, 10);
        await server.WidenAsync(0, 1_000_000);
        await server.WidenAsync(1, 65_525);
        await server.SendAsync(Http2FrameType.Ping, Http2Flags.None, 0, 1, 2, 3, 4, 5, 6, 7, 8);
        Assert.Equal(Http2FrameType.Settings, (await server.ReadFrameAsync()).Frame.Type);
        Assert.Equal(Http2FrameType.Ping, (await server.ReadFrameAsync()).Frame.Type);
        await server.WidenAsync(1, 25);
        var (frame, _) = await server.ReadFrameAsync();
        Assert.Equal((Http2FrameType.Data, 25), (frame.Type, frame.Length));
        await server.WidenAsync(1, 100_000);
        await server.ReadRequestRestAsync(1);
        await sending;
        Assert.True(server.Http.IsUsable);
    }

    [Fact]
    public async Task A_server_with_a_small_table_of_fields_hears_once_that_none_is_used()
    {
        await using var server = new ScriptedHttp2Server();
        await SendAsync(server, Block);
        await server.ReadBeginningAsync();
        await server.ReadRequestAsync(1);
        await server.SendSettingAsync(1, 0);
        await server.SendHeadersAsync(1, isLast: true);
        Assert.Equal(0, await server.Http.ReadAtLeastAsync(new byte[10], Token));
        await SendAsync(server, Block);
        Assert.Equal(Http2FrameType.Settings, (await server.ReadFrameAsync()).Frame.Type);
        var (fields, _, _) = await server.ReadRequestAsync(3);
        Assert.Equal([0x20, 0x83], fields[..2]);
        await server.SendHeadersAsync(3, isLast: true);
        Assert.Equal(0, await server.Http.ReadAtLeastAsync(new byte[10], Token));
        await SendAsync(server, Block);
        (fields, _, _) = await server.ReadRequestAsync(5);
        Assert.Equal([0x83, 0x86], fields[..2]);
    }

    [Fact]
    public async Task A_farewell_lets_the_present_answer_end_and_no_other_begin()
    {
        await using var server = new ScriptedHttp2Server();
        await SendAsync(server, Block);
        await server.SendAsync(Http2FrameType.GoAway, Http2Flags.None, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0);
        await server.SendAsync(Http2FrameType.GoAway, Http2Flags.None, 0, 0, 0, 0, 1, 0, 0, 0, 0);
        await server.SendHeadersAsync(1);
        await server.SendAsync(Http2FrameType.Data, Http2Flags.End, 1, 7);
        Assert.Equal(1, await server.Http.ReadAtLeastAsync(new byte[10], Token));
        Assert.False(server.Http.IsUsable);
    }

    [Fact]
    public async Task A_farewell_at_the_end_of_the_answer_before_is_heard_before_a_request_is_sent()
    {
        await using var server = new ScriptedHttp2Server();
        await SendAsync(server, Block);
        await server.SendSettingAsync(3, 1);
        await server.SendHeadersAsync(1);
        await server.SendAsync(Http2FrameType.Data, Http2Flags.None, 1, 7);
        Assert.Equal([7], (await server.Http.ReadAsync(1, Token)).ToArray());
        Assert.True(server.Http.IsUsable);
        await server.SendAsync(Http2FrameType.GoAway, Http2Flags.None, 0, 0, 0, 0, 1, 0, 0, 0, 0);
        await server.SendAsync(Http2FrameType.Data, Http2Flags.End, 1);
        var cause = await Assert.ThrowsAsync<TransportException>(() => SendAsync(server, Block));
        Assert.Equal(TransportFailure.Closed, cause.Failure);
        Assert.False(server.Http.IsUsable);
    }

    [Fact]
    public async Task A_farewell_because_of_an_error_ends_the_request_though_the_connection_stays_open()
    {
        await using var server = new ScriptedHttp2Server();
        await SendAsync(server, Block);
        await server.SendAsync(Http2FrameType.GoAway, Http2Flags.None, 0, 0, 0, 0, 1, 0, 0, 0, 9);
        var cause = await Assert.ThrowsAsync<TransportException>(() => server.Http.ReadAsync(1, Token).AsTask());
        Assert.Equal(TransportFailure.Closed, cause.Failure);
        Assert.False(server.Http.IsUsable);
    }

    [Fact]
    public async Task What_was_cancelled_leaves_a_connection_that_is_not_used_again()
    {
        await using var server = new ScriptedHttp2Server();
        await SendAsync(server, Block);
        using var cancelling = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var reading = server.Http.ReadAsync(1, cancelling.Token).AsTask();
        await cancelling.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        Assert.False(server.Http.IsUsable);
    }

    public static TheoryData<string, TransportFailure> Offences => new()
    {
        { "00ffff 00 00 00000001 00 0100 0100", TransportFailure.Closed }, // the end comes within a frame
        { "010001 00 00 00000001", TransportFailure.Protocol }, // longer than allowed
        { "000001 00 00 00000000 00", TransportFailure.Protocol }, // data of no stream
        { "000001 00 00 00000002 00", TransportFailure.Protocol }, // data of a stream of the server's
        { "000001 00 00 00000003 00", TransportFailure.Protocol }, // data of a stream to come
        { "000001 01 00 00000001 88 000001 09 04 00000003 88", TransportFailure.Protocol }, // a continuation on another stream
        { "000001 00 08 00000001 05", TransportFailure.Protocol }, // more padding than there is
        { "000000 00 08 00000001", TransportFailure.Protocol }, // no room for the padding's length
        { "000001 01 00 00000001 88 000000 00 01 00000001", TransportFailure.Protocol }, // fields that break off
        { "000001 09 04 00000001 88", TransportFailure.Protocol }, // a continuation of nothing
        { "000005 05 04 00000001 0000000288", TransportFailure.Protocol }, // a promise
        { "000004 03 00 00000001 00000007", TransportFailure.Closed }, // the answer is broken off
        { "000005 04 00 00000000 0004ffffff", TransportFailure.Protocol }, // half a setting
        { "000006 04 00 00000001 000400000001", TransportFailure.Protocol }, // settings of a stream
        { "000006 04 00 00000000 000480000000", TransportFailure.Protocol }, // a window that is too large
        { "000006 04 00 00000000 000500003fff", TransportFailure.Protocol }, // frames that are too small
        { "000006 04 00 00000000 000501000000", TransportFailure.Protocol }, // and too large
        { "000007 06 00 00000000 00000000000000", TransportFailure.Protocol }, // a short ping
        { "000003 08 00 00000000 000001", TransportFailure.Protocol }, // a short window
        { "000004 08 00 00000000 00000000", TransportFailure.Protocol }, // a window that does not grow
        { "000004 08 00 00000000 7fffffff", TransportFailure.Protocol }, // a window that overflows
        { "000007 07 00 00000000 00000000000000", TransportFailure.Protocol }, // a short farewell
        { "000008 07 00 00000000 0000000000000000", TransportFailure.Closed }, // a farewell before the request
        { "004001 06 00 00000000", TransportFailure.Protocol }, // a long ping
        { "", TransportFailure.Closed },
    };

    [Theory]
    [MemberData(nameof(Offences))]
    public async Task A_server_that_breaks_the_rules_ends_the_connection(string frames, TransportFailure failure)
    {
        await using var server = new ScriptedHttp2Server();
        await SendAsync(server, Block);
        await server.SendRawAsync(Convert.FromHexString(frames.Replace(" ", "", StringComparison.Ordinal)));
        await server.HangUpAsync();
        var cause = await Assert.ThrowsAsync<TransportException>(() => server.Http.ReadAtLeastAsync(new byte[100], Token).AsTask());
        Assert.Equal(failure, cause.Failure);
        Assert.False(server.Http.IsUsable);
    }

    [Fact]
    public async Task Any_bytes_of_a_server_end_in_an_answer_or_in_a_failure_of_the_connection()
    {
        for (var seed = 0; seed < 500; seed++)
        {
            var random = new Random(seed);
            await using var server = new ScriptedHttp2Server();
            await SendAsync(server, Block);
            for (var left = random.Next(12); left > 0; left--)
            {
                // Mostly frames that could be: random types, flags and content, on the present stream or none.
                var payload = Bytes(random.Next(20), random.Next());
                await server.SendAsync((Http2FrameType)random.Next(11), (Http2Flags)(random.Next() & 0x0d), random.Next(2), payload);
            }

            await server.SendRawAsync(Bytes(random.Next(60), seed));
            await server.HangUpAsync();
            try
            {
                Assert.InRange(await server.Http.ReadAtLeastAsync(new byte[1000], Token), 0, 1000);
            }
            catch (TransportException)
            {
                Assert.False(server.Http.IsUsable, $"seed {seed}");
            }
        }
    }

    private static async Task SendAsync(ScriptedHttp2Server server, byte[] block, byte[]? content = null, IProgress<int>? progress = null)
    {
        using var limit = new MovingLimit(TimeSpan.FromMinutes(1), TimeProvider.System);
        await server.Http.SendAsync(new MemoryBody(block, content, progress, limit), Token);
    }

    private static byte[] Bytes(int count, int seed)
    {
        var bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private sealed class Reported(Action<int> report) : IProgress<int>
    {
        public void Report(int value) => report(value);
    }
}
