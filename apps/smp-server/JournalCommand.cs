using System.CommandLine;
using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp;
using Pairwise.Server.Smp.Journal;
using Pairwise.Server.Smp.Logs;
using Pairwise.Server.Smp.Postgres;
using Pairwise.Server.Smp.Store;

namespace Pairwise.SmpRelay;

/// <summary>journal: moves messages between the file that is saved at a stop and the journals of queues.</summary>
internal static class JournalCommand
{
    public static Command Create(ServerFolders folders)
    {
        Command import = new("import", "Move the saved messages into journals.");
        import.SetAction((result, cancellationToken) => Failure.Guard(result, output => ImportAsync(folders, output, cancellationToken)));
        Command export = new("export", "Write the messages of journals into the file that is restored at a start.");
        export.SetAction((result, cancellationToken) => Failure.Guard(result, output => ExportAsync(folders, output, cancellationToken)));
        Command delete = new("delete", "Remove all journals.");
        delete.SetAction((result, cancellationToken) => Failure.Guard(result, output => DeleteAsync(folders, output, cancellationToken)));
        return new Command("journal", "Move messages between the two ways to keep them.") { import, export, delete };
    }

    private static async Task<int> ImportAsync(ServerFolders folders, TextWriter output, CancellationToken cancellationToken)
    {
        SmpServerOptions options = SmpServerSettings.Read(folders);
        if (Directory.Exists(folders.MessageFolder))
        {
            throw new SmpServerException($"{folders.MessageFolder} exists already.");
        }

        if (!File.Exists(folders.MessageLog))
        {
            throw new SmpServerException($"there is no {folders.MessageLog} to import.");
        }

        using IDisposable held = SmpServerFiles.LockState(folders.State);
        Confirm($"The messages of {folders.MessageLog} will be moved into {folders.MessageFolder}.", output);
        QueueStore queues = await ReadQueuesAsync(folders, options, cancellationToken);
        MessageLogReport report;
        try
        {
            using JournalMessageStore journal = OpenJournal(folders);
            report = MessageLog.Restore(folders.MessageLog, queues, journal, before: null, cancellationToken);
        }
        catch
        {
            // Half of it would stand in the way of the next attempt; the log is still there.
            if (Directory.Exists(folders.MessageFolder))
            {
                Directory.Delete(folders.MessageFolder, recursive: true);
            }

            throw;
        }

        File.Move(folders.MessageLog, folders.MessageLog + ".bak", overwrite: true);
        await output.WriteLineAsync($"Imported: {report.Restored} messages, left out: {report.Refused + report.BrokenLines}. Set store_messages to journal.");
        return 0;
    }

    private static async Task<int> ExportAsync(ServerFolders folders, TextWriter output, CancellationToken cancellationToken)
    {
        SmpServerOptions options = SmpServerSettings.Read(folders);
        if (!Directory.Exists(folders.MessageFolder))
        {
            throw new SmpServerException($"there is no {folders.MessageFolder} to export.");
        }

        if (File.Exists(folders.MessageLog))
        {
            throw new SmpServerException($"{folders.MessageLog} exists already.");
        }

        using IDisposable held = SmpServerFiles.LockState(folders.State);
        Confirm($"The messages of {folders.MessageFolder} will be written to {folders.MessageLog}.", output);
        QueueStore queues = await ReadQueuesAsync(folders, options, cancellationToken);
        using JournalMessageStore journal = OpenJournal(folders);
        long count = MessageLog.Save(folders.MessageLog, queues, journal);
        await output.WriteLineAsync(options.Database is null
            ? $"Exported: {count} messages. Remove the journals with `smp-server journal delete` and set store_messages to memory."
            : $"Exported: {count} messages. Remove the journals with `smp-server journal delete`; then move the messages with `smp-server database import --table messages` and set store_messages to database, or the queues with `smp-server database export --table queues` and set both to memory.");
        return 0;
    }

    private static async Task<int> DeleteAsync(ServerFolders folders, TextWriter output, CancellationToken cancellationToken)
    {
        if (!Directory.Exists(folders.MessageFolder))
        {
            throw new SmpServerException($"there is no {folders.MessageFolder}.");
        }

        using IDisposable held = SmpServerFiles.LockState(folders.State);
        Confirm($"All messages in {folders.MessageFolder} will be lost for ever.", output);
        cancellationToken.ThrowIfCancellationRequested();
        Directory.Delete(folders.MessageFolder, recursive: true);
        await output.WriteLineAsync("Removed.");
        return 0;
    }

    // Wherever the relay has its queues.
    private static async Task<QueueStore> ReadQueuesAsync(ServerFolders folders, SmpServerOptions options, CancellationToken cancellationToken)
    {
        QueueStore queues = new();
        if (options.Database is { } database)
        {
            await DatabaseMoves.ReadQueuesAsync(database, queues, TimeProvider.System, cancellationToken);
            return queues;
        }

        if (!File.Exists(folders.StoreLog))
        {
            throw new SmpServerException($"there is no {folders.StoreLog}: messages belong to queues.");
        }

        StoreLog.Read(folders.StoreLog, queues);
        return queues;
    }

    private static JournalMessageStore OpenJournal(ServerFolders folders) =>
        new(folders.MessageFolder, SmpLimits.DefaultQueueQuota, SystemRandom.Instance, TimeProvider.System);

    private static void Confirm(string what, TextWriter output)
    {
        output.WriteLine(what);
        output.Write("Continue (Y/n): ");
        if (Console.In.ReadLine() != "Y")
        {
            throw new SmpServerException("Nothing was changed: the answer was not Y.");
        }
    }
}
