using Pairwise.Agent.Receiving;
using Pairwise.Protocol.Smp;

namespace Pairwise.Agent.Relays;

/// <summary>What the sessions tell, turned into receptions and events of the agent. Thread-safe.</summary>
internal sealed class RelayEvents(AgentServices agent, MessageReceiver receiver) : IRelayObserver
{
    public void OnEvent(RelaySession session, RelayEvent received)
    {
        var queue = (RecipientId)received.Entity;
        switch (received.Message)
        {
            case BrokerMessage.Msg message:
                // A queue has one unacknowledged message at a time, so there are at most as many receptions as queues.
                agent.Tasks.Start(stopping => receiver.ReceiveAsync(session, queue, message, stopping));
                break;
            case BrokerMessage.End:
                if (session.Unsubscribe(queue) is { } ended) agent.Outbox.Publish(new AgentEvent.SubscriptionEnded(ended.Connection));
                break;
            case BrokerMessage.Deld:
                if (session.Unsubscribe(queue) is { } deleted) agent.Outbox.Publish(new AgentEvent.QueueDeleted(deleted.Connection));
                break;
            case BrokerMessage.Err error:
                agent.Outbox.Publish(new AgentEvent.Failed(new AgentError.Relay(session.Server.ToString(), error.Error)));
                break;
            case var other:
                agent.Outbox.Publish(new AgentEvent.Failed(session.Unexpected(other).Error));
                break;
        }
    }

    public void OnUp(RelaySession session, IReadOnlyList<ConnectionId> connections) => agent.Outbox.Publish(new AgentEvent.Up(session.Server, connections));

    public void OnDown(RelaySession session, IReadOnlyList<ConnectionId> connections) => agent.Outbox.Publish(new AgentEvent.Down(session.Server, connections));

    public void OnRefused(RelaySession session, IReadOnlyList<(ConnectionId Connection, AgentError Error)> refused) =>
        agent.Outbox.Publish(new AgentEvent.SubscriptionsFailed(session.Server, refused));

    public void OnUnusable(RelaySession session, AgentError error) => agent.Outbox.Publish(new AgentEvent.Failed(error));
}
