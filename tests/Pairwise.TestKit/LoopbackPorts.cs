using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Pairwise.TestKit;

/// <summary>
/// Ports for servers that are stopped and started again. The system gives them to nobody else meanwhile: they are below
/// those that it takes for connections and for listeners without a port of their own. Thread-safe.
/// </summary>
public static class LoopbackPorts
{
    private const int Usual = 32_768;
    private const int Room = 12_000;
    private static readonly int First = Math.Max(1024, FirstOfTheSystem() - Room);
    private static readonly int Start = Random.Shared.Next(Room);
    private static int _taken;

    /// <summary>A port that nobody listens at, given out once in this process.</summary>
    public static int Take()
    {
        for (var i = 0; i < Room; i++)
        {
            var port = First + ((Start + Interlocked.Increment(ref _taken)) % Room);
            try
            {
                using var probe = new TcpListener(IPAddress.Any, port);
                probe.Start();
                return port;
            }
            catch (SocketException)
            {
                // Somebody listens there.
            }
        }

        throw new InvalidOperationException($"No port from {First} on is free.");
    }

    /// <summary>The loopback address with such a port.</summary>
    public static IPEndPoint TakeEndpoint() => new(IPAddress.Loopback, Take());

    private static int FirstOfTheSystem()
    {
        const string range = "/proc/sys/net/ipv4/ip_local_port_range";
        return File.Exists(range) && int.TryParse(File.ReadAllText(range).Split('\t', ' ')[0], NumberStyles.None, CultureInfo.InvariantCulture, out var first) && first > Room
            ? first
            : Usual;
    }
}
