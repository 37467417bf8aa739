using Pairwise.Agent.Relays;
using Pairwise.Protocol.Agent;
using Pairwise.Protocol.Smp;
using Pairwise.Wire;

namespace Pairwise.Agent.Tests;

/// <summary>
/// The handshake, with the connection lost at each of its commands in turn, before or after the relay has carried it out,
/// and both programs restarted at that point: it completes all the same, in both forms.
/// </summary>
public sealed class HandshakeFaultTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // The commands of either side, from the link to the greetings.
    public static TheoryData<string, int, bool, bool> Cases
    {
        get
        {
            var cases = new TheoryData<string, int, bool, bool>();
            foreach (var isClassic in new[] { false, true })
            {
                foreach (var isAnswerLost in new[] { false, true })
                {
                    for (var number = 0; number < 3; number++)
                    {
                        cases.Add("alice", number, isAnswerLost, isClassic);
                        cases.Add("bob", number, isAnswerLost, isClassic);
                    }
                }
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task The_handshake_survives_a_loss_and_a_restart_at_every_command(string who, int number, bool isAnswerLost, bool isClassic)
    {
        using var folder = new TemporaryFolder();
        await using var relay = await TestRelay.StartAsync(folder, "relay");
        var options = isClassic
            ? TestAgent.FastOptions with { AgentVersions = new VersionRange(2, 4), ClientVersions = new VersionRange(1, 2), RatchetVersions = new VersionRange(2, 2) }
            : TestAgent.FastOptions;
        var lost = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var counter = new Countdown(number, isAnswerLost ? SendFault.LoseAnswer : SendFault.LoseCommand, lost);
        var aliceConnector = new FaultyConnector(TestAgent.Network);
        var bobConnector = new FaultyConnector(TestAgent.Network);
        await using var alice = await TestAgent.StartAsync(folder, "alice", options, aliceConnector, relay.Address);
        await using var bob = await TestAgent.StartAsync(folder, "bob", options, bobConnector, relay.Address);
        var created = await alice.Client.CreateConnectionAsync(alice.User, ConnectionMode.Invitation, PostQuantumMode.On, Token);
        (who == "alice" ? aliceConnector : bobConnector).OnSend = counter.Next;

        var bobId = await bob.Client.PrepareToJoinAsync(bob.User, created.Link, isPostQuantum: true, Token);
        while (true)
        {
            try
            {
                await bob.Client.JoinConnectionAsync(bobId, created.Link, "bob"u8.ToArray(), isPostQuantum: true, Token);
                break;
            }
            catch (AgentException e) when (e.IsTransient)
            {
                await bob.RestartAsync();
            }
        }

        if (lost.Task.IsCompleted) await bob.RestartAsync();
        var confirmation = await alice.NextAsync<AgentEvent.ConfirmationReceived>();
        await alice.Client.AllowConnectionAsync(created.Connection, confirmation.Confirmation, "alice"u8.ToArray(), Token);
        // Some commands come late, and a handshake may have fewer of them: then the restarts come at another point.
        await Task.WhenAny(lost.Task, Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, Token));
        await alice.RestartAsync();
        await bob.RestartAsync();
        await alice.NextAsync<AgentEvent.Connected>();
        await bob.NextAsync<AgentEvent.Connected>();
        await new Pair(alice, created.Connection, bob, bobId).TalkAsync(2);
    }

    /// <summary>Lets a number of commands of the handshake pass and fails the next one.</summary>
    private sealed class Countdown(int number, SendFault fault, TaskCompletionSource lost)
    {
        private int _left = number;

        public SendFault Next(RelayCommand command)
        {
            if (command.Command is SmpCommand.Sub || Interlocked.Decrement(ref _left) != -1) return SendFault.None;
            lost.TrySetResult();
            return fault;
        }
    }
}
