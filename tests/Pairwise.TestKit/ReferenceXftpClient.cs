using System.Diagnostics;
using System.Globalization;

namespace Pairwise.TestKit;

/// <summary>
/// The original file client, run once a call. Where it is, <c>PAIRWISE_REFERENCE_XFTP</c> says
/// (<c>./test reference --xftp PATH</c>).
/// </summary>
public static class ReferenceXftpClient
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    /// <summary>Path of the program; null where it is not at hand.</summary>
    public static string? Program => Environment.GetEnvironmentVariable("PAIRWISE_REFERENCE_XFTP");

    /// <summary>Sends a file; the paths of the recipients' descriptions and of the sender's.</summary>
    public static async Task<(IReadOnlyList<string> Recipients, string Sender)> SendAsync(string file, string folder, string server, int recipients)
    {
        Directory.CreateDirectory(folder);
        await RunAsync("send", file, folder, "-n", recipients.ToString(CultureInfo.InvariantCulture), "-s", server);
        var made = Path.Combine(folder, Path.GetFileName(file) + ".xftp");
        return ([.. Enumerable.Range(1, recipients).Select(i => Path.Combine(made, string.Create(CultureInfo.InvariantCulture, $"rcv{i}.xftp")))], Path.Combine(made, "snd.xftp.private"));
    }

    /// <summary>Receives a file under a path that is free.</summary>
    public static Task ReceiveAsync(string description, string target) => RunAsync("recv", description, target, "-y");

    /// <summary>Runs the program; fails with what it printed if it fails.</summary>
    public static async Task<string> RunAsync(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(Program!, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true })
            ?? throw new InvalidOperationException("The original file client does not start.");
        process.StandardInput.Close();
        using var limit = new CancellationTokenSource(Patience);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(limit.Token);
            var error = process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return process.ExitCode == 0
                ? await output
                : throw new InvalidOperationException($"xftp {arguments[0]} failed with {process.ExitCode}: {await output} {await error}");
        }
        finally
        {
            if (!process.HasExited) process.Kill();
        }
    }
}
