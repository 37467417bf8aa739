using System.CommandLine;
using Pairwise.Crypto;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp;
using Pairwise.Server.Smp.Journal;
using Pairwise.Server.Smp.Logs;
using Pairwise.Server.Smp.Store;

namespace Pairwise.SmpRelay;

/// <summary>journal: moves messages between the file that is saved at a stop and the journals of queues.</summary>
internal static class JournalCommand
{
    public static Command Create(ServerFolders folders)
    {
        Command import = new("import", "Move the saved messages into journals.");
        import.SetAction((result, cancellationToken) => Failure.Guard(result, output => Task.FromResult(Import(folders, output))));
        Command export = new("export", "Write the messages of journals into the file that is restored at a start.");
        export.SetAction((result, cancellationToken) => Failure.Guard(result, output => Task.FromResult(Export(folders, output))));
        Command delete = new("delete", "Remove all journals.");
        delete.SetAction((result, cancellationToken) => Failure.Guard(result, output => Task.FromResult(Delete(folders, output))));
        return new Command("journal", "Move messages between the two ways to keep them.") { import, export, delete };
    }

    private static int Import(ServerFolders folders, TextWriter output)
    {
        _ = SmpServerSettings.Read(folders);
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
        QueueStore queues = ReadQueues(folders);
        using JournalMessageStore journal = OpenJournal(folders);
        MessageLogReport report = MessageLog.Restore(folders.MessageLog, queues, journal, before: null);
        File.Move(folders.MessageLog, folders.MessageLog + ".bak", overwrite: true);
        output.WriteLine($"Imported: {report.Restored} messages, left out: {report.Refused + report.BrokenLines}. Set store_messages to journal.");
        return 0;
    }

    private static int Export(ServerFolders folders, TextWriter output)
    {
        _ = SmpServerSettings.Read(folders);
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
        QueueStore queues = ReadQueues(folders);
        using JournalMessageStore journal = OpenJournal(folders);
        long count = MessageLog.Save(folders.MessageLog, queues, journal);
        output.WriteLine($"Exported: {count} messages. Remove the journals with `smp-server journal delete` and set store_messages to memory.");
        return 0;
    }

    private static int Delete(ServerFolders folders, TextWriter output)
    {
        if (!Directory.Exists(folders.MessageFolder))
        {
            throw new SmpServerException($"there is no {folders.MessageFolder}.");
        }

        using IDisposable held = SmpServerFiles.LockState(folders.State);
        Confirm($"All messages in {folders.MessageFolder} will be lost for ever.", output);
        Directory.Delete(folders.MessageFolder, recursive: true);
        output.WriteLine("Removed.");
        return 0;
    }

    private static QueueStore ReadQueues(ServerFolders folders)
    {
        if (!File.Exists(folders.StoreLog))
        {
            throw new SmpServerException($"there is no {folders.StoreLog}: messages belong to queues.");
        }

        QueueStore queues = new();
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
