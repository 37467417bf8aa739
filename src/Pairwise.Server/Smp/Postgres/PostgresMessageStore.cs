using Npgsql;
using Pairwise.Server.Smp.Store;

namespace Pairwise.Server.Smp.Postgres;

/// <summary>
/// Messages in the database. Memory has the order, times and ids of what waits, so that commands need no look into the
/// database; bodies are read when they are written to a client, unless they were stored just before.
/// </summary>
/// <remarks>
/// The counts in the rows of queues are those of memory, not one more or less than the row's: a change may be made twice.
/// </remarks>
internal sealed class PostgresMessageStore(int quota, PostgresStore database, TimeProvider time) : MessageStore(quota)
{
    private const string Insertion = $"INSERT INTO messages ({PostgresRows.MessageColumns})";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Retry = TimeSpan.FromMilliseconds(200);

    // whoever only reads cannot have been refused a change
    private static readonly WriteAccount Reader = new();

    // One connection writes, one may remove old rows; the pool's own queue would give up on those who wait for long.
    private readonly SemaphoreSlim _reading = new(Math.Max(1, database.PoolSize - 2));

    // Whether the last attempt to read failed: those who stood in line for too long meanwhile need not try as well.
    private volatile bool _isAway;

    /// <summary>What was stored just before.</summary>
    public RecentMessages Recent { get; } = new();

    /// <inheritdoc/>
    /// <remarks>
    /// One query, whatever is wanted. While the database is away it is asked again for a while, unless changes wait that
    /// it does not take.
    /// </remarks>
    public override async ValueTask<IReadOnlyList<StoredMessage>> ReadBodiesAsync(IReadOnlyList<(StoredId Queue, StoredId Message)> wanted)
    {
        List<StoredMessage> found = [];
        List<(StoredId Queue, StoredId Message)> others = [];
        foreach ((StoredId Queue, StoredId Message) each in wanted)
        {
            if (Recent.Find(each.Message) is { } recent)
            {
                found.Add(recent);
            }
            else
            {
                others.Add(each);
            }
        }

        if (others.Count == 0)
        {
            return found;
        }

        long started = time.GetTimestamp();
        while (true)
        {
            // What was taken a moment ago may still be on its way into the table.
            await database.Writer.WhenWrittenAsync(Reader);
            await _reading.WaitAsync();
            try
            {
                if (_isAway && time.GetElapsedTime(started) > Patience)
                {
                    throw new IOException("The database is away: messages cannot be read.");
                }

                found.AddRange(await database.ReadBodiesAsync(others));
                _isAway = false;
                return found;
            }
            catch (Exception fault) when (fault is NpgsqlException or TimeoutException or System.Net.Sockets.SocketException or IOException)
            {
                _isAway = true;
                if (time.GetElapsedTime(started) > Patience)
                {
                    throw new IOException("The database is away: messages cannot be read.", fault);
                }
            }
            finally
            {
                _reading.Release();
            }

            await Task.Delay(Retry, time);
        }
    }

    /// <summary>At the start: a message of the database without its body. They come in their order.</summary>
    internal void Load(SmpQueue queue, StoredMessage message)
    {
        lock (queue)
        {
            ((PostgresMessages)OpenOrCreate(queue)).Append(message);
            AddToCount(1);
        }
    }

    /// <summary>At the start: the queue takes nothing until it is empty.</summary>
    internal static void LoadFull(SmpQueue queue)
    {
        lock (queue)
        {
            queue.Messages?.SetOverQuota();
        }
    }

    /// <summary>What waits in a queue is what the database has; nothing is written.</summary>
    /// <param name="queue">The queue, locked by the caller.</param>
    /// <param name="stored">Its messages in order, without bodies.</param>
    /// <param name="isFull">Whether it takes nothing until it is empty.</param>
    internal void Replace(SmpQueue queue, IReadOnlyList<StoredMessage> stored, bool isFull)
    {
        AddToCount(stored.Count - (queue.Messages?.Count ?? 0));
        queue.Messages = null;
        if (stored.Count > 0)
        {
            PostgresMessages messages = new(this, queue);
            foreach (StoredMessage message in stored)
            {
                messages.Append(message);
            }

            if (isFull)
            {
                messages.SetOverQuota();
            }

            queue.Messages = messages;
        }
    }

    /// <exception cref="IOException">The database takes no changes.</exception>
    internal void Insert(StoredId recipientId, StoredMessage message, long size, bool canWrite)
    {
        byte[] id = recipientId.ToArray();
        Change(
            new PostgresChange(
                Insertion + " VALUES ($1,$2,$3,$4,$5,$6)",
                [id, message.Id.ToArray(), message.Seconds, message.IsQuota, message.Notify, message.Body])
            {
                Queue = recipientId,
                RepeatedSql = Insertion + " SELECT $1,$2,$3,$4,$5,$6 WHERE NOT EXISTS (SELECT FROM messages WHERE recipient_id = $1 AND msg_id = $2)",
            },
            new PostgresChange(
                "UPDATE msg_queues SET msg_queue_size = $2, msg_can_write = $3, msg_queue_expire = TRUE WHERE recipient_id = $1",
                [id, size, canWrite]));
    }

    /// <exception cref="IOException">The database takes no changes.</exception>
    internal void Delete(StoredId recipientId, ReadOnlySpan<StoredId> messages, long size)
    {
        byte[] id = recipientId.ToArray();
        byte[][] ids = new byte[messages.Length][];
        for (int i = 0; i < ids.Length; i++)
        {
            ids[i] = messages[i].ToArray();
        }

        Change(
            ids.Length == 1
                ? new PostgresChange("DELETE FROM messages WHERE recipient_id = $1 AND msg_id = $2", [id, ids[0]])
                : new PostgresChange("DELETE FROM messages WHERE recipient_id = $1 AND msg_id = ANY($2)", [id, ids]),
            new PostgresChange(
                "UPDATE msg_queues SET msg_queue_size = $2, msg_can_write = msg_can_write OR $2 = 0, msg_queue_expire = $2 > 0 WHERE recipient_id = $1",
                [id, size]));
    }

    protected override QueueMessages? Open(SmpQueue queue) => queue.Messages;

    protected override QueueMessages OpenOrCreate(SmpQueue queue) => queue.Messages ??= new PostgresMessages(this, queue);

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
        if (!queue.IsDeleted)
        {
            byte[] id = queue.RecipientId.ToArray();
            Change(
                new PostgresChange("DELETE FROM messages WHERE recipient_id = $1", [id]),
                new PostgresChange("UPDATE msg_queues SET msg_queue_size = 0, msg_can_write = TRUE, msg_queue_expire = FALSE WHERE recipient_id = $1", [id]));
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _reading.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Change(params ReadOnlySpan<PostgresChange> changes)
    {
        if (!database.Writer.TryEnqueue(changes))
        {
            throw new IOException("The database takes no changes.");
        }
    }
}
