using System.CommandLine;
using Pairwise.Crypto.Interop;
using Pairwise.XftpCommand;

if (SystemLibraries.DescribeAbsent() is { } absent)
{
    await Console.Error.WriteLineAsync(absent);
    return 1;
}

var root = new RootCommand("Sends and receives files through file servers, which see neither names nor content.")
{
    SendCommand.Create(),
    ReceiveCommand.Create(),
    DeleteCommand.Create(),
    InfoCommand.Create(),
    RandomFileCommand.Create(),
};
foreach (var version in root.Options.OfType<VersionOption>())
{
    version.Aliases.Add("-v");
}

return await root.Parse(args).InvokeAsync();
