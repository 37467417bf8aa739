using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Pairwise.Protocol;

namespace Pairwise.Load;

/// <summary>A relay under load: one of ours in a process of its own, or one that runs somewhere.</summary>
internal sealed class RelayProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartTime = TimeSpan.FromMinutes(2);
    private readonly Process? _process;
    private readonly string? _folder;
    private readonly int? _processId;

    private RelayProcess(ServerAddress address, Process? process, string? folder, int? processId)
    {
        Address = address;
        _process = process;
        _folder = folder;
        _processId = processId;
    }

    internal ServerAddress Address { get; }

    /// <summary>The time stamp of the moment before the process was started.</summary>
    internal long StartedAt { get; private init; }

    /// <summary>Whether the process can be looked at: it runs on this machine, and its id is known.</summary>
    internal bool IsObservable => _processId is not null;

    /// <summary>A relay that runs already.</summary>
    internal static RelayProcess Foreign(string address, int? processId) =>
        ServerAddress.TryParse(address, out ServerAddress? parsed)
            ? new RelayProcess(parsed, null, null, processId)
            : throw new SuiteException($"'{address}' is no relay's address");

    /// <summary>Starts ours in a new folder that is gone afterwards.</summary>
    /// <param name="prepare">Gets the folder of the state, to put a log there before the start.</param>
    /// <param name="storage">The value of store_messages.</param>
    internal static async Task<RelayProcess> StartAsync(Action<string>? prepare, string storage, CancellationToken cancellationToken)
    {
        string folder = Directory.CreateTempSubdirectory("pairwise-bench-").FullName;
        int port = FreePort();
        await RunAsync(folder, cancellationToken, "init", "-y", "--no-password", "--ip", "127.0.0.1", "-n", "127.0.0.1", "--disable-web");
        string iniFile = Path.Combine(folder, "etc", "smp-server.ini");
        string ini = await File.ReadAllTextAsync(iniFile, cancellationToken);
        ini = ini.Replace("port = 5223,443", $"port = {port}", StringComparison.Ordinal).Replace("store_messages = memory", $"store_messages = {storage}", StringComparison.Ordinal);
        await File.WriteAllTextAsync(iniFile, ini, cancellationToken);
        prepare?.Invoke(Path.Combine(folder, "log"));
        string fingerprint = (await File.ReadAllTextAsync(Path.Combine(folder, "etc", "fingerprint"), cancellationToken)).Trim();
        long startedAt = Stopwatch.GetTimestamp();
        Process process = Start(folder, "start");
        if (!ServerAddress.TryParse($"smp://{fingerprint}@127.0.0.1:{port}", out ServerAddress? address))
        {
            throw new SuiteException("the relay's fingerprint cannot be read");
        }

        RelayProcess relay = new(address, process, folder, process.Id) { StartedAt = startedAt };
        await relay.WaitUntilListeningAsync(port, cancellationToken);
        return relay;
    }

    /// <summary>Confines the relay to a list of cores; only of a relay that is observable.</summary>
    internal void UseCores(string cores) => CpuSet.Use(_processId!.Value, cores);

    /// <summary>CPU seconds of the process, user and system.</summary>
    internal double CpuSeconds()
    {
        const int userField = 11; // counted from the field after the command's name
        const double ticksPerSecond = 100;
        string text = File.ReadAllText($"/proc/{_processId}/stat");
        string[] fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
        return (long.Parse(fields[userField], CultureInfo.InvariantCulture) + long.Parse(fields[userField + 1], CultureInfo.InvariantCulture)) / ticksPerSecond;
    }

    /// <summary>Resident memory in bytes.</summary>
    internal long ResidentBytes() => StatusBytes("VmRSS:");

    /// <summary>The most resident memory the process had so far, in bytes.</summary>
    internal long PeakBytes() => StatusBytes("VmHWM:");

    /// <summary>Resident memory in bytes when it has not changed by more than a thousandth for two seconds.</summary>
    internal async Task<long> SettledBytesAsync(CancellationToken cancellationToken)
    {
        long before = ResidentBytes();
        while (true)
        {
            await Task.Delay(TimeSpan.FromSeconds(2), TimeProvider.System, cancellationToken);
            long now = ResidentBytes();
            if (Math.Abs(now - before) <= now / 1000)
            {
                return now;
            }

            before = now;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is null)
        {
            return;
        }

        // Not by an interrupt: what a script starts in the background ignores those, and so do its children.
        using (Process request = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]))
        {
            await request.WaitForExitAsync();
        }

        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(_folder!, recursive: true);
    }

    private long StatusBytes(string field)
    {
        string line = File.ReadLines($"/proc/{_processId}/status").First(each => each.StartsWith(field, StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
    }

    private async Task WaitUntilListeningAsync(int port, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            if (_process!.HasExited)
            {
                throw new SuiteException("the relay did not start");
            }

            using TcpClient attempt = new();
            try
            {
                await attempt.ConnectAsync(IPAddress.Loopback, port, cancellationToken);
                return;
            }
            catch (SocketException) when (Stopwatch.GetElapsedTime(start) < StartTime)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, cancellationToken);
            }
        }
    }

    private static async Task RunAsync(string folder, CancellationToken cancellationToken, params string[] arguments)
    {
        using Process process = Start(folder, arguments);
        await process.WaitForExitAsync(cancellationToken);
        if (process.ExitCode != 0)
        {
            throw new SuiteException($"smp-server {arguments[0]} failed with {process.ExitCode}");
        }
    }

    private static Process Start(string folder, params string[] arguments)
    {
        ProcessStartInfo start = new("dotnet") { RedirectStandardOutput = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "smp-server.dll"));
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment["SMP_SERVER_CFG_PATH"] = Path.Combine(folder, "etc");
        start.Environment["SMP_SERVER_LOG_PATH"] = Path.Combine(folder, "log");
        Process process = Process.Start(start) ?? throw new SuiteException("smp-server could not be started");
        process.BeginOutputReadLine();
        return process;
    }

    private static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
