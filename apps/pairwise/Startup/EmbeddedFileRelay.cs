using System.Net;
using System.Net.Sockets;
using Pairwise.Server.Smp;
using Pairwise.Server.Xftp;

namespace Pairwise.Terminal.Startup;

/// <summary>
/// The file relay that a chat runs for itself when no other is configured: in its data folder, on a loopback port that
/// stays the same. Files are removed after two days, as everywhere, and take no more than <see cref="Quota"/> together.
/// </summary>
internal sealed class EmbeddedFileRelay : IAsyncDisposable
{
    /// <summary>Bytes that all files at the relay together may take.</summary>
    public const long Quota = 10L << 30;

    private readonly XftpServer _server;

    private EmbeddedFileRelay(XftpServer server) => _server = server;

    /// <summary>Address of the relay, for new files.</summary>
    public string Address => _server.Address;

    /// <summary>Whether a file relay was ever run in this data folder, so that files may wait there for contacts.</summary>
    public static bool ExistsIn(string dataFolder) => RelayPort.ExistsIn(Folder(dataFolder));

    /// <summary>Starts the file relay of a data folder, and makes it on the first start.</summary>
    /// <exception cref="StartupException">Its port is taken, or its folder cannot be used.</exception>
    public static async Task<EmbeddedFileRelay> StartAsync(string dataFolder, CancellationToken cancellationToken)
    {
        var folder = Folder(dataFolder);
        var port = await RelayPort.ReadAsync(folder, cancellationToken);
        try
        {
            var (state, files) = (Path.Combine(folder, "log"), Path.Combine(folder, "files"));
            Directory.CreateDirectory(state);
            Directory.CreateDirectory(files);
            var server = await XftpServer.StartAsync(
                new XftpServerOptions
                {
                    ConfigurationFolder = Path.Combine(folder, "etc"),
                    StateFolder = state,
                    FilesFolder = files,
                    Endpoints = [new IPEndPoint(IPAddress.Loopback, port)],
                    Quota = Quota,
                },
                cancellationToken);
            if (port == 0) await RelayPort.WriteAsync(folder, server.Endpoints[0].Port, cancellationToken);
            return new EmbeddedFileRelay(server);
        }
        catch (XftpServerException e) when (e.InnerException is SocketException or IOException { InnerException: Microsoft.AspNetCore.Connections.AddressInUseException })
        {
            throw new StartupException($"Port {port} of the file relay inside Pairwise is taken by another program. Stop that program and start again: files that were sent from here hold this port.", e);
        }
        catch (Exception e) when (e is XftpServerException or SmpServerException)
        {
            throw new StartupException($"The file relay inside Pairwise cannot start. {e.Message}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"The file relay inside Pairwise cannot use {folder}: {e.Message}", e);
        }
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private static string Folder(string dataFolder) => Path.Combine(dataFolder, "file-relay");
}
