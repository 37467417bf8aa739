using System.CommandLine;
using Pairwise.Server.Smp.Postgres;
using Pairwise.Server.Xftp;
using Pairwise.Server.Xftp.Postgres;

namespace Pairwise.FileServer;

/// <summary>database import and export: moves what the server remembers between the store log and PostgreSQL.</summary>
internal static class DatabaseCommand
{
    public static Command Create(ServerFolders folders)
    {
        var yes = new Option<bool>("--yes", "-y") { Description = "Do not ask.", Recursive = true };
        return new Command("database", "Move the store log into a PostgreSQL database, or back.")
        {
            yes,
            Verb(folders, yes, "import", $"Import the store log {folders.StoreLog} into the database.", (database, cancellationToken) =>
                XftpDatabaseMoves.ImportAsync(database, folders.StoreLog, TimeProvider.System, cancellationToken)),
            Verb(folders, yes, "export", $"Export the database into the store log {folders.StoreLog}.", (database, cancellationToken) =>
                XftpDatabaseMoves.ExportAsync(database, folders.StoreLog, TimeProvider.System, cancellationToken)),
        };
    }

    private static Command Verb(
        ServerFolders folders, Option<bool> yes, string name, string description, Func<PostgresOptions, CancellationToken, Task<XftpMoveReport>> move)
    {
        var command = new Command(name, description);
        command.SetAction((result, cancellationToken) => Failure.Guard(result, async output =>
        {
            var database = FileServerSettings.Read(folders, FileServerSettings.ReadDatabase);
            if (!result.GetValue(yes))
            {
                await output.WriteLineAsync($"{description} The server must not run. Schema: {database.Schema}.");
                await output.WriteAsync("Continue (Y/n): ");
                if (await Console.In.ReadLineAsync(cancellationToken) != "Y")
                {
                    throw new XftpServerException("Nothing was changed: the answer was not Y.");
                }
            }

            var report = await move(database, cancellationToken);
            await output.WriteLineAsync($"Done: {report.Files} files, {report.Recipients} recipients; {report.LeftOut} could not be moved.");
            if (name == "import")
            {
                await output.WriteLineAsync($"The store log is {folders.StoreLog}.bak now. Set store_files to database in {folders.IniFile}.");
            }

            return 0;
        }));
        return command;
    }
}
