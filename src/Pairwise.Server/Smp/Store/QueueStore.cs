using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp.Logs;

namespace Pairwise.Server.Smp.Store;

/// <summary>
/// All queues of a relay, found by each of their ids, and every change that a command or the operator may make to
/// their records. With a log, a change is written before it is made here: what the log refuses answers STORE, and has not
/// happened.
/// </summary>
/// <remarks>
/// Thread-safe; a queue is guarded by itself, and there is no lock over all of them. A change of a queue that was
/// deleted meanwhile answers AUTH, as if it had never been.
/// </remarks>
public sealed class QueueStore
{
    private readonly QueueTable<RecipientIndex> _byRecipient = new();
    private readonly QueueTable<SenderIndex> _bySender = new();
    private readonly ConcurrentDictionary<StoredId, SmpQueue> _byNotifier = new();
    private readonly ConcurrentDictionary<LinkId, SmpQueue> _byLink = new();
    private IQueueLog? _log;

    /// <summary>The services known by their certificates.</summary>
    public ServiceStore Services { get; } = new();

    /// <summary>How many queues there are.</summary>
    public int Count => _byRecipient.Count;

    /// <summary>How many of them have a notifier.</summary>
    public int NotifierCount => _byNotifier.Count;

    /// <summary>From now on every change is written to the log.</summary>
    public void AttachLog(IQueueLog log) => _log = log;

    /// <summary>All queues; each shard as it was at one moment.</summary>
    public IEnumerable<SmpQueue> All() => _byRecipient.All();

    public bool TryFindByRecipient(StoredId id, [NotNullWhen(true)] out SmpQueue? queue) => _byRecipient.TryFind(id, out queue);

    public bool TryFindBySender(StoredId id, [NotNullWhen(true)] out SmpQueue? queue) => _bySender.TryFind(id, out queue);

    public bool TryFindByNotifier(StoredId id, [NotNullWhen(true)] out SmpQueue? queue) => _byNotifier.TryGetValue(id, out queue);

    public bool TryFindByLink(LinkId id, [NotNullWhen(true)] out SmpQueue? queue) => _byLink.TryGetValue(id, out queue);

    /// <summary>
    /// Adds a new queue. Answers DUPLICATE_ when one of its ids is taken; then nothing was added. A queue that the log
    /// refused counts as deleted.
    /// </summary>
    public SmpError? Add(SmpQueue queue)
    {
        lock (queue)
        {
            if (!_bySender.TryAdd(queue))
            {
                return SmpError.Duplicate.Instance;
            }

            if (!_byRecipient.TryAdd(queue))
            {
                _bySender.Remove(queue);
                return SmpError.Duplicate.Instance;
            }

            if (queue.Link is { } link && !_byLink.TryAdd(link.Id, queue))
            {
                Forget(queue, hasLink: false, hasNotifier: false);
                return SmpError.Duplicate.Instance;
            }

            if (queue.Notifier is { } notifier && !_byNotifier.TryAdd(notifier.Id, queue))
            {
                Forget(queue, hasLink: true, hasNotifier: false);
                return SmpError.Duplicate.Instance;
            }

            // Its ids are reserved: nobody else can take them while the log is asked.
            SmpError? refused = WriteOr(new StoreLogRecord.CreateQueue(queue), () =>
            {
                queue.IsDeleted = true;
                Forget(queue, hasLink: true, hasNotifier: true);
            });
            if (refused is null)
            {
                Services.Associate(ServiceSide.Recipient, null, queue.ServiceId);
                Services.Associate(ServiceSide.Notifier, null, queue.Notifier?.ServiceId);
            }

            return refused;
        }
    }

    /// <summary>Sets the sender's key. The same key again is no error; another one answers AUTH.</summary>
    public SmpError? Secure(SmpQueue queue, in StoredKey key)
    {
        lock (queue)
        {
            if (queue.IsDeleted)
            {
                return SmpError.Auth.Instance;
            }

            if (queue.IsSecured && !queue.SenderKey.SameAs(key))
            {
                return SmpError.Auth.Instance;
            }

            if (Write(new StoreLogRecord.SecureQueue(queue.RecipientId, key)) is { } refused)
            {
                return refused;
            }

            queue.SetSenderKey(key);
            return null;
        }
    }

    /// <summary>Replaces the recipient keys.</summary>
    public SmpError? SetRecipientKeys(SmpQueue queue, IReadOnlyList<StoredKey> keys)
    {
        lock (queue)
        {
            if (queue.IsDeleted)
            {
                return SmpError.Auth.Instance;
            }

            if (Write(new StoreLogRecord.UpdateKeys(queue.RecipientId, keys)) is { } refused)
            {
                return refused;
            }

            queue.SetRecipientKeys([.. keys]);
            return null;
        }
    }

