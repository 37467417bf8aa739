using Pairwise.Protocol.Smp;

namespace Pairwise.Agent.Tests;

/// <summary>The relay has a message, and the store cannot note that.</summary>
public sealed class DeliveryRecordTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_message_that_cannot_be_recorded_as_sent_is_not_sent_again()
    {
        using var folder = new TemporaryFolder();
        await using var relay = await TestRelay.StartAsync(folder, "relay");
        var connector = new FaultyConnector(TestAgent.Network);
        await using var alice = await TestAgent.StartAsync(folder, "alice", null, connector, relay.Address);
        await using var bob = await TestAgent.StartAsync(folder, "bob", null, null, relay.Address);
        var pair = await Pair.ConnectAsync(alice, bob);
        await pair.TalkAsync(1);

        var sends = 0;
        connector.OnSend = command =>
        {
            if (command.Command is SmpCommand.Send) Interlocked.Increment(ref sends);
            return SendFault.None;
        };
        await alice.Database.TransactAsync(
            session => session.Execute("CREATE TEMP TRIGGER fault BEFORE DELETE ON main.agent_deliveries BEGIN SELECT RAISE(ABORT, 'fault'); END"), Token);
        var accepted = await alice.SendAsync(pair.ToBob, "once");
        Assert.Equal("once", await bob.ReceiveAsync(pair.ToAlice));
        await alice.NextAsync<AgentEvent.Failed>();
        // Long enough for several attempts at the store, which are 50 ms apart at first.
        await Task.Delay(TimeSpan.FromMilliseconds(500), TimeProvider.System, Token);
        Assert.DoesNotContain(alice.Untaken(), raised => raised is AgentEvent.Failed || (raised is AgentEvent.Sent sent && sent.Message == accepted.Id));
        await alice.Database.TransactAsync(session => session.Execute("DROP TRIGGER fault"), Token);
        await alice.NextAsync<AgentEvent.Sent>(sent => sent.Message == accepted.Id);
        Assert.Equal(1, sends);
        await pair.TalkAsync(1);
    }
}
