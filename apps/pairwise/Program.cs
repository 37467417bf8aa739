using System.CommandLine;
using Pairwise.Terminal.Startup;

// '@name text' is a command of the chat, never the name of a file with more arguments.
var parsed = CommandLineDefinition.Create(Application.RunAsync).Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
if (parsed.Errors is [var error, ..])
{
    await Console.Error.WriteLineAsync($"{error.Message} (--help lists the options)");
    return 2;
}

// Signals are handled by Startup/Signals, which knows when a question is open.
return await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null, EnableDefaultExceptionHandler = false });
