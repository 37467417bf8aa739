using Pairwise.Protocol.Agent;
using Pairwise.Wire;

namespace Pairwise.Agent.Tests;

/// <summary>Two agents meet by a one-time link, over a real relay of this process.</summary>
public sealed class ConnectingTests
{
    [Theory]
    [InlineData(PostQuantumMode.On, true)]
    [InlineData(PostQuantumMode.InLink, true)]
    [InlineData(PostQuantumMode.On, false)]
    [InlineData(PostQuantumMode.Off, true)]
    [InlineData(PostQuantumMode.Off, false)]
    public async Task Two_agents_meet_by_a_link_and_talk(PostQuantumMode alicePostQuantum, bool bobPostQuantum)
    {
        using var folder = new TemporaryFolder();
        await using var relay = await TestRelay.StartAsync(folder, "relay");
        await using var alice = await TestAgent.StartAsync(folder, "alice", null, null, relay.Address);
        await using var bob = await TestAgent.StartAsync(folder, "bob", null, null, relay.Address);
        var pair = await Pair.ConnectAsync(alice, bob, alicePostQuantum, bobPostQuantum);
        var isPostQuantum = alicePostQuantum != PostQuantumMode.Off && bobPostQuantum;
        await pair.TalkAsync(4, isPostQuantum);

        await alice.SendAsync(pair.ToBob, "last", isPostQuantum);
        var last = await bob.NextAsync<AgentEvent.MessageReceived>();
        Assert.Equal(MessageIntegrity.Ok.Instance, last.Meta.Integrity);
        Assert.Equal(isPostQuantum, last.Meta.IsPostQuantum);
        var token = TestContext.Current.CancellationToken;
        Assert.Equal(await alice.Client.GetSecurityCodeAsync(pair.ToBob, token), await bob.Client.GetSecurityCodeAsync(pair.ToAlice, token));
    }

    [Theory]
    [InlineData(2, 1, 2)]
    [InlineData(3, 2, 2)]
    [InlineData(4, 2, 2)]
    [InlineData(5, 2, 3)]
    [InlineData(6, 3, 3)]
    [InlineData(7, 3, 3)]
    [InlineData(7, 4, 2)]
    public async Task Agents_of_older_versions_meet_those_of_today(ushort agentVersion, ushort clientVersion, ushort ratchetVersion)
    {
        using var folder = new TemporaryFolder();
        await using var relay = await TestRelay.StartAsync(folder, "relay");
        var old = TestAgent.FastOptions with
        {
            AgentVersions = new VersionRange(2, agentVersion),
            ClientVersions = new VersionRange(1, clientVersion),
            RatchetVersions = new VersionRange(2, ratchetVersion),
        };
        await using var alice = await TestAgent.StartAsync(folder, "alice", old, null, relay.Address);
        await using var bob = await TestAgent.StartAsync(folder, "bob", null, null, relay.Address);
        var created = await Pair.ConnectAsync(alice, bob);
        await created.TalkAsync();
        var joined = await Pair.ConnectAsync(bob, alice);
        await joined.TalkAsync();
    }
}
