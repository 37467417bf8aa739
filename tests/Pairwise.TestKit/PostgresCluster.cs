using System.Collections.Concurrent;
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

    private const int LinesKept = 50;

    private readonly string _folder;
    private readonly string _programs;
    private readonly ConcurrentQueue<string> _said = new();
    private Process? _server;

    private PostgresCluster(string folder, string programs)
    {
        _folder = folder;
        _programs = programs;
    }

    /// <summary>What Npgsql connects with.</summary>
    public string Connection => string.Create(CultureInfo.InvariantCulture, $"Host={_folder};Port={Port};Username=smp;Database=postgres");

    /// <summary>The same as PostgreSQL's own programs take it.</summary>
    public string Address => string.Create(CultureInfo.InvariantCulture, $"postgresql://smp@/postgres?host={_folder}&port={Port}");

    /// <summary>Whether the programs are installed.</summary>
    public static bool IsInstalled => FindPrograms() is not null;

    /// <summary>Makes and starts a server.</summary>
    /// <exception cref="InvalidOperationException">It is not installed, or it does not start; the message holds what it said.</exception>
    public static async Task<PostgresCluster> StartAsync(CancellationToken cancellationToken)
    {
        var programs = FindPrograms() ?? throw new InvalidOperationException("PostgreSQL is not installed.");
        var folder = MakeFolder();
        if (Environment.IsPrivilegedProcess)
        {
            await RunAsync("chown", [Nobody, folder], cancellationToken);
        }

        var data = Path.Combine(folder, "data");
        await RunAsNobodyAsync(Path.Combine(programs, "initdb"), ["--pgdata", data, "--username", "smp", "--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync"], cancellationToken);
        var cluster = new PostgresCluster(folder, programs);
        try
        {
            await cluster.RestartAsync(cancellationToken);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Ends the server at once, as a failure would: connections break, what was committed is recovered later.</summary>
    public async Task CrashAsync(CancellationToken cancellationToken)
    {
        if (_server is null)
        {
            return;
        }

        if (!_server.HasExited)
        {
            await RunAsNobodyAsync(Path.Combine(_programs, "pg_ctl"), ["stop", "-D", Path.Combine(_folder, "data"), "-m", "immediate"], cancellationToken);
            await _server.WaitForExitAsync(cancellationToken);
        }

        _server.Dispose();
        _server = null;
    }

    /// <summary>Starts the server over the same data.</summary>
    public async Task RestartAsync(CancellationToken cancellationToken)
    {
        await CrashAsync(cancellationToken);
        _server = Start(
            Path.Combine(_programs, "postgres"),
            ["-D", Path.Combine(_folder, "data"), "-k", _folder, "-c", "listen_addresses=", "-c", "fsync=off", "-p", Port.ToString(CultureInfo.InvariantCulture)]);
        _server.ErrorDataReceived += (_, line) => Remember(line.Data);
        _server.BeginErrorReadLine(); // a server whose log nobody reads stands still when the pipe is full
        await WaitUntilReadyAsync(_server, cancellationToken);
    }

    private void Remember(string? line)
    {
        if (line is null)
        {
            return;
        }

        _said.Enqueue(line);
        while (_said.Count > LinesKept)
        {
            _said.TryDequeue(out _);
        }
    }

    /// <summary>Carries out statements; what they give is in the result, a row a line, with <c>|</c> between columns.</summary>
    /// <exception cref="InvalidOperationException">One was refused; the message says why.</exception>
    public async Task<string> ExecuteAsync(string sql, CancellationToken cancellationToken)
    {
        using var process = Process.Start(new ProcessStartInfo(Path.Combine(_programs, "psql"), ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "-v", "ON_ERROR_STOP=1", "-d", Address, "-c", sql])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        }) ?? throw new InvalidOperationException("psql does not start.");
        var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
        var error = await process.StandardError.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return process.ExitCode == 0 ? (await output).TrimEnd('\n') : throw new InvalidOperationException(error);
    }

    public async ValueTask DisposeAsync()
    {
        await CrashAsync(CancellationToken.None);
        Directory.Delete(_folder, recursive: true);
    }

    private async Task WaitUntilReadyAsync(Process server, CancellationToken cancellationToken)
    {
        var begin = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(begin) < Eventually.Patience && !server.HasExited)
        {
            using var check = Start(Path.Combine(_programs, "pg_isready"), ["--quiet", "--host", _folder, "--port", Port.ToString(CultureInfo.InvariantCulture), "--username", "smp"]);
            await check.WaitForExitAsync(cancellationToken);
            if (check.ExitCode == 0)
            {
                return;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, cancellationToken);
        }

        throw new InvalidOperationException($"PostgreSQL does not become ready{(server.HasExited ? $" and has ended with {server.ExitCode}" : "")}. It said:\n{string.Join('\n', _said)}");
    }

    // Short, for the name of a Unix socket has to fit into 107 bytes; and where the account without rights may go.
    private static string MakeFolder()
    {
        const string usual = "/tmp";
        var parent = Directory.Exists(usual) ? usual : Path.GetTempPath();
        var folder = Path.Combine(parent, "pairwise-pg-" + Path.GetRandomFileName());
        return Directory.CreateDirectory(folder).FullName;
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
        start.WorkingDirectory = "/";
        var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} does not start.");
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        return process;
    }
}
