using Pairwise.Demo.Processes;

namespace Pairwise.EndToEnd.Tests.Handover;

/// <summary>Each program starts with the configuration that the other's <c>init</c> made, whatever its flags were.</summary>
[Trait("Needs", "originals")]
public sealed class ReferenceIniTests
{
    private static string? Original => Environment.GetEnvironmentVariable("PAIRWISE_REFERENCE_SMP_SERVER");

    [Theory]
    [InlineData("--no-password")]
    [InlineData("--no-password --disable-store-log")]
    [InlineData("--password secret --store-log --daily-stats")]
    [InlineData("--sign-algorithm ED448 --fqdn smp.example.org")]
    [InlineData("--no-password --ip 10.0.0.1 --control-port")]
    [InlineData("--no-password --socks-proxy")]
    [InlineData("--no-password --own-domains a.example.org,b.example.org")]
    [InlineData("--source-code --operator Somebody --operator-country DE --operator-website https://example.org --hosting Host --hosting-country FR --hosting-type dedicated --server-country NL")]
    [InlineData("--no-password --disable-web --web-path www")]
    [InlineData("--no-password --database postgresql://u@/db --schema other --pool-size 3")]
    public async Task Each_program_starts_with_the_others_configuration(string flags)
    {
        Assert.SkipWhen(Original is null, "the original relay is not here: ./test reference --smp-server PATH");
        foreach (var (first, second) in new (string?, string?)[] { (Original, null), (null, Original) })
        {
            using var folder = new TestFolder();
            var made = await RelayProcess.RunAsync(folder["relay"], first, ["init", "-y", .. flags.Replace("www", folder["www"], StringComparison.Ordinal).Split(' ')]);
            Assert.True(made.Code == 0, made.Said);
            await TakeFreePortAsync(Path.Combine(folder["relay"], "etc", "smp-server.ini"));
            var started = await RelayProcess.RunAsync(folder["relay"], second, "start", "--maintenance");
            Assert.True(started.Code == 0, started.Said);
        }
    }

    // The usual ports belong to others on this machine, and browsers' certificates are made by hand.
    private static async Task TakeFreePortAsync(string ini)
    {
        var lines = await File.ReadAllLinesAsync(ini);
        await File.WriteAllLinesAsync(ini, lines.Select(line =>
            line.StartsWith("port", StringComparison.Ordinal) ? "port = 0"
            : line.StartsWith("https", StringComparison.Ordinal) ? "# " + line
            : line));
    }
}
