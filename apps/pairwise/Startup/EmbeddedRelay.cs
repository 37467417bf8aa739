using System.Net;
using System.Net.Sockets;
using Pairwise.Server.Smp;

namespace Pairwise.Terminal.Startup;

/// <summary>
/// The relay that a chat runs for itself when no other is configured: in its data folder, on a loopback port that
/// is chosen once and stays the same, since links and contacts hold its address.
/// </summary>
internal sealed class EmbeddedRelay : IAsyncDisposable
{
    private readonly SmpServer _server;

    private EmbeddedRelay(SmpServer server) => _server = server;

    /// <summary>Address of the relay, for new connections.</summary>
    public string Address => _server.Address;

    /// <summary>Whether a relay was ever run in this data folder, so that contacts may depend on it.</summary>
    public static bool ExistsIn(string dataFolder) => RelayPort.ExistsIn(RelayFolder(dataFolder));

    /// <summary>Starts the relay of a data folder, and makes it on the first start.</summary>
    /// <exception cref="StartupException">Its port is taken, or its folder cannot be used.</exception>
    public static async Task<EmbeddedRelay> StartAsync(string dataFolder, CancellationToken cancellationToken)
    {
        var folder = RelayFolder(dataFolder);
        var port = await RelayPort.ReadAsync(folder, cancellationToken);
        try
        {
            Directory.CreateDirectory(folder);
            var server = await SmpServer.StartAsync(
                new SmpServerOptions
                {
                    ConfigurationFolder = Path.Combine(folder, "etc"),
                    StateFolder = Path.Combine(folder, "log"),
                    Endpoints = [new IPEndPoint(IPAddress.Loopback, port)],
                    // The relay dies with the chat, at any moment: what it has taken must be on disk.
                    MessageStorage = MessageStorage.Journal,
                },
                cancellationToken);
            if (port == 0) await RelayPort.WriteAsync(folder, server.Endpoints[0].Port, cancellationToken);
            return new EmbeddedRelay(server);
        }
        catch (SmpServerException e) when (e.InnerException is SocketException)
        {
            throw new StartupException($"Port {port} of the relay inside Pairwise is taken by another program. Stop that program and start again: links and contacts made here hold this port.", e);
        }
        catch (SmpServerException e)
        {
            throw new StartupException($"The relay inside Pairwise cannot start. {e.Message}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"The relay inside Pairwise cannot use {folder}: {e.Message}", e);
        }
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private static string RelayFolder(string dataFolder) => Path.Combine(dataFolder, "relay");
}
