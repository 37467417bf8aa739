using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Pairwise.Demo.Processes;
using Pairwise.TestKit;

namespace Pairwise.EndToEnd.Tests.Files;

/// <summary>A file server as an operator runs it: <c>xftp-server init</c> once, then <c>xftp-server start</c>.</summary>
internal sealed class FileServerProcess : ChildProcess
{
    private static readonly TimeSpan Patience = Eventually.Patience;

    private FileServerProcess(string folder, string? program, params string[] arguments)
        : base(program is null ? Own("xftp-server", arguments) : [program, .. arguments], new Dictionary<string, string>
        {
            ["XFTP_SERVER_CFG_PATH"] = ConfigurationOf(folder),
            ["XFTP_SERVER_LOG_PATH"] = StateOf(folder),
        })
    {
    }

    public static string ConfigurationOf(string folder) => Path.Combine(folder, "etc");

    public static string StateOf(string folder) => Path.Combine(folder, "log");

    public static string FilesOf(string folder) => Path.Combine(folder, "files");

    public static string StoreLogOf(string folder) => Path.Combine(StateOf(folder), "file-server-store.log");

    /// <summary>Makes a new file server on a free loopback port, and gives its address.</summary>
    /// <param name="folder">Folder of the server.</param>
    /// <param name="program">Path of another server program with the same command line; null for ours.</param>
    /// <param name="settings">Keys of the ini file and what to set them to; a comment with the key is uncommented.</param>
    public static async Task<string> InitAsync(string folder, string? program = null, params (string Key, string Value)[] settings)
    {
        Directory.CreateDirectory(FilesOf(folder));
        var (code, said) = await RunAsync(folder, program, "init", "--ip", "127.0.0.1", "-q", "1gb", "-p", FilesOf(folder));
        if (code != 0)
        {
            throw new InvalidOperationException($"xftp-server init ended with {code}:\n{said}");
        }

        var port = LoopbackPorts.Take();
        await SetAsync(folder, [("port", port.ToString(CultureInfo.InvariantCulture)), .. settings]);
        var fingerprint = (await File.ReadAllTextAsync(Path.Combine(ConfigurationOf(folder), "fingerprint"))).Trim();
        return string.Create(CultureInfo.InvariantCulture, $"xftp://{fingerprint}@127.0.0.1:{port}");
    }

    /// <summary>Changes settings of the ini file.</summary>
    public static async Task SetAsync(string folder, params (string Key, string Value)[] settings)
    {
        var ini = Path.Combine(ConfigurationOf(folder), "file-server.ini");
        var lines = await File.ReadAllLinesAsync(ini);
        foreach (var (key, value) in settings)
        {
            var at = Array.FindIndex(lines, line => line.StartsWith(key + " =", StringComparison.Ordinal) || line.StartsWith($"# {key} =", StringComparison.Ordinal));
            Assert.True(at >= 0, $"no setting {key}");
            lines[at] = $"{key} = {value}";
        }

        await File.WriteAllLinesAsync(ini, lines);
    }

    /// <summary>Carries out one command of the program and waits for its end.</summary>
    public static async Task<(int Code, string Said)> RunAsync(string folder, string? program, params string[] arguments)
    {
        await using var command = new FileServerProcess(folder, program, arguments);
        var code = await command.WaitForExitAsync(Patience);
        return (code, string.Join('\n', command.Lines));
    }

    /// <summary>Starts a server that <see cref="InitAsync"/> made, and waits until it accepts connections.</summary>
    public static async Task<FileServerProcess> StartAsync(string folder, string address, string? program = null, params string[] options)
    {
        var server = new FileServerProcess(folder, program, ["start", .. options]);
        var port = int.Parse(address[(address.LastIndexOf(':') + 1)..], CultureInfo.InvariantCulture);
        using var deadline = new CancellationTokenSource(Patience, TimeProvider.System);
        while (true)
        {
            if (server.HasExited)
            {
                throw new InvalidOperationException("xftp-server start ended:\n" + string.Join('\n', server.Lines));
            }

            try
            {
                using var probe = new TcpClient();
                await probe.ConnectAsync(IPAddress.Loopback, port, deadline.Token);
                return server;
            }
            catch (SocketException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, deadline.Token);
            }
        }
    }

}

/// <summary>The command <c>xftp</c>, ours or another one with the same command line.</summary>
internal sealed class FileCommandProcess : ChildProcess
{
    private static readonly TimeSpan Patience = Eventually.Patience;

    public FileCommandProcess(string? program, params string[] arguments)
        : base(program is null ? Own("xftp", arguments) : [program, .. arguments], new Dictionary<string, string>())
    {
    }

    /// <summary>Carries out a command and waits for its end.</summary>
    public static async Task<(int Code, IReadOnlyList<string> Said)> RunAsync(string? program, params string[] arguments)
    {
        await using var command = new FileCommandProcess(program, arguments);
        return (await command.WaitForExitAsync(Patience), command.Lines);
    }

    /// <summary>Carries out a command that has to succeed.</summary>
    public static async Task<IReadOnlyList<string>> SucceedAsync(string? program, params string[] arguments)
    {
        var (code, said) = await RunAsync(program, arguments);
        Assert.True(code == 0, $"xftp {string.Join(' ', arguments)} ended with {code}:\n{string.Join('\n', said)}");
        return said;
    }
}
