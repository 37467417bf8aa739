using Pairwise.Protocol.Smp;
using Pairwise.Server.Smp.Subscribing;

namespace Pairwise.Server.Smp.Store;

/// <summary>
/// One queue: its keys, its state, and what waits in it. A queue that is used by nobody holds this object (about 250
/// bytes) and nothing else.
/// </summary>
/// <remarks>
/// Everything that can change is guarded by the lock on the queue itself, which is never
/// taken while holding the lock of another queue.
/// </remarks>
public sealed class SmpQueue
{
    private readonly Bytes32 _dhSecret;
    private StoredKey _recipientKey;
    private StoredKey _senderKey;
    private QueueExtras? _extras;

    /// <summary>Makes a queue as NEW does: one recipient key, active, unsecured.</summary>
    public SmpQueue(StoredId recipientId, StoredId senderId, in StoredKey recipientKey, in Bytes32 dhSecret, QueueUse use)
    {
        RecipientId = recipientId;
        SenderId = senderId;
        _recipientKey = recipientKey;
        _dhSecret = dhSecret;
        Use = use;
    }

    /// <summary>The id the recipient uses.</summary>
    public StoredId RecipientId { get; }

    /// <summary>The id senders use.</summary>
    public StoredId SenderId { get; }

    /// <summary>What it may be used for.</summary>
    public QueueUse Use { get; }

    /// <summary>The secret shared with the recipient, which every delivered body is sealed with.</summary>
    public ref readonly Bytes32 DhSecret => ref _dhSecret;

    /// <summary>The first recipient key; the others are <see cref="MoreRecipientKeys"/>.</summary>
    public ref readonly StoredKey RecipientKey => ref _recipientKey;

    /// <summary>The sender's key; of kind None while anyone may send.</summary>
    public ref readonly StoredKey SenderKey => ref _senderKey;

    /// <summary>Recipient keys after the first.</summary>
    public ReadOnlySpan<StoredKey> MoreRecipientKeys => _extras?.MoreRecipientKeys;

    /// <summary>Whether a sender key is set.</summary>
    public bool IsSecured => _senderKey.Kind != StoredKeyKind.None;

    /// <summary>Whether LGET and unsecured SEND may use it as a contact address; old queues count while unsecured.</summary>
    public bool IsContact => Use == QueueUse.Contact || (Use == QueueUse.Unknown && !IsSecured);

    /// <summary>Whether its link data is gone with the first message.</summary>
    public bool IsSecuredConversation => Use != QueueUse.Contact && IsSecured;

    /// <summary>Whether it takes messages.</summary>
    public QueueStatus Status { get; internal set; }

    /// <summary>The day of last use, in days since 1970; -1 = never recorded.</summary>
    public int UsedDay { get; internal set; } = -1;

    /// <summary>True once it was deleted: whoever still holds the object must answer AUTH.</summary>
    public bool IsDeleted { get; internal set; }

    /// <summary>Why it is blocked.</summary>
    public SmpError.Blocked? Block => _extras?.Block;

    /// <summary>The data behind its short link.</summary>
    public QueueLink? Link => _extras?.Link;

    /// <summary>Its notifier.</summary>
    public QueueNotifier? Notifier => _extras?.Notifier;

    /// <summary>The service that its recipient is associated with.</summary>
    public StoredId? ServiceId => _extras?.ServiceId;

    /// <summary>What waits in it; null = nothing, or nothing opened yet.</summary>
    internal QueueMessages? Messages { get; set; }

    /// <summary>Whether what waits in it was counted since the start; files are found one by one.</summary>
    internal bool IsCounted { get; set; }

    /// <summary>Who is subscribed to it.</summary>
    internal Subscription? Subscription { get; set; }

    /// <summary>Who is subscribed to its notifications.</summary>
    internal Subscription? NotifierSubscription { get; set; }

    internal void SetSenderKey(in StoredKey key) => _senderKey = key;

    internal void SetRecipientKeys(ReadOnlySpan<StoredKey> keys)
    {
        _recipientKey = keys[0];
        Change(extras => extras.MoreRecipientKeys, (extras, value) => extras.MoreRecipientKeys = value, keys.Length > 1 ? keys[1..].ToArray() : null);
    }

    internal void SetBlock(SmpError.Blocked? block) => Change(extras => extras.Block, (extras, value) => extras.Block = value, block);

    internal void SetLink(QueueLink? link) => Change(extras => extras.Link, (extras, value) => extras.Link = value, link);

    internal void SetNotifier(QueueNotifier? notifier) => Change(extras => extras.Notifier, (extras, value) => extras.Notifier = value, notifier);

    internal void SetService(StoredId? service)
    {
        if (service is not null || _extras is not null)
        {
            (_extras ??= new QueueExtras()).ServiceId = service;
        }
    }

    // Only a queue that has something rare pays for the place to keep it.
    private void Change<T>(Func<QueueExtras, T?> current, Action<QueueExtras, T?> set, T? value)
        where T : class
    {
        if (value is null && (_extras is null || current(_extras) is null))
        {
            return;
        }

        set(_extras ??= new QueueExtras(), value);
    }

    private sealed class QueueExtras
    {
        public StoredKey[]? MoreRecipientKeys { get; set; }

        public SmpError.Blocked? Block { get; set; }

        public QueueLink? Link { get; set; }

        public QueueNotifier? Notifier { get; set; }

        public StoredId? ServiceId { get; set; }
    }
}