    /// <summary>Sets or replaces link data; the link id and the fixed part of existing data cannot change.</summary>
    public SmpError? SetLink(SmpQueue queue, QueueLink link)
    {
        lock (queue)
        {
            if (queue.IsDeleted)
            {
                return SmpError.Auth.Instance;
            }

            bool isNew = queue.Link is null;
            if (queue.Link is { } present)
            {
                if (present.Id != link.Id || !present.FixedPart.Span.SequenceEqual(link.FixedPart.Span))
                {
                    return SmpError.Auth.Instance;
                }
            }
            else if (!_byLink.TryAdd(link.Id, queue))
            {
                return SmpError.Auth.Instance; // the id belongs to another queue
            }

            SmpError? refused = WriteOr(new StoreLogRecord.CreateLink(queue.RecipientId, link), () =>
            {
                if (isNew)
                {
                    _byLink.TryRemove(link.Id, out _);
                }
            });
            if (refused is null)
            {
                queue.SetLink(link);
            }

            return refused;
        }
    }

    /// <summary>Removes link data; no error when there is none.</summary>
    public SmpError? DeleteLink(SmpQueue queue)
    {
        lock (queue)
        {
            if (queue.IsDeleted)
            {
                return SmpError.Auth.Instance;
            }

            if (queue.Link is not { } link)
            {
                return null;
            }

            if (Write(new StoreLogRecord.DeleteLink(queue.RecipientId)) is { } refused)
            {
                return refused;
            }

            _byLink.TryRemove(link.Id, out _);
            queue.SetLink(null);
            return null;
        }
    }

    /// <summary>Sets notifier credentials. Answers DUPLICATE_ when the id is taken.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="notifier">The new credentials.</param>
    /// <param name="former">The credentials that they replaced; null when they replaced none.</param>
    public SmpError? SetNotifier(SmpQueue queue, QueueNotifier notifier, out QueueNotifier? former)
    {
        former = null;
        lock (queue)
        {
            if (queue.IsDeleted)
            {
                return SmpError.Auth.Instance;
            }

            if (!_byNotifier.TryAdd(notifier.Id, queue))
            {
                return SmpError.Duplicate.Instance;
            }

            if (WriteOr(new StoreLogRecord.AddNotifier(queue.RecipientId, notifier), () => _byNotifier.TryRemove(notifier.Id, out _)) is { } refused)
            {
                return refused;
            }

            former = RemoveNotifier(queue);
            queue.SetNotifier(notifier);
            Services.Associate(ServiceSide.Notifier, null, notifier.ServiceId);
            return null;
        }
    }

    /// <summary>Removes notifier credentials; no error when there are none.</summary>
    public SmpError? DeleteNotifier(SmpQueue queue, out QueueNotifier? former)
    {
        former = null;
        lock (queue)
        {
            if (queue.IsDeleted)
            {
                return SmpError.Auth.Instance;
            }

            if (queue.Notifier is not null && Write(new StoreLogRecord.DeleteNotifier(queue.RecipientId)) is { } refused)
            {
                return refused;
            }

            former = RemoveNotifier(queue);
            return null;
        }
    }

    /// <summary>Associates the recipient's or the notifier's side with a service, or with none.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="side">Whose side.</param>
    /// <param name="serviceId">The service, or null for none.</param>
    /// <param name="former">The service that it was associated with before.</param>
    public SmpError? SetService(SmpQueue queue, ServiceSide side, StoredId? serviceId, out StoredId? former)
    {
        former = null;
        lock (queue)
        {
            if (queue.IsDeleted || (side == ServiceSide.Notifier && queue.Notifier is null))
            {
                return SmpError.Auth.Instance;
            }

            former = side == ServiceSide.Recipient ? queue.ServiceId : queue.Notifier!.ServiceId;
            if (former == serviceId)
            {
                return null;
            }

            if (Write(new StoreLogRecord.QueueService(queue.RecipientId, side, serviceId)) is { } refused)
            {
                return refused;
            }

            if (side == ServiceSide.Recipient)
            {
                queue.SetService(serviceId);
            }
            else
            {
                queue.SetNotifier(queue.Notifier!.WithService(serviceId));
            }

            Services.Associate(side, former, serviceId);
            return null;
        }
    }

    /// <summary>Adds a service, or finds the one with the same certificate; another role answers SERVICE.</summary>
    public SmpError? GetOrAddService(ServiceRecord service, out StoredId id) =>
        Services.GetOrAdd(service, added => Write(new StoreLogRecord.NewService(added)), out id);

    /// <summary>No more messages are taken.</summary>
    public SmpError? Suspend(SmpQueue queue) =>
        SetStatus(queue, QueueStatus.Off, null, new StoreLogRecord.SuspendQueue(queue.RecipientId));

    /// <summary>The operator blocks the queue.</summary>
    public SmpError? Block(SmpQueue queue, SmpError.Blocked block) =>
        SetStatus(queue, QueueStatus.Blocked, block, new StoreLogRecord.BlockQueue(queue.RecipientId, block));

    /// <summary>The operator takes the block away.</summary>
    public SmpError? Unblock(SmpQueue queue) =>
        SetStatus(queue, QueueStatus.Active, null, new StoreLogRecord.UnblockQueue(queue.RecipientId));

