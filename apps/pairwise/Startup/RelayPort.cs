using System.Globalization;

namespace Pairwise.Terminal.Startup;

/// <summary>The loopback port of an embedded relay: chosen once, and the same ever after, since links and contacts hold it.</summary>
internal static class RelayPort
{
    /// <summary>Whether a relay was ever run in this folder.</summary>
    public static bool ExistsIn(string folder) => File.Exists(FileIn(folder));

    /// <summary>The port of this folder's relay; 0 before there is one.</summary>
    /// <exception cref="StartupException">The file holds no port.</exception>
    public static async Task<int> ReadAsync(string folder, CancellationToken cancellationToken)
    {
        var file = FileIn(folder);
        if (!File.Exists(file)) return 0;
        var text = (await File.ReadAllTextAsync(file, cancellationToken)).Trim();
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and <= 65535
            ? port
            : throw new StartupException($"{file} holds no port number. Restore it from a backup: links and contacts made here hold that port.");
    }

    /// <summary>Keeps the port: written aside and moved, so that a crash leaves either no port or a whole one.</summary>
    public static async Task WriteAsync(string folder, int port, CancellationToken cancellationToken)
    {
        var file = FileIn(folder);
        await File.WriteAllTextAsync(file + ".new", port.ToString(CultureInfo.InvariantCulture) + "\n", cancellationToken);
        File.Move(file + ".new", file, overwrite: true);
    }

    private static string FileIn(string folder) => Path.Combine(folder, "port");
}
