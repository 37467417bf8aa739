using Pairwise.Protocol.Smp;

namespace Pairwise.Server.Smp.Store;

/// <summary>
/// Where undelivered messages wait. Every call is atomic for its queue: it takes the queue's lock.
/// </summary>
/// <remarks>
/// What <see cref="Write"/> promises before it returns is the subclass's: memory holds the message until the process
/// ends, a journal has handed it to the operating system.
/// </remarks>
public abstract class MessageStore : IDisposable
{
    private long _count;
    private bool _isChanged;

    /// <summary>Makes a store whose queues take this many messages.</summary>
    protected MessageStore(int quota) => Quota = quota;

    /// <summary>How many messages wait, in all queues, with their quota markers.</summary>
    public long Count => Interlocked.Read(ref _count);

    /// <summary>Messages that one queue takes before it refuses.</summary>
    protected int Quota { get; }

    /// <summary>Puts a message at the end of the queue.</summary>
    /// <returns>AUTH when the queue was deleted meanwhile, QUOTA when it is full; else null.</returns>
    /// <exception cref="IOException">The disk refused; then nothing was stored.</exception>
    public SmpError? Write(SmpQueue queue, StoredMessage message, out WriteOutcome outcome)
    {
        lock (queue)
        {
            outcome = WriteOutcome.Quota;
            if (queue.IsDeleted)
            {
                return SmpError.Auth.Instance;
            }

            QueueMessages messages = OpenOrCreate(queue);
            int before = messages.Count;
            outcome = messages.Write(message, Quota);
            AddToCount(messages.Count - before);
            return outcome == WriteOutcome.Quota ? SmpError.Quota.Instance : null;
        }
    }

    /// <summary>The first message, or null.</summary>
    public StoredMessage? Peek(SmpQueue queue)
    {
        lock (queue)
        {
            return Open(queue)?.Peek();
        }
    }

    /// <summary>Removes the first message when it is this one, and tells what is first then.</summary>
    public StoredMessage? Acknowledge(SmpQueue queue, StoredId id, out StoredMessage? removed)
    {
        lock (queue)
        {
            removed = null;
            QueueMessages? messages = Open(queue);
            StoredMessage? first = messages?.Peek();
            if (first is null || first.Id != id)
            {
                return first;
            }

            removed = first;
            RemoveFirst(queue, messages!);
            return messages!.Peek();
        }
    }

    /// <summary>Removes messages that came before a time (seconds since 1970); quota markers stay.</summary>
    public int Expire(SmpQueue queue, long before)
    {
        lock (queue)
        {
            bool wasOpen = queue.Messages is not null;
            QueueMessages? messages = Open(queue);
            int expired = messages is null ? 0 : Expire(queue, messages, before);
            if (!wasOpen)
            {
                Visited(queue);
            }

            return expired;
        }
    }

    /// <summary>How many messages wait in the queue, with its quota marker.</summary>
    public int CountOf(SmpQueue queue)
    {
        lock (queue)
        {
            return Open(queue)?.Count ?? 0;
        }
    }

    /// <summary>
    /// Reads bodies that are not in memory. What is missing in the result is not in the store: it was removed meanwhile.
    /// </summary>
    /// <param name="wanted">Queues and messages in them, a few.</param>
    /// <exception cref="IOException">They cannot be read.</exception>
    public virtual ValueTask<IReadOnlyList<StoredMessage>> ReadBodiesAsync(IReadOnlyList<(StoredId Queue, StoredId Message)> wanted) =>
        throw new NotSupportedException("This store gives every message with its body.");

    /// <summary>All messages of a queue in order; without bodies where they are not in memory.</summary>
    public IReadOnlyList<StoredMessage> All(SmpQueue queue)
    {
        lock (queue)
        {
            return Open(queue) is { } messages ? [.. messages.All()] : [];
        }
    }

