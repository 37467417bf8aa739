using System.Diagnostics;

namespace Pairwise.Page.Tests;

/// <summary>The page's sources and what is built of them, without a browser.</summary>
public sealed class SourceTests
{
    [Fact]
    public Task The_sources_have_no_type_errors() => RunAsync("node_modules/typescript/bin/tsc", "--noEmit");

    [Fact]
    public async Task Codecs_and_cryptography_agree_with_the_networks_vectors()
    {
        await RunAsync("build.mjs", "--tests");
        var output = await RunAsync("--test", "--test-reporter=tap", ".tests/");
        Assert.Contains("# fail 0", output, StringComparison.Ordinal);
        Assert.DoesNotContain("# pass 0", output, StringComparison.Ordinal);
    }

    private static async Task<string> RunAsync(params string[] arguments)
    {
        Assert.SkipWhen(Browser.FindProgram("node") is null, "node is not installed: ./test installs it (npm).");
        Assert.SkipUnless(Directory.Exists(Path.Combine(Browser.PageFolder, "node_modules", "typescript")), "The page's tools are not installed: ./test installs them, or npm ci in web/upload.");
        var start = new ProcessStartInfo(Browser.FindProgram("node")!, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Browser.PageFolder };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, await output + await errors);
        return await output;
    }
}
