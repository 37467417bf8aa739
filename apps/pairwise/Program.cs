using System.CommandLine;
using Pairwise.Crypto.Interop;
using Pairwise.Terminal.Startup;

if (SystemLibraries.DescribeAbsent(("libzstd.so.1", "libzstd1")) is { } absent)
{
    await Console.Error.WriteLineAsync(absent);
    return 1;
}

// '@name text' is a command of the chat, never the name of a file with more arguments.
var parsed = CommandLineDefinition.Create(Application.RunAsync).Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
if (parsed.Errors is [var error, ..])
{
    await Console.Error.WriteLineAsync($"{error.Message} (--help lists the options)");
    return 2;
}

// Signals are handled by Startup/Signals, which knows when a question is open.
return await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null, EnableDefaultExceptionHandler = false });
