using System.CommandLine;
using Pairwise.Server.Smp;

namespace Pairwise.SmpRelay;

/// <summary>delete: removes settings, identity and state, after a question.</summary>
internal static class DeleteCommand
{
    public static Command Create(ServerFolders folders)
    {
        Command command = new("delete", $"Remove {folders.Configuration} and {folders.State} with all that is in them.");
        command.SetAction((result, cancellationToken) => Failure.Guard(result, async output =>
        {
            using IDisposable? held = Directory.Exists(folders.State) ? SmpServerFiles.LockState(folders.State) : null;
            await output.WriteLineAsync("The server's settings, identity, queues and messages will be removed for ever; its address is lost.");
            await output.WriteAsync("Continue (Y/n): ");
            if (Console.In.ReadLine() != "Y")
            {
                throw new SmpServerException("Nothing was removed: the answer was not Y.");
            }

            foreach (string folder in (string[])[folders.Configuration, folders.State])
            {
                if (Directory.Exists(folder))
                {
                    Directory.Delete(folder, recursive: true);
                }
            }

            await output.WriteLineAsync("Removed.");
            return 0;
        }));
        return command;
    }
}
