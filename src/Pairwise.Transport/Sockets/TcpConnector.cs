using System.Net;
using System.Net.Sockets;

namespace Pairwise.Transport.Sockets;

/// <summary>Makes outgoing TCP connections, directly or through a SOCKS5 proxy.</summary>
public static class TcpConnector
{
    /// <summary>
    /// Connects to <paramref name="host"/> (a name, or an IPv4 or IPv6 address). Names are resolved here, or by the proxy if
    /// there is one; then all addresses are tried in order. The caller sets the time limit through the token.
    /// </summary>
    /// <exception cref="TransportException">No address can be reached, or the proxy refused.</exception>
    public static async Task<Stream> ConnectAsync(string host, int port, TcpConnectOptions options, CancellationToken cancellationToken)
    {
        if (options.Proxy is not { } proxy)
            return new NetworkStream(await ConnectDirectlyAsync(host, port, options.KeepAlive, cancellationToken), ownsSocket: true);
        var socket = await ConnectAsync([proxy.EndPoint.Address], proxy.EndPoint.Port, "the SOCKS proxy", options.KeepAlive, cancellationToken);
        var stream = new NetworkStream(socket, ownsSocket: true);
        try
        {
            await SocksHandshake.RunAsync(stream, host, port, proxy.Credentials, cancellationToken);
            return stream;
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }

    private static async Task<Socket> ConnectDirectlyAsync(string host, int port, KeepAliveOptions? keepAlive, CancellationToken cancellationToken)
    {
        IPAddress[] addresses;
        try
        {
            addresses = IPAddress.TryParse(host, out var address) ? [address] : await Dns.GetHostAddressesAsync(host, cancellationToken);
        }
        catch (SocketException e)
        {
            throw new TransportException(TransportFailure.Unreachable, "The host name cannot be resolved.", e);
        }

        return await ConnectAsync(addresses, port, "the server", keepAlive, cancellationToken);
    }

    private static async Task<Socket> ConnectAsync(IPAddress[] addresses, int port, string peer, KeepAliveOptions? keepAlive, CancellationToken cancellationToken)
    {
        SocketException? last = null;
        foreach (var address in addresses)
        {
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(new IPEndPoint(address, port), cancellationToken);
                keepAlive?.ApplyTo(socket);
                return socket;
            }
            catch (SocketException e)
            {
                socket.Dispose();
                last = e;
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }

        throw new TransportException(TransportFailure.Unreachable, $"There is no connection to {peer}.", last);
    }
}
