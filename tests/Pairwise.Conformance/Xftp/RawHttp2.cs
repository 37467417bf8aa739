using System.Buffers.Binary;
using Pairwise.TestKit;
using Pairwise.Transport;

namespace Pairwise.Conformance.Xftp;

/// <summary>HTTP/2 by hand over a connection, for those who do not keep to its rules. RFC 9113, RFC 7541.</summary>
public sealed class RawHttp2(ISecureConnection connection) : IAsyncDisposable
{
    public const byte Data = 0;
    public const byte Headers = 1;
    public const byte Reset = 3;
    public const byte Settings = 4;
    public const byte Ping = 6;
    public const byte WindowUpdate = 8;
    public const byte Continuation = 9;
    public const byte EndStream = 1;
    public const byte EndHeaders = 4;

    private const int HeadLength = 9;
    private static readonly TimeSpan Patience = Eventually.Patience;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>POST / of http://relay, in indexed fields and one literal.</summary>
    public static byte[] PostFields { get; } = [0x83, 0x86, 0x84, 0x41, 5, .. "relay"u8];

    public byte[] SessionId => connection.SessionId.ToArray();

    public static async Task<RawHttp2> OpenAsync(FileServerUnderTest server, byte[]? settings = null)
    {
        var http = new RawHttp2(await RawFileClient.OpenAsync(server));
        await http.SendAsync([.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. Frame(Settings, 0, 0, settings ?? [])]);
        return http;
    }

    // frame = length(3) type flags streamId(4) payload
    public static byte[] Frame(byte type, byte flags, int stream, ReadOnlySpan<byte> payload)
    {
        var frame = new byte[HeadLength + payload.Length];
        frame[0] = (byte)(payload.Length >> 16);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(1), (ushort)(payload.Length & 0xffff));
        frame[3] = type;
        frame[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame.AsSpan(HeadLength));
        return frame;
    }

    /// <summary>Sends bytes; false when the server has closed, or has not read on for a while.</summary>
    public async Task<bool> SendAsync(byte[] bytes)
    {
        using var limit = new CancellationTokenSource(Patience, TimeProvider.System);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, Token);
        try
        {
            await connection.WriteAsync(bytes, either.Token);
            return true;
        }
        catch (Exception cause) when (cause is TransportException || (cause is OperationCanceledException && limit.IsCancellationRequested))
        {
            return false;
        }
    }

    /// <summary>Sends the same bytes again and again until the server closes; how often, at most as often as asked.</summary>
    public async Task<int> FloodAsync(int times, Func<int, byte[]> make)
    {
        var reading = ReadToEndAsync();
        for (var i = 0; i < times; i++)
        {
            if (reading.IsCompleted || !await SendAsync(make(i)))
            {
                return i;
            }
        }

        return times;
    }

    /// <summary>Reads and forgets until the server closes.</summary>
    public async Task ReadToEndAsync()
    {
        var buffer = new byte[16 * 1024];
        try
        {
            while (await connection.ReadAsync(buffer, Token) > 0)
            {
            }
        }
        catch (Exception cause) when (cause is TransportException or ObjectDisposedException)
        {
            // That is an end as well.
        }
    }

    public ValueTask DisposeAsync() => connection.DisposeAsync();
}
