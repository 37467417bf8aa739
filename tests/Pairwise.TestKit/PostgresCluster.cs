using System.Diagnostics;
using System.Globalization;

namespace Pairwise.TestKit;

/// <summary>
/// A PostgreSQL server of its own in a temporary folder, reachable over a Unix socket only. It is found where Debian's
/// packages put it; where it is not installed there is none, and tests skip.
/// </summary>
public sealed class PostgresCluster : IAsyncDisposable
{
    // The server refuses to run as root; this account of every Debian has no rights of its own.
    private const string Nobody = "nobody";
    private const int Port = 5432;

    private readonly string _folder;
    private readonly string _programs;
    private readonly Process _server;

    private PostgresCluster(string folder, string programs, Process server)
    {
        _folder = folder;
        _programs = programs;
        _server = server;
    }

    /// <summary>What Npgsql connects with.</summary>
    public string Connection => string.Create(CultureInfo.InvariantCulture, $"Host={_folder};Port={Port};Username=smp;Database=postgres");

    /// <summary>Whether the programs are installed.</summary>
    public static bool IsInstalled => FindPrograms() is not null;

    /// <summary>Makes and starts a server.</summary>
    /// <exception cref="InvalidOperationException">It is not installed, or it does not start; the message holds what it said.</exception>
    public static async Task<PostgresCluster> StartAsync(CancellationToken cancellationToken)
    {
        var programs = FindPrograms() ?? throw new InvalidOperationException("PostgreSQL is not installed.");
        var folder = Directory.CreateTempSubdirectory("pairwise-pg-").FullName;
        if (Environment.IsPrivilegedProcess)
        {
            await RunAsync("chown", [Nobody, folder], cancellationToken);
        }

        var data = Path.Combine(folder, "data");
        await RunAsNobodyAsync(Path.Combine(programs, "initdb"), ["--pgdata", data, "--username", "smp", "--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync"], cancellationToken);
        var server = Start(Path.Combine(programs, "postgres"), ["-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off", "-p", Port.ToString(CultureInfo.InvariantCulture)]);
        var cluster = new PostgresCluster(folder, programs, server);
        try
        {
            await cluster.WaitUntilReadyAsync(cancellationToken);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_server.HasExited)
        {
            await RunAsNobodyAsync(Path.Combine(_programs, "pg_ctl"), ["stop", "-D", Path.Combine(_folder, "data"), "-m", "immediate"], CancellationToken.None);
            await _server.WaitForExitAsync(CancellationToken.None);
        }

        _server.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task WaitUntilReadyAsync(CancellationToken cancellationToken)
    {
        const int attempts = 200;
        for (var i = 0; i < attempts; i++)
        {
            using var check = Start(Path.Combine(_programs, "pg_isready"), ["--quiet", "--host", _folder, "--port", Port.ToString(CultureInfo.InvariantCulture), "--username", "smp"]);
            await check.WaitForExitAsync(cancellationToken);
            if (check.ExitCode == 0)
            {
                return;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, cancellationToken);
        }

        throw new InvalidOperationException("PostgreSQL does not become ready.");
    }

    private static string? FindPrograms()
    {
        const string root = "/usr/lib/postgresql";
        return Directory.Exists(root)
            ? Directory.EnumerateDirectories(root).Select(version => Path.Combine(version, "bin")).Where(folder => File.Exists(Path.Combine(folder, "initdb"))).Max(StringComparer.Ordinal)
            : null;
    }

    private static async Task RunAsNobodyAsync(string program, string[] arguments, CancellationToken cancellationToken)
    {
        using var process = Start(program, arguments);
        var error = await process.StandardError.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{program} failed: {error}");
        }
    }

    private static async Task RunAsync(string program, string[] arguments, CancellationToken cancellationToken)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)) ?? throw new InvalidOperationException($"{program} does not start.");
        await process.WaitForExitAsync(cancellationToken);
    }

    private static Process Start(string program, string[] arguments)
    {
        var start = Environment.IsPrivilegedProcess
            ? new ProcessStartInfo("setpriv", ["--reuid", Nobody, "--regid", "nogroup", "--clear-groups", program, .. arguments])
            : new ProcessStartInfo(program, arguments);
        start.RedirectStandardError = true;
        start.RedirectStandardOutput = true;
        start.WorkingDirectory = Path.GetTempPath();
        var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} does not start.");
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        return process;
    }
}
