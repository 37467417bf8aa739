using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp.Store;
using Pairwise.Wire;

namespace Pairwise.Server.Smp.Logs;

/// <summary>Which side of a queue a service stands on.</summary>
public enum ServiceSide : byte
{
    /// <summary>Receives messages.</summary>
    Recipient,

    /// <summary>Receives notifications.</summary>
    Notifier,
}

/// <summary>A service known to the relay by its certificate.</summary>
/// <param name="Id">The id the relay gave it.</param>
/// <param name="Role">Its role.</param>
/// <param name="Certificates">Its chain, DER, leaf first.</param>
/// <param name="CertificateHash">SHA-512 of the long-term certificate.</param>
/// <param name="CreatedSeconds">The day of its first visit, in seconds since 1970.</param>
public sealed record ServiceRecord(StoredId Id, SmpServiceRole Role, IReadOnlyList<Bytes> Certificates, Bytes CertificateHash, long CreatedSeconds);

/// <summary>One line of the store log: everything that ever changes a queue.</summary>
public abstract record StoreLogRecord
{
    private protected StoreLogRecord()
    {
    }

    /// <summary>The recipient id of the queue that it is about; null where it is about none.</summary>
    public StoredId? QueueId => this switch
    {
        CreateQueue create => create.Queue.RecipientId,
        QueueChange change => change.RecipientId,
        _ => null,
    };

    /// <summary>A change of a queue that is there.</summary>
    public abstract record QueueChange : StoreLogRecord
    {
        private protected QueueChange(StoredId recipientId) => RecipientId = recipientId;

        /// <summary>The queue's recipient id.</summary>
        public StoredId RecipientId { get; }
    }

    /// <summary>CREATE: a whole queue.</summary>
    public sealed record CreateQueue(SmpQueue Queue) : StoreLogRecord;

    /// <summary>LINK: link data set or replaced.</summary>
    public sealed record CreateLink(StoredId RecipientId, QueueLink Link) : QueueChange(RecipientId);

    /// <summary>LDELETE: link data removed.</summary>
    public sealed record DeleteLink(StoredId RecipientId) : QueueChange(RecipientId);

    /// <summary>SECURE: the sender's key set.</summary>
    public sealed record SecureQueue(StoredId RecipientId, StoredKey SenderKey) : QueueChange(RecipientId);

    /// <summary>KEYS: the recipient keys replaced.</summary>
    public sealed record UpdateKeys(StoredId RecipientId, IReadOnlyList<StoredKey> Keys) : QueueChange(RecipientId);

    /// <summary>NOTIFIER: notifier credentials set.</summary>
    public sealed record AddNotifier(StoredId RecipientId, QueueNotifier Notifier) : QueueChange(RecipientId);

    /// <summary>SUSPEND: no more messages.</summary>
    public sealed record SuspendQueue(StoredId RecipientId) : QueueChange(RecipientId);

    /// <summary>BLOCK: blocked by the operator.</summary>
    public sealed record BlockQueue(StoredId RecipientId, SmpError.Blocked Block) : QueueChange(RecipientId);

    /// <summary>UNBLOCK: active again.</summary>
    public sealed record UnblockQueue(StoredId RecipientId) : QueueChange(RecipientId);

    /// <summary>DELETE: the queue is gone.</summary>
    public sealed record DeleteQueue(StoredId RecipientId) : QueueChange(RecipientId);

    /// <summary>NDELETE: notifier credentials removed.</summary>
    public sealed record DeleteNotifier(StoredId RecipientId) : QueueChange(RecipientId);

    /// <summary>TIME: the day of last use, in days since 1970.</summary>
    public sealed record UpdateTime(StoredId RecipientId, int Day) : QueueChange(RecipientId);

    /// <summary>NEW_SERVICE: a service certificate seen for the first time.</summary>
    public sealed record NewService(ServiceRecord Service) : StoreLogRecord;

    /// <summary>QUEUE_SERVICE: a queue associated with a service, or with none any more.</summary>
    public sealed record QueueService(StoredId RecipientId, ServiceSide Side, StoredId? ServiceId) : QueueChange(RecipientId);
}
