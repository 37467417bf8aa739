using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Pairwise.Demo.Processes;
using Pairwise.TestKit;

namespace Pairwise.EndToEnd.Tests;

/// <summary>What goes wrong at a user's desk: each time one sentence, an exit code, and stored data as they were.</summary>
public sealed class MistakeTests
{
    private static readonly TimeSpan Patience = Eventually.Patience;

    [Fact]
    public async Task Mistakes_of_a_command_are_one_sentence_and_an_exit_code()
    {
        using var folder = new TestFolder();
        await FailsAsync(folder["data"], "--display-name", "-e", "/contacts");
        await SucceedsAsync(folder["data"], "no contacts yet", "--display-name", "alice", "-e", "/contacts");
        await FailsAsync(folder["data"], "link", "-e", "/connect nonsense");
        await FailsAsync(folder["data"], "/help", "-e", "/nonsense");
        await FailsAsync(folder["data"], "nobody", "-e", "@nobody hello");
        await FailsAsync(folder["data"], "passphrase", "-k", "another passphrase", "-e", "/contacts");
        await FailsAsync(folder["data"], "seconds", "-e", "/contacts", "-t", "soon");
        await FailsAsync(folder["data"], "--help", "--nonsense");
        await FailsAsync(folder["data"], "not the address of a relay", "--server", "smp://nonsense", "-e", "/contacts");
        await SucceedsAsync(folder["data"], "alice", "-e", "/p");
    }

    [Theory]
    [InlineData("noise", "does not open")]
    [InlineData("another program's", "not encrypted")]
    [InlineData("cut", "does not open")]
    public async Task A_database_that_is_none_of_ours_stays_as_it_was(string kind, string reason)
    {
        using var folder = new TestFolder();
        var path = Path.Combine(folder["data"], "pairwise.db");
        Directory.CreateDirectory(folder["data"]);
        var content = kind switch
        {
            "noise" => RandomNumberGenerator.GetBytes(20_000),
            "another program's" => [.. "SQLite format 3\0"u8, .. new byte[4080]],
            _ => RandomNumberGenerator.GetBytes(1000),
        };
        await File.WriteAllBytesAsync(path, content, TestContext.Current.CancellationToken);
        await FailsAsync(folder["data"], reason, "-e", "/p");
        Assert.Equal(content, await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_taken_port_a_used_link_an_absent_relay_and_a_wrong_fingerprint_are_told_apart()
    {
        using var folder = new TestFolder();
        await using (var alice = ChatProcess.Start(folder["alice"], [], "alice"))
        {
            var link = await alice.CreateLinkAsync(Patience);
            await using (var bob = ChatProcess.Start(folder["bob"], [], "bob"))
            {
                await bob.TypeAsync("/connect " + link);
                await bob.WaitForLineAsync(line => line == "alice: contact is connected", Patience);
                Assert.Equal(0, await bob.EndInputAsync(Patience));
            }

            await FailsAsync(folder["carol"], "used before", "--display-name", "carol", "-e", "/connect " + link);

            await FailsAsync(folder["alice"], "in use by another process", "-e", "/p");

            var other = await alice.CreateLinkAsync(Patience);
            Assert.Equal(0, await alice.EndInputAsync(Patience));
            await FailsAsync(folder["carol"], "cannot be reached", "-e", "/connect " + other);
        }

        var port = int.Parse(await File.ReadAllTextAsync(folder["alice/relay/port"], TestContext.Current.CancellationToken), System.Globalization.CultureInfo.InvariantCulture);
        using (var taken = new TcpListener(IPAddress.Loopback, port))
        {
            taken.Start();
            await FailsAsync(folder["alice"], "is taken by another program", "-e", "/p");
        }

        await using (var alice = ChatProcess.Start(folder["alice"], []))
        {
            await alice.TypeAsync("/contacts");
            await alice.WaitForLineAsync(line => line == "bob", Patience);
            var fingerprint = Convert.ToBase64String(new byte[32]).Replace('+', '-').Replace('/', '_');
            await FailsAsync(folder["carol"], "not the one", "--server", FormattableString.Invariant($"smp://{fingerprint}@127.0.0.1:{port}"), "-e", "/connect");
        }
    }

    private static async Task FailsAsync(string data, string reason, params string[] arguments)
    {
        var (code, lines) = await RunAsync(data, arguments);
        Assert.NotEqual(0, code);
        Assert.Contains(reason, lines[^1], StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(lines, line => line.Contains("   at ", StringComparison.Ordinal));
    }

    private static async Task SucceedsAsync(string data, string expected, params string[] arguments)
    {
        var (code, lines) = await RunAsync(data, arguments);
        Assert.Equal(0, code);
        Assert.Contains(lines, line => line.Contains(expected, StringComparison.Ordinal));
    }

    private static async Task<(int Code, IReadOnlyList<string> Lines)> RunAsync(string data, string[] arguments)
    {
        await using var chat = ChatProcess.Start(data, [], null, arguments);
        var code = await chat.EndInputAsync(Patience);
        return (code, chat.Lines);
    }
}
