using System.Diagnostics;

namespace Pairwise.Page.Tests;

/// <summary>The page and the original command of the network, through our server. Only when the original is at hand.</summary>
[Trait("Needs", "originals")]
public sealed class ReferenceTests(Browser browser)
{
    private const string Variable = "PAIRWISE_REFERENCE_XFTP";

    [Theory]
    [InlineData("note.txt", 1)]
    [InlineData("film.mp4", 12_000_000)]
    public async Task What_the_page_sends_the_reference_receives(string name, int length)
    {
        var program = FindProgram();
        await using var server = await PageServer.StartAsync();
        await using var window = await browser.OpenAsync();
        var file = server.MakeFile(name, length);
        var link = await (await window.OpenAsync(server.Url)).SendAsync(file);
        var folder = Directory.CreateDirectory(Path.Combine(server.Folder, "received")).FullName;
        await RunAsync(program, server, "recv", link, folder);
        Assert.Equal(await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken), await File.ReadAllBytesAsync(Path.Combine(folder, name), TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("note.txt", 1)]
    [InlineData("film.mp4", 12_000_000)]
    public async Task What_the_reference_sends_the_page_receives(string name, int length)
    {
        var program = FindProgram();
        await using var server = await PageServer.StartAsync();
        await using var window = await browser.OpenAsync();
        var file = server.MakeFile(name, length);
        var output = await RunAsync(program, server, "send", file, server.Folder, "-s", server.Server.Address);
        var link = output.Split('\n').Single(line => line.StartsWith("https://localhost/#", StringComparison.Ordinal));
        var received = Path.Combine(server.Folder, "received");
        Assert.Equal(name, await (await window.OpenAsync(server.Origin + link["https://localhost".Length..])).SaveAsync(received));
        Assert.Equal(await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken), await File.ReadAllBytesAsync(received, TestContext.Current.CancellationToken));
    }

    private static string FindProgram()
    {
        var program = Environment.GetEnvironmentVariable(Variable);
        Assert.SkipWhen(string.IsNullOrEmpty(program), $"The original xftp command is not at hand: ./test reference --xftp PATH ({Variable}).");
        return program!;
    }

    private static async Task<string> RunAsync(string program, PageServer server, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, WorkingDirectory = server.Folder })!;
        process.StandardInput.Close();
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, process.ExitCode);
        return output;
    }
}
