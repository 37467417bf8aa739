using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Extensions.Logging;
using Pairwise.Protocol.Xftp;
using Pairwise.Server.Smp;
using Pairwise.Server.Web;
using Pairwise.Server.Xftp;

namespace Pairwise.FileServer;

/// <summary>start: runs the server until it is told to stop.</summary>
internal static class StartCommand
{
    public static Command Create(ServerFolders folders)
    {
        var level = new Option<string>("--log-level") { Description = "trace, debug, info, warn or error.", DefaultValueFactory = _ => "info" };
        level.AcceptOnlyFromAmong("trace", "debug", "info", "warn", "error");
        var migrations = new Option<string?>("--confirm-migrations") { Description = "up or down: change the database's schema without asking. The schema has one version so far, and is made when it is missing." };
        migrations.AcceptOnlyFromAmong("up", "down");
        var command = new Command("start", $"Start the server ({folders.IniFile}).") { level, migrations };
        command.SetAction((result, cancellationToken) => Failure.Guard(result, async output =>
        {
            using var logging = new ConsoleLog(LevelOf(result.GetValue(level)!), result.InvocationConfiguration.Error);
            var options = FileServerSettings.Read(folders) with { Logging = logging };
            await using var server = await XftpServer.StartAsync(options, cancellationToken);
            Describe(server, options, folders, output);
            using var reload = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
            {
                context.Cancel = true;
                Reload(server, folders, output, result.InvocationConfiguration.Error);
            });
            var signal = await WaitForSignalAsync();
            await output.WriteLineAsync($"Received {signal}, stopping server...");
            await server.StopAsync(CancellationToken.None);
            await output.WriteLineAsync("Server stopped");
            return 0;
        }));
        return command;
    }

    // What cannot be used is told, and the server goes on with what it has.
    private static void Reload(XftpServer server, ServerFolders folders, TextWriter output, TextWriter error)
    {
        try
        {
            server.ReloadCertificates(FileServerSettings.Read(folders).Web.Credential);
            output.WriteLine("Received SIGHUP, certificates were read again.");
        }
        catch (Exception failure) when (failure is XftpServerException or SmpServerException or IOException or UnauthorizedAccessException)
        {
            error.WriteLine($"Error: {failure.Message}");
        }
    }

    private static void Describe(XftpServer server, XftpServerOptions options, ServerFolders folders, TextWriter output)
    {
        var version = typeof(XftpServer).Assembly.GetName().Version!;
        output.WriteLine($"XFTP server v{version.ToString(3)}");
        var at = server.Address.IndexOf('@', StringComparison.Ordinal);
        output.WriteLine($"Fingerprint: {server.Address["xftp://".Length..at]}");
        output.WriteLine($"Server address: {(options.CreatePassword is { } password ? $"{server.Address[..at]}:{Encoding.Latin1.GetString(password.Span)}{server.Address[at..]}" : server.Address)}");
        output.WriteLine(options.Database is { } database ? $"Files are remembered in the database, schema {database.Schema}." : options.KeepChunks ? $"Store log: {folders.StoreLog}" : "Store log disabled.");
        var report = server.Report;
        if (report.Lines > 0)
        {
            output.WriteLine($"{(options.Database is null ? "Store log" : "Database")}: {report.Lines} {(options.Database is null ? "lines" : "rows")} read, {report.BrokenLines} could not be read, {report.RefusedRecords} were about files that are not there{(report.HasTornLastLine ? "; the last line was torn" : "")}.");
        }

        if (report.MissingFiles + report.OrphanedFiles > 0)
        {
            output.WriteLine($"Files: {report.MissingFiles} were gone or not whole, {report.OrphanedFiles} belonged to nobody and were removed.");
        }

        if (report.KeptFiles > 0)
        {
            output.WriteLine($"WARNING: {report.KeptFiles} files belong to nobody that the store log knows. They were kept, since the log is new or has lines that could not be read.");
        }

        output.WriteLine($"Total / available storage: {Size(options.Quota)} / {Size(Math.Max(0, options.Quota - server.UsedBytes))}");
        if (options.Quota < server.UsedBytes)
        {
            output.WriteLine("WARNING: the storage quota is less than what is used: no files can be uploaded!");
        }

        output.WriteLine(options.ChunkExpiration is { } files ? $"expiring files after {files.Lifetime.TotalHours.ToString("0", CultureInfo.InvariantCulture)} hours" : "not expiring files");
        output.WriteLine(options.InactiveClientTime is { } clients ? $"expiring clients inactive for {clients.TotalSeconds.ToString("0", CultureInfo.InvariantCulture)} seconds" : "not expiring inactive clients");
        output.WriteLine($"Uploading new files {(!options.AllowNewChunks ? "NOT allowed." : options.CreatePassword is null ? "allowed." : "requires password.")}");
        foreach (var endpoint in server.Endpoints)
        {
            output.WriteLine($"Listening on port {endpoint.Port}...");
        }

        if (options.Web is { Credential: not null, StaticPath: not null })
        {
            var host = options.Host.Split(',')[0];
            var port = server.Endpoints[0].Port;
            output.WriteLine($"Sending and receiving files in the browser: https://{host}{(port == 443 ? "" : $":{port}")}{FilePage.Root}/");
        }

        foreach (var endpoint in server.HttpEndpoints)
        {
            output.WriteLine($"Serving pages on port {endpoint.Port}");
        }

        foreach (var endpoint in server.HttpsEndpoints)
        {
            output.WriteLine($"Serving pages on port {endpoint.Port} (TLS)");
        }
    }

    private static string Size(long bytes) => bytes == long.MaxValue ? "unlimited" : FileSize.ToText(bytes);

    /// <summary>Waits for SIGINT or SIGTERM, which both mean: save and stop.</summary>
    private static async Task<string> WaitForSignalAsync()
    {
        var stop = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        return await stop.Task;

        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            stop.TrySetResult(context.Signal.ToString());
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
