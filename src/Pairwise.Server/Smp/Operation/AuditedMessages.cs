using Pairwise.Server.Smp.Store;

namespace Pairwise.Server.Smp.Operation;

/// <summary>One message that waits, without what an audit does not tell.</summary>
/// <param name="Seconds">When the relay took it: seconds since 1970.</param>
/// <param name="IsQuota">Whether it is the mark that its queue was full.</param>
/// <param name="Length">Bytes of its content.</param>
public readonly record struct AuditedMessage(long Seconds, bool IsQuota, int Length);

/// <summary>
/// What waits, queue by queue, in order. Contents are not kept: messages may be more than memory holds. Not thread-safe.
/// </summary>
public sealed class AuditedMessages
{
    private readonly Dictionary<StoredId, List<AuditedMessage>> _byQueue = [];

    /// <summary>Messages and marks of all queues.</summary>
    public long Count { get; private set; }

    /// <summary>What waits in a queue.</summary>
    public IReadOnlyList<AuditedMessage> Of(SmpQueue queue)
    {
        ArgumentNullException.ThrowIfNull(queue);
        return _byQueue.TryGetValue(queue.RecipientId, out List<AuditedMessage>? messages) ? messages : [];
    }

    internal void Add(StoredId queue, AuditedMessage message)
    {
        if (!_byQueue.TryGetValue(queue, out List<AuditedMessage>? messages))
        {
            _byQueue.Add(queue, messages = new List<AuditedMessage>(1));
        }

        messages.Add(message);
        Count++;
    }

    internal void Add(StoredId queue, StoredMessage message) => Add(queue, new AuditedMessage(message.Seconds, message.IsQuota, message.Body.Length));
}
