using System.Collections.Concurrent;
using Pairwise.Crypto;
using Pairwise.Protocol;
using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp.Operation;
using Pairwise.Server.Smp.Store;
using Pairwise.Wire;

namespace Pairwise.Server.Smp.Notifying;

/// <summary>A notification that waits for its notifier.</summary>
/// <param name="MessageId">The message that it is about.</param>
/// <param name="Seconds">When the message came (seconds since 1970).</param>
/// <param name="Nonce">24 bytes.</param>
/// <param name="EncryptedMeta">Message id and time, sealed for the recipient.</param>
public sealed record StoredNotification(StoredId MessageId, long Seconds, Bytes Nonce, ReadOnlyMemory<byte> EncryptedMeta);

/// <summary>
/// Notifications that wait: for the next tick, or for somebody to subscribe. Thread-safe.
/// </summary>
public sealed class NotificationStore(SmpStatistics statistics, IRandomSource random)
{
    /// <summary>
    /// How many wait for one notifier at most: a queue's quota of messages. The oldest make room: one is enough to wake a
    /// client up, and it then fetches all messages.
    /// </summary>
    public const int MaxWaiting = 128;

    private readonly ConcurrentDictionary<StoredId, List<StoredNotification>> _byNotifier = new();
    private readonly ConcurrentDictionary<StoredId, bool> _awake = new();
    private long _count;

    /// <summary>How many wait.</summary>
    public long Count => Interlocked.Read(ref _count);

    /// <summary>All that wait, oldest first for each notifier.</summary>
    public IEnumerable<(StoredId NotifierId, StoredNotification Notification)> All()
    {
        foreach ((StoredId id, List<StoredNotification> waiting) in _byNotifier)
        {
            StoredNotification[] snapshot;
            lock (waiting)
            {
                snapshot = [.. waiting];
            }

            foreach (StoredNotification notification in snapshot)
            {
                yield return (id, notification);
            }
        }
    }

    /// <summary>A message came whose sender asked for a notification.</summary>
    public void Add(QueueNotifier notifier, StoredMessage message)
    {
        byte[] nonce = random.Bytes(BoxKey.NonceLength);
        using BoxKey box = BoxKey.FromSymmetric(notifier.DhSecret);
        byte[] sealedMeta = new NotificationMeta(new MessageId(message.Id.ToWireId()), new WireTime(message.Seconds)).Seal(box, nonce);
        Add(notifier.Id, new StoredNotification(message.Id, message.Seconds, Bytes.Wrap(nonce), sealedMeta));
    }

    /// <summary>Puts a notification back that was saved before a restart.</summary>
    public void Add(StoredId notifierId, StoredNotification notification)
    {
        while (true)
        {
            List<StoredNotification> waiting = _byNotifier.GetOrAdd(notifierId, _ => []);
            lock (waiting)
            {
                // An emptied list is taken out of the table under its lock; then another one has to be found.
                if (_byNotifier.TryGetValue(notifierId, out List<StoredNotification>? current) && ReferenceEquals(current, waiting))
                {
                    if (waiting.Count == MaxWaiting)
                    {
                        waiting.RemoveAt(0);
                        Interlocked.Decrement(ref _count);
                        statistics.Add(SmpCounter.MsgNtfLost);
                    }

                    waiting.Add(notification);
                    Interlocked.Increment(ref _count);
                    _awake[notifierId] = true;
                    return;
                }
            }
        }
    }

    /// <summary>The notifier subscribed: what waits is tried again at the next tick.</summary>
    public void Wake(StoredId notifierId)
    {
        if (_byNotifier.ContainsKey(notifierId))
        {
            _awake[notifierId] = true;
        }
    }

    /// <summary>A service subscribed to all its notifiers: whatever waits is tried again at the next tick.</summary>
    public void WakeAll()
    {
        foreach (StoredId id in _byNotifier.Keys)
        {
            _awake[id] = true;
        }
    }

    /// <summary>The notifier was removed.</summary>
    public void Forget(StoredId notifierId) => Take(notifierId);

    /// <summary>Takes the notifiers for whom there is something to try.</summary>
    internal IReadOnlyList<StoredId> TakeAwake()
    {
        List<StoredId> awake = [];
        foreach (StoredId id in _awake.Keys)
        {
            if (_awake.TryRemove(id, out _))
            {
                awake.Add(id);
            }
        }

        return awake;
    }

    /// <summary>Takes all that waits for a notifier.</summary>
    internal IReadOnlyList<StoredNotification> Take(StoredId notifierId)
    {
        if (!_byNotifier.TryGetValue(notifierId, out List<StoredNotification>? waiting))
        {
            return [];
        }

        lock (waiting)
        {
            _byNotifier.TryRemove(new KeyValuePair<StoredId, List<StoredNotification>>(notifierId, waiting));
            StoredNotification[] taken = [.. waiting];
            waiting.Clear();
            Interlocked.Add(ref _count, -taken.Length);
            return taken;
        }
    }

    /// <summary>Removes notifications about messages that came before a time (seconds since 1970).</summary>
    public int Expire(long before)
    {
        int expired = 0;
        foreach ((StoredId id, List<StoredNotification> waiting) in _byNotifier)
        {
            lock (waiting)
            {
                expired += waiting.RemoveAll(notification => notification.Seconds < before);
                if (waiting.Count == 0)
                {
                    _byNotifier.TryRemove(new KeyValuePair<StoredId, List<StoredNotification>>(id, waiting));
                }
            }
        }

        Interlocked.Add(ref _count, -expired);
        statistics.Add(SmpCounter.MsgNtfExpired, expired);
        return expired;
    }
}
