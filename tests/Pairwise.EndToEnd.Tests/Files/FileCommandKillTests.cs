using Pairwise.Crypto;
using Pairwise.TestKit;

namespace Pairwise.EndToEnd.Tests.Files;

/// <summary>
/// The commands <c>xftp send</c> and <c>xftp recv</c> die by <c>kill -9</c> at random moments and are called again: the
/// file arrives as it was, and nothing is left behind.
/// <c>PAIRWISE_KILL_ROUNDS</c> sets the rounds, <c>PAIRWISE_SEED</c> repeats a run.
/// </summary>
public sealed class FileCommandKillTests(ITestOutputHelper output)
{
    private const int DefaultRounds = 50;
    private const int FileSize = 3_500_000;
    private static readonly TimeSpan Patience = Eventually.Patience;

    [Fact]
    public async Task Killed_commands_go_on_where_they_were()
    {
        var rounds = KillRounds.Read(DefaultRounds);
        var seed = KillRounds.Seed();
        output.WriteLine($"seed {seed}, {rounds} rounds");
        var random = new Random(seed);
        using var folder = new TestFolder();
        var address = await FileServerProcess.InitAsync(folder["server"]);
        await using var server = await FileServerProcess.StartAsync(folder["server"], address);
        var kills = 0;
        var resumed = 0;
        for (var file = 0; kills < rounds; file++)
        {
            var content = new byte[FileSize];
            SystemRandom.Instance.Fill(content);
            var name = FormattableString.Invariant($"photo{file}.jpg");
            var temporary = folder[$"tmp{file}"];
            var received = folder[$"in{file}"];
            Directory.CreateDirectory(temporary);
            Directory.CreateDirectory(received);
            await File.WriteAllBytesAsync(folder[name], content, TestContext.Current.CancellationToken);

            string[] send = ["send", folder[name], folder["out"], "-s", address, "--tmp", temporary];
            kills += await KillAsync(random, rounds - kills, send, temporary);
            var said = await FileCommandProcess.SucceedAsync(null, send);
            resumed += said.Any(line => line.StartsWith("Going on", StringComparison.Ordinal)) ? 1 : 0;
            var description = said.Single(line => line.EndsWith("rcv1.xftp", StringComparison.Ordinal));

            string[] receive = ["recv", description, received, "--tmp", temporary, "-y"];
            kills += await KillAsync(random, rounds - kills, receive, temporary, () => Directory.EnumerateFiles(received).Any(path => !path.EndsWith(".part", StringComparison.Ordinal)));
            if (!File.Exists(Path.Combine(received, name)))
            {
                await FileCommandProcess.SucceedAsync(null, receive);
            }

            Assert.Equal(content, await File.ReadAllBytesAsync(Path.Combine(received, name), TestContext.Current.CancellationToken));
        }

        output.WriteLine($"{kills} kills, {resumed} uploads went on");
    }

    // Most moments are those of a transfer, which its traces in the temporary folder tell; some are those of the start.
    private static async Task<int> KillAsync(Random random, int most, string[] arguments, string temporary, Func<bool>? isDone = null)
    {
        for (var kills = 0; kills < most; kills++)
        {
            if (isDone?.Invoke() == true || random.Next(4) == 0)
            {
                return kills;
            }

            await using var command = new FileCommandProcess(null, arguments);
            var known = TracesOf(temporary);
            for (var changes = random.Next(0, 4); changes > 0 && !command.HasExited;)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, TestContext.Current.CancellationToken);
                if (TracesOf(temporary) is var traces && traces != known)
                {
                    known = traces;
                    changes--;
                }
            }

            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(2) * random.Next(0, 50)), TimeProvider.System, TestContext.Current.CancellationToken);
            if (command.HasExited)
            {
                await command.WaitForExitAsync(Patience);
            }
            else
            {
                await command.KillAsync();
            }

            if (command.Lines.Any(line => line.EndsWith("rcv1.xftp", StringComparison.Ordinal)))
            {
                // It was done: another call sends the file once more, which is as well.
                return kills + 1;
            }
        }

        return most;
    }

    private static long TracesOf(string folder)
    {
        try
        {
            return new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length);
        }
        catch (IOException)
        {
            return -1; // one of them went meanwhile: a change as well
        }
    }
}
