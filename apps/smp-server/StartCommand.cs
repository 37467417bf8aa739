using System.CommandLine;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Pairwise.Server.Smp;
using Pairwise.Server.Smp.Postgres;

namespace Pairwise.SmpRelay;

/// <summary>start: serves until SIGINT or SIGTERM, then saves the state.</summary>
internal static class StartCommand
{
    public static Command Create(ServerFolders folders)
    {
        Option<bool> maintenance = new("--maintenance", "-m") { Description = "Do all that a start and a stop do, without serving." };
        Option<bool> compact = new("--compact-log") { Description = "Compact the store log (always done with queues in memory)." };
        Option<string> level = new("--log-level") { Description = "trace, debug, info, note, warn or error.", DefaultValueFactory = _ => "info" };
        level.AcceptOnlyFromAmong("trace", "debug", "info", "note", "warn", "error");
        Option<bool> skipWarnings = new("--skip-warnings") { Description = "Start in spite of lines in the message log that cannot be restored." };
        Option<string?> migrations = new("--confirm-migrations") { Description = "up: bring the schema of a database that an older program made up to date; down: take back what a newer program changed." };
        migrations.AcceptOnlyFromAmong("up", "down");
        Command command = new("start", $"Start the server ({folders.IniFile}).") { maintenance, compact, level, skipWarnings, migrations };
        command.SetAction((result, cancellationToken) => Failure.Guard(result, async output =>
        {
            using ILoggerFactory logging = new ConsoleLog(LevelOf(result.GetValue(level)!), result.InvocationConfiguration.Error);
            SmpServerOptions options = SmpServerSettings.Read(folders) with { SkipWarnings = result.GetValue(skipWarnings), Logging = logging };
            if (options.Database is { } database)
            {
                options = options with
                {
                    Database = database with
                    {
                        Migrations = result.GetValue(migrations) switch { "up" => MigrationConsent.Up, "down" => MigrationConsent.Down, _ => MigrationConsent.None },
                    },
                };
            }

            CheckMessageStorage(folders, options);
            if (result.GetValue(maintenance))
            {
                options = options with { Endpoints = [], WebSocketEndpoints = [] };
            }

            // From here on a signal means a clean stop, also while a large state is being restored.
            using StopSignal stop = new(cancellationToken);
            SmpServer started;
            try
            {
                started = await SmpServer.StartAsync(options, stop.Token);
            }
            catch (OperationCanceledException) when (stop.IsReceived)
            {
                await output.WriteLineAsync($"Received {await stop.WaitAsync()} before the state was restored; nothing is lost.");
                return 0;
            }

            await using SmpServer server = started;
            Describe(server, options, folders, output);
            if (result.GetValue(maintenance))
            {
                await output.WriteLineAsync("Started for maintenance only, stopping.");
            }
            else
            {
                using PosixSignalRegistration reload = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
                {
                    context.Cancel = true;
                    Reload(server, folders, output, result.InvocationConfiguration.Error);
                });
                await output.WriteLineAsync($"Received {await stop.WaitAsync()}, stopping server...");
            }

            await server.StopAsync(CancellationToken.None);
            await output.WriteLineAsync("Server stopped");
            return 0;
        }));
        return command;
    }

    // What cannot be used is told, and the relay goes on with what it has.
    private static void Reload(SmpServer server, ServerFolders folders, TextWriter output, TextWriter error)
    {
        try
        {
            server.ReloadCertificates(SmpServerSettings.Read(folders).Web.Credential);
            output.WriteLine("Received SIGHUP, certificates were read again.");
        }
        catch (Exception failure) when (failure is SmpServerException or IOException or UnauthorizedAccessException)
        {
            error.WriteLine($"Error: {failure.Message}");
        }
    }

    private static void Describe(SmpServer server, SmpServerOptions options, ServerFolders folders, TextWriter output)
    {
        Version version = typeof(SmpServer).Assembly.GetName().Version!;
        output.WriteLine($"SMP server v{version.ToString(3)}");
        output.WriteLine($"Fingerprint: {server.Identity.KeyHash.ToBase64Url()}");
        output.WriteLine($"Server address: {AddressWithPassword(server, options)}");
        output.WriteLine(
            options.Database is { } database ? $"PostgreSQL {database}{(options.MirrorDatabaseToLog ? $", store log: {folders.StoreLog}" : "")}"
            : options.KeepQueues ? $"Store log: {folders.StoreLog}" : "Store log disabled.");
        StateReport.Write(server.Report, output);
        output.WriteLine(options.MessageExpiration is { } messages ? $"expiring messages after {messages.Lifetime.TotalDays:0} days" : "not expiring messages");
        output.WriteLine(options.InactiveClients is { } clients
            ? $"expiring clients inactive for {clients.Lifetime.TotalSeconds:0} seconds every {clients.CheckInterval.TotalSeconds:0} seconds"
            : "not expiring inactive clients");
        output.WriteLine($"creating new queues {(options.AllowNewQueues ? options.CreatePassword is null ? "allowed" : "requires password" : "NOT allowed")}");
        output.WriteLine(server.ConnectionLimit < options.Limits.Connections
            ? $"serving up to {server.ConnectionLimit} connections, not {options.Limits.Connections}: raise the limit of open files (ulimit -n, or LimitNOFILE in the unit)"
            : $"serving up to {server.ConnectionLimit} connections");
        foreach (System.Net.IPEndPoint endpoint in server.Endpoints)
        {
            output.WriteLine($"Serving SMP protocol on port {endpoint.Port} (TLS)...");
        }

        foreach (System.Net.IPEndPoint endpoint in server.WebSocketEndpoints)
        {
            output.WriteLine($"Serving SMP protocol on port {endpoint.Port} (WebSockets)...");
        }
    }

    private static string AddressWithPassword(SmpServer server, SmpServerOptions options)
    {
        int at = server.Address.IndexOf('@', StringComparison.Ordinal);
        return options.CreatePassword is { } password
            ? $"{server.Address[..at]}:{System.Text.Encoding.Latin1.GetString(password.Span)}{server.Address[at..]}"
            : server.Address;
    }

    // The ways to keep messages exclude each other, and what the other way left behind would be forgotten.
    private static void CheckMessageStorage(ServerFolders folders, SmpServerOptions options)
    {
        bool hasFile = File.Exists(folders.MessageLog);
        bool hasFolder = Directory.Exists(folders.MessageFolder);
        if (hasFile && hasFolder)
        {
            throw new SmpServerException($"both {folders.MessageLog} and {folders.MessageFolder} are present: keep the one that holds the messages, and set store_messages accordingly.");
        }

        if (options.MessageStorage == MessageStorage.Database && hasFile)
        {
            throw new SmpServerException($"store_messages is database, but {folders.MessageLog} is present: move the messages with `smp-server database import --table messages`, or move the file away if they are in the database.");
        }

        if (options.MessageStorage == MessageStorage.Database && hasFolder)
        {
            throw new SmpServerException($"store_messages is database, but {folders.MessageFolder} is present: set store_messages to journal, or move the messages with `smp-server journal export` and `smp-server database import --table messages`.");
        }

        if (options.MessageStorage == MessageStorage.Journal && hasFile)
        {
            throw new SmpServerException($"store_messages is journal, but {folders.MessageLog} is present: set store_messages to memory, or move the messages with `smp-server journal import`.");
        }

        if (options.MessageStorage == MessageStorage.Memory && hasFolder)
        {
            throw new SmpServerException($"store_messages is memory, but {folders.MessageFolder} is present: set store_messages to journal, or move the messages with `smp-server journal export`.");
        }
    }

    private static LogLevel LevelOf(string name) => name switch
    {
        "trace" => LogLevel.Trace,
        "debug" => LogLevel.Debug,
        "warn" => LogLevel.Warning,
        "error" => LogLevel.Error,
        _ => LogLevel.Information,
    };
}

/// <summary>SIGINT and SIGTERM, which both mean: save and stop. Heard of from its making on.</summary>
internal sealed class StopSignal : IDisposable
{
    private readonly TaskCompletionSource<string> _received = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stop;
    private readonly PosixSignalRegistration _interrupt;
    private readonly PosixSignalRegistration _terminate;

    public StopSignal(CancellationToken cancellationToken)
    {
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Receive(context, "SIGINT"));
        _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Receive(context, "SIGTERM"));
    }

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => _stop.Token;

    /// <summary>Whether one has come.</summary>
    public bool IsReceived => _received.Task.IsCompleted;

    /// <summary>The name of the first signal, when it has come.</summary>
    public Task<string> WaitAsync() => _received.Task;

    public void Dispose()
    {
        _interrupt.Dispose();
        _terminate.Dispose();
        _stop.Dispose();
    }

    private void Receive(PosixSignalContext context, string name)
    {
        context.Cancel = true;
        if (_received.TrySetResult(name))
        {
            _stop.Cancel();
        }
    }
}
