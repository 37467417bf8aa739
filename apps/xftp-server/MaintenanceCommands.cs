using System.CommandLine;
using Pairwise.Crypto;
using Pairwise.Server.Smp;
using Pairwise.Server.Xftp;

namespace Pairwise.FileServer;

/// <summary>cert and delete.</summary>
internal static class MaintenanceCommands
{
    /// <summary>cert: a new online certificate under the same identity.</summary>
    public static Command CreateCert(ServerFolders folders)
    {
        var algorithm = InitCommand.AlgorithmOption();
        var name = new Option<string?>("--cn") { Description = "The host name in the certificate; the former one when not given." };
        var command = new Command("cert", "Make a new online certificate; the address stays.") { algorithm, name };
        command.SetAction((result, _) => Failure.Guard(result, async output =>
        {
            var isGiven = result.GetResult(algorithm) is { Implicit: false };
            SmpServerFiles.Renew(
                folders.Configuration, isGiven ? InitCommand.AlgorithmOf(result.GetValue(algorithm)!) : null, result.GetValue(name), SystemRandom.Instance, TimeProvider.System);
            await output.WriteLineAsync("The new certificate is in use from the next start.");
            await output.WriteLineAsync($"Move {Path.Combine(folders.Configuration, SmpServerFiles.AuthorityKey)} to a safe place off this machine again.");
            return 0;
        }));
        return command;
    }

    /// <summary>delete: removes settings, identity and state, after a question. The files stay where they are.</summary>
    public static Command CreateDelete(ServerFolders folders)
    {
        var command = new Command("delete", $"Remove {folders.Configuration} and {folders.State} with all that is in them.");
        command.SetAction((result, _) => Failure.Guard(result, async output =>
        {
            await output.WriteLineAsync("The server's settings, identity and logs will be removed for ever; its address is lost.");
            await output.WriteAsync("Continue (Y/n): ");
            if (await Console.In.ReadLineAsync() != "Y")
            {
                throw new XftpServerException("Nothing was removed: the answer was not Y.");
            }

            foreach (var folder in new[] { folders.Configuration, folders.State }.Where(Directory.Exists))
            {
                Directory.Delete(folder, recursive: true);
            }

            await output.WriteLineAsync("Removed.");
            return 0;
        }));
        return command;
    }
}
