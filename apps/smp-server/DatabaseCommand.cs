using System.CommandLine;
using Pairwise.Server.Configuration;
using Pairwise.Server.Smp;
using Pairwise.Server.Smp.Postgres;

namespace Pairwise.SmpRelay;

/// <summary>database import, export and delete: moves queues and messages between the files and PostgreSQL.</summary>
internal static class DatabaseCommand
{
    public static Command Create(ServerFolders folders)
    {
        DatabaseOptions options = new(folders);
        Command command = new("database", "Import, export or delete queues and messages in a PostgreSQL database.")
        {
            options.Table,
            options.Connection,
            options.Schema,
            options.PoolSize,
            options.Yes,
            Verb(options, "import", "Fill the empty database from the store log and the message log.", (database, tables, cancellationToken) =>
            {
                CheckJournals(folders, tables);
                return DatabaseMoves.ImportAsync(database, tables, folders.StoreLog, folders.MessageLog, TimeProvider.System, cancellationToken);
            }),
            Verb(options, "export", "Write the store log and the message log from the database.", (database, tables, cancellationToken) =>
                DatabaseMoves.ExportAsync(database, tables, folders.StoreLog, folders.MessageLog, TimeProvider.System, cancellationToken)),
            Verb(options, "delete", "Delete what the database holds: its tables with the schema, or the messages only.", (database, tables, cancellationToken) =>
                DatabaseMoves.DeleteAsync(database, tables, TimeProvider.System, cancellationToken)),
        };
        return command;
    }

    // Whoever moves all of a relay would find its messages missing.
    private static void CheckJournals(ServerFolders folders, DatabaseTables tables)
    {
        if (tables.HasFlag(DatabaseTables.Messages) && !File.Exists(folders.MessageLog) && Directory.Exists(folders.MessageFolder))
        {
            throw new SmpServerException($"messages are in journals ({folders.MessageFolder}): write them into the message log first (smp-server journal export), or leave them there and import the queues (--table queues).");
        }
    }

    private static Command Verb(
        DatabaseOptions options, string name, string description, Func<PostgresOptions, DatabaseTables, CancellationToken, Task<DatabaseMoveReport>> move)
    {
        Command command = new(name, description);
        command.SetAction((result, cancellationToken) => Failure.Guard(result, async output =>
        {
            (PostgresOptions database, DatabaseTables tables) = options.Read(result);
            if (!result.GetValue(options.Yes))
            {
                await output.WriteLineAsync($"{description} The relay must not run. Tables: {result.GetValue(options.Table)}, schema: {database.Schema}.");
                await output.WriteAsync("Continue (Y/n): ");
                if (Console.In.ReadLine() != "Y")
                {
                    throw new SmpServerException("Nothing was changed: the answer was not Y.");
                }
            }

            using IDisposable? held = Directory.Exists(options.StateFolder) ? SmpServerFiles.LockState(options.StateFolder) : null;
            DatabaseMoveReport report = await move(database, tables, cancellationToken);
            await output.WriteLineAsync($"Done: {report.Queues} queues, {report.Services} services, {report.Messages} messages; {report.LeftOut} could not be moved.");
            return 0;
        }));
        return command;
    }

    // They may stand before or after the verb, as the reference allows it.
    private sealed class DatabaseOptions
    {
        private readonly ServerFolders _folders;

        public DatabaseOptions(ServerFolders folders)
        {
            _folders = folders;
            Table.AcceptOnlyFromAmong("queues", "messages", "all");
        }

        public string StateFolder => _folders.State;

        public Option<string> Table { get; } = new("--table") { Description = "queues, messages or all.", DefaultValueFactory = _ => "all", Recursive = true };

        public Option<string?> Connection { get; } = new("--database", "-d")
        {
            Description = "The database, as postgresql://user@host/name; what the ini file says when not given.",
            Recursive = true,
        };

        public Option<string?> Schema { get; } = new("--schema") { Description = "Its schema.", Recursive = true };

        public Option<int?> PoolSize { get; } = new("--pool-size") { Description = "Most connections.", Recursive = true };

        public Option<bool> Yes { get; } = new("--yes", "-y") { Description = "Do not ask.", Recursive = true };

        public (PostgresOptions Database, DatabaseTables Tables) Read(ParseResult result)
        {
            PostgresOptions usual = ReadSettings(_folders);
            PostgresOptions database = new(
                result.GetValue(Connection) ?? usual.Connection, result.GetValue(Schema) ?? usual.Schema, result.GetValue(PoolSize) ?? usual.PoolSize);
            DatabaseTables tables = result.GetValue(Table) switch
            {
                "queues" => DatabaseTables.Queues,
                "messages" => DatabaseTables.Messages,
                _ => DatabaseTables.All,
            };
            return (database, tables);
        }
    }

    private static PostgresOptions ReadSettings(ServerFolders folders) =>
        File.Exists(folders.IniFile) && IniDocument.TryParse(File.ReadAllText(folders.IniFile), out IniDocument? document, out _)
            ? SmpServerSettings.ReadDatabase(new IniReader(document))
            : new PostgresOptions(SmpServerSettings.UsualDatabase);
}
