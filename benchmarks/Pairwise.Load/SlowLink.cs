using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;

namespace Pairwise.Load;

/// <summary>
/// A long way in between: a TCP proxy that hands everything on after half of a round trip, in both directions. It takes what
/// comes at once and holds up to so many bytes of each direction of each connection, as a fast and long line would.
/// </summary>
internal sealed class SlowLink : IAsyncDisposable
{
    private const int PieceLength = 64 * 1024;
    private const int MostPieces = 256;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly IPEndPoint _target;
    private readonly TimeSpan _oneWay;
    private readonly List<Task> _ways = [];
    private readonly Task _accepting;

    private SlowLink(IPEndPoint target, TimeSpan roundTrip)
    {
        _target = target;
        _oneWay = roundTrip / 2;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    internal int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    internal static SlowLink Start(IPEndPoint target, TimeSpan roundTrip) => new(target, roundTrip);

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(_ways);
        _stopping.Dispose();
        _listener.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptSocketAsync(_stopping.Token);
                var server = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                client.NoDelay = true;
                await server.ConnectAsync(_target, _stopping.Token);
                _ways.Add(CarryAsync(client, server));
                _ways.Add(CarryAsync(server, client));
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            return;
        }
    }

    private async Task CarryAsync(Socket from, Socket to)
    {
        var way = Channel.CreateBounded<(byte[] Piece, long Arrival)>(MostPieces);
        try
        {
            await Task.WhenAll(TakeAsync(), GiveAsync());
        }
        catch (Exception cause) when (cause is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // One end has gone: so has the other.
            from.Dispose();
            to.Dispose();
        }

        async Task TakeAsync()
        {
            var buffer = new byte[PieceLength];
            while (await from.ReceiveAsync(buffer, _stopping.Token) is var count and > 0)
                await way.Writer.WriteAsync((buffer[..count], Stopwatch.GetTimestamp()), _stopping.Token);
            way.Writer.Complete();
        }

        async Task GiveAsync()
        {
            await foreach (var (piece, arrival) in way.Reader.ReadAllAsync(_stopping.Token))
            {
                var left = _oneWay - Stopwatch.GetElapsedTime(arrival);
                if (left > TimeSpan.Zero)
                    await Task.Delay(left, TimeProvider.System, _stopping.Token);
                for (var rest = piece.AsMemory(); !rest.IsEmpty;)
                    rest = rest[await to.SendAsync(rest, _stopping.Token)..];
            }

            to.Shutdown(SocketShutdown.Send);
        }
    }
}
