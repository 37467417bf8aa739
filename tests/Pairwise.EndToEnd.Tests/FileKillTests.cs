using System.Globalization;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Pairwise.Demo.Processes;
using Pairwise.TestKit;

namespace Pairwise.EndToEnd.Tests;

/// <summary>
/// Chat processes that die by <c>kill -9</c> at random moments while files travel through the relays inside of them: a file
/// that was acknowledged to the person who sent it arrives, whole and once, and nothing is left behind.
/// <c>PAIRWISE_KILL_ROUNDS</c> sets the rounds, <c>PAIRWISE_SEED</c> repeats a run.
/// </summary>
public sealed partial class FileKillTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int DefaultRounds = 8;

    private static readonly TimeSpan Patience = Eventually.Patience;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    private readonly TestFolder _folder = new();
    private Home _alice = null!;
    private Home _bob = null!;

    public ValueTask InitializeAsync()
    {
        _alice = new Home(_folder["alice"], "alice");
        _bob = new Home(_folder["bob"], "bob");
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _alice.DisposeAsync();
        await _bob.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Files_survive_killed_chats()
    {
        var rounds = ReadNumber("PAIRWISE_KILL_ROUNDS") ?? DefaultRounds;
        var seed = ReadNumber("PAIRWISE_SEED") ?? Environment.TickCount;
        output.WriteLine($"seed {seed}, {rounds} rounds");
        var random = new Random(seed);
        var received = Directory.CreateDirectory(_folder["received"]).FullName;
        await MeetAsync();

        var expected = new List<string>();
        for (var round = 0; round < rounds; round++)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"file{round:000}.bin");
            var path = _folder[name];
            var content = new byte[random.Next(1, 12_000_000)];
            random.NextBytes(content);
            await File.WriteAllBytesAsync(path, content, TestContext.Current.CancellationToken);

            var from = _bob.Chat.Lines.Count;
            await _alice.Chat.TypeAsync($"/f @bob {path}");
            var victim = random.Next(3) == 0 ? _alice : _bob;
            if (random.Next(4) > 0)
            {
                var offer = await _bob.Chat.WaitForLineAsync(line => line.StartsWith("use /fr ", StringComparison.Ordinal), Patience, from);
                await _bob.Chat.TypeAsync($"/fr {offer.Split(' ')[2]} encrypt=off {received}/");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(0, 900)), TimeProvider.System, TestContext.Current.CancellationToken);
            await victim.KillAndRestartAsync();
            if (!_alice.Has($"/f @bob {path}"))
            {
                // It died before it took the command: whether the file goes is left open.
                continue;
            }

            expected.Add(name);
            var got = await ReceiveAsync(name, received);
            Assert.Equal(SHA256.HashData(content), SHA256.HashData(await File.ReadAllBytesAsync(got, TestContext.Current.CancellationToken)));
        }

        // Each file came once, and nothing half-done lies about.
        Assert.Empty(Directory.EnumerateFiles(received, ".*"));
        foreach (var name in expected)
            Assert.Single(Directory.EnumerateFiles(received, Path.GetFileNameWithoutExtension(name) + "*"));
        Assert.Empty(Directory.EnumerateFiles(received).Select(Path.GetFileName).Except(expected).Except(Enumerable.Range(0, rounds).Select(round => $"file{round:000}.bin")));
        output.WriteLine($"{expected.Count} files received");
    }

    // Accepts the file as often as it is only offered, and waits until it is here.
    private async Task<string> ReceiveAsync(string name, string folder)
    {
        var deadline = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(deadline) < Patience)
        {
            var from = _bob.Chat.Lines.Count;
            await _bob.Chat.TypeAsync("/tail @alice 1000");
            await _bob.Chat.TypeAsync("/help files");
            await _bob.Chat.WaitForLineAsync(line => line.StartsWith("/file", StringComparison.Ordinal), Patience, from);
            var line = _bob.Chat.Lines.Skip(from).FirstOrDefault(line => line.Contains($"({name})", StringComparison.Ordinal) && line.Contains("[file ", StringComparison.Ordinal));
            if (line is not null && FileNumber().Match(line) is { Success: true } match)
            {
                if (line.Contains($": /fr {match.Groups[1].Value} receives it", StringComparison.Ordinal))
                    await _bob.Chat.TypeAsync($"/fr {match.Groups[1].Value} encrypt=off {folder}/");
                else if (line.Contains(": " + folder, StringComparison.Ordinal))
                    return line[line.IndexOf(folder, StringComparison.Ordinal)..^1];
                else
                    Assert.EndsWith(": on its way]", line, StringComparison.Ordinal);
            }

            await Task.Delay(Pause, TimeProvider.System, TestContext.Current.CancellationToken);
        }

        Assert.Fail($"{name} did not come. Alice's lines:\n{string.Join('\n', _alice.Chat.Lines)}\nBob's lines:\n{string.Join('\n', _bob.Chat.Lines.TakeLast(40))}");
        return "";
    }

    private async Task MeetAsync()
    {
        var link = await _alice.Chat.CreateLinkAsync(Patience);
        await _bob.Chat.TypeAsync("/connect " + link);
        await Task.WhenAll(
            _alice.Chat.WaitForLineAsync(line => line == "bob: contact is connected", Patience),
            _bob.Chat.WaitForLineAsync(line => line == "alice: contact is connected", Patience));
    }

    private static int? ReadNumber(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.Integer, CultureInfo.InvariantCulture, out var number) ? number : null;

    [GeneratedRegex(@"\[file ([0-9]+) ")]
    private static partial Regex FileNumber();

    /// <summary>Somebody's chat over its deaths.</summary>
    private sealed class Home(string folder, string name) : IAsyncDisposable
    {
        private readonly List<string> _before = [];

        public ChatProcess Chat { get; private set; } = ChatProcess.Start(folder, [], name);

        /// <summary>Whether a line was printed, by this process or one before.</summary>
        public bool Has(string line) => _before.Contains(line) || Chat.Lines.Contains(line);

        public async Task KillAndRestartAsync()
        {
            await Chat.KillAsync();
            _before.AddRange(Chat.Lines);
            await Chat.DisposeAsync();
            Chat = ChatProcess.Start(folder, []);
        }

        public ValueTask DisposeAsync() => Chat.DisposeAsync();
    }
}
