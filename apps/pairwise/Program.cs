using System.CommandLine;
using Pairwise.Terminal.Startup;

// Signals are handled by Startup/Signals, which knows when a question is open.
var configuration = new InvocationConfiguration { ProcessTerminationTimeout = null, EnableDefaultExceptionHandler = false };
return await CommandLineDefinition.Create(Application.RunAsync).Parse(args).InvokeAsync(configuration);