    /// <summary>Puts a message back that was saved before a restart, quota markers too.</summary>
    /// <returns>False when the queue is full.</returns>
    public bool Restore(SmpQueue queue, StoredMessage message)
    {
        lock (queue)
        {
            QueueMessages messages = OpenOrCreate(queue);
            if (message.IsQuota && messages.Peek() is { IsQuota: true })
            {
                // A marker at the head would be all that its queue holds back; the last one counts.
                RemoveFirst(queue, messages);
                messages = OpenOrCreate(queue);
            }

            int before = messages.Count;
            bool isStored = messages.Write(message, Quota) != WriteOutcome.Quota || message.IsQuota;
            AddToCount(messages.Count - before);
            if (message.IsQuota)
            {
                messages.SetOverQuota();
            }

            return isStored;
        }
    }

    /// <summary>Removes all messages of a queue that was deleted and tells how many there were.</summary>
    public int Drop(SmpQueue queue)
    {
        lock (queue)
        {
            int count = 0;
            try
            {
                count = Open(queue)?.Count ?? 0;
            }
            catch (IOException)
            {
                // What is damaged cannot be counted, but it can be deleted.
            }

            AddToCount(-count);
            DropMessages(queue);
            queue.Messages = null;
            return count;
        }
    }

    /// <summary>
    /// Whether messages came or went since this was asked last. Who saves them asks before it begins: what changes
    /// meanwhile is seen the next time.
    /// </summary>
    internal bool TakeChanged() => Interlocked.Exchange(ref _isChanged, false);

    /// <summary>What was to be saved was not: it counts as changed.</summary>
    internal void KeepChanged() => Volatile.Write(ref _isChanged, true);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>The messages of a queue, or null when there are none.</summary>
    protected abstract QueueMessages? Open(SmpQueue queue);

    /// <summary>The messages of a queue.</summary>
    protected abstract QueueMessages OpenOrCreate(SmpQueue queue);

    /// <summary>Called when a message was removed: the place to let go of what an empty queue need not hold.</summary>
    protected abstract void Removed(SmpQueue queue, QueueMessages messages);

    /// <summary>Called when a queue that was not open was only looked at.</summary>
    protected virtual void Visited(SmpQueue queue)
    {
    }

    /// <summary>Deletes what is stored outside memory.</summary>
    protected abstract void DropMessages(SmpQueue queue);

    /// <summary>Closes files.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }

    /// <summary>Counts messages that came, went, or were found.</summary>
    protected void AddToCount(long found)
    {
        Interlocked.Add(ref _count, found);
        if (!Volatile.Read(ref _isChanged))
        {
            Volatile.Write(ref _isChanged, true);
        }
    }

    private int Expire(SmpQueue queue, QueueMessages messages, long before)
    {
        int waiting = messages.Count;
        try
        {
            messages.RemoveOlder(before);
        }
        finally
        {
            // A disk may refuse in the middle.
            if (messages.Count < waiting)
            {
                AddToCount(messages.Count - waiting);
                Removed(queue, messages);
            }
        }

        return waiting - messages.Count;
    }

    private void RemoveFirst(SmpQueue queue, QueueMessages messages)
    {
        messages.RemoveFirst();
        AddToCount(-1);
        Removed(queue, messages);
    }
}

/// <summary>Messages in memory: they live as long as the process, unless they are saved when it stops.</summary>
public sealed class MemoryMessageStore(int quota) : MessageStore(quota)
{
    /// <inheritdoc/>
    protected override QueueMessages? Open(SmpQueue queue) => queue.Messages;

    /// <inheritdoc/>
    protected override QueueMessages OpenOrCreate(SmpQueue queue) => queue.Messages ??= new MemoryMessages();

    /// <inheritdoc/>
    protected override void Removed(SmpQueue queue, QueueMessages messages)
    {
        if (messages.Count == 0)
        {
            queue.Messages = null;
        }
    }

    /// <inheritdoc/>
    protected override void DropMessages(SmpQueue queue)
    {
    }
}
