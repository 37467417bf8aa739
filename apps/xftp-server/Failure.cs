using System.CommandLine;
using Pairwise.Server.Smp;
using Pairwise.Server.Xftp;

namespace Pairwise.FileServer;

/// <summary>How a verb fails: one clear sentence on standard error, and exit code 1.</summary>
internal static class Failure
{
    public static async Task<int> Guard(ParseResult result, Func<TextWriter, Task<int>> run)
    {
        try
        {
            return await run(result.InvocationConfiguration.Output);
        }
        catch (Exception failure) when (failure is XftpServerException or SmpServerException or IOException or UnauthorizedAccessException)
        {
            await result.InvocationConfiguration.Error.WriteLineAsync($"Error: {failure.Message}");
            return 1;
        }
    }
}
