using Pairwise.Agent.Delivery;
using Pairwise.Protocol.Smp;

namespace Pairwise.Agent.Tests;

/// <summary>The reference's rules for failed sends and for the delays between attempts.</summary>
public sealed class DeliveryPolicyTests
{
    private static readonly AgentOptions Options = new();
    private static readonly AgentError Quota = new AgentError.Relay("relay", SmpError.Quota.Instance);
    private static readonly AgentError Auth = new AgentError.Relay("relay", SmpError.Auth.Instance);
    private static readonly AgentError Lost = new AgentError.Broker("relay", BrokerFault.Network, "");

    [Fact]
    public void A_full_queue_is_tried_slowly_for_seven_days()
    {
        Assert.Equal(new DeliveryDecision.Retry(RetryPace.Slow, IsWarned: true), Decide(MessageKind.User, Quota, TimeSpan.FromDays(6.9)));
        Assert.Equal(new DeliveryDecision.Expire(Quota, TimeSpan.FromDays(7)), Decide(MessageKind.User, Quota, TimeSpan.FromDays(7.1)));
    }

    [Fact]
    public void A_lost_network_is_tried_quickly_for_two_days()
    {
        Assert.Equal(new DeliveryDecision.Retry(RetryPace.Fast, IsWarned: false), Decide(MessageKind.User, Lost, TimeSpan.FromDays(1.9)));
        Assert.Equal(new DeliveryDecision.Expire(Lost, TimeSpan.FromDays(2)), Decide(MessageKind.Hello, Lost, TimeSpan.FromDays(2.1)));
        foreach (var fault in new[] { BrokerFault.Host, BrokerFault.Version, BrokerFault.Transport })
        {
            var unusable = new AgentError.Broker("relay", fault, "");
            Assert.Equal(new DeliveryDecision.Retry(RetryPace.Fast, IsWarned: true), Decide(MessageKind.User, unusable, TimeSpan.Zero));
        }
    }

    [Fact]
    public void Confirmations_and_greetings_tell_what_became_of_the_connection()
    {
        var notAvailable = new DeliveryDecision.Drop(new AgentError.Connection(ConnectionFault.NotAvailable));
        var notAccepted = new DeliveryDecision.Drop(new AgentError.Connection(ConnectionFault.NotAccepted));
        Assert.Equal(notAvailable, Decide(MessageKind.ConnectionInfo, Auth, TimeSpan.Zero));
        Assert.Equal(notAvailable, Decide(MessageKind.ConnectionInfoReply, Quota, TimeSpan.Zero));
        Assert.Equal(notAvailable, DeliveryPolicy.AfterFailure(MessageKind.Hello, Auth, TimeSpan.Zero, hasReceiveQueue: true, Options));
        Assert.Equal(notAccepted, DeliveryPolicy.AfterFailure(MessageKind.Hello, Auth, TimeSpan.Zero, hasReceiveQueue: false, Options));
    }

    [Fact]
    public void Other_refusals_give_the_message_up()
    {
        Assert.Equal(new DeliveryDecision.Drop(Auth), Decide(MessageKind.User, Auth, TimeSpan.Zero));
        var large = new AgentError.Relay("relay", SmpError.LargeMessage.Instance);
        Assert.Equal(new DeliveryDecision.Drop(large), Decide(MessageKind.User, large, TimeSpan.Zero));
        Assert.Equal(PeerFault.Queue, Assert.IsType<AgentError.Peer>(Assert.IsType<DeliveryDecision.Drop>(Decide(MessageKind.QueueKey, Auth, TimeSpan.Zero)).Error).Fault);
    }

    [Fact]
    public void Every_kind_has_a_decision_for_every_cause()
    {
        foreach (var kind in Enum.GetValues<MessageKind>())
        {
            foreach (var error in new[] { Quota, Auth, Lost, new AgentError.Internal("fault") }) Assert.NotNull(Decide(kind, error, TimeSpan.Zero));
        }
    }

    [Fact]
    public void Delays_grow_by_half_once_the_first_time_is_over()
    {
        var state = RetryState.Start(Options);
        var delays = new List<double>();
        for (var i = 0; i < 18; i++)
        {
            delays.Add(state.Delay(RetryPace.Fast).TotalSeconds);
            state = state.Next(RetryPace.Fast, Options);
        }

        // Two seconds until ten have passed, then each half as long again as the one before, at most two minutes.
        Assert.Equal([2, 2, 2, 2, 2, 3, 4.5, 6.75, 10.125, 15.1875], delays.Take(10));
        Assert.Equal([120, 120], delays.TakeLast(2));
        Assert.Equal(TimeSpan.FromMinutes(5), state.Delay(RetryPace.Slow));
    }

    [Fact]
    public void Delays_go_on_growing_after_a_restart()
    {
        var state = RetryState.Resume(Options, TimeSpan.FromMinutes(10), TimeSpan.FromSeconds(8));
        Assert.Equal(TimeSpan.FromSeconds(8), state.Delay(RetryPace.Fast));
        Assert.Equal(TimeSpan.FromSeconds(12), state.Next(RetryPace.Fast, Options).Delay(RetryPace.Fast));
        Assert.Equal(TimeSpan.FromMinutes(15), state.Next(RetryPace.Slow, Options).Delay(RetryPace.Slow));
        Assert.Equal(TimeSpan.FromHours(6), RetryState.Resume(Options, TimeSpan.FromHours(5), default).Next(RetryPace.Slow, Options).Delay(RetryPace.Slow));
    }

    private static DeliveryDecision Decide(MessageKind kind, AgentError error, TimeSpan age) =>
        DeliveryPolicy.AfterFailure(kind, error, age, hasReceiveQueue: true, Options);
}
