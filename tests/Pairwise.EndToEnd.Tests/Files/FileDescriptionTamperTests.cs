using System.Text.RegularExpressions;
using Pairwise.Crypto;

namespace Pairwise.EndToEnd.Tests.Files;

/// <summary>Every field of a file description is changed in turn: <c>xftp recv</c> says in one sentence why not, and writes nothing.</summary>
public sealed partial class FileDescriptionTamperTests
{
    [Fact]
    public async Task A_changed_description_receives_nothing_and_says_why_in_one_sentence()
    {
        using var folder = new TestFolder();
        var address = await FileServerProcess.InitAsync(folder["server"]);
        await using var server = await FileServerProcess.StartAsync(folder["server"], address);
        var content = new byte[100_000];
        SystemRandom.Instance.Fill(content);
        await File.WriteAllBytesAsync(folder["photo.jpg"], content, TestContext.Current.CancellationToken);
        Directory.CreateDirectory(folder["in"]);
        await FileCommandProcess.SucceedAsync(null, "send", folder["photo.jpg"], folder["out"], "-s", address);
        var path = Path.Combine(folder["out"], "photo.jpg.xftp", "rcv1.xftp");
        var good = await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken);

        foreach (var (what, changed) in Changes(good))
        {
            Assert.NotEqual(good, changed);
            await File.WriteAllTextAsync(folder["bad.xftp"], changed, TestContext.Current.CancellationToken);
            var (code, said) = await FileCommandProcess.RunAsync(null, "recv", folder["bad.xftp"], folder["in"], "-r", "1", "--tmp", folder["tmp"]);
            var all = $"{what}: exit code {code}\n{string.Join('\n', said)}";
            Assert.True(code == 1, all);
            Assert.True(said.Count(line => line.Contains("rror", StringComparison.Ordinal)) == 1, all);
            Assert.DoesNotContain("   at ", all, StringComparison.Ordinal);
            Assert.DoesNotContain("Exception", all, StringComparison.Ordinal);
            Assert.Empty(Directory.EnumerateFiles(folder["in"]));
        }

        // None of them has cost the good one anything.
        await FileCommandProcess.SucceedAsync(null, "recv", path, folder["in"], "-y");
        Assert.Equal(content, await File.ReadAllBytesAsync(Path.Combine(folder["in"], "photo.jpg"), TestContext.Current.CancellationToken));
    }

    private static IEnumerable<(string What, string Text)> Changes(string good)
    {
        foreach (var field in new[] { "digest", "key", "nonce" })
        {
            yield return ($"another {field}", Regex.Replace(good, $"(?m)^({field}: ?\"?)(.)", match => match.Groups[1].Value + Other(match.Groups[2].Value)));
        }

        foreach (var field in new[] { "party", "size", "digest", "key", "nonce", "chunkSize", "replicas" })
        {
            yield return ($"no {field}", Regex.Replace(good, $"(?m)^{field}:", "other:"));
        }

        yield return ("another party", good.Replace("party: recipient", "party: sender", StringComparison.Ordinal));
        yield return ("another size", Regex.Replace(good, "(?m)^size: .*$", "size: 64kb"));
        yield return ("another chunk size", Regex.Replace(good, "(?m)^chunkSize: .*$", "chunkSize: 256kb"));
        yield return ("a fingerprint of nobody", Fingerprint().Replace(good, match => match.Groups[1].Value + Other(match.Groups[2].Value)));
        yield return ("a port where nobody listens", Regex.Replace(good, @"@127\.0\.0\.1:\d+", "@127.0.0.1:9"));
        foreach (var part in new[] { 1, 2, 3 })
        {
            // chunk = number ":" id ":" key [":" digest]
            yield return ($"part {part} of a chunk", ChunkLine().Replace(good, match =>
            {
                var words = match.Groups[2].Value.Split(':');
                if (part < words.Length)
                {
                    var middle = words[part].Length - 8;
                    words[part] = string.Concat(words[part].AsSpan(0, middle), Other(words[part][middle].ToString()), words[part].AsSpan(middle + 1));
                }

                return match.Groups[1].Value + string.Join(':', words);
            }));
        }

        yield return ("a missing chunk", ChunkLine().Replace(good, ""));
        yield return ("half of it", good[..(good.Length / 2)]);
        yield return ("nothing", "");
    }

    private static string Other(string letter) => letter == "A" ? "B" : "A";

    [GeneratedRegex("(xftp://)(.)")]
    private static partial Regex Fingerprint();

    [GeneratedRegex(@"(?m)^(\s*- )(\d+:.*)$")]
    private static partial Regex ChunkLine();
}
