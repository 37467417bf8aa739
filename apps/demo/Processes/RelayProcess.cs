using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Pairwise.Demo.Processes;

/// <summary>A relay as an operator runs it: <c>smp-server init</c> once, then <c>smp-server start</c>.</summary>
public sealed class RelayProcess : ChildProcess
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private RelayProcess(string folder, string? program, params string[] arguments)
        : base(program is null ? Own("smp-server", arguments) : [program, .. arguments], new Dictionary<string, string>
        {
            ["SMP_SERVER_CFG_PATH"] = ConfigurationOf(folder),
            ["SMP_SERVER_LOG_PATH"] = StateOf(folder),
        })
    {
    }

    /// <summary>The folder of the relay's store log and messages.</summary>
    public static string StateOf(string folder) => Path.Combine(folder, "log");

    /// <summary>Makes the certificates and the configuration of a new relay on a free loopback port, and gives its address.</summary>
    /// <param name="folder">Folder of the relay.</param>
    /// <param name="program">Path of another relay program with the same command line; null for ours.</param>
    public static async Task<string> InitAsync(string folder, string? program = null)
    {
        await using (var init = new RelayProcess(folder, program, "init", "-y", "--ip", "127.0.0.1", "--no-password", "--disable-web"))
        {
            var code = await init.WaitForExitAsync(Patience);
            if (code != 0) throw new InvalidOperationException($"smp-server init ended with {code}:\n{string.Join('\n', init.Lines)}");
        }

        var port = FreePort();
        var ini = Path.Combine(ConfigurationOf(folder), "smp-server.ini");
        var lines = await File.ReadAllLinesAsync(ini);
        for (var i = 0; i < lines.Length; i++)
        {
            if (lines[i].StartsWith("port", StringComparison.Ordinal)) lines[i] = string.Create(CultureInfo.InvariantCulture, $"port = {port}");
        }

        await File.WriteAllLinesAsync(ini, lines);
        var fingerprint = (await File.ReadAllTextAsync(Path.Combine(ConfigurationOf(folder), "fingerprint"))).Trim();
        return string.Create(CultureInfo.InvariantCulture, $"smp://{fingerprint}@127.0.0.1:{port}");
    }

    /// <summary>Carries out one command of the program and waits for its end.</summary>
    /// <returns>The exit code, and what the program said.</returns>
    public static async Task<(int Code, string Said)> RunAsync(string folder, string? program, params string[] arguments)
    {
        await using var command = new RelayProcess(folder, program, arguments);
        var code = await command.WaitForExitAsync(Patience);
        return (code, string.Join('\n', command.Lines));
    }

    /// <summary>Runs a command that asks, and gives it answers, a line each.</summary>
    /// <param name="folder">Folder of the relay.</param>
    /// <param name="program">Path of another relay program; null for ours.</param>
    /// <param name="answers">The answers, in the order of the questions.</param>
    /// <param name="arguments">The command and its options.</param>
    public static async Task<(int Code, string Said)> AnswerAsync(string folder, string? program, IEnumerable<string> answers, params string[] arguments)
    {
        await using var command = new RelayProcess(folder, program, arguments);
        foreach (var answer in answers) await command.TypeAsync(answer);
        var code = await command.EndInputAsync(Patience);
        return (code, string.Join('\n', command.Lines));
    }

    /// <summary>Starts a relay that <see cref="InitAsync"/> made, and waits until it accepts connections.</summary>
    /// <param name="folder">Folder of the relay.</param>
    /// <param name="address">Its address.</param>
    /// <param name="program">Path of another relay program; null for ours.</param>
    /// <param name="options">Options of <c>start</c>.</param>
    public static async Task<RelayProcess> StartAsync(string folder, string address, string? program = null, params string[] options)
    {
        var relay = new RelayProcess(folder, program, ["start", .. options]);
        var port = int.Parse(address[(address.LastIndexOf(':') + 1)..], CultureInfo.InvariantCulture);
        using var deadline = new CancellationTokenSource(Patience, TimeProvider.System);
        while (true)
        {
            if (relay.HasExited) throw new InvalidOperationException("smp-server start ended:\n" + string.Join('\n', relay.Lines));
            try
            {
                using var probe = new TcpClient();
                await probe.ConnectAsync(IPAddress.Loopback, port, deadline.Token);
                return relay;
            }
            catch (SocketException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, deadline.Token);
            }
        }
    }

    private static string ConfigurationOf(string folder) => Path.Combine(folder, "etc");

    // A relay has the same port whenever it is started again: one that the system gives to nobody who does not ask for it.
    private static int FreePort()
    {
        const int first = 20_000;
        const int firstOfTheSystem = 32_768;
        while (true)
        {
            var port = RandomNumberGenerator.GetInt32(first, firstOfTheSystem);
            try
            {
                using var listener = new TcpListener(IPAddress.Any, port);
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                // Somebody listens there.
            }
        }
    }
}
