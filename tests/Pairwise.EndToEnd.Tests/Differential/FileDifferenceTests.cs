using System.Globalization;
using System.Text;
using Pairwise.EndToEnd.Tests.Files;
using Pairwise.Protocol;

namespace Pairwise.EndToEnd.Tests.Differential;

/// <summary>
/// The same random conversations with the original file server and with ours, answer by answer; the environment is that
/// of <see cref="RelayDifferenceTests"/>. <c>./test reference --xftp-server PATH</c> runs it; without the original it is skipped.
/// </summary>
[Trait("Needs", "originals")]
public sealed class FileDifferenceTests(ITestOutputHelper output)
{
    private const int UsualSeed = 100;
    private const int RequestsPerScript = 30;
    private const int AtOnce = 4;
    private const int MostReports = 12;

    private static string? Original => Environment.GetEnvironmentVariable("PAIRWISE_REFERENCE_XFTP_SERVER");

    [Theory]
    [InlineData(null)]
    [InlineData("secret")]
    public async Task Both_file_servers_answer_alike(string? password)
    {
        Assert.SkipWhen(Original is null, "the original file server is not here: ./test reference --xftp-server PATH");
        var rounds = RelayDifferenceTests.Number("PAIRWISE_DIFFERENCE_ROUNDS") ?? 16;
        var seed = RelayDifferenceTests.Number("PAIRWISE_DIFFERENCE_SEED") ?? UsualSeed;
        output.WriteLine($"PAIRWISE_DIFFERENCE_SEED={seed}, {rounds} rounds");
        using var folder = new TestFolder();
        (string, string)[] settings = password is null ? [] : [("create_password", password)];
        var originalAddress = await FileServerProcess.InitAsync(folder["original"], Original, settings);
        var ourAddress = await FileServerProcess.InitAsync(folder["ours"], null, settings);
        await using var original = await FileServerProcess.StartAsync(folder["original"], originalAddress, Original);
        await using var ours = await FileServerProcess.StartAsync(folder["ours"], ourAddress);
        Assert.True(ServerAddress.TryParse(originalAddress, out var originalServer));
        Assert.True(ServerAddress.TryParse(ourAddress, out var ourServer));
        List<string> reports = [];
        var options = new ParallelOptions { MaxDegreeOfParallelism = AtOnce };
        await Parallel.ForEachAsync(Enumerable.Range(seed, rounds), options, async (each, _) =>
        {
            lock (reports)
            {
                if (reports.Count >= MostReports) return;
            }

            if (await CompareAsync(originalServer, ourServer, each, password) is { } report)
            {
                lock (reports) reports.Add(report);
            }
        });
        Assert.True(reports.Count == 0, $"PAIRWISE_DIFFERENCE_SEED={seed}: {reports.Count} scripts were answered differently.\n\n{string.Join("\n\n", reports)}");
    }

    private static async Task<string?> CompareAsync(ServerAddress originalServer, ServerAddress ourServer, int seed, string? password)
    {
        var (protocol, requests) = FileScriptGenerator.Make(seed, password, RequestsPerScript);
        if (await PlayAsync(originalServer, ourServer, protocol, requests) is not { } difference) return null;
        var left = requests.Take(difference.At + 1).ToList();
        for (var at = left.Count - 1; at >= 0; at--)
        {
            List<FileRequest> shorter = [.. left.Where((_, i) => i != at)];
            if (await PlayAsync(originalServer, ourServer, protocol, shorter) is not { } still) continue;
            left = shorter;
            difference = still;
        }

        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"script {seed} over {protocol ?? "no ALPN"}\n");
        foreach (var request in left) text.Append(CultureInfo.InvariantCulture, $"    {request.Says}\n");
        return text.Append(CultureInfo.InvariantCulture, $"   original {difference.Original}\n   ours     {difference.Ours}\n").ToString();
    }

    private static async Task<(int At, string Original, string Ours)?> PlayAsync(
        ServerAddress originalServer, ServerAddress ourServer, string? protocol, IReadOnlyList<FileRequest> requests)
    {
        await using var original = await FileConversation.ConnectAsync(originalServer, protocol);
        await using var ours = await FileConversation.ConnectAsync(ourServer, protocol);
        for (var at = 0; at < requests.Count; at++)
        {
            var (theirs, mine) = (original.AskAsync(requests[at]), ours.AskAsync(requests[at]));
            var (said, answered) = (await theirs, await mine);
            if (said != answered) return (at, said, answered);
        }

        return null;
    }
}
