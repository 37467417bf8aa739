namespace Pairwise.EndToEnd.Tests;

/// <summary>The real program at a real (pseudo-)terminal, as two people use it.</summary>
public sealed class TerminalTests
{
    [Fact]
    public async Task Two_people_meet_and_talk_and_what_arrives_does_not_spoil_what_is_typed()
    {
        using var folder = new TestFolder();
        var plain = new Dictionary<string, string?> { ["PAIRWISE_PASSPHRASE"] = null, ["NO_COLOR"] = "1" };
        await using var alice = PseudoTerminal.Start(["-d", folder["alice"], "--no-qr"], plain, columns: 1000);
        await FirstStartAsync(alice, "alice");

        await alice.TypeAsync("/connect\r");
        await alice.WaitAsync("/invitation#");
        var link = alice.Rows.First(row => row.Contains("/invitation#", StringComparison.Ordinal)).Trim();

        // Bob's relay is Alice's: the one that runs inside her program.
        await using var bob = PseudoTerminal.Start(["-d", folder["bob"], "--no-qr"], plain, columns: 1000);
        await FirstStartAsync(bob, "bob");
        await bob.TypeAsync($"\e[200~/connect {link}\e[201~\r");
        await bob.WaitAsync("alice: contact is connected");
        await alice.WaitAsync("bob: contact is connected");

        await alice.TypeAsync("@bob half a sen");
        await alice.WaitAsync(rows => rows[^1] == "> @bob half a sen", "what is being typed");
        await bob.TypeAsync("@alice hello\r");
        await alice.WaitAsync(rows => rows.Any(row => row.EndsWith("bob> hello", StringComparison.Ordinal)), "Bob's message on a line of its own");
        await alice.WaitAsync(rows => rows[^1] == "> @bob half a sen", "what was being typed, whole, below it");
        await alice.TypeAsync("tence\r");
        await bob.WaitAsync(rows => rows.Any(row => row.EndsWith("alice> half a sentence", StringComparison.Ordinal)), "the whole sentence");

        await alice.WaitAsync(rows => rows.Any(row => row.EndsWith("✓✓ @bob half a sentence", StringComparison.Ordinal)), "the word that it was delivered");

        await alice.TypeAsync("\e[A");
        await alice.WaitAsync(rows => rows[^1] == "> @bob half a sentence", "the line before, from the history");
        await alice.TypeAsync("\x03/tail\r");
        await alice.WaitAsync(rows => rows.Any(row => row.EndsWith("@bob half a sentence ✓✓", StringComparison.Ordinal)), "the mark of a delivered message");

        await alice.TypeAsync("/quit\r");
        await bob.TypeAsync("\x04");
        Assert.Equal(0, await alice.WaitForExitAsync());
        Assert.Equal(0, await bob.WaitForExitAsync());
        Assert.DoesNotContain("\e[3", alice.Raw, StringComparison.Ordinal);
        Assert.DoesNotContain("secret of", alice.Raw, StringComparison.Ordinal);
        Assert.DoesNotContain("secret of", bob.Raw, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_link_comes_with_a_qr_code_and_colours_where_they_are_wanted()
    {
        using var folder = new TestFolder();
        await using var alice = PseudoTerminal.Start(["-d", folder["alice"], "--display-name", "alice"], new Dictionary<string, string?> { ["PAIRWISE_PASSPHRASE"] = "", ["NO_COLOR"] = null }, columns: 200);
        await alice.WaitAsync("Welcome to Pairwise, alice");
        await alice.TypeAsync("/connect\r");
        await alice.WaitAsync(rows => rows.Count(row => row.Contains('\u2588', StringComparison.Ordinal)) > 20, "a QR code");
        await alice.TypeAsync("\x03");
        Assert.Equal(0, await alice.WaitForExitAsync());
        Assert.Contains("\e[1m", alice.Raw, StringComparison.Ordinal);
    }

    private static async Task FirstStartAsync(PseudoTerminal terminal, string name)
    {
        await terminal.WaitAsync("Display name:");
        await terminal.TypeAsync(name + "\r");
        await terminal.WaitAsync("New passphrase");
        await terminal.TypeAsync($"secret of {name}\r");
        await terminal.WaitAsync("The same again");
        await terminal.TypeAsync($"secret of {name}\r");
        await terminal.WaitAsync($"Welcome to Pairwise, {name}");
        await terminal.WaitAsync(rows => rows[^1] == ">", "an empty line to type in");
    }
}
