using Pairwise.Demo.Processes;
using Pairwise.EndToEnd.Tests.Files;

namespace Pairwise.EndToEnd.Tests;

/// <summary>Settings that the original does not start with are told, all at once, and nothing starts.</summary>
public sealed class RelaySettingsTests
{
    [Fact]
    public async Task A_file_server_without_folder_or_with_an_empty_password_does_not_start()
    {
        using var folder = new TestFolder();
        await FileServerProcess.InitAsync(folder["server"], null, ("path", ""), ("create_password", ""));
        var (code, said) = await FileServerProcess.RunAsync(folder["server"], null, "start", "+RTS", "-N", "-RTS");
        Assert.Equal(1, code);
        Assert.Contains("[FILES] path: ", said, StringComparison.Ordinal);
        Assert.Contains("[AUTH] create_password: ", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_questions_of_init_come_in_the_order_of_the_original()
    {
        using var folder = new TestFolder();
        string[] answers = ["", "", "y", "se cret", "secret", "relay.example.org", "ftp://x", "https://example.org/source", folder["pages"]];
        var (code, said) = await RelayProcess.AnswerAsync(folder["relay"], null, answers, "init");
        Assert.True(code == 0, said);
        var ini = await File.ReadAllTextAsync(Path.Combine(folder["relay"], "etc", "smp-server.ini"), TestContext.Current.CancellationToken);
        foreach (var line in new[] { "enable = on", "log_stats = on", "create_password = secret", "host = relay.example.org", "source_code = https://example.org/source", $"static_path = {folder["pages"]}" })
            Assert.Contains($"\n{line}\n", ini, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Settings_that_cannot_be_used_are_all_named()
    {
        using var folder = new TestFolder();
        await RelayProcess.InitAsync(folder["relay"]);
        var ini = Path.Combine(folder["relay"], "etc", "smp-server.ini");
        (string Key, string Value)[] wrong =
        [
            ("create_password", ""),
            ("control_port", "abc"),
            ("daily_block_queue_quota", "many"),
            ("server_country", "usa"),
            ("admin_simplex", "somebody"),
        ];
        var lines = await File.ReadAllLinesAsync(ini, TestContext.Current.CancellationToken);
        foreach (var (key, value) in wrong.Append(("source_code", "https://example.org")))
        {
            var at = Array.FindIndex(lines, line => line.TrimStart('#', ' ').Split(':', '=')[0].TrimEnd() == key);
            Assert.True(at >= 0, $"init writes no {key}");
            lines[at] = $"{key} = {value}";
        }

        await File.WriteAllLinesAsync(ini, lines, TestContext.Current.CancellationToken);
        var (code, said) = await RelayProcess.RunAsync(folder["relay"], null, "start", "+RTS", "-N", "-RTS");
        Assert.Equal(1, code);
        foreach (var (key, _) in wrong) Assert.Contains($"] {key}: ", said, StringComparison.Ordinal);
    }
}
