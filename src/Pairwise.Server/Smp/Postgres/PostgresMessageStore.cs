using Pairwise.Server.Smp.Store;

namespace Pairwise.Server.Smp.Postgres;

/// <summary>
/// Messages in memory with every change written behind to the database. What waits in queues is held in memory too: the
/// database is what survives, not what saves memory.
/// </summary>
internal sealed class PostgresMessageStore(int quota, PostgresWriter writer) : MessageStore(quota)
{
    /// <summary>While the store is loaded from the database, what is put back is there already.</summary>
    public bool IsLoading { get; set; }

    protected override QueueMessages? Open(SmpQueue queue) => queue.Messages;

    protected override QueueMessages OpenOrCreate(SmpQueue queue) => queue.Messages ??= new PostgresMessages(this, queue.RecipientId);

    protected override void Removed(SmpQueue queue, QueueMessages messages)
    {
        if (messages.Count == 0)
        {
            queue.Messages = null;
        }
    }

    // The queue's own deletion removes its messages.
    protected override void DropMessages(SmpQueue queue)
    {
        if (!queue.IsDeleted && !writer.TryEnqueue(
            new PostgresChange("DELETE FROM messages WHERE recipient_id = $1", [queue.RecipientId.ToArray()]),
            new PostgresChange("UPDATE msg_queues SET msg_queue_size = 0, msg_can_write = TRUE, msg_queue_expire = FALSE WHERE recipient_id = $1", [queue.RecipientId.ToArray()])))
        {
            throw new IOException("The database takes no changes.");
        }
    }

    private sealed class PostgresMessages(PostgresMessageStore store, StoredId recipientId) : QueueMessages
    {
        private readonly MemoryMessages _messages = new();

        public override int Count => _messages.Count;

        public override WriteOutcome Write(StoredMessage message, int quota)
        {
            // The database must take the message before memory does: what it refuses was never there.
            var preview = Preview(quota);
            if (preview != Effect.Nothing && !store.IsLoading && !store.TryInsert(recipientId, preview == Effect.Marker && !message.IsQuota ? StoredMessage.Quota(message.Id, message.Seconds) : message, _messages.Count + 1, canWrite: preview != Effect.Marker))
            {
                throw new IOException("The database takes no changes.");
            }

            _isFull = preview == Effect.Marker || (_isFull && _messages.Count > 0);
            return _messages.Write(message, quota);
        }

        public override StoredMessage? Peek() => _messages.Peek();

        public override void RemoveFirst()
        {
            if (_messages.Peek() is not { } first)
            {
                return;
            }

            if (!store.TryDelete(recipientId, first, _messages.Count - 1))
            {
                throw new IOException("The database takes no changes.");
            }

            _messages.RemoveFirst();
        }

        public override void SetOverQuota()
        {
            _isFull = true;
            _messages.SetOverQuota();
        }

        public override IEnumerable<StoredMessage> All() => _messages.All();

        private bool _isFull;

        // The quota's rule, as MemoryMessages applies it.
        private Effect Preview(int quota) =>
            _isFull && _messages.Count > 0 ? Effect.Nothing
            : _messages.Count >= quota ? Effect.Marker
            : Effect.Message;

        private enum Effect
        {
            Nothing,
            Message,
            Marker,
        }
    }

    // The counts are those of memory, not one more or less than the row's, so that a change may be made twice.
    private bool TryInsert(StoredId recipientId, StoredMessage message, long size, bool canWrite) => writer.TryEnqueue(
        new PostgresChange(
            $"INSERT INTO messages ({PostgresRows.MessageColumns}) VALUES ($1,$2,$3,$4,$5,$6)",
            [recipientId.ToArray(), message.Id.ToArray(), message.Seconds, message.IsQuota, message.Notify, message.Body.ToArray()])
        {
            RepeatedSql = $"INSERT INTO messages ({PostgresRows.MessageColumns}) SELECT $1,$2,$3,$4,$5,$6 WHERE NOT EXISTS (SELECT FROM messages WHERE recipient_id = $1 AND msg_id = $2)",
        },
        new PostgresChange(
            "UPDATE msg_queues SET msg_queue_size = $2, msg_can_write = $3, msg_queue_expire = TRUE WHERE recipient_id = $1",
            [recipientId.ToArray(), size, canWrite]));

    private bool TryDelete(StoredId recipientId, StoredMessage message, long size) => writer.TryEnqueue(
        new PostgresChange("DELETE FROM messages WHERE recipient_id = $1 AND msg_id = $2", [recipientId.ToArray(), message.Id.ToArray()]),
        new PostgresChange(
            "UPDATE msg_queues SET msg_queue_size = $2, msg_can_write = msg_can_write OR $2 = 0, msg_queue_expire = $2 > 0 WHERE recipient_id = $1",
            [recipientId.ToArray(), size]));
}
