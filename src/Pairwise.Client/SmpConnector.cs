using System.Security.Cryptography;
using System.Text;
using Pairwise.Protocol;
using Pairwise.Transport;
using Pairwise.Transport.Smp;
using Pairwise.Transport.Sockets;
using Pairwise.Transport.Tls;

namespace Pairwise.Client;

/// <summary>Makes sessions with relays: chooses the host, connects, checks the identity, shakes hands.</summary>
public static class SmpConnector
{
    private const ushort WebPort = 443;

    // One for all ordinary clients of the process: a context holds nothing of a connection.
    private static readonly TlsContext SmpContext = TlsContext.ForClient(new TlsClientOptions { ApplicationProtocols = ["smp/1"] });
    private static readonly TlsContext WebContext = TlsContext.ForClient(new TlsClientOptions { ApplicationProtocols = ["http/1.1"] });

    /// <summary>Connects within the time of <see cref="NetworkOptions.ConnectTime"/>.</summary>
    /// <exception cref="TransportException">The relay cannot be reached, is another one, or speaks no common version.</exception>
    public static async Task<SmpClientSession> ConnectAsync(ServerAddress server, SmpClientOptions options, bool isInteractive, CancellationToken cancellationToken)
    {
        var host = ChooseHost(server, options.Network);
        if (!server.TryGetPort(out var port))
            throw new TransportException(TransportFailure.Unreachable, "The port in the relay's address is not a number from 0 to 65535.");
        var isWeb = options.IsWebPortUsed && server.Port.Length == 0;
        if (isWeb)
            port = WebPort;
        using var limit = new CancellationTokenSource(options.Network.ConnectTime.For(isInteractive), options.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        var ownContext = options.Service is null ? null : TlsContext.ForClient(new TlsClientOptions
        {
            ApplicationProtocols = ["smp/1"],
            Credential = options.Service.ToTlsCredential(),
        });
        try
        {
            var tcp = new TcpConnectOptions { Proxy = ChooseProxy(host, options.Network, options.IsolationKey), KeepAlive = options.Network.KeepAlive };
            var stream = await TcpConnector.ConnectAsync(host.Name, port, tcp, either.Token);
            var target = new TlsTarget(PeerChecks.Server(server.KeyHash, options.Time));
            var connection = await TlsConnection.ConnectAsync(ownContext ?? (isWeb ? WebContext : SmpContext), target, stream, options.Time, either.Token);
            var handshake = new SmpClientHandshakeOptions
            {
                KeyHash = server.KeyHash,
                Versions = options.Versions,
                IsProxy = options.IsProxy,
                Service = options.Service,
            };
            return await SmpClientHandshake.RunAsync(connection, handshake, options.Random, either.Token);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new TransportException(TransportFailure.TimedOut, "The relay did not answer in time.");
        }
        finally
        {
            ownContext?.Dispose();
        }
    }

    internal static TransportHost ChooseHost(ServerAddress server, NetworkOptions network)
    {
        var wantsOnion = network.HostMode switch
        {
            HostMode.OnionViaSocks => network.Socks is not null,
            HostMode.Onion => true,
            _ => false,
        };
        foreach (var host in server.Hosts)
        {
            if ((host.Kind == TransportHostKind.Onion) == wantsOnion)
                return host;
        }

        return network.IsHostModeRequired
            ? throw new TransportException(TransportFailure.HostNotAllowed, "The relay has no host of the kind that the network settings ask for.")
            : server.Hosts[0];
    }

    internal static SocksProxy? ChooseProxy(TransportHost host, NetworkOptions network, string? isolationKey)
    {
        if (network.Socks is not { } socks || (socks.Mode == SocksMode.OnionOnly && host.Kind != TransportHostKind.Onion))
            return null;
        if (socks.IsThisMachineDirect && host.IsThisMachine)
            return null;
        var credentials = socks.Authentication switch
        {
            SocksAuthentication.Fixed given => given.Credentials,
            SocksAuthentication.Isolate => new SocksCredentials(HashOf(isolationKey ?? ""), "") { IsOptional = true },
            _ => null,
        };
        return new SocksProxy(socks.EndPoint, credentials);
    }

    private static string HashOf(string key) => Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(key)));
}
