using System.CommandLine;
using Pairwise.Server.Smp;

namespace Pairwise.SmpRelay;

/// <summary>How a verb fails: one clear sentence on standard error, and exit code 1.</summary>
internal static class Failure
{
    /// <summary>Runs a verb.</summary>
    public static async Task<int> Guard(ParseResult result, Func<TextWriter, Task<int>> run)
    {
        TextWriter output = result.InvocationConfiguration.Output;
        try
        {
            return await run(output);
        }
        catch (SmpServerException failure)
        {
            await result.InvocationConfiguration.Error.WriteLineAsync($"Error: {failure.Message}");
            return 1;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            await result.InvocationConfiguration.Error.WriteLineAsync($"Error: {failure.Message}");
            return 1;
        }
    }
}