    /// <summary>Records that the queue was used on this day (days since 1970).</summary>
    public SmpError? Touch(SmpQueue queue, int day)
    {
        lock (queue)
        {
            if (queue.IsDeleted)
            {
                return SmpError.Auth.Instance;
            }

            if (queue.UsedDay == day)
            {
                return null;
            }

            if (Write(new StoreLogRecord.UpdateTime(queue.RecipientId, day)) is { } refused)
            {
                return refused;
            }

            queue.UsedDay = day;
            return null;
        }
    }

    /// <summary>Deletes the queue. Its messages are the message store's.</summary>
    public SmpError? Delete(SmpQueue queue)
    {
        lock (queue)
        {
            if (queue.IsDeleted)
            {
                return SmpError.Auth.Instance;
            }

            if (Write(new StoreLogRecord.DeleteQueue(queue.RecipientId)) is { } refused)
            {
                return refused;
            }

            queue.IsDeleted = true;
            Services.Associate(ServiceSide.Recipient, queue.ServiceId, null);
            Services.Associate(ServiceSide.Notifier, queue.Notifier?.ServiceId, null);
            Forget(queue, hasLink: true, hasNotifier: true);
            return null;
        }
    }

    /// <summary>The queue turned out not to be stored: nobody finds it any more. Nothing is written.</summary>
    /// <returns>False when it was deleted meanwhile.</returns>
    internal bool Evict(SmpQueue queue)
    {
        lock (queue)
        {
            if (queue.IsDeleted)
            {
                return false;
            }

            queue.IsDeleted = true;
            Services.Associate(ServiceSide.Recipient, queue.ServiceId, null);
            Services.Associate(ServiceSide.Notifier, queue.Notifier?.ServiceId, null);
            Forget(queue, hasLink: true, hasNotifier: true);
            return true;
        }
    }

    /// <summary>Everything that can change of a queue is what was stored of it. Nothing is written.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="stored">The same queue as it was stored, which is in no store.</param>
    internal void Replace(SmpQueue queue, SmpQueue stored)
    {
        lock (queue)
        {
            if (queue.IsDeleted)
            {
                return;
            }

            queue.SetSenderKey(stored.SenderKey);
            queue.SetRecipientKeys([stored.RecipientKey, .. stored.MoreRecipientKeys]);
            queue.SetBlock(stored.Block);
            queue.Status = stored.Status;
            queue.UsedDay = stored.UsedDay;
            Services.Associate(ServiceSide.Recipient, queue.ServiceId, stored.ServiceId);
            queue.SetService(stored.ServiceId);
            ReplaceLink(queue, stored.Link);
            RemoveNotifier(queue);
            if (stored.Notifier is { } notifier && _byNotifier.TryAdd(notifier.Id, queue))
            {
                queue.SetNotifier(notifier);
                Services.Associate(ServiceSide.Notifier, null, notifier.ServiceId);
            }
        }
    }

    private void ReplaceLink(SmpQueue queue, QueueLink? link)
    {
        if (queue.Link is { } former)
        {
            _byLink.TryRemove(former.Id, out _);
        }

        queue.SetLink(link is null || _byLink.TryAdd(link.Id, queue) ? link : null);
    }

    private SmpError? SetStatus(SmpQueue queue, QueueStatus status, SmpError.Blocked? block, StoreLogRecord record)
    {
        lock (queue)
        {
            if (queue.IsDeleted)
            {
                return SmpError.Auth.Instance;
            }

            if (Write(record) is { } refused)
            {
                return refused;
            }

            queue.SetBlock(block);
            queue.Status = status;
            return null;
        }
    }

    private QueueNotifier? RemoveNotifier(SmpQueue queue)
    {
        if (queue.Notifier is not { } notifier)
        {
            return null;
        }

        _byNotifier.TryRemove(notifier.Id, out _);
        queue.SetNotifier(null);
        Services.Associate(ServiceSide.Notifier, notifier.ServiceId, null);
        return notifier;
    }

    private void Forget(SmpQueue queue, bool hasLink, bool hasNotifier)
    {
        _byRecipient.Remove(queue);
        _bySender.Remove(queue);
        if (hasLink && queue.Link is { } link)
        {
            _byLink.TryRemove(link.Id, out _);
        }

        if (hasNotifier && queue.Notifier is { } notifier)
        {
            _byNotifier.TryRemove(notifier.Id, out _);
        }
    }

    // What was reserved for a change is given back when the log does not take its record, or fails.
    private SmpError.Store? WriteOr(StoreLogRecord record, Action giveBack)
    {
        bool isWritten = false;
        try
        {
            SmpError.Store? refused = Write(record);
            isWritten = refused is null;
            return refused;
        }
        finally
        {
            if (!isWritten)
            {
                giveBack();
            }
        }
    }

    private SmpError.Store? Write(StoreLogRecord record) => _log?.TryWrite(record) == false ? new SmpError.Store("log") : null;
}
