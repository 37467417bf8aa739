using System.CommandLine;
using Pairwise.Crypto.Interop;
using Pairwise.Server.Interop;
using Pairwise.SmpRelay;

IgnoredSignals.Restore();
if (SystemLibraries.DescribeAbsent() is { } absent)
{
    await Console.Error.WriteLineAsync(absent);
    return 1;
}

ServerFolders folders = ServerFolders.FromEnvironment();
RootCommand root = new("SMP relay: keeps messages for recipients who fetch them, and knows nobody.")
{
    InitCommand.Create(folders),
    StartCommand.Create(folders),
    CertCommand.Create(folders),
    AuditCommand.Create(folders),
    DeleteCommand.Create(folders),
    JournalCommand.Create(folders),
    DatabaseCommand.Create(folders),
};
foreach (VersionOption version in root.Options.OfType<VersionOption>())
{
    version.Aliases.Add("-v");
}

// Signals are the start command's own: a stop saves the state, however long that takes.
return await root.Parse(RuntimeOptions.LeaveOut(args)).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
