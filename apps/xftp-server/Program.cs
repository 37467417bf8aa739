using System.CommandLine;
using Pairwise.Crypto.Interop;
using Pairwise.FileServer;
using Pairwise.Server.Interop;

IgnoredSignals.Restore();
if (SystemLibraries.DescribeAbsent() is { } absent)
{
    await Console.Error.WriteLineAsync(absent);
    return 1;
}

var folders = ServerFolders.FromEnvironment();
var root = new RootCommand("File server: keeps encrypted parts of files for two days for those who have their keys, and knows nobody. "
    + "With a certificate that browsers believe (section WEB of the ini file) people send and receive files in the browser too, at https://HOST/file/.")
{
    InitCommand.Create(folders),
    StartCommand.Create(folders),
    DatabaseCommand.Create(folders),
    MaintenanceCommands.CreateCert(folders),
    MaintenanceCommands.CreateDelete(folders),
};
foreach (var version in root.Options.OfType<VersionOption>())
{
    version.Aliases.Add("-v");
}

// Signals are the start command's own: a stop saves the state, however long that takes.
return await root.Parse(RuntimeOptions.LeaveOut(args)).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
