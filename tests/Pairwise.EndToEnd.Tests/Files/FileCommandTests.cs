using System.Globalization;
using System.Text;
using Pairwise.Crypto;

namespace Pairwise.EndToEnd.Tests.Files;

/// <summary>The <c>xftp</c> command with mistakes, absent servers, old attempts, and other people's files in its way.</summary>
public sealed class FileCommandTests
{
    // A port where nobody listens.
    private const string Absent = "xftp://LcJUMfVhwD8yxjAiSaDzzGF3-kLG4Uh0Fl_ZIjrRwjI=@127.0.0.1:9";

    [Theory]
    [InlineData("1 to 200 recipients", "-n", "x")]
    [InlineData("1 to 200 recipients", "-n", "0")]
    [InlineData("1 to 200 recipients", "-n", "201")]
    [InlineData("attempts", "-r", "-1")]
    [InlineData("attempts", "--retry", "often")]
    public async Task A_number_that_is_none_is_refused_in_a_sentence(string sentence, params string[] mistake)
    {
        var (code, said) = await FileCommandProcess.RunAsync(null, ["send", "photo.jpg", .. mistake, "-s", Absent]);
        Assert.Equal(1, code);
        Assert.Contains(said, line => line.Contains(sentence, StringComparison.Ordinal));
        Assert.DoesNotContain(said, line => line.Contains("xception", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_version_has_the_short_option_of_the_reference() =>
        Assert.Equal(await FileCommandProcess.SucceedAsync(null, "--version"), await FileCommandProcess.SucceedAsync(null, "-v"));

    [Fact]
    public async Task Servers_that_are_absent_leave_their_parts_to_the_others()
    {
        using var folder = new TestFolder();
        var address = await FileServerProcess.InitAsync(folder["server"]);
        await using var server = await FileServerProcess.StartAsync(folder["server"], address);
        var path = await MakeFileAsync(folder["photo.jpg"], 2_500_000);
        string[] absent = [.. Enumerable.Range(1, 7).Select(port => Absent.Replace(":9", FormattableString.Invariant($":{port}"), StringComparison.Ordinal))];
        await FileCommandProcess.SucceedAsync(null, "send", path, folder["out"], "-s", string.Join(';', [.. absent, address]), "--tmp", folder["."]);
        await ReceiveAsync(folder, "photo.jpg", path);

        var (code, said) = await FileCommandProcess.RunAsync(null, "send", path, folder["out"], "-s", string.Join(';', absent), "--tmp", folder["."]);
        Assert.Equal(1, code);
        Assert.Single(said, line => line.Contains("cannot be reached", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_attempt_of_long_ago_or_with_other_servers_is_not_gone_on_with()
    {
        using var folder = new TestFolder();
        var first = await FileServerProcess.InitAsync(folder["first"]);
        var second = await FileServerProcess.InitAsync(folder["second"]);
        await using var firstServer = await FileServerProcess.StartAsync(folder["first"], first);
        await using var secondServer = await FileServerProcess.StartAsync(folder["second"], second);
        var path = await MakeFileAsync(folder["photo.jpg"], 400_000);
        Directory.CreateDirectory(folder["tmp"]);

        // The descriptions cannot be written where a file is, so that the attempt stops after the upload.
        await FailToFinishAsync(first);
        var said = await FileCommandProcess.SucceedAsync(null, "send", path, folder["out"], "-s", second, "--tmp", folder["tmp"]);
        Assert.DoesNotContain(said, line => line.StartsWith("Going on", StringComparison.Ordinal));
        Assert.DoesNotContain(first, await File.ReadAllTextAsync(Path.Combine(folder["out"], "photo.jpg.xftp", "rcv1.xftp"), TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFiles(folder["tmp"]));

        await FailToFinishAsync(first);
        var journal = Directory.EnumerateFiles(folder["tmp"]).Single();
        var lines = await File.ReadAllLinesAsync(journal, TestContext.Current.CancellationToken);
        var words = lines[0].Split(' ');
        var seconds = long.Parse(words[2], CultureInfo.InvariantCulture);
        lines[0] = string.Create(CultureInfo.InvariantCulture, $"{words[0]} {words[1]} {seconds - 7 * 3600}");
        await File.WriteAllLinesAsync(journal, lines, TestContext.Current.CancellationToken);
        said = await FileCommandProcess.SucceedAsync(null, "send", path, folder["again"], "-s", first, "--tmp", folder["tmp"]);
        Assert.DoesNotContain(said, line => line.StartsWith("Going on", StringComparison.Ordinal));
        Assert.DoesNotContain(words[0], await File.ReadAllTextAsync(Path.Combine(folder["again"], "photo.jpg.xftp", "rcv1.xftp"), TestContext.Current.CancellationToken), StringComparison.Ordinal);

        async Task FailToFinishAsync(string address)
        {
            var (code, _) = await FileCommandProcess.RunAsync(null, "send", path, path, "-s", address, "--tmp", folder["tmp"]);
            Assert.Equal(1, code);
        }
    }

    [Fact]
    public async Task What_stands_beside_a_received_file_stays_and_what_cannot_be_received_leaves_nothing()
    {
        using var folder = new TestFolder();
        var address = await FileServerProcess.InitAsync(folder["server"]);
        await using var server = await FileServerProcess.StartAsync(folder["server"], address);
        var path = await MakeFileAsync(folder["photo.jpg"], 400_000);
        await FileCommandProcess.SucceedAsync(null, "send", path, folder["out"], "-n", "2", "-s", address, "--tmp", folder["."]);
        Directory.CreateDirectory(folder["in"]);
        var stranger = Path.Combine(folder["in"], "photo.jpg.part");
        await File.WriteAllTextAsync(stranger, "another program's", TestContext.Current.CancellationToken);
        await ReceiveAsync(folder, "photo.jpg", path);
        Assert.Equal("another program's", await File.ReadAllTextAsync(stranger, TestContext.Current.CancellationToken));

        // Nothing was asked of the server: the description stays good until it is deleted.
        var (noFolder, said) = await FileCommandProcess.RunAsync(null, "recv", Path.Combine(folder["out"], "photo.jpg.xftp", "rcv2.xftp"), folder["nowhere"] + "/", "--tmp", folder["tmp"]);
        Assert.Equal(1, noFolder);
        Assert.Contains(said, line => line.Contains("There is no folder", StringComparison.Ordinal));

        await FileCommandProcess.SucceedAsync(null, "del", Path.Combine(folder["out"], "photo.jpg.xftp", "snd.xftp.private"), "-y");
        var (code, _) = await FileCommandProcess.RunAsync(null, "recv", Path.Combine(folder["out"], "photo.jpg.xftp", "rcv2.xftp"), folder["in"], "--tmp", folder["tmp"]);
        Assert.Equal(1, code);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder["tmp"]));
    }

    [Fact]
    public async Task A_file_with_the_longest_name_of_file_systems_is_sent_and_received_twice()
    {
        using var folder = new TestFolder();
        var address = await FileServerProcess.InitAsync(folder["server"]);
        await using var server = await FileServerProcess.StartAsync(folder["server"], address);
        var name = "x" + new string('ü', 125) + ".txt";
        Assert.Equal(255, Encoding.UTF8.GetByteCount(name));
        var path = await MakeFileAsync(folder[name], 1000);
        Directory.CreateDirectory(folder["in"]);
        await FileCommandProcess.SucceedAsync(null, "send", path, folder["out"], "-n", "2", "-s", address, "--tmp", folder["."]);
        var descriptions = Directory.EnumerateDirectories(folder["out"]).Single();
        foreach (var number in new[] { 1, 2 })
        {
            await FileCommandProcess.SucceedAsync(null, "recv", Path.Combine(descriptions, FormattableString.Invariant($"rcv{number}.xftp")), folder["in"], "-y", "--tmp", folder["."]);
        }

        var received = Directory.EnumerateFiles(folder["in"]).ToList();
        Assert.Equal(2, received.Count);
        Assert.All(received, file => Assert.EndsWith(".txt", file, StringComparison.Ordinal));
        Assert.Contains(Path.Combine(folder["in"], name), received);
    }

    private static async Task<string> MakeFileAsync(string path, int length)
    {
        var content = new byte[length];
        SystemRandom.Instance.Fill(content);
        await File.WriteAllBytesAsync(path, content, TestContext.Current.CancellationToken);
        return path;
    }

    private static async Task ReceiveAsync(TestFolder folder, string name, string original)
    {
        Directory.CreateDirectory(folder["in"]);
        await FileCommandProcess.SucceedAsync(null, "recv", Path.Combine(folder["out"], name + ".xftp", "rcv1.xftp"), folder["in"], "-y", "--tmp", folder["."]);
        Assert.Equal(
            await File.ReadAllBytesAsync(original, TestContext.Current.CancellationToken),
            await File.ReadAllBytesAsync(Path.Combine(folder["in"], name), TestContext.Current.CancellationToken));
    }
}
