using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Pairwise.Protocol;

namespace Pairwise.Load;

/// <summary>A file server under load: ours in a process of its own, or one that runs somewhere.</summary>
internal sealed class FileServerProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartTime = TimeSpan.FromMinutes(2);
    private readonly Process? _process;
    private readonly string? _folder;

    private FileServerProcess(ServerAddressWithPassword address, Process? process, string? folder, int? processId)
    {
        Address = address;
        _process = process;
        _folder = folder;
        ProcessId = processId;
    }

    internal ServerAddressWithPassword Address { get; }

    /// <summary>Null when the server runs on another machine, or its id was not given.</summary>
    internal int? ProcessId { get; }

    /// <summary>A server that runs already.</summary>
    internal static FileServerProcess Foreign(string address, int? processId) =>
        ServerAddressWithPassword.TryParse(address, out var parsed)
            ? new FileServerProcess(parsed, null, null, processId)
            : throw new SuiteException($"'{address}' is no file server's address");

    /// <summary>Starts ours in a new folder that is gone afterwards.</summary>
    internal static async Task<FileServerProcess> StartAsync(CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("pairwise-bench-").FullName;
        var port = FreePort();
        using (var init = Start(folder, "init", "-p", Path.Combine(folder, "files"), "-q", "100gb", "-n", "127.0.0.1"))
        {
            await init.WaitForExitAsync(cancellationToken);
            if (init.ExitCode != 0)
                throw new SuiteException($"xftp-server init failed with {init.ExitCode}");
        }

        var iniFile = Path.Combine(folder, "etc", "file-server.ini");
        var ini = await File.ReadAllTextAsync(iniFile, cancellationToken);
        await File.WriteAllTextAsync(iniFile, ini.Replace("port = 443", $"port = {port}", StringComparison.Ordinal), cancellationToken);
        var fingerprint = (await File.ReadAllTextAsync(Path.Combine(folder, "etc", "fingerprint"), cancellationToken)).Trim();
        var process = Start(folder, "start");
        if (!ServerAddressWithPassword.TryParse($"xftp://{fingerprint}@127.0.0.1:{port}", out var address))
            throw new SuiteException("the file server's fingerprint cannot be read");
        var server = new FileServerProcess(address, process, folder, process.Id);
        await server.WaitUntilListeningAsync(port, cancellationToken);
        return server;
    }

    /// <summary>The same server behind another address. It belongs to this one.</summary>
    internal FileServerProcess At(string hostAndPort) =>
        ServerAddressWithPassword.TryParse($"xftp://{Address.Server.KeyHash.ToBase64Url()}@{hostAndPort}", out var address)
            ? new FileServerProcess(address, null, null, ProcessId)
            : throw new SuiteException($"'{hostAndPort}' is no host and port");

    public async ValueTask DisposeAsync()
    {
        if (_process is null)
            return;
        // Not by an interrupt: what a script starts in the background ignores those, and so do its children.
        using (var request = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]))
            await request.WaitForExitAsync();
        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(_folder!, recursive: true);
    }

    private async Task WaitUntilListeningAsync(int port, CancellationToken cancellationToken)
    {
        var start = Stopwatch.GetTimestamp();
        while (true)
        {
            if (_process!.HasExited)
                throw new SuiteException("the file server did not start");
            using var attempt = new TcpClient();
            try
            {
                await attempt.ConnectAsync(IPAddress.Loopback, port, cancellationToken);
                return;
            }
            catch (SocketException) when (Stopwatch.GetElapsedTime(start) < StartTime)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, cancellationToken);
            }
        }
    }

    private static Process Start(string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "xftp-server.dll"));
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        start.Environment["XFTP_SERVER_CFG_PATH"] = Path.Combine(folder, "etc");
        start.Environment["XFTP_SERVER_LOG_PATH"] = Path.Combine(folder, "log");
        var process = Process.Start(start) ?? throw new SuiteException("xftp-server could not be started");
        process.BeginOutputReadLine();
        return process;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
