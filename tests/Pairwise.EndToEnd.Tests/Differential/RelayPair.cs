using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Pairwise.Demo.Processes;
using Pairwise.Protocol;

namespace Pairwise.EndToEnd.Tests.Differential;

/// <summary>One relay of a comparison, started as an operator starts it.</summary>
internal sealed record ComparedRelay(RelayProcess Process, ServerAddress Address, int ControlPort)
{
    /// <summary>What the control port answers to an operator's command, without its greeting.</summary>
    public async Task<string[]> AskAsync(string command)
    {
        using var connection = new TcpClient();
        await connection.ConnectAsync(IPAddress.Loopback, ControlPort);
        using var reader = new StreamReader(connection.GetStream());
        await using var writer = new StreamWriter(connection.GetStream()) { AutoFlush = true, NewLine = "\n" };
        await writer.WriteLineAsync($"auth {RelayPair.OperatorPassword}");
        await writer.WriteLineAsync(command);
        await writer.WriteLineAsync("quit");
        var lines = (await reader.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return [.. lines.SkipWhile(line => !line.StartsWith("Current role", StringComparison.Ordinal)).Skip(1)];
    }
}

/// <summary>The original relay and ours, with the same settings.</summary>
internal sealed class RelayPair : IAsyncDisposable
{
    public const string OperatorPassword = "operator";

    private readonly TestFolder _folder;

    private RelayPair(TestFolder folder, ComparedRelay original, ComparedRelay ours) => (_folder, Original, Ours) = (folder, original, ours);

    public ComparedRelay Original { get; }

    public ComparedRelay Ours { get; }

    public static async Task<RelayPair> StartAsync(string program, string messages, string? password)
    {
        var folder = new TestFolder();
        return new RelayPair(
            folder, await StartAsync(folder["original"], program, messages, password), await StartAsync(folder["ours"], null, messages, password));
    }

    public async ValueTask DisposeAsync()
    {
        await Original.Process.DisposeAsync();
        await Ours.Process.DisposeAsync();
        _folder.Dispose();
    }

    private static async Task<ComparedRelay> StartAsync(string folder, string? program, string messages, string? password)
    {
        var address = await RelayProcess.InitAsync(folder, program);
        var ini = Path.Combine(folder, "etc", "smp-server.ini");
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();
        (string Key, string Value)[] settings =
        [
            ("store_messages", messages),
            ("control_port", port.ToString(CultureInfo.InvariantCulture)),
            ("control_port_admin_password", OperatorPassword),
            ("daily_block_queue_quota", "1000000"),
            .. password is null ? Array.Empty<(string, string)>() : [("create_password", password)],
        ];
        var lines = await File.ReadAllLinesAsync(ini);
        foreach (var (key, value) in settings)
        {
            var at = Array.FindIndex(lines, line => line.TrimStart('#', ' ').Split(':', '=')[0].TrimEnd() == key);
            Assert.True(at >= 0, $"init writes no {key}");
            lines[at] = $"{key} = {value}";
        }

        await File.WriteAllLinesAsync(ini, lines);
        Assert.True(ServerAddress.TryParse(address, out var server));
        return new ComparedRelay(await RelayProcess.StartAsync(folder, address, program), server, port);
    }
}
