using Pairwise.Agent.Relays;
using Pairwise.Protocol;
using Pairwise.Protocol.Agent;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp;

namespace Pairwise.Agent.Tests;

/// <summary>Connections from their link to their deletion, over real relays of this process.</summary>
public sealed class ConnectionLifeTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_contact_address_connects_everyone_who_is_accepted()
    {
        using var folder = new TemporaryFolder();
        await using var relay = await TestRelay.StartAsync(folder, "relay");
        await using var alice = await TestAgent.StartAsync(folder, "alice", null, null, relay.Address);
        var address = await alice.Client.CreateConnectionAsync(alice.User, ConnectionMode.Contact, PostQuantumMode.On, Token);
        Assert.IsType<ConnectionRequest.Contact>(address.Link);

        foreach (var name in new[] { "bob", "carol" })
        {
            await using var visitor = await TestAgent.StartAsync(folder, name, null, null, relay.Address);
            var id = await visitor.Client.PrepareToJoinAsync(visitor.User, address.Link, isPostQuantum: true, Token);
            await visitor.Client.JoinConnectionAsync(id, address.Link, "hello"u8.ToArray(), isPostQuantum: true, Token);
            var request = await alice.NextAsync<AgentEvent.RequestReceived>();
            Assert.Equal("hello"u8, request.Info.Span);
            Assert.True(request.IsPostQuantum);
            var accepted = await alice.Client.AcceptContactAsync(alice.User, request.Invitation, "welcome"u8.ToArray(), isPostQuantum: true, Token);
            var confirmation = await visitor.NextAsync<AgentEvent.ConfirmationReceived>();
            await visitor.Client.AllowConnectionAsync(id, confirmation.Confirmation, "thanks"u8.ToArray(), Token);
            await visitor.NextAsync<AgentEvent.Connected>();
            await alice.NextAsync<AgentEvent.Connected>(e => e.Connection == accepted.Connection);
            await new Pair(alice, accepted.Connection, visitor, id).TalkAsync();
            await Assert.ThrowsAsync<AgentException>(() => alice.Client.AcceptContactAsync(alice.User, request.Invitation, default, isPostQuantum: true, Token));
        }
    }

    [Fact]
    public async Task A_rejected_request_is_forgotten()
    {
        using var folder = new TemporaryFolder();
        await using var relay = await TestRelay.StartAsync(folder, "relay");
        await using var alice = await TestAgent.StartAsync(folder, "alice", null, null, relay.Address);
        await using var bob = await TestAgent.StartAsync(folder, "bob", null, null, relay.Address);
        var address = await alice.Client.CreateConnectionAsync(alice.User, ConnectionMode.Contact, PostQuantumMode.On, Token);
        var id = await bob.Client.PrepareToJoinAsync(bob.User, address.Link, isPostQuantum: true, Token);
        await bob.Client.JoinConnectionAsync(id, address.Link, "hello"u8.ToArray(), isPostQuantum: true, Token);
        var request = await alice.NextAsync<AgentEvent.RequestReceived>();
        await alice.Client.RejectContactAsync(request.Invitation, Token);
        var refused = await Assert.ThrowsAsync<AgentException>(() => alice.Client.AcceptContactAsync(alice.User, request.Invitation, default, isPostQuantum: true, Token));
        Assert.IsType<AgentError.Command>(refused.Error);
    }

    [Fact]
    public async Task A_link_that_was_used_is_not_available_any_more()
    {
        using var folder = new TemporaryFolder();
        await using var relay = await TestRelay.StartAsync(folder, "relay");
        await using var alice = await TestAgent.StartAsync(folder, "alice", null, null, relay.Address);
        await using var bob = await TestAgent.StartAsync(folder, "bob", null, null, relay.Address);
        await using var eve = await TestAgent.StartAsync(folder, "eve", null, null, relay.Address);
        var created = await alice.Client.CreateConnectionAsync(alice.User, ConnectionMode.Invitation, PostQuantumMode.On, Token);
        var bobId = await bob.Client.PrepareToJoinAsync(bob.User, created.Link, isPostQuantum: true, Token);
        await bob.Client.JoinConnectionAsync(bobId, created.Link, default, isPostQuantum: true, Token);
        var eveId = await eve.Client.PrepareToJoinAsync(eve.User, created.Link, isPostQuantum: true, Token);
        var refused = await Assert.ThrowsAsync<AgentException>(() => eve.Client.JoinConnectionAsync(eveId, created.Link, default, isPostQuantum: true, Token));
        Assert.Equal(new AgentError.Connection(ConnectionFault.NotAvailable), refused.Error);
        Assert.False(refused.IsTransient);
    }

    [Fact]
    public async Task An_unreachable_relay_is_a_transient_failure_and_stores_nothing()
    {
        using var folder = new TemporaryFolder();
        await using var relay = await TestRelay.StartAsync(folder, "relay");
        await using var alice = await TestAgent.StartAsync(folder, "alice", null, null, relay.Address);
        await relay.StopAsync();
        var failed = await Assert.ThrowsAsync<AgentException>(() => alice.Client.CreateConnectionAsync(alice.User, ConnectionMode.Invitation, PostQuantumMode.On, Token));
        Assert.True(failed.IsTransient);
        Assert.Empty(await alice.Client.GetConnectionsAsync(Token));
    }

    [Fact]
    public async Task A_relay_with_another_identity_is_refused()
    {
        using var folder = new TemporaryFolder();
        await using var relay = await TestRelay.StartAsync(folder, "relay");
        await using var other = await TestRelay.StartAsync(folder, "other");
        var forged = relay.Address with { Server = relay.Address.Server with { KeyHash = other.Address.Server.KeyHash } };
        await using var alice = await TestAgent.StartAsync(folder, "alice", null, null, forged);
        var failed = await Assert.ThrowsAsync<AgentException>(() => alice.Client.CreateConnectionAsync(alice.User, ConnectionMode.Invitation, PostQuantumMode.On, Token));
        Assert.False(failed.IsTransient);
        Assert.Equal(BrokerFault.Transport, Assert.IsType<AgentError.Broker>(failed.Error).Fault);
    }

    [Fact]
    public async Task The_reply_queue_is_at_another_relay_when_there_is_one()
    {
        using var folder = new TemporaryFolder();
        await using var one = await TestRelay.StartAsync(folder, "one");
        await using var two = await TestRelay.StartAsync(folder, "two");
        await using var alice = await TestAgent.StartAsync(folder, "alice", null, null, one.Address);
        await using var bob = await TestAgent.StartAsync(folder, "bob", null, null, one.Address, two.Address);
        for (var i = 0; i < 4; i++)
        {
            var pair = await Pair.ConnectAsync(alice, bob);
            var servers = await bob.Client.GetConnectionServersAsync(pair.ToAlice, Token);
            // Both relays have the same host here, so the agent cannot tell them apart: it spreads at random.
            Assert.Equal(one.Address.Server, Assert.Single(servers.Sending));
            Assert.Contains(Assert.Single(servers.Receiving), new[] { one.Address.Server, two.Address.Server });
            Assert.True(servers.IsSubscribed);
            Assert.Equal(RatchetSyncState.Ok, servers.RatchetSync);
        }
    }

    [Fact]
    public async Task Connections_live_side_by_side()
    {
        using var folder = new TemporaryFolder();
        await using var relay = await TestRelay.StartAsync(folder, "relay");
        await using var alice = await TestAgent.StartAsync(folder, "alice", null, null, relay.Address);
        await using var bob = await TestAgent.StartAsync(folder, "bob", null, null, relay.Address);
        var pairs = new List<Pair>();
        for (var i = 0; i < 5; i++) pairs.Add(await Pair.ConnectAsync(alice, bob));
        foreach (var pair in pairs) await alice.SendAsync(pair.ToBob, pair.ToBob.ToString());
        foreach (var pair in pairs) Assert.Equal(pair.ToBob.ToString(), await bob.ReceiveAsync(pair.ToAlice));
    }

    [Fact]
    public async Task A_receipt_tells_the_sender_which_message_arrived()
    {
        using var folder = new TemporaryFolder();
        await using var relay = await TestRelay.StartAsync(folder, "relay");
        await using var alice = await TestAgent.StartAsync(folder, "alice", null, null, relay.Address);
        await using var bob = await TestAgent.StartAsync(folder, "bob", null, null, relay.Address);
        var pair = await Pair.ConnectAsync(alice, bob);
        for (var i = 0; i < 3; i++)
        {
            var accepted = await alice.SendAsync(pair.ToBob, $"message {i}");
            Assert.Equal(accepted.Id, (await alice.NextAsync<AgentEvent.Sent>()).Message);
            await bob.ReceiveAsync(pair.ToAlice, withReceipt: true);
            var receipts = await alice.NextAsync<AgentEvent.ReceiptsReceived>();
            Assert.Equal([new DeliveryReceipt(accepted.Id, IsHashCorrect: true)], receipts.Receipts);
        }
    }

    [Fact]
    public async Task A_full_queue_is_filled_again_when_it_has_room()
    {
        using var folder = new TemporaryFolder();
        await using var relay = await TestRelay.StartAsync(folder, "relay", new SmpServerLimits { QueueQuota = 4 });
        // Slow delays of hours: only the recipient's word that there is room lets the sender go on.
        var patient = TestAgent.FastOptions with { SlowRetry = new RetryInterval(TimeSpan.FromHours(5), TimeSpan.FromHours(1), TimeSpan.FromHours(6)) };
        await using var alice = await TestAgent.StartAsync(folder, "alice", patient, null, relay.Address);
        await using var bob = await TestAgent.StartAsync(folder, "bob", null, null, relay.Address);
        var pair = await Pair.ConnectAsync(alice, bob);
        for (var i = 0; i < 12; i++) await alice.SendAsync(pair.ToBob, $"message {i}");
        await alice.NextAsync<AgentEvent.SendDelayed>();
        for (var i = 0; i < 12; i++) Assert.Equal($"message {i}", await bob.ReceiveAsync(pair.ToAlice));
        await alice.NextAsync<AgentEvent.SendingResumed>();
        for (var i = 0; i < 12; i++) await alice.NextAsync<AgentEvent.Sent>();
    }

    [Fact]
    public async Task A_message_that_does_not_fit_is_refused_and_the_conversation_goes_on()
    {
        using var folder = new TemporaryFolder();
        await using var relay = await TestRelay.StartAsync(folder, "relay");
        await using var alice = await TestAgent.StartAsync(folder, "alice", null, null, relay.Address);
        await using var bob = await TestAgent.StartAsync(folder, "bob", null, null, relay.Address);
        var pair = await Pair.ConnectAsync(alice, bob);
        await pair.TalkAsync(2);
        var refused = await Assert.ThrowsAsync<AgentException>(() => alice.SendAsync(pair.ToBob, new string('x', 13_600)));
        Assert.Equal(CommandFault.TooLarge, Assert.IsType<AgentError.Command>(refused.Error).Fault);
        var longest = new string('x', 13_618 - 2 - 43);
        await alice.SendAsync(pair.ToBob, longest);
        Assert.Equal(longest, await bob.ReceiveAsync(pair.ToAlice));
        await pair.TalkAsync(1);
    }

    [Fact]
    public async Task A_deleted_connection_is_gone_on_the_relay_too()
    {
        using var folder = new TemporaryFolder();
        await using var relay = await TestRelay.StartAsync(folder, "relay");
        await using var alice = await TestAgent.StartAsync(folder, "alice", null, null, relay.Address);
        await using var bob = await TestAgent.StartAsync(folder, "bob", null, null, relay.Address);
        var pair = await Pair.ConnectAsync(alice, bob);
        await alice.Client.DeleteConnectionAsync(pair.ToBob, waitForDelivery: false, Token);
        Assert.Equal([pair.ToBob], (await alice.NextAsync<AgentEvent.ConnectionsDeleted>()).Connections);
        Assert.Empty(await alice.Client.GetConnectionsAsync(Token));
        var missing = await Assert.ThrowsAsync<AgentException>(() => alice.SendAsync(pair.ToBob, "too late"));
        Assert.Equal(new AgentError.Connection(ConnectionFault.NotFound), missing.Error);

        var accepted = await bob.SendAsync(pair.ToAlice, "anybody there?");
        var failed = await bob.NextAsync<AgentEvent.SendFailed>();
        Assert.Equal([accepted.Id], failed.Messages);
        Assert.IsType<SmpError.Auth>(Assert.IsType<AgentError.Relay>(failed.Error).Error);
    }

    [Fact]
    public async Task A_relay_that_is_not_reached_in_time_is_told_and_the_attempt_serves_the_next_call()
    {
        using var folder = new TemporaryFolder();
        await using var relay = await TestRelay.StartAsync(folder, "relay");
        var way = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var connector = new FaultyConnector(TestAgent.Network) { Way = way.Task };
        var options = TestAgent.FastOptions with { ReachTime = TimeSpan.FromMilliseconds(50) };
        await using var alice = await TestAgent.StartAsync(folder, "alice", options, connector, relay.Address);

        var failure = await Assert.ThrowsAsync<AgentException>(
            () => alice.Client.CreateConnectionAsync(alice.User, ConnectionMode.Invitation, PostQuantumMode.On, Token));
        Assert.Equal(BrokerFault.Timeout, Assert.IsType<AgentError.Broker>(failure.Error).Fault);
        Assert.True(failure.IsTransient);

        way.SetResult();
        while (true)
        {
            try
            {
                await alice.Client.CreateConnectionAsync(alice.User, ConnectionMode.Invitation, PostQuantumMode.On, Token);
                break;
            }
            catch (AgentException e) when (e.IsTransient)
            {
                Assert.Equal(BrokerFault.Timeout, Assert.IsType<AgentError.Broker>(e.Error).Fault); // still on its way
            }
        }

        Assert.Equal(1, connector.Connections);
    }

    [Fact]
    public async Task A_connection_can_wait_with_its_end_for_what_is_to_be_sent()
    {
        using var folder = new TemporaryFolder();
        await using var relay = await TestRelay.StartAsync(folder, "relay");
        var options = TestAgent.FastOptions with { CleanupInterval = TimeSpan.FromMilliseconds(100) };
        var connector = new FaultyConnector(TestAgent.Network);
        await using var alice = await TestAgent.StartAsync(folder, "alice", options, connector, relay.Address);
        await using var bob = await TestAgent.StartAsync(folder, "bob", null, null, relay.Address);
        var pair = await Pair.ConnectAsync(alice, bob);
        connector.OnSend = command => command.Command is SmpCommand.Send ? SendFault.LoseCommand : SendFault.None;
        await alice.SendAsync(pair.ToBob, "farewell");
        await alice.Client.DeleteConnectionAsync(pair.ToBob, waitForDelivery: true, Token);
        connector.OnSend = static _ => SendFault.None;
        Assert.Equal("farewell", await bob.ReceiveAsync(pair.ToAlice));
        await alice.NextAsync<AgentEvent.ConnectionsDeleted>();
    }

    [Fact]
    public async Task Deletion_goes_on_after_a_restart_and_without_its_relay()
    {
        using var folder = new TemporaryFolder();
        await using var relay = await TestRelay.StartAsync(folder, "relay");
        var options = TestAgent.FastOptions with { CleanupInterval = TimeSpan.FromMilliseconds(50), DeleteAttempts = 3 };
        await using var alice = await TestAgent.StartAsync(folder, "alice", options, null, relay.Address);
        await using var bob = await TestAgent.StartAsync(folder, "bob", null, null, relay.Address);
        var pair = await Pair.ConnectAsync(alice, bob);
        await relay.StopAsync();
        await alice.Client.DeleteConnectionAsync(pair.ToBob, waitForDelivery: false, Token);
        await alice.RestartAsync();
        await alice.NextAsync<AgentEvent.ConnectionsDeleted>();
    }

    [Fact]
    public async Task Deleting_a_user_deletes_the_connections()
    {
        using var folder = new TemporaryFolder();
        await using var relay = await TestRelay.StartAsync(folder, "relay");
        await using var alice = await TestAgent.StartAsync(folder, "alice", null, null, relay.Address);
        await using var bob = await TestAgent.StartAsync(folder, "bob", null, null, relay.Address);
        var pair = await Pair.ConnectAsync(alice, bob);
        await alice.Client.DeleteUserAsync(alice.User, Token);
        Assert.Equal([pair.ToBob], (await alice.NextAsync<AgentEvent.ConnectionsDeleted>()).Connections);
        var gone = await Assert.ThrowsAsync<AgentException>(() => alice.Client.CreateConnectionAsync(alice.User, ConnectionMode.Invitation, PostQuantumMode.On, Token));
        Assert.IsType<AgentError.NoUser>(gone.Error);
    }

    [Fact]
    public async Task A_suspended_connection_takes_no_more_messages()
    {
        using var folder = new TemporaryFolder();
        await using var relay = await TestRelay.StartAsync(folder, "relay");
        await using var alice = await TestAgent.StartAsync(folder, "alice", null, null, relay.Address);
        await using var bob = await TestAgent.StartAsync(folder, "bob", null, null, relay.Address);
        var pair = await Pair.ConnectAsync(alice, bob);
        await alice.Client.SuspendConnectionAsync(pair.ToBob, Token);
        await bob.SendAsync(pair.ToAlice, "hello?");
        Assert.IsType<SmpError.Auth>(Assert.IsType<AgentError.Relay>((await bob.NextAsync<AgentEvent.SendFailed>()).Error).Error);
    }

    [Fact]
    public async Task Another_subscriber_ends_the_subscription()
    {
        using var folder = new TemporaryFolder();
        await using var relay = await TestRelay.StartAsync(folder, "relay");
        await using var alice = await TestAgent.StartAsync(folder, "alice", null, null, relay.Address);
        await using var bob = await TestAgent.StartAsync(folder, "bob", null, null, relay.Address);
        var pair = await Pair.ConnectAsync(alice, bob);
        var queue = await alice.Database.ReadAsync(session => Store.QueueRows.GetReceiving(session, pair.ToBob), Token);
        await using var thief = await TestAgent.Network.ConnectAsync(relay.Address.Server, Token);
        await thief.SendAsync(new RelayCommand(SmpCommand.Sub.Instance, queue[0].Recipient.ToEntityId(), queue[0].RecipientKey), Token);
        Assert.Equal(pair.ToBob, (await alice.NextAsync<AgentEvent.SubscriptionEnded>()).Connection);
        Assert.False((await alice.Client.GetConnectionServersAsync(pair.ToBob, Token)).IsSubscribed);
    }

    [Fact]
    public async Task A_relay_that_repeats_itself_makes_no_difference()
    {
        using var folder = new TemporaryFolder();
        await using var relay = await TestRelay.StartAsync(folder, "relay");
        var stuttering = new FaultyConnector(TestAgent.Network) { EventCopies = 3 };
        await using var alice = await TestAgent.StartAsync(folder, "alice", null, stuttering, relay.Address);
        await using var bob = await TestAgent.StartAsync(folder, "bob", null, stuttering, relay.Address);
        var pair = await Pair.ConnectAsync(alice, bob);
        await pair.TalkAsync(5);
        Assert.DoesNotContain(alice.Untaken(), raised => raised is AgentEvent.ConnectionFailed or AgentEvent.RatchetSyncChanged);
        Assert.DoesNotContain(bob.Untaken(), raised => raised is AgentEvent.ConnectionFailed or AgentEvent.RatchetSyncChanged);
    }

    [Fact]
    public async Task A_relay_can_be_tried_out()
    {
        using var folder = new TemporaryFolder();
        await using var relay = await TestRelay.StartAsync(folder, "relay");
        await using var alice = await TestAgent.StartAsync(folder, "alice", null, null, relay.Address);
        Assert.Null(await alice.Client.TestServerAsync(relay.Address, Token));
        await relay.StopAsync();
        Assert.Equal(ServerTestStep.Connect, (await alice.Client.TestServerAsync(relay.Address, Token))!.Step);
    }

    [Fact]
    public async Task Connections_are_down_and_up_with_their_relay()
    {
        using var folder = new TemporaryFolder();
        await using var relay = await TestRelay.StartAsync(folder, "relay");
        await using var alice = await TestAgent.StartAsync(folder, "alice", null, null, relay.Address);
        await using var bob = await TestAgent.StartAsync(folder, "bob", null, null, relay.Address);
        var pair = await Pair.ConnectAsync(alice, bob);
        await relay.StopAsync();
        Assert.Equal([pair.ToBob], (await alice.NextAsync<AgentEvent.Down>()).Connections);
        await bob.NextAsync<AgentEvent.Down>();
        await bob.SendAsync(pair.ToAlice, "while the relay was away");
        await relay.RestartAsync();
        Assert.Equal([pair.ToBob], (await alice.NextAsync<AgentEvent.Up>()).Connections);
        Assert.Equal("while the relay was away", await alice.ReceiveAsync(pair.ToBob));
        await pair.TalkAsync();
    }
}
