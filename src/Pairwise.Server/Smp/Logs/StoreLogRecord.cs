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

    /// <summary>CREATE: a whole queue.</summary>
    public sealed record CreateQueue(SmpQueue Queue) : StoreLogRecord;

    /// <summary>LINK: link data set or replaced.</summary>
    public sealed record CreateLink(StoredId RecipientId, QueueLink Link) : StoreLogRecord;

    /// <summary>LDELETE: link data removed.</summary>
    public sealed record DeleteLink(StoredId RecipientId) : StoreLogRecord;

    /// <summary>SECURE: the sender's key set.</summary>
    public sealed record SecureQueue(StoredId RecipientId, StoredKey SenderKey) : StoreLogRecord;

    /// <summary>KEYS: the recipient keys replaced.</summary>
    public sealed record UpdateKeys(StoredId RecipientId, IReadOnlyList<StoredKey> Keys) : StoreLogRecord;

    /// <summary>NOTIFIER: notifier credentials set.</summary>
    public sealed record AddNotifier(StoredId RecipientId, QueueNotifier Notifier) : StoreLogRecord;

    /// <summary>SUSPEND: no more messages.</summary>
    public sealed record SuspendQueue(StoredId RecipientId) : StoreLogRecord;

    /// <summary>BLOCK: blocked by the operator.</summary>
    public sealed record BlockQueue(StoredId RecipientId, SmpError.Blocked Block) : StoreLogRecord;

    /// <summary>UNBLOCK: active again.</summary>
    public sealed record UnblockQueue(StoredId RecipientId) : StoreLogRecord;

    /// <summary>DELETE: the queue is gone.</summary>
    public sealed record DeleteQueue(StoredId RecipientId) : StoreLogRecord;

    /// <summary>NDELETE: notifier credentials removed.</summary>
    public sealed record DeleteNotifier(StoredId RecipientId) : StoreLogRecord;

    /// <summary>TIME: the day of last use, in days since 1970.</summary>
    public sealed record UpdateTime(StoredId RecipientId, int Day) : StoreLogRecord;

    /// <summary>NEW_SERVICE: a service certificate seen for the first time.</summary>
    public sealed record NewService(ServiceRecord Service) : StoreLogRecord;

    /// <summary>QUEUE_SERVICE: a queue associated with a service, or with none any more.</summary>
    public sealed record QueueService(StoredId RecipientId, ServiceSide Side, StoredId? ServiceId) : StoreLogRecord;
}
