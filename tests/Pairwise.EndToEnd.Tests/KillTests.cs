using System.Globalization;
using Pairwise.Demo.Processes;
using Pairwise.TestKit;

namespace Pairwise.EndToEnd.Tests;

/// <summary>
/// Chat processes that die by <c>kill -9</c> at random moments while messages flow both ways: what was acknowledged
/// to the person who typed arrives, once and in order, and no ratchet falls out of step.
/// <c>PAIRWISE_KILL_ROUNDS</c> sets the rounds, <c>PAIRWISE_SEED</c> repeats a run.
/// </summary>
public sealed class KillTests(ITestOutputHelper output)
{
    private const int DefaultRounds = 100;

    private static readonly TimeSpan Patience = Eventually.Patience;

    [Fact]
    public async Task Killed_chats_lose_nothing_show_nothing_twice_and_stay_in_step()
    {
        using var folder = new TestFolder();
        var address = await RelayProcess.InitAsync(folder["relay"]);
        var relay = await RelayProcess.StartAsync(folder["relay"], address);
        try
        {
            await KillAsync(folder, address, DefaultRounds, async () =>
            {
                await relay.StopAsync(Patience);
                relay = await RelayProcess.StartAsync(folder["relay"], address);
            });
        }
        finally
        {
            await relay.DisposeAsync();
        }
    }

    [Fact]
    public async Task The_relay_inside_a_killed_chat_keeps_what_it_has_taken()
    {
        using var folder = new TestFolder();
        await KillAsync(folder, null, DefaultRounds / 4, () => Task.CompletedTask);
    }

    private async Task KillAsync(TestFolder folder, string? address, int defaultRounds, Func<Task> restartRelayAsync)
    {
        var rounds = ReadNumber("PAIRWISE_KILL_ROUNDS") ?? defaultRounds;
        var seed = ReadNumber("PAIRWISE_SEED") ?? Environment.TickCount;
        output.WriteLine($"seed {seed}, {rounds} rounds");
        var random = new Random(seed);

        await using var alice = new Person("alice", "bob", folder["alice"], address);
        await using var bob = new Person("bob", "alice", folder["bob"], address);
        await Task.WhenAll(alice.StartAsync(isFirst: true), bob.StartAsync(isFirst: true));
        var link = await alice.Chat.CreateLinkAsync(Patience);
        await bob.Chat.TypeAsync("/connect " + link);
        await Task.WhenAll(alice.WaitConnectedAsync(Patience), bob.WaitConnectedAsync(Patience));

        for (var round = 0; round < rounds; round++)
        {
            for (var i = random.Next(1, 6); i > 0; i--)
            {
                await alice.TypeNextAsync();
                await bob.TypeNextAsync();
            }

            // Now and then the victim dies while it starts; else when it has begun to take what was typed.
            var victim = random.Next(2) == 0 ? alice : bob;
            if (random.Next(5) > 0) await victim.WaitUntilTakingAsync(Patience);
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(0, 300)), TimeProvider.System, TestContext.Current.CancellationToken);
            await victim.KillAndRestartAsync();
            if (random.Next(10) == 0) await restartRelayAsync();
        }

        // One more message each way shows that the ratchets still agree, and that all before it has come.
        await Task.WhenAll(alice.SendLastAsync(Patience), bob.SendLastAsync(Patience));
        await Task.WhenAll(alice.WaitForAsync(bob.LastTyped, Patience), bob.WaitForAsync(alice.LastTyped, Patience));
        Check(alice, bob);
        Check(bob, alice);
    }

    private void Check(Person sender, Person receiver)
    {
        var acknowledged = sender.Acknowledged;
        var shown = receiver.Shown;
        output.WriteLine($"{sender.Name} -> {receiver.Name}: {acknowledged.Count} acknowledged, {shown.Count} shown");
        Assert.Equal(shown.Distinct(), shown);
        Assert.Equal(shown.OrderBy(number => number), shown);
        var stored = receiver.Stored;
        Assert.Equal(stored.Distinct(), stored);
        Assert.Equal(stored.OrderBy(number => number), stored);
        Assert.Empty(acknowledged.Except(stored));
        Assert.Empty(shown.Except(stored));
    }

    private static int? ReadNumber(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.Integer, CultureInfo.InvariantCulture, out var number) ? number : null;
}
