using System.Diagnostics;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp.Store;

namespace Pairwise.Server.Smp.Dispatch;

/// <summary>
/// Carries out authorized commands: one private method a command. It waits for nobody: whatever needs another relay
/// is not here.
/// </summary>
/// <remarks>Stateless beside the relay's stores; called from all connections at once.</remarks>
internal sealed partial class SmpDispatcher(SmpRelay relay)
{
    private const int SecondsPerDay = 86400;

    private QueueStore Queues => relay.Queues;

    private MessageStore Messages => relay.Messages;

    private SmpServerOptions Options => relay.Options;

    /// <summary>Carries out a command whose authorization was verified.</summary>
    /// <param name="client">Who sent it.</param>
    /// <param name="corrId">Its correlation id, which NEW binds sender ids to.</param>
    /// <param name="command">The command.</param>
    /// <param name="queue">The queue it is about, for the parties that have one.</param>
    public SmpAnswer Handle(ISmpClient client, CorrId corrId, SmpCommand command, SmpQueue? queue) => command switch
    {
        SmpCommand.Send send => Send(client, send, queue!),
        SmpCommand.Ack ack => RefusalOf(queue!) is { } error ? SmpAnswer.Of(error) : Acknowledge(client, ack, queue!),
        _ => HandleRare(client, corrId, command, queue),
    };

    // Apart, because the functions handed over here would be made for each message above, too.
    private SmpAnswer HandleRare(ISmpClient client, CorrId corrId, SmpCommand command, SmpQueue? queue) => command switch
    {
        SmpCommand.Ping => SmpAnswer.Of(BrokerMessage.Pong.Instance),
        SmpCommand.Sub => WithQueue(queue!, () => Subscribe(client, queue!)),
        SmpCommand.Get => WithQueue(queue!, () => Get(client, queue!)),
        SmpCommand.New create => New(client, corrId, create),
        SmpCommand.Key key => WithQueue(queue!, () => Secure(queue!, key.SenderAuthKey)),
        SmpCommand.SKey key => WithQueue(queue!, () => SecureBySender(queue!, key.SenderAuthKey)),
        SmpCommand.RKey keys => WithQueue(queue!, () => ReplaceRecipientKeys(queue!, keys)),
        SmpCommand.LSet set => WithQueue(queue!, () => SetLink(queue!, set)),
        SmpCommand.LDel => WithQueue(queue!, () => SmpAnswer.OkOr(Queues.DeleteLink(queue!))),
        SmpCommand.LKey key => WithQueue(queue!, () => SecureByLink(queue!, key)),
        SmpCommand.LGet => WithQueue(queue!, () => ReadLink(queue!)),
        SmpCommand.NKey key => WithQueue(queue!, () => AllowNotifier(client, queue!, key)),
        SmpCommand.NDel => WithQueue(queue!, () => RemoveNotifier(client, queue!)),
        SmpCommand.NSub => SubscribeToNotifications(client, queue!),
        SmpCommand.NSubs => SubscribeServiceToNotifications(client),
        SmpCommand.Subs => SmpAnswer.Of(SmpError.Command.Prohibited), // as the reference answers up to version 18
        SmpCommand.Off => SmpAnswer.OkOr(Queues.Suspend(queue!)),
        SmpCommand.Del => Delete(client, queue!),
        SmpCommand.Que => WithQueue(queue!, () => Describe(client, queue!)),
        _ => throw new UnreachableException(),
    };

    private SmpAnswer WithQueue(SmpQueue queue, Func<SmpAnswer> handle) => RefusalOf(queue) is { } error ? SmpAnswer.Of(error) : handle();

    // Commands about a blocked queue are refused; the others record that the queue is in use.
    private SmpError? RefusalOf(SmpQueue queue) => BlockOf(queue) is { } block ? block : Touch(queue);

    private SmpError? Touch(SmpQueue queue)
    {
        int today = (int)(relay.NowSeconds() / SecondsPerDay);
        return queue.UsedDay == today ? null : Queues.Touch(queue, today);
    }

    private static ServiceId? WireIdOf(StoredId? service) => service is { } id ? new ServiceId(id.ToWireId()) : null;

    private static SmpError.Blocked? BlockOf(SmpQueue queue) => queue.Status == QueueStatus.Blocked ? queue.Block : null;

    private static StoredKey Stored(Crypto.PublicKey key)
    {
        if (!StoredKey.TryFrom(key, out StoredKey stored))
        {
            throw new UnreachableException("The codec lets through only keys that authorize commands.");
        }

        return stored;
    }
}
