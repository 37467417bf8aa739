using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Pairwise.TestKit;

/// <summary>
/// The original file relay as a process. Where it is, <c>PAIRWISE_REFERENCE_XFTP_SERVER</c> says
/// (<c>./test reference --xftp-server PATH</c>).
/// </summary>
public sealed class ReferenceXftp : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;

    private ReferenceXftp(Process process, string address)
    {
        _process = process;
        Address = address;
    }

    /// <summary>Path of the program; null where it is not at hand.</summary>
    public static string? Program => Environment.GetEnvironmentVariable("PAIRWISE_REFERENCE_XFTP_SERVER");

    /// <summary>The relay's address.</summary>
    public string Address { get; }

    /// <summary>Makes a relay in a folder and starts it.</summary>
    public static async Task<ReferenceXftp> StartAsync(string folder)
    {
        var files = Path.Combine(folder, "files");
        Directory.CreateDirectory(files);
        using (var init = Start(folder, "init", "--fqdn", "localhost", "--ip", "127.0.0.1", "-q", "1gb", "-p", files))
        {
            await init.WaitForExitAsync();
            if (init.ExitCode != 0) throw new InvalidOperationException("The original file relay could not be made.");
        }

        var port = FreePort();
        var ini = Path.Combine(folder, "etc", "file-server.ini");
        var lines = await File.ReadAllLinesAsync(ini);
        await File.WriteAllLinesAsync(ini, lines.Select(line => line.StartsWith("port:", StringComparison.Ordinal) || line.StartsWith("port ", StringComparison.Ordinal) || line.StartsWith("port=", StringComparison.Ordinal)
            ? string.Create(CultureInfo.InvariantCulture, $"port: {port}")
            : line));
        var fingerprint = (await File.ReadAllTextAsync(Path.Combine(folder, "etc", "fingerprint"))).Trim();
        var process = Start(folder, "start");
        var begin = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                using var probe = new TcpClient();
                await probe.ConnectAsync(IPAddress.Loopback, port);
                return new ReferenceXftp(process, string.Create(CultureInfo.InvariantCulture, $"xftp://{fingerprint}@localhost:{port}"));
            }
            catch (SocketException) when (TimeProvider.System.GetElapsedTime(begin) < Patience)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private static Process Start(string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo(Program!, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["XFTP_SERVER_CFG_PATH"] = Path.Combine(folder, "etc");
        start.Environment["XFTP_SERVER_LOG_PATH"] = Path.Combine(folder, "log");
        var process = Process.Start(start)!;
        process.OutputDataReceived += static (_, _) => { };
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
