using System.Diagnostics;
using Pairwise.Agent.Connections;
using Pairwise.Agent.Sending;
using Pairwise.Agent.Store;
using Pairwise.Storage;

namespace Pairwise.Agent.Delivery;

/// <summary>
/// What a delivery worker does with one message: send it, repeat that by <see cref="DeliveryPolicy"/>, and record the
/// outcome together with its event. A crash between the relay's answer and the record sends the message once more; the
/// recipient recognises it.
/// </summary>
internal sealed class DeliverySteps(AgentServices agent) : IWorkerSteps<long>
{
    /// <summary>Delivers the oldest message of a queue, or gives it up; false when none waits. The signal ends a delay: the queue has room again.</summary>
    public async Task<bool> TryDoNextAsync(long queueKey, AsyncSignal signal, CancellationToken cancellationToken)
    {
        var next = await agent.Store.ReadAsync(
            session => QueueRows.TryGetSending(session, queueKey, out var queue) && SentMessageRows.TryGetNext(session, queueKey, out var message)
                ? (Queue: queue, Message: message)
                : default,
            cancellationToken);
        if (next.Queue is null) return false;

        var (queue, message) = next;
        var retry = message is { SlowDelay: { } slow, FastDelay: { } fast } ? RetryState.Resume(agent.Options, slow, fast) : RetryState.Start(agent.Options);
        while (true)
        {
            try
            {
                await SendAsync(queue, message, cancellationToken);
                await RecordSentAsync(queueKey, message, cancellationToken);
                return true;
            }
            catch (AgentException e)
            {
                var pace = await agent.Store.ChangeAsync(transaction => RecordFailure(transaction, queue, message, e.Error, retry), cancellationToken);
                if (pace is null) return true;
                // A delay that was cut short says nothing against the next attempt: only a whole one counts.
                if (!await signal.WaitAsync(retry.Delay(pace.Value), agent.Time, cancellationToken)) retry = retry.Next(pace.Value, agent.Options);
            }
        }
    }

    private async Task SendAsync(SendQueue queue, PendingMessage message, CancellationToken cancellationToken)
    {
        var command = ClientMessageSealer.Seal(queue, message, agent.Options, agent.Random);
        await agent.Relays.Get(queue.User, queue.Server).SendForOkAsync(command, cancellationToken);
    }

    /// <summary>
    /// Records that the relay has the message. A store that cannot take that (a full disk) is tried again, at growing
    /// delays: sending the message once more would change nothing. It is told once.
    /// </summary>
    private async Task RecordSentAsync(long queueKey, PendingMessage message, CancellationToken cancellationToken)
    {
        var (delay, elapsed) = (agent.Options.FastRetry.Initial, TimeSpan.Zero);
        while (true)
        {
            try
            {
                await agent.Store.ChangeAsync(transaction => RecordSent(transaction, queueKey, message), cancellationToken);
                return;
            }
            catch (StorageException e)
            {
                if (elapsed == TimeSpan.Zero) agent.Tasks.Report(e);
            }

            await Task.Delay(delay, agent.Time, cancellationToken);
            elapsed += delay;
            delay = agent.Options.FastRetry.Next(elapsed, delay);
        }
    }

    /// <summary>The relay has the message.</summary>
    private static void RecordSent(AgentTransaction transaction, long queueKey, PendingMessage message)
    {
        var session = transaction.Session;
        if (QueueRows.TryGetSending(session, queueKey, out var queue))
        {
            switch (message.Kind)
            {
                case MessageKind.ConnectionInfo when queue.SenderCanSecure:
                    QueueRows.SetStatus(session, queue, QueueStatus.Active);
                    HandshakeRows.RemoveConfirmations(session, message.Connection);
                    transaction.Raise(new AgentEvent.Connected(message.Connection, message.IsPostQuantum));
                    break;
                case MessageKind.ConnectionInfo or MessageKind.ConnectionInfoReply:
                    QueueRows.SetStatus(session, queue, QueueStatus.Confirmed);
                    HandshakeRows.RemoveConfirmations(session, message.Connection);
                    break;
                case MessageKind.Hello:
                    QueueRows.SetStatus(session, queue, QueueStatus.Active);
                    // The side that greets second is connected with this; the first one waits for the answer.
                    if (QueueRows.GetReceiving(session, message.Connection) is [{ Status: QueueStatus.Active }, ..])
                        transaction.Raise(new AgentEvent.Connected(message.Connection, message.IsPostQuantum));
                    break;
                case MessageKind.User:
                    transaction.Raise(new AgentEvent.Sent(message.Connection, message.Id));
                    break;
                case MessageKind.RatchetKey or MessageKind.Receipts or MessageKind.QueueContinue or MessageKind.RatchetReady:
                case MessageKind.QueueAdd or MessageKind.QueueKey or MessageKind.QueueUse or MessageKind.QueueTest:
                    break;
                default:
                    throw new UnreachableException();
            }
        }

        SentMessageRows.RemoveDelivery(session, message.Connection, message.Id, queueKey, keepForReceipt: message.Kind == MessageKind.User);
    }

    /// <summary>Decides what comes next; null when the message is given up.</summary>
    private RetryPace? RecordFailure(AgentTransaction transaction, SendQueue queue, PendingMessage message, AgentError error, RetryState retry)
    {
        var session = transaction.Session;
        var now = agent.Now;
        var hasReceiveQueue = QueueRows.GetReceiving(session, message.Connection).Count > 0;
        switch (DeliveryPolicy.AfterFailure(message.Kind, error, now - message.CreatedAt, hasReceiveQueue, agent.Options))
        {
            case DeliveryDecision.Retry again:
                SentMessageRows.SetRetry(session, message, retry);
                if (again.IsWarned) transaction.Raise(new AgentEvent.SendDelayed(message.Connection, message.Id, error));
                return again.Pace;
            case DeliveryDecision.Drop drop:
                RaiseGivenUp(transaction, message, [message.Id], drop.Error);
                SentMessageRows.RemoveDelivery(session, message.Connection, message.Id, queue.Key, keepForReceipt: false);
                return null;
            case DeliveryDecision.Expire expire:
                var expired = SentMessageRows.GetExpired(session, queue.Key, now - expire.Limit);
                RaiseGivenUp(transaction, message, expired, expire.Error);
                foreach (var id in expired) SentMessageRows.RemoveDelivery(session, message.Connection, id, queue.Key, keepForReceipt: false);
                return null;
            case var other:
                throw new UnreachableException(other.GetType().Name);
        }
    }

    private static void RaiseGivenUp(AgentTransaction transaction, PendingMessage message, List<AgentMessageId> ids, AgentError error)
    {
        if (message.Kind == MessageKind.User) transaction.Raise(new AgentEvent.SendFailed(message.Connection, ids, error));
        else transaction.Raise(new AgentEvent.ConnectionFailed(message.Connection, error));
    }
}
