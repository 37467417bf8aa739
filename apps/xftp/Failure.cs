using System.CommandLine;
using Pairwise.Client.Xftp;

namespace Pairwise.XftpCommand;

/// <summary>A command cannot do what it was asked for; the message is one sentence for the user.</summary>
internal sealed class CommandException(string message) : Exception(message);

/// <summary>How a verb fails: one clear sentence on standard error, and exit code 1.</summary>
internal static class Failure
{
    public static async Task<int> Guard(ParseResult result, Func<TextWriter, Task> run)
    {
        var error = result.InvocationConfiguration.Error;
        try
        {
            await run(result.InvocationConfiguration.Output);
            return 0;
        }
        catch (OperationCanceledException)
        {
            await error.WriteLineAsync("\nInterrupted. The same command goes on where it stopped.");
            return 130;
        }
        catch (Exception failure) when (failure is CommandException or FileTransferException or IOException or UnauthorizedAccessException)
        {
            await error.WriteLineAsync($"\nError: {failure.Message}");
            return 1;
        }
    }
}
